"""LLVM code of `simd_numpy.lanes`."""

from llvmlite import ir
from numba import types

from .. import simd_numpy as plain
from .bounds import raise_if
from .kinds import check_integers, check_lanes, check_scalar
from .llvm import call, compiles, lane_mask, spread
from .memory import lanes_like


@compiles(plain.lane_numbers)
def lane_numbers(typing, a):
    lanes = lanes_like("lane_numbers", a)

    def code(context, builder, sig, args):
        return ir.Constant(lanes.llvm, list(range(lanes.count)))

    return lanes(a), code


@compiles(plain.first_n)
def first_n(typing, v, n):
    check_lanes("first_n", v)
    check_integers("first_n", n=n)

    def code(context, builder, sig, args):
        mask = lane_mask(builder, "<", v, args[1])
        return builder.select(mask, args[0], ir.Constant(v.llvm, None))

    return v(v, types.intp), code


@compiles(plain.first_n_or)
def first_n_or(typing, v, n, s):
    check_lanes("first_n_or", v)
    check_integers("first_n_or", n=n)
    check_scalar("first_n_or", s, v.dtype)

    def code(context, builder, sig, args):
        mask = lane_mask(builder, "<", v, args[1])
        return builder.select(mask, args[0], spread(builder, args[2], v.llvm))

    return v(v, types.intp, v.dtype), code


@compiles(plain.insert_lane)
def insert_lane(typing, v, k, s):
    check_lanes("insert_lane", v)
    check_integers("insert_lane", k=k)
    check_scalar("insert_lane", s, v.dtype)

    def code(context, builder, sig, args):
        mask = lane_mask(builder, "==", v, args[1])
        return builder.select(mask, spread(builder, args[2], v.llvm), args[0])

    return v(v, types.intp, v.dtype), code


@compiles(plain.extract_lane)
def extract_lane(typing, v, k):
    check_lanes("extract_lane", v)
    check_integers("extract_lane", k=k)

    def code(context, builder, sig, args):
        k = args[1]
        if context.enable_boundscheck:
            outside = builder.icmp_unsigned(">=", k, k.type(v.count))
            raise_if(context, builder, "extract_lane", outside)
        return builder.extract_element(args[0], k)

    return v.dtype(v, types.intp), code


@compiles(plain.sum_lanes)
def sum_lanes(typing, v):
    check_lanes("sum_lanes", v)

    def code(context, builder, sig, args):
        if not v.is_float:
            return call(builder, f"llvm.vector.reduce.add.{v.suffix}", v.llvm.element, args[0])
        start = ir.Constant(v.llvm.element, 0.0)
        name = f"llvm.vector.reduce.fadd.{v.suffix}"
        return call(builder, name, start.type, start, args[0], fastmath=("reassoc",))

    return v.dtype(v), code


def _extreme(function, name):
    @compiles(function)
    def extreme(typing, v):
        check_lanes(function.__name__, v)
        prefix = "f" if v.is_float else "s"

        def code(context, builder, sig, args):
            reduce = f"llvm.vector.reduce.{prefix}{name}.{v.suffix}"
            return call(builder, reduce, v.llvm.element, args[0])

        return v.dtype(v), code


_extreme(plain.max_lanes, "max")
_extreme(plain.min_lanes, "min")
