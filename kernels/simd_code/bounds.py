"""Tests of indices, which are only there under ``NUMBA_BOUNDSCHECK=1`` or ``boundscheck=True``."""

from llvmlite import ir
from numba.core import cgutils

from .kinds import DTYPES, Lanes


def check_room(context, builder, function, array_type, array, start, n):
    """Raise IndexError in compiled code unless ``a[start:start + n]`` is there, or ``n <= 0``.

    Parameters
    ----------
    context, builder
        Of the code that is written.
    function : str
        Name for the error.
    array_type, array
        The array: Numba's type and LLVM's value.
    start, n : LLVM values, or int
    """
    if not context.enable_boundscheck:
        return
    intp = start.type
    n = intp(n) if isinstance(n, int) else n
    size = _size(context, builder, array_type, array)
    inside = builder.and_(
        builder.icmp_signed(">=", start, intp(0)),
        builder.icmp_signed("<=", start, builder.sub(size, n)),
    )
    outside = builder.and_(builder.not_(inside), builder.icmp_signed(">", n, intp(0)))
    raise_if(context, builder, function, outside)


def check_lanes_inside(context, builder, function, array_type, array, indices, mask=None):
    """Raise IndexError unless each index, of those in ``mask``, is one of an element."""
    if not context.enable_boundscheck:
        return
    size = context.make_array(array_type)(context, builder, array).nitems
    count = indices.type.count
    size = builder.insert_element(ir.Constant(indices.type, ir.Undefined), size, ir.IntType(32)(0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), count), [0] * count)
    sizes = builder.shuffle_vector(size, size, zeros)
    outside = builder.icmp_unsigned(">=", indices, sizes)  # negative ones are large so
    if mask is not None:
        outside = builder.and_(outside, mask)
    bits = ir.IntType(count)
    raise_if(
        context,
        builder,
        function,
        builder.icmp_unsigned("!=", builder.bitcast(outside, bits), bits(0)),
    )


def raise_if(context, builder, function, outside):
    """Raise IndexError in compiled code where ``outside`` is true."""
    with cgutils.if_unlikely(builder, outside):
        message = f"simd.{function}: what is read or written is not all inside the array"
        context.call_conv.return_user_exc(builder, IndexError, (message,))


def _size(context, builder, array_type, array):
    """Return how many elements there are, counting the last block of a borrowed array as whole.

    Rows lie padded in larger arrays, and `view` describes such a row by the elements that mean
    something: kernels take its last block with what is behind. Of an array that owns its memory
    nothing else is there.
    """
    array = context.make_array(array_type)(context, builder, array)
    size = array.nitems
    if array_type.dtype not in DTYPES:
        return size
    per_block = Lanes(array_type.dtype).count
    up = builder.add(size, size.type(per_block - 1))
    padded = builder.and_(up, size.type(-per_block))
    borrowed = cgutils.is_null(builder, array.meminfo)
    return builder.select(borrowed, padded, size)
