"""LLVM code of `simd_numpy.gathers`."""

from llvmlite import ir
from numba import types

from .. import simd_numpy as plain
from .bounds import check_lanes_inside, check_room
from .kinds import Lanes, check_array, check_integers, check_lanes, refuse
from .llvm import INT32, address, call, compiles, everywhere, lane_mask, spread
from .memory import check_stored, within_block

INT64 = ir.IntType(64)


def check_indices(function, a, indices):
    """Raise TypingError for indices that are not as many as a value of ``a``'s dtype has lanes."""
    check_lanes(function, indices, kind="int")
    if indices.count != Lanes(a.dtype).count:
        expected = Lanes(a.dtype).of("int")
        refuse(function, indices, f"indices in {expected}", "load them from an array of that dtype")


@compiles(plain.gather)
def gather(typing, a, indices):
    check_array("gather", a)
    check_indices("gather", a, indices)
    lanes = Lanes(a.dtype)

    def code(context, builder, sig, args):
        places = _wide(builder, args[1])
        check_lanes_inside(context, builder, "gather", sig.args[0], args[0], places)
        pointers = _pointers(context, builder, sig.args[0], args[0], INT64(0), places)
        return _gather(builder, lanes, pointers, _all(lanes))

    return lanes(a, indices), code


@compiles(plain.scatter)
def scatter(typing, a, indices, v):
    check_stored("scatter", a, v)
    check_indices("scatter", a, indices)

    def code(context, builder, sig, args):
        places = _wide(builder, args[1])
        check_lanes_inside(context, builder, "scatter", sig.args[0], args[0], places)
        pointers = _pointers(context, builder, sig.args[0], args[0], INT64(0), places)
        _scatter(builder, v, args[2], pointers, _all(v))
        return context.get_dummy_value()

    return types.void(a, indices, v), code


@compiles(plain.gather_n)
def gather_n(typing, a, o, places, i, n):
    check_array("gather_n", a)
    check_places("gather_n", places, o=o, i=i, n=n)
    lanes = Lanes(a.dtype)

    def code(context, builder, sig, args):
        mask = lane_mask(builder, "<", lanes, args[4])
        pointers = _named(context, builder, "gather_n", sig.args, args, mask, lanes)
        return _gather(builder, lanes, pointers, mask)

    return lanes(a, types.intp, places, types.intp, types.intp), code


@compiles(plain.scatter_n)
def scatter_n(typing, a, o, places, i, n, v):
    check_stored("scatter_n", a, v)
    check_places("scatter_n", places, o=o, i=i, n=n)

    def code(context, builder, sig, args):
        mask = lane_mask(builder, "<", v, args[4])
        pointers = _named(context, builder, "scatter_n", sig.args, args, mask, v)
        _scatter(builder, v, args[5], pointers, mask)
        return context.get_dummy_value()

    return types.void(a, types.intp, places, types.intp, types.intp, v), code


def check_places(function, places, **integers):
    """Raise TypingError for places that are not in an array of integers."""
    check_array(function, places)
    if not isinstance(places.dtype, types.Integer):
        refuse(function, places, "places in an array of int32 or int64", "convert with astype")
    check_integers(function, **integers)


def _gather(builder, lanes, pointers, mask):
    name = f"llvm.masked.gather.{lanes.suffix}.v{lanes.count}p0"
    zeros = ir.Constant(lanes.llvm, None)
    return call(builder, name, lanes.llvm, pointers, INT32(lanes.alignment), mask, zeros)


def _scatter(builder, lanes, vector, pointers, mask):
    name = f"llvm.masked.scatter.{lanes.suffix}.v{lanes.count}p0"
    call(builder, name, ir.VoidType(), vector, pointers, INT32(lanes.alignment), mask)


def _all(lanes):
    return everywhere(ir.VectorType(ir.IntType(1), lanes.count), 1)


def _wide(builder, indices):
    """Return indices in 64 bits."""
    wide = ir.VectorType(INT64, indices.type.count)
    return indices if indices.type == wide else builder.sext(indices, wide)


def _named(context, builder, function, kinds, args, mask, lanes):
    """Return the vector of pointers to the elements of the array that ``places[i:]`` names."""
    array, origin, places, i, n = args[:5]
    needed = within_block(context, builder, lanes, n)
    check_room(context, builder, function, kinds[2], places, i, needed)
    bits = kinds[2].dtype.bitwidth
    whole = ir.VectorType(ir.IntType(bits), lanes.count)
    pointer = address(context, builder, kinds[2], places, i, whole)
    name = f"llvm.masked.load.v{lanes.count}i{bits}.p0"
    zeros = ir.Constant(whole, None)
    found = call(builder, name, whole, pointer, INT32(bits // 8), mask, zeros)
    found = _wide(builder, found)
    if context.enable_boundscheck:
        indices = builder.add(found, spread(builder, origin, found.type))
        check_lanes_inside(context, builder, function, kinds[0], array, indices, mask)
    return _pointers(context, builder, kinds[0], array, origin, found)


def _pointers(context, builder, array_type, array, origin, places):
    """Return the vector of pointers to ``a[origin + place]``."""
    size = everywhere(places.type, array_type.dtype.bitwidth // 8)
    data = address(context, builder, array_type, array, origin)
    base = spread(builder, builder.ptrtoint(data, INT64), places.type)
    addresses = builder.add(base, builder.mul(places, size))
    return builder.inttoptr(addresses, ir.VectorType(data.type, places.type.count))
