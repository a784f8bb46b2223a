"""LLVM code of `simd_numpy.masks`."""

from llvmlite import ir
from numba import types

from .. import simd_numpy as plain
from .kinds import Mask, check_integers, check_lanes, check_mask, check_mixed, check_scalar
from .llvm import call, compiles, lane_mask, spread, vectors
from .memory import lanes_like


@compiles(plain.mask_n)
def mask_n(typing, a, n):
    lanes = lanes_like("mask_n", a)
    check_integers("mask_n", n=n)

    def code(context, builder, sig, args):
        return lane_mask(builder, "<", lanes, args[1])

    return Mask(lanes.count)(a, types.intp), code


@compiles(plain.select)
def select(typing, mask, a, b):
    lanes = check_mixed("select", a, b)
    check_mask("select", mask, lanes.count)

    def code(context, builder, sig, args):
        return builder.select(args[0], *vectors(builder, sig.args[1:], args[1:], lanes))

    return lanes(mask, *(x if x == lanes else lanes.dtype for x in (a, b))), code


@compiles(plain.where_greater)
def where_greater(typing, x, s, v, w):
    check_lanes("where_greater", x, v, w)
    check_scalar("where_greater", s, x.dtype)

    def code(context, builder, sig, args):
        compare = builder.fcmp_ordered if x.is_float else builder.icmp_signed
        mask = compare(">", args[0], spread(builder, args[1], x.llvm))
        return builder.select(mask, args[2], args[3])

    return x(x, x.dtype, x, x), code


def _bits(builder, mask):
    """Return a mask as an integer with a bit for each lane."""
    return builder.bitcast(mask, ir.IntType(mask.type.count))


@compiles(plain.any_lane)
def any_lane(typing, mask):
    check_mask("any_lane", mask)

    def code(context, builder, sig, args):
        bits = _bits(builder, args[0])
        return builder.icmp_unsigned("!=", bits, bits.type(0))

    return types.boolean(mask), code


@compiles(plain.all_lanes)
def all_lanes(typing, mask):
    check_mask("all_lanes", mask)

    def code(context, builder, sig, args):
        bits = _bits(builder, args[0])
        return builder.icmp_unsigned("==", bits, bits.type(-1))

    return types.boolean(mask), code


@compiles(plain.count_lanes)
def count_lanes(typing, mask):
    check_mask("count_lanes", mask)

    def code(context, builder, sig, args):
        bits = _bits(builder, args[0])
        count = call(builder, f"llvm.ctpop.i{bits.type.width}", bits.type, bits)
        return builder.zext(count, context.get_value_type(types.intp))

    return types.intp(mask), code
