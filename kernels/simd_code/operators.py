"""The operators of values and masks; either side of one may be a scalar."""

import operator

from llvmlite import ir
from numba import types
from numba.core.imputils import lower_builtin
from numba.core.typing.templates import AbstractTemplate, infer_global, signature

from .conversions import shifted
from .kinds import CONVERT, Lanes, Mask, check_mask, check_mixed, refuse
from .llvm import everywhere, vectors

SCALARS = (types.Float, types.Integer, types.Boolean)

# Symbols; what LLVM calls the operation for floats and for integers, None if there is none.
ARITHMETIC = (
    ((operator.add, operator.iadd), "fadd", "add"),
    ((operator.sub, operator.isub), "fsub", "sub"),
    ((operator.mul, operator.imul), "fmul", "mul"),
    ((operator.truediv, operator.itruediv), "fdiv", None),
    ((operator.and_, operator.iand), None, "and_"),
    ((operator.or_, operator.ior), None, "or_"),
    ((operator.xor, operator.ixor), None, "xor"),
    ((operator.lshift, operator.ilshift), None, "shl"),
    ((operator.rshift, operator.irshift), None, "ashr"),
)
COMPARISONS = {
    operator.lt: "<",
    operator.le: "<=",
    operator.gt: ">",
    operator.ge: ">=",
    operator.eq: "==",
    operator.ne: "!=",
}


def _typed(symbol, resolve):
    """Let ``resolve`` say what the operator gives for values or masks, as a signature."""

    def generic(self, args, kws):
        if any(isinstance(a, Lanes | Mask) for a in args):
            return resolve(*args)
        return None

    name = f"Lanes_{symbol.__name__}"
    infer_global(symbol)(type(name, (AbstractTemplate,), {"key": symbol, "generic": generic}))


def _lowered(symbol, code, masks=False):
    """Write the code of an operator of two operands."""
    pairs = [(Lanes, Lanes)]
    pairs += [pair for scalar in SCALARS for pair in ((Lanes, scalar), (scalar, Lanes))]
    for left, right in pairs:
        lower_builtin(symbol, left, right)(code)
    if masks:
        lower_builtin(symbol, Mask, Mask)(code)


def _operands(name, a, b, kind=None):
    """Return the type of the values among two operands, and both types as they are to be cast."""
    lanes = check_mixed(name, a, b, kind=kind)
    return lanes, [x if x == lanes else lanes.dtype for x in (a, b)]


def _define_arithmetic(symbol, of_floats, of_ints):
    name = f"operator {symbol.__name__}"
    masks = of_ints in ("and_", "or_", "xor")

    def resolve(a, b):
        if masks and (isinstance(a, Mask) or isinstance(b, Mask)):
            check_mask(name, a)
            check_mask(name, b, a.count)
            return signature(a, a, b)
        lanes, both = _operands(name, a, b)
        if (of_floats if lanes.is_float else of_ints) is None:
            refuse(name, lanes, f"values of {'int' if lanes.is_float else 'float'}s", CONVERT)
        return signature(lanes, *both)

    def code(context, builder, sig, args):
        kind = sig.return_type
        if isinstance(kind, Mask):
            return getattr(builder, of_ints)(*args)
        both = vectors(builder, sig.args, args, kind)
        method = of_floats if kind.is_float else of_ints
        if method in ("shl", "ashr"):
            return shifted(builder, method, *both)
        return getattr(builder, method)(*both)

    _typed(symbol, resolve)
    _lowered(symbol, code, masks)


def _define_comparison(symbol, predicate):
    def resolve(a, b):
        lanes, both = _operands(f"operator {predicate}", a, b)
        return signature(Mask(lanes.count), *both)

    def code(context, builder, sig, args):
        lanes = next(kind for kind in sig.args if isinstance(kind, Lanes))
        both = vectors(builder, sig.args, args, lanes)
        if not lanes.is_float:
            return builder.icmp_signed(predicate, *both)
        # NaN is not equal to anything, and neither larger nor smaller.
        ordered = predicate != "!="
        return (builder.fcmp_ordered if ordered else builder.fcmp_unordered)(predicate, *both)

    _typed(symbol, resolve)
    _lowered(symbol, code)


def _define_unary(symbol, resolve, code):
    _typed(symbol, resolve)
    for kind in (Lanes, Mask):
        lower_builtin(symbol, kind)(code)


def _negated(v):
    check_mixed("operator -", v)
    return signature(v, v)


def _negate(context, builder, sig, args):
    if sig.return_type.is_float:
        return builder.fneg(args[0])
    return builder.sub(ir.Constant(args[0].type, None), args[0])


def _inverted(v):
    if isinstance(v, Lanes):
        check_mixed("operator ~", v, kind="int")
    return signature(v, v)


def _invert(context, builder, sig, args):
    return builder.xor(args[0], everywhere(args[0].type, -1))


def _no_truth(v):
    refuse("bool", v, "one truth value", "ask any_lane or all_lanes of a mask")


for _symbols, *_methods in ARITHMETIC:
    for _symbol in _symbols:
        _define_arithmetic(_symbol, *_methods)
for _symbol, _predicate in COMPARISONS.items():
    _define_comparison(_symbol, _predicate)
_define_unary(operator.neg, _negated, _negate)
_define_unary(operator.invert, _inverted, _invert)
_typed(bool, _no_truth)
