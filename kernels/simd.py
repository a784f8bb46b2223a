"""Values of several numbers at once: the SIMD lanes that the hot loops are written in.

A `Lanes` value holds 64 bytes of one dtype, 16 float32 or 8 float64, and lives in a machine
register (one of AVX-512, two of AVX2, four of SSE or NEON). It has ``+ - * /`` with another such
value or with a scalar, so that a loop over blocks of a row reads like the loop over its elements::

    j = 0
    while j < n:                       # n is a multiple of width(z)
        store(z, j, load(z, j) + x * load(row, j))
        j += width(z)

Why not leave it to LLVM's vectoriser: the rows of a small network are 4 to 64 elements long, and
there a vectorised loop spends its time in the scalar remainder and in deciding which loop to run.
With rows padded to whole blocks (see `packing`) an 8-32-1 network trains 1.6 times faster.

Nothing here checks bounds. ``a`` is a 1-D C-contiguous array, ``i`` an index with room for a whole
block behind it (`load_n` and `store_n` need room for ``n`` elements only).

With ``NUMBA_DISABLE_JIT=1`` the same names are plain NumPy functions, from `simd_numpy`.
"""

import operator

from llvmlite import ir
from numba import types
from numba.core import cgutils, config
from numba.core.datamodel import models
from numba.core.errors import RequireLiteralValue
from numba.core.imputils import lower_builtin
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, register_model
from numba.np import arrayobj

from .simd_ends import lane_mask, load_first, spread, store_first
from .simd_numpy import BYTES

INT32 = ir.IntType(32)


class Lanes(types.Type):
    """The Numba type of ``BYTES`` bytes of ``dtype`` (float32 or float64)."""

    def __init__(self, dtype):
        self.dtype = dtype
        self.count = BYTES * 8 // dtype.bitwidth
        super().__init__(name=f"Lanes({dtype} x {self.count})")

    @property
    def llvm(self):
        """The LLVM type: a vector."""
        scalar = ir.FloatType() if self.dtype.bitwidth == 32 else ir.DoubleType()
        return ir.VectorType(scalar, self.count)

    @property
    def llvm_int(self):
        """The LLVM vector of integers with as many bits."""
        return ir.VectorType(ir.IntType(self.dtype.bitwidth), self.count)

    @property
    def suffix(self):
        """How LLVM's intrinsics name the type."""
        return f"v{self.count}f{self.dtype.bitwidth}"

    @property
    def alignment(self):
        """Bytes that an address is promised to be a multiple of: one element."""
        return self.dtype.bitwidth // 8


@register_model(Lanes)
class LanesModel(models.PrimitiveModel):
    """A `Lanes` value is passed and kept as the LLVM vector itself."""

    def __init__(self, manager, lanes):
        super().__init__(manager, lanes, lanes.llvm)


# --- parts of LLVM code ----------------------------------------------------------------------


def _address(context, builder, array_type, array, index, vector=None):
    """Return the pointer to element ``index``, as one to ``vector`` where that is given."""
    data = context.make_array(array_type)(context, builder, array).data
    pointer = builder.gep(data, [index])
    return pointer if vector is None else builder.bitcast(pointer, vector.as_pointer())


def _call(builder, name, result, *arguments, **options):
    """Call the LLVM intrinsic ``name``."""
    kind = ir.FunctionType(result, [a.type for a in arguments])
    function = cgutils.get_or_insert_function(builder.module, kind, name)
    return builder.call(function, arguments, **options)


# --- arrays ----------------------------------------------------------------------------------


@intrinsic
def width(typing, a):
    """Return how many elements of ``a`` one value holds: 16 for float32, 8 for float64."""
    count = Lanes(a.dtype).count

    def code(context, builder, sig, args):
        return context.get_constant(types.intp, count)

    return types.intp(a), code


@intrinsic
def at(typing, a, i):
    """Return ``a[i]``, without the test for a negative index; of records, a reference, no copy."""

    def code(context, builder, sig, args):
        pointer = _address(context, builder, sig.args[0], args[0], args[1])
        return pointer if isinstance(a.dtype, types.Record) else builder.load(pointer)

    return a.dtype(a, types.intp), code


@intrinsic
def put(typing, a, i, s):
    """Write ``a[i] = s``, without the test for a negative index."""

    def code(context, builder, sig, args):
        builder.store(args[2], _address(context, builder, sig.args[0], args[0], args[1]))
        return context.get_dummy_value()

    return types.void(a, types.intp, a.dtype), code


@intrinsic
def prefetch(typing, a, i):
    """Fetch the cache line of ``a[i]``, which is wanted soon, without waiting for it."""

    def code(context, builder, sig, args):
        pointer = _address(context, builder, sig.args[0], args[0], args[1])
        pointer = builder.bitcast(pointer, ir.PointerType(ir.IntType(8)))
        read, keep_close, data = INT32(0), INT32(3), INT32(1)
        _call(builder, "llvm.prefetch.p0", ir.VoidType(), pointer, read, keep_close, data)
        return context.get_dummy_value()

    return types.void(a, types.intp), code


@intrinsic
def view(typing, a, start, n):
    """Return ``a[start:start + n]`` as an array that owns nothing.

    A slice counts its references, atomically, each time one is made: four times the cost of a
    small layer. The caller keeps ``a`` alive.
    """
    result = types.Array(a.dtype, 1, "C")

    def code(context, builder, sig, args):
        data = _address(context, builder, sig.args[0], args[0], args[1])
        return _borrowed(context, builder, result, data, [args[2]])

    return result(a, types.intp, types.intp), code


@intrinsic
def flat(typing, a):
    """View all of the C-contiguous array ``a``, of any number of dimensions, as 1-D; see `view`.

    Also of a read-only one, which kernels promise to leave alone: with one type for all, no loop is
    compiled twice.
    """
    result = types.Array(a.dtype, 1, "C")

    def code(context, builder, sig, args):
        array = context.make_array(sig.args[0])(context, builder, args[0])
        return _borrowed(context, builder, result, array.data, [array.nitems])

    return result(a), code


@intrinsic
def records(typing, a, dtype):
    """View all of ``a`` as a 1-D array of records of the structured ``dtype``, owning nothing."""
    result = types.Array(dtype.dtype, 1, "C")

    def code(context, builder, sig, args):
        array = context.make_array(sig.args[0])(context, builder, args[0])
        record = context.get_data_type(result.dtype)
        data = builder.bitcast(array.data, record.as_pointer())
        n_bytes = builder.mul(array.nitems, array.itemsize)
        size = context.get_constant(types.intp, context.get_abi_sizeof(record))
        return _borrowed(context, builder, result, data, [builder.sdiv(n_bytes, size)])

    return result(a, dtype), code


@intrinsic
def matrix(typing, a, start, rows, columns):
    """View ``a[start:start + rows * columns].reshape(rows, columns)``, owning nothing."""
    result = types.Array(a.dtype, 2, "C")

    def code(context, builder, sig, args):
        data = _address(context, builder, sig.args[0], args[0], args[1])
        return _borrowed(context, builder, result, data, [args[2], args[3]])

    return result(a, types.intp, types.intp, types.intp), code


@intrinsic
def stack(typing, a, n):
    """Return room for ``n`` blocks of ``a``'s dtype, a constant, on the stack of the function."""
    if not isinstance(n, types.IntegerLiteral):
        raise RequireLiteralValue("n has to be a constant")
    count, result = n.literal_value * Lanes(a.dtype).count, types.Array(a.dtype, 1, "C")

    def code(context, builder, sig, args):
        scalar = context.get_data_type(a.dtype)
        room = ir.ArrayType(scalar, count)
        with builder.goto_entry_block():
            data = builder.alloca(room)
        data.align = BYTES
        data = builder.bitcast(data, scalar.as_pointer())
        return _borrowed(context, builder, result, data, [context.get_constant(types.intp, count)])

    return result(a, n), code


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


@intrinsic
def load(typing, a, i):
    """Read the block of ``a`` that begins at ``i``."""
    lanes = Lanes(a.dtype)

    def code(context, builder, sig, args):
        pointer = _address(context, builder, sig.args[0], args[0], args[1], lanes.llvm)
        return builder.load(pointer, align=lanes.alignment)

    return lanes(a, types.intp), code


@intrinsic
def store(typing, a, i, v):
    """Write the block ``v`` to ``a``, from ``i`` on."""

    def code(context, builder, sig, args):
        pointer = _address(context, builder, sig.args[0], args[0], args[1], v.llvm)
        builder.store(args[2], pointer, align=v.alignment)
        return context.get_dummy_value()

    return types.void(a, types.intp, v), code


@intrinsic
def load_n(typing, a, i, n):
    """Read the first ``n`` elements from ``a[i]`` on, and 0 in the lanes behind them."""
    lanes = Lanes(a.dtype)

    def code(context, builder, sig, args):
        pointer = _address(context, builder, sig.args[0], args[0], args[1], lanes.llvm)
        return load_first(builder, lanes.llvm, pointer, args[2])

    return lanes(a, types.intp, types.intp), code


@intrinsic
def store_n(typing, a, i, n, v):
    """Write the first ``n`` lanes of ``v`` to ``a``, from ``i`` on."""

    def code(context, builder, sig, args):
        pointer = _address(context, builder, sig.args[0], args[0], args[1], v.llvm)
        store_first(builder, args[3], pointer, args[2])
        return context.get_dummy_value()

    return types.void(a, types.intp, types.intp, v), code


@intrinsic
def gather_n(typing, a, o, places, i, n):
    """Read ``a[o + places[i + k]]`` into lane k for ``k < n``, and 0 into the lanes behind."""
    lanes = Lanes(a.dtype)

    def code(context, builder, sig, args):
        mask = lane_mask(builder, "<", lanes.count, args[4])
        pointers = _scattered(context, builder, sig.args, args, mask, lanes)
        name = f"llvm.masked.gather.{lanes.suffix}.v{lanes.count}p0"
        zeros = ir.Constant(lanes.llvm, None)
        return _call(builder, name, lanes.llvm, pointers, INT32(lanes.alignment), mask, zeros)

    return lanes(a, types.intp, places, types.intp, types.intp), code


@intrinsic
def scatter_n(typing, a, o, places, i, n, v):
    """Write lane k of ``v`` to ``a[o + places[i + k]]`` for ``k < n``; no place comes twice."""

    def code(context, builder, sig, args):
        mask = lane_mask(builder, "<", v.count, args[4])
        pointers = _scattered(context, builder, sig.args, args, mask, v)
        name = f"llvm.masked.scatter.{v.suffix}.v{v.count}p0"
        _call(builder, name, ir.VoidType(), args[5], pointers, INT32(v.alignment), mask)
        return context.get_dummy_value()

    return types.void(a, types.intp, places, types.intp, types.intp, v), code


def _scattered(context, builder, kinds, args, mask, lanes):
    """Return the vector of pointers to the elements of the array that ``places[i:]`` names."""
    array, places = kinds[0], kinds[2]
    bits = places.dtype.bitwidth
    whole = ir.VectorType(ir.IntType(bits), lanes.count)
    pointer = _address(context, builder, places, args[2], args[3], whole)
    name = f"llvm.masked.load.v{lanes.count}i{bits}.p0"
    zeros = ir.Constant(whole, None)
    found = _call(builder, name, whole, pointer, INT32(bits // 8), mask, zeros)
    int64 = ir.VectorType(ir.IntType(64), lanes.count)
    if bits < 64:
        found = builder.sext(found, int64)
    size = ir.Constant(int64, [lanes.dtype.bitwidth // 8] * lanes.count)
    data = _address(context, builder, array, args[0], args[1])
    base = spread(builder, builder.ptrtoint(data, ir.IntType(64)), int64)
    addresses = builder.add(base, builder.mul(found, size))
    return builder.inttoptr(addresses, ir.VectorType(data.type, lanes.count))


@intrinsic
def full(typing, a, s):
    """Return the scalar ``s`` in every lane of a value of ``a``'s dtype."""
    lanes = Lanes(a.dtype)

    def code(context, builder, sig, args):
        return spread(builder, args[1], lanes.llvm)

    return lanes(a, a.dtype), code


# --- lanes -----------------------------------------------------------------------------------


@intrinsic
def first_n(typing, v, n):
    """Return the first ``n`` lanes of ``v``, and 0 behind them."""

    def code(context, builder, sig, args):
        mask = lane_mask(builder, "<", v.count, args[1])
        return builder.select(mask, args[0], ir.Constant(v.llvm, None))

    return v(v, types.intp), code


@intrinsic
def first_n_or(typing, v, n, s):
    """Return the first ``n`` lanes of ``v``, and the scalar ``s`` behind them."""

    def code(context, builder, sig, args):
        mask = lane_mask(builder, "<", v.count, args[1])
        return builder.select(mask, args[0], spread(builder, args[2], v.llvm))

    return v(v, types.intp, v.dtype), code


@intrinsic
def insert_lane(typing, v, k, s):
    """Return ``v`` with the scalar ``s`` in lane ``k``; where there is no such lane, ``v``."""

    def code(context, builder, sig, args):
        mask = lane_mask(builder, "==", v.count, args[1])
        return builder.select(mask, spread(builder, args[2], v.llvm), args[0])

    return v(v, types.intp, v.dtype), code


@intrinsic
def sum_lanes(typing, v):
    """Return the sum of all lanes."""

    def code(context, builder, sig, args):
        start = ir.Constant(v.llvm.element, 0.0)
        name = f"llvm.vector.reduce.fadd.{v.suffix}"
        return _call(builder, name, start.type, start, args[0], fastmath=("reassoc",))

    return v.dtype(v), code


@intrinsic
def max_lanes(typing, v):
    """Return the largest lane (of NaN and a number, the number)."""

    def code(context, builder, sig, args):
        return _call(builder, f"llvm.vector.reduce.fmax.{v.suffix}", v.llvm.element, args[0])

    return v.dtype(v), code


@intrinsic
def where_greater(typing, x, s, v, w):
    """Choose lane by lane: ``v`` where ``x > s``, elsewhere (also where ``x`` is NaN) ``w``."""

    def code(context, builder, sig, args):
        mask = builder.fcmp_ordered(">", args[0], spread(builder, args[1], x.llvm))
        return builder.select(mask, args[2], args[3])

    return x(x, x.dtype, x, x), code


def _bound(predicate):
    @intrinsic
    def bound(typing, v, s):
        def code(context, builder, sig, args):
            limit = spread(builder, args[1], v.llvm)
            return builder.select(builder.fcmp_ordered(predicate, limit, args[0]), limit, args[0])

        return v(v, v.dtype), code

    return bound


maximum = _bound(">")  # max(v, s) lane by lane; a NaN stays NaN
minimum = _bound("<")  # min(v, s) lane by lane; a NaN stays NaN


def _elementwise(name):
    @intrinsic
    def function(typing, v):
        def code(context, builder, sig, args):
            return _call(builder, f"llvm.{name}.{v.suffix}", v.llvm, args[0])

        return v(v), code

    return function


absolute = _elementwise("fabs")
square_root = _elementwise("sqrt")


@intrinsic
def copysign(typing, v, s):
    """Return the size of ``v`` with the sign of ``s``, lane by lane."""

    def code(context, builder, sig, args):
        return _call(builder, f"llvm.copysign.{v.suffix}", v.llvm, *args)

    return v(v, v), code


# --- bits of floating-point numbers (for exp and log) -----------------------------------------


def _float_format(lanes):
    """Return the exponent's bias and the number of mantissa bits."""
    return (127, 23) if lanes.dtype.bitwidth == 32 else (1023, 52)


@intrinsic
def power_of_two(typing, k):
    """Return 2 to the power ``k``; ``k`` whole and within the range of normal numbers."""

    def code(context, builder, sig, args):
        # By adding, not by converting to integers, for which AVX2 has no instruction: in
        # 1.5 * 2**bits + bias + k, the last bits of the mantissa are bias + k.
        bias, bits = _float_format(k)
        shifted = builder.fadd(args[0], ir.Constant(k.llvm, [1.5 * 2.0**bits + bias] * k.count))
        power = builder.bitcast(shifted, k.llvm_int)
        power = builder.shl(power, ir.Constant(k.llvm_int, [bits] * k.count))
        return builder.bitcast(power, k.llvm)

    return k(k), code


@intrinsic
def exponent(typing, x):
    """Return the whole e with ``x = mantissa(x) * 2**e``; ``x`` positive and normal."""

    def code(context, builder, sig, args):
        bias, bits = _float_format(x)
        e = builder.bitcast(args[0], x.llvm_int)
        e = builder.lshr(e, ir.Constant(x.llvm_int, [bits] * x.count))
        # Likewise the other way: the number 2**bits + e has e in its last bits.
        e = builder.or_(e, ir.Constant(x.llvm_int, [(bias + bits) << bits] * x.count))
        shifted = builder.bitcast(e, x.llvm)
        return builder.fsub(shifted, ir.Constant(x.llvm, [2.0**bits + bias] * x.count))

    return x(x), code


@intrinsic
def mantissa(typing, x):
    """Scale ``x`` by a power of two into [1, 2); ``x`` positive and normal."""

    def code(context, builder, sig, args):
        bias, bits = _float_format(x)
        m = builder.bitcast(args[0], x.llvm_int)
        m = builder.and_(m, ir.Constant(x.llvm_int, [(1 << bits) - 1] * x.count))
        m = builder.or_(m, ir.Constant(x.llvm_int, [bias << bits] * x.count))
        return builder.bitcast(m, x.llvm)

    return x(x), code


@intrinsic
def is_double(typing, v):
    """Return whether ``v`` holds float64: a constant, so the other branch is compiled away."""
    double = v.dtype.bitwidth == 64

    def code(context, builder, sig, args):
        return context.get_constant(types.boolean, double)

    return types.boolean(v), code


@intrinsic
def transpose_block(typing, a, i, stride, b, j, b_stride):
    """Write the transpose of a block of the matrix in ``a`` to ``b``: ``b[k, r] = a[r, k]``.

    A block has `width` rows and columns. Rows of ``a`` begin at ``i`` and are ``stride`` apart;
    likewise ``j`` and ``b_stride`` in ``b``.
    """
    lanes = Lanes(a.dtype)
    intp = types.intp

    def code(context, builder, sig, args):
        def pointer(k, start, r):
            """The pointer to the r-th row in the array that is the k-th argument."""
            index = builder.add(start, builder.mul(args[k + 2], ir.Constant(start.type, r)))
            return _address(context, builder, sig.args[k], args[k], index, lanes.llvm)

        block = [
            builder.load(pointer(0, args[1], r), align=lanes.alignment) for r in range(lanes.count)
        ]
        for k, column in enumerate(_transposed(builder, lanes, block)):
            builder.store(column, pointer(3, args[4], k), align=lanes.alignment)
        return context.get_dummy_value()

    return types.void(a, intp, intp, b, intp, intp), code


def _transposed(builder, lanes, block):
    """Return the columns of a square block of lanes."""
    for half in _halves(lanes.count):
        block = _exchange(builder, lanes, block, half)
    return block


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


# --- loops -----------------------------------------------------------------------------------


@intrinsic
def no_unroll(typing):
    """Keep LLVM from unrolling the loop that this stands in.

    Loops over blocks mostly run once or twice; the unrolled copies cost more to enter than they
    save, and twice the compile time.
    """

    def code(context, builder, sig, args):
        nothing = ir.InlineAsm(ir.FunctionType(ir.VoidType(), []), "", "", side_effect=True)
        builder.call(nothing, [], attrs=("convergent",))
        return context.get_dummy_value()

    return types.void(), code


# --- operators -------------------------------------------------------------------------------


class _Arithmetic(AbstractTemplate):
    """``Lanes op Lanes``, and either side may be a scalar."""

    def generic(self, args, kws):
        lanes = next((a for a in args if isinstance(a, Lanes)), None)
        if lanes is None or len(args) != 2:
            return None
        if any(isinstance(a, Lanes) and a != lanes for a in args):
            return None  # of two dtypes
        return signature(lanes, *(a if isinstance(a, Lanes) else lanes.dtype for a in args))


def _define(symbol, method):
    infer_global(symbol)(type(f"Lanes_{symbol.__name__}", (_Arithmetic,), {"key": symbol}))

    def code(context, builder, sig, args):
        vector = sig.return_type.llvm
        both = [
            value if isinstance(kind, Lanes) else spread(builder, value, vector)
            for kind, value in zip(sig.args, args, strict=True)
        ]
        return getattr(builder, method)(*both)

    for left, right in ((Lanes, Lanes), (Lanes, types.Float), (types.Float, Lanes)):
        lower_builtin(symbol, left, right)(code)


for _symbols, _method in (
    ((operator.add, operator.iadd), "fadd"),
    ((operator.sub, operator.isub), "fsub"),
    ((operator.mul, operator.imul), "fmul"),
    ((operator.truediv, operator.itruediv), "fdiv"),
):
    for _symbol in _symbols:
        _define(_symbol, _method)


if config.DISABLE_JIT:
    from .simd_numpy import *  # noqa: F403
