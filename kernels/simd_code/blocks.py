"""LLVM code of `simd_numpy.blocks`."""

from llvmlite import ir
from numba import types

from .. import simd_numpy as plain
from .bounds import check_room
from .ends import load_first, store_first
from .kinds import Lanes, check_array, check_integers, refuse
from .llvm import INT32, address, compiles


@compiles(plain.transpose_block)
def transpose_block(typing, a, i, stride, rows, columns, b, j, b_stride):
    check_array("transpose_block", a)
    check_array("transpose_block", b, written=True)
    if a.dtype != b.dtype:
        refuse("transpose_block", f"{a} and {b}", "arrays of one dtype", "convert one with astype")
    check_integers("transpose_block", i=i, stride=stride, rows=rows, columns=columns)
    check_integers("transpose_block", j=j, b_stride=b_stride)
    lanes, intp = Lanes(a.dtype), types.intp

    def code(context, builder, sig, args):
        a, i, stride, rows, columns, b, j, b_stride = args
        check_rows(context, builder, sig.args[0], a, i, stride, rows, columns)
        check_rows(context, builder, sig.args[5], b, j, b_stride, columns, rows)
        last = builder.sub(rows, intp_constant(1))
        block = []
        for r in range(lanes.count):
            row = intp_constant(r)
            row = builder.select(builder.icmp_signed("<", row, last), row, last)
            at_row = builder.add(i, builder.mul(row, stride))
            pointer = address(context, builder, sig.args[0], a, at_row, lanes.llvm)
            block.append(load_first(builder, lanes, pointer, columns))
        for half in _halves(lanes.count):
            block = _exchange(builder, lanes, block, half)
        for k, column in enumerate(block):
            with builder.if_then(builder.icmp_signed("<", intp_constant(k), columns)):
                at_row = builder.add(j, builder.mul(intp_constant(k), b_stride))
                pointer = address(context, builder, sig.args[5], b, at_row, lanes.llvm)
                store_first(builder, lanes, column, pointer, rows)
        return context.get_dummy_value()

    return types.void(a, intp, intp, intp, intp, b, intp, intp), code


def intp_constant(value):
    """Return an index as a constant of LLVM."""
    return ir.IntType(types.intp.bitwidth)(value)


def check_rows(context, builder, array_type, array, start, stride, rows, columns):
    """Raise IndexError in compiled code unless the first ``rows`` of a block are there."""
    if context.enable_boundscheck:
        per_block = intp_constant(Lanes(array_type.dtype).count)
        rows, columns = (
            builder.select(builder.icmp_signed("<", n, per_block), n, per_block)
            for n in (rows, columns)
        )
        rest = builder.mul(builder.sub(rows, intp_constant(1)), stride)
        for first in (start, builder.add(start, rest)):
            check_room(context, builder, "transpose_block", array_type, array, first, columns)


def _halves(n):
    """Yield n / 2, n / 4, ..., 1."""
    while n > 1:
        n //= 2
        yield n


def _exchange(builder, lanes, rows, half):
    """Exchange, of each two rows ``half`` apart, the lanes that a transpose moves between them."""
    n = lanes.count
    out = list(rows)
    for r in range(n):
        if r & half:
            continue
        low, high = rows[r], rows[r + half]
        first = [k if not k & half else n + (k ^ half) for k in range(n)]
        second = [(k ^ half) if not k & half else n + k for k in range(n)]
        for where, pattern in ((r, first), (r + half, second)):
            mask = ir.Constant(ir.VectorType(INT32, n), pattern)
            out[where] = builder.shuffle_vector(low, high, mask)
    return out


@compiles(plain.no_unroll)
def no_unroll(typing):
    def code(context, builder, sig, args):
        nothing = ir.InlineAsm(ir.FunctionType(ir.VoidType(), []), "", "", side_effect=True)
        builder.call(nothing, [], attrs=("convergent",))
        return context.get_dummy_value()

    return types.void(), code
