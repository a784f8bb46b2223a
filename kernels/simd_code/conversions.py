"""LLVM code of `simd_numpy.conversions`."""

from llvmlite import ir
from numba import types

from .. import simd_numpy as plain
from .kinds import Lanes, check_lanes, check_mixed
from .llvm import call, compiles, everywhere, vectors


@compiles(plain.to_int)
def to_int(typing, v):
    check_lanes("to_int", v, kind="float")
    result = v.of("int")

    def code(context, builder, sig, args):
        name = f"llvm.fptosi.sat.{result.suffix}.{v.suffix}"
        return call(builder, name, result.llvm, args[0])

    return result(v), code


@compiles(plain.to_float)
def to_float(typing, v):
    check_lanes("to_float", v, kind="int")
    result = v.of("float")

    def code(context, builder, sig, args):
        return builder.sitofp(args[0], result.llvm)

    return result(v), code


def _same_bits(function, kind, other):
    @compiles(function)
    def same_bits(typing, v):
        check_lanes(function.__name__, v, kind=kind)
        result = v.of(other)

        def code(context, builder, sig, args):
            return builder.bitcast(args[0], result.llvm)

        return result(v), code


_same_bits(plain.bits_as_int, "float", "int")
_same_bits(plain.bits_as_float, "int", "float")


@compiles(plain.shift_right_logical)
def shift_right_logical(typing, v, n):
    check_lanes("shift_right_logical", v, kind="int")
    check_mixed("shift_right_logical", v, n)

    def code(context, builder, sig, args):
        return shifted(builder, "lshr", *vectors(builder, sig.args, args, v))

    return v(v, n if isinstance(n, Lanes) else v.dtype), code


def shifted(builder, method, v, n):
    """Shift by any ``n``: what is shifted by all of its bits has none left, as in NumPy."""
    bits = v.type.element.width
    fits = builder.icmp_unsigned("<", n, everywhere(v.type, bits))
    if method == "ashr":  # all bits are the sign's
        return builder.ashr(v, builder.select(fits, n, everywhere(v.type, bits - 1)))
    zeros = ir.Constant(v.type, None)
    return builder.select(fits, getattr(builder, method)(v, n), zeros)


@compiles(plain.is_double)
def is_double(typing, v):
    check_lanes("is_double", v)
    double = v.dtype == types.float64

    def code(context, builder, sig, args):
        return context.get_constant(types.boolean, double)

    return types.boolean(v), code


# --- parts of floating-point numbers (for exp and log) ----------------------------------------


def _float_format(lanes):
    """Return the exponent's bias and the number of mantissa bits."""
    return (127, 23) if lanes.dtype.bitwidth == 32 else (1023, 52)


@compiles(plain.power_of_two)
def power_of_two(typing, k):
    check_lanes("power_of_two", k, kind="float")

    def code(context, builder, sig, args):
        # By adding, not by converting to integers, for which AVX2 has no instruction: in
        # 1.5 * 2**bits + bias + k, the last bits of the mantissa are bias + k.
        bias, bits = _float_format(k)
        shifted = builder.fadd(args[0], everywhere(k.llvm, 1.5 * 2.0**bits + bias))
        power = builder.bitcast(shifted, k.llvm_int)
        power = builder.shl(power, everywhere(k.llvm_int, bits))
        return builder.bitcast(power, k.llvm)

    return k(k), code


@compiles(plain.exponent)
def exponent(typing, x):
    check_lanes("exponent", x, kind="float")

    def code(context, builder, sig, args):
        bias, bits = _float_format(x)
        e = builder.bitcast(args[0], x.llvm_int)
        e = builder.lshr(e, everywhere(x.llvm_int, bits))
        # Likewise the other way: the number 2**bits + e has e in its last bits.
        e = builder.or_(e, everywhere(x.llvm_int, (bias + bits) << bits))
        shifted = builder.bitcast(e, x.llvm)
        return builder.fsub(shifted, everywhere(x.llvm, 2.0**bits + bias))

    return x(x), code


@compiles(plain.mantissa)
def mantissa(typing, x):
    check_lanes("mantissa", x, kind="float")

    def code(context, builder, sig, args):
        bias, bits = _float_format(x)
        m = builder.bitcast(args[0], x.llvm_int)
        m = builder.and_(m, everywhere(x.llvm_int, (1 << bits) - 1))
        m = builder.or_(m, everywhere(x.llvm_int, bias << bits))
        return builder.bitcast(m, x.llvm)

    return x(x), code
