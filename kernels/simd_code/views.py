"""LLVM code of `simd_numpy.views`: array structures with no owner."""

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.errors import RequireLiteralValue
from numba.np import arrayobj

from .. import simd_numpy as plain
from .bounds import check_room, raise_if
from .kinds import check_array, check_integers, refuse
from .llvm import address, compiles
from .memory import lanes_like


def check_contiguous(function, a):
    """Raise TypingError for what is not an array in C order, of any number of dimensions."""
    if not isinstance(a, types.Array) or a.layout != "C":
        refuse(function, a, "a C-contiguous array", "pass numpy.ascontiguousarray(a)")


@compiles(plain.view)
def view(typing, a, start, n):
    check_array("view", a, dtypes=None)
    check_integers("view", start=start, n=n)
    result = types.Array(a.dtype, 1, "C")

    def code(context, builder, sig, args):
        check_part(context, builder, "view", sig.args[0], *args)
        data = address(context, builder, sig.args[0], args[0], args[1])
        return _borrowed(context, builder, result, data, [args[2]])

    return result(a, types.intp, types.intp), code


@compiles(plain.flat)
def flat(typing, a):
    check_contiguous("flat", a)
    result = types.Array(a.dtype, 1, "C")

    def code(context, builder, sig, args):
        array = context.make_array(sig.args[0])(context, builder, args[0])
        return _borrowed(context, builder, result, array.data, [array.nitems])

    return result(a), code


@compiles(plain.records)
def records(typing, a, dtype):
    check_contiguous("records", a)
    if not isinstance(dtype, types.DType) or not isinstance(dtype.dtype, types.Record):
        refuse("records", dtype, "a structured dtype", "see numpy.dtype")
    result = types.Array(dtype.dtype, 1, "C")

    def code(context, builder, sig, args):
        array = context.make_array(sig.args[0])(context, builder, args[0])
        record = context.get_data_type(result.dtype)
        data = builder.bitcast(array.data, record.as_pointer())
        n_bytes = builder.mul(array.nitems, array.itemsize)
        size = context.get_constant(types.intp, context.get_abi_sizeof(record))
        return _borrowed(context, builder, result, data, [builder.sdiv(n_bytes, size)])

    return result(a, dtype), code


@compiles(plain.matrix)
def matrix(typing, a, start, rows, columns):
    check_array("matrix", a, dtypes=None)
    check_integers("matrix", start=start, rows=rows, columns=columns)
    result = types.Array(a.dtype, 2, "C")

    def code(context, builder, sig, args):
        array, start, rows, columns = args
        if context.enable_boundscheck:
            n = builder.mul(rows, columns)
            check_part(context, builder, "matrix", sig.args[0], array, start, n)
        data = address(context, builder, sig.args[0], array, start)
        return _borrowed(context, builder, result, data, [rows, columns])

    return result(a, types.intp, types.intp, types.intp), code


@compiles(plain.stack)
def stack(typing, a, n):
    if not isinstance(n, types.IntegerLiteral):
        raise RequireLiteralValue("stack: n has to be a constant")
    lanes = lanes_like("stack", a)
    count, result = n.literal_value * lanes.count, types.Array(lanes.dtype, 1, "C")

    def code(context, builder, sig, args):
        scalar = context.get_data_type(lanes.dtype)
        with builder.goto_entry_block():
            data = builder.alloca(ir.ArrayType(scalar, count))
        data.align = plain.BYTES
        data = builder.bitcast(data, scalar.as_pointer())
        return _borrowed(context, builder, result, data, [context.get_constant(types.intp, count)])

    return result(a, n), code


def check_part(context, builder, function, array_type, array, start, n):
    """Raise IndexError in compiled code for a part that is not there, or has a negative length."""
    if context.enable_boundscheck:
        check_room(context, builder, function, array_type, array, start, n)
        raise_if(context, builder, function, builder.icmp_signed("<", n, n.type(0)))


def _borrowed(context, builder, array_type, data, shape):
    array = context.make_array(array_type)(context, builder)
    size = context.get_abi_sizeof(context.get_data_type(array_type.dtype))
    itemsize = context.get_constant(types.intp, size)
    strides = [itemsize] if len(shape) == 1 else [builder.mul(shape[1], itemsize), itemsize]
    arrayobj.populate_array(
        array,
        data=data,
        shape=cgutils.pack_array(builder, shape),
        strides=cgutils.pack_array(builder, strides),
        itemsize=itemsize,
        meminfo=None,
    )
    return array._getvalue()
