"""LLVM code of `simd_numpy.memory`."""

from llvmlite import ir
from numba import types

from .. import simd_numpy as plain
from .bounds import check_room
from .ends import load_first, store_first
from .kinds import (
    Lanes,
    Mask,
    check_array,
    check_integers,
    check_lanes,
    check_scalar,
    lanes_of,
    refuse,
)
from .llvm import INT32, address, call, compiles, spread


def lanes_like(function, a):
    """Return the lanes of an array's, or a value's, dtype."""
    if not isinstance(a, types.Array | Lanes):
        refuse(function, a, "an array or a SIMD value", "only its dtype matters")
    return lanes_of(function, a.dtype)


def check_stored(function, a, v):
    """Raise TypingError for an array that takes no ``v``."""
    check_array(function, a, written=True)
    check_lanes(function, v)
    if v.dtype != a.dtype:
        advice = "convert one with to_int or to_float, or the array with astype"
        refuse(function, v, f"a value of the array's dtype, {a.dtype}", advice)


@compiles(plain.width)
def width(typing, a):
    count = lanes_like("width", a).count

    def code(context, builder, sig, args):
        return context.get_constant(types.intp, count)

    return types.intp(a), code


@compiles(plain.full)
def full(typing, a, s):
    lanes = lanes_like("full", a)
    check_scalar("full", s, a.dtype)

    def code(context, builder, sig, args):
        return spread(builder, args[1], lanes.llvm)

    return lanes(a, a.dtype), code


@compiles(plain.load)
def load(typing, a, i):
    check_array("load", a)
    check_integers("load", i=i)
    lanes = Lanes(a.dtype)

    def code(context, builder, sig, args):
        check_room(context, builder, "load", sig.args[0], *args, lanes.count)
        pointer = address(context, builder, sig.args[0], *args, lanes.llvm)
        return builder.load(pointer, align=lanes.alignment)

    return lanes(a, types.intp), code


@compiles(plain.store)
def store(typing, a, i, v):
    check_stored("store", a, v)
    check_integers("store", i=i)

    def code(context, builder, sig, args):
        check_room(context, builder, "store", sig.args[0], *args[:2], v.count)
        pointer = address(context, builder, sig.args[0], *args[:2], v.llvm)
        builder.store(args[2], pointer, align=v.alignment)
        return context.get_dummy_value()

    return types.void(a, types.intp, v), code


def within_block(context, builder, lanes, n):
    """Return ``n``, but no more than the lanes of a block: only where bounds are checked."""
    if not context.enable_boundscheck:
        return n
    most = n.type(lanes.count)
    return builder.select(builder.icmp_signed("<", n, most), n, most)


@compiles(plain.load_n)
def load_n(typing, a, i, n):
    check_array("load_n", a)
    check_integers("load_n", i=i, n=n)
    lanes = Lanes(a.dtype)

    def code(context, builder, sig, args):
        a, i, n = args
        needed = within_block(context, builder, lanes, n)
        check_room(context, builder, "load_n", sig.args[0], a, i, needed)
        pointer = address(context, builder, sig.args[0], a, i, lanes.llvm)
        return load_first(builder, lanes, pointer, n)

    return lanes(a, types.intp, types.intp), code


@compiles(plain.store_n)
def store_n(typing, a, i, n, v):
    check_stored("store_n", a, v)
    check_integers("store_n", i=i, n=n)

    def code(context, builder, sig, args):
        a, i, n, vector = args
        needed = within_block(context, builder, v, n)
        check_room(context, builder, "store_n", sig.args[0], a, i, needed)
        pointer = address(context, builder, sig.args[0], a, i, v.llvm)
        store_first(builder, v, vector, pointer, n)
        return context.get_dummy_value()

    return types.void(a, types.intp, types.intp, v), code


@compiles(plain.at)
def at(typing, a, i):
    check_array("at", a, dtypes=None)
    check_integers("at", i=i)

    def code(context, builder, sig, args):
        check_room(context, builder, "at", sig.args[0], *args, 1)
        pointer = address(context, builder, sig.args[0], *args)
        return pointer if isinstance(a.dtype, types.Record) else builder.load(pointer)

    return a.dtype(a, types.intp), code


@compiles(plain.put)
def put(typing, a, i, s):
    check_array("put", a, written=True, dtypes=None)
    check_integers("put", i=i)
    if isinstance(s, Lanes | Mask):
        refuse("put", s, "a scalar", "store writes a whole value")

    def code(context, builder, sig, args):
        check_room(context, builder, "put", sig.args[0], *args[:2], 1)
        builder.store(args[2], address(context, builder, sig.args[0], *args[:2]))
        return context.get_dummy_value()

    return types.void(a, types.intp, a.dtype), code


@compiles(plain.prefetch)
def prefetch(typing, a, i):
    check_array("prefetch", a, dtypes=None)
    check_integers("prefetch", i=i)

    def code(context, builder, sig, args):
        pointer = address(context, builder, sig.args[0], *args)
        pointer = builder.bitcast(pointer, ir.PointerType(ir.IntType(8)))
        read, keep_close, data = INT32(0), INT32(3), INT32(1)
        call(builder, "llvm.prefetch.p0", ir.VoidType(), pointer, read, keep_close, data)
        return context.get_dummy_value()

    return types.void(a, types.intp), code
