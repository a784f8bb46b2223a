"""LLVM code of `simd_numpy.arithmetic`."""

from llvmlite import ir

from .. import simd_numpy as plain
from .kinds import Lanes, check_lanes, check_mixed
from .llvm import call, compiles, vectors


def _bound(function, predicate):
    @compiles(function)
    def bound(typing, v, s):
        lanes = check_mixed(function.__name__, v, s)
        check_lanes(function.__name__, v)

        def code(context, builder, sig, args):
            v, limit = vectors(builder, sig.args, args, lanes)
            compare = builder.fcmp_ordered if lanes.is_float else builder.icmp_signed
            return builder.select(compare(predicate, limit, v), limit, v)

        return lanes(v, s if isinstance(s, Lanes) else lanes.dtype), code


_bound(plain.maximum, ">")
_bound(plain.minimum, "<")


def _elementwise(function, name):
    @compiles(function)
    def elementwise(typing, v):
        check_lanes(function.__name__, v, kind="float")

        def code(context, builder, sig, args):
            return call(builder, f"llvm.{name}.{v.suffix}", v.llvm, args[0])

        return v(v), code


for _function, _name in (
    (plain.sqrt, "sqrt"),
    (plain.floor, "floor"),
    (plain.ceil, "ceil"),
    (plain.rint, "rint"),
):
    _elementwise(_function, _name)


@compiles(plain.absolute)
def absolute(typing, v):
    check_lanes("absolute", v)

    def code(context, builder, sig, args):
        if v.is_float:
            return call(builder, f"llvm.fabs.{v.suffix}", v.llvm, args[0])
        smallest_stays = ir.IntType(1)(0)
        return call(builder, f"llvm.abs.{v.suffix}", v.llvm, args[0], smallest_stays)

    return v(v), code


@compiles(plain.copysign)
def copysign(typing, v, s):
    check_lanes("copysign", v, s, kind="float")

    def code(context, builder, sig, args):
        return call(builder, f"llvm.copysign.{v.suffix}", v.llvm, *args)

    return v(v, v), code


@compiles(plain.fma)
def fma(typing, a, b, c):
    lanes = check_mixed("fma", a, b, c, kind="float")

    def code(context, builder, sig, args):
        operands = vectors(builder, sig.args, args, lanes)
        return call(builder, f"llvm.fma.{lanes.suffix}", lanes.llvm, *operands)

    return lanes(*(x if x == lanes else lanes.dtype for x in (a, b, c))), code
