"""LLVM code of `simd_numpy.blocks`."""

from llvmlite import ir
from numba import types

from .. import simd_numpy as plain
from .bounds import check_room
from .kinds import Lanes, check_array, check_integers, refuse
from .llvm import INT32, address, compiles


@compiles(plain.transpose_block)
def transpose_block(typing, a, i, stride, b, j, b_stride):
    check_array("transpose_block", a)
    check_array("transpose_block", b, written=True)
    if a.dtype != b.dtype:
        refuse("transpose_block", f"{a} and {b}", "arrays of one dtype", "convert one with astype")
    check_integers("transpose_block", i=i, stride=stride, j=j, b_stride=b_stride)
    lanes, intp = Lanes(a.dtype), types.intp

    def code(context, builder, sig, args):
        def pointer(k, r):
            """The pointer to the r-th row of the block in the array that is argument k."""
            array, start, stride = args[k : k + 3]
            index = builder.add(start, builder.mul(stride, stride.type(r)))
            check_room(context, builder, "transpose_block", sig.args[k], array, index, lanes.count)
            return address(context, builder, sig.args[k], array, index, lanes.llvm)

        rows = [builder.load(pointer(0, r), align=lanes.alignment) for r in range(lanes.count)]
        for half in _halves(lanes.count):
            rows = _exchange(builder, lanes, rows, half)
        for k, column in enumerate(rows):
            builder.store(column, pointer(3, k), align=lanes.alignment)
        return context.get_dummy_value()

    return types.void(a, intp, intp, b, intp, intp), code


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
