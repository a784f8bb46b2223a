"""The Numba types of values and masks, and the errors of those who pass something else."""

from llvmlite import ir
from numba import types
from numba.core.datamodel import models
from numba.core.errors import TypingError
from numba.extending import register_model

from ..simd_numpy import BYTES

DTYPES = (types.float32, types.float64, types.int32, types.int64)


class Lanes(types.Type):
    """``BYTES`` bytes of ``dtype``: float32, float64, int32 or int64."""

    def __init__(self, dtype):
        self.dtype = dtype
        self.count = BYTES * 8 // dtype.bitwidth
        super().__init__(name=f"Lanes({dtype} x {self.count})")

    @property
    def is_float(self):
        """Whether these are floating-point numbers."""
        return isinstance(self.dtype, types.Float)

    @property
    def llvm(self):
        """The LLVM type: a vector."""
        if not self.is_float:
            return self.llvm_int
        scalar = ir.FloatType() if self.dtype.bitwidth == 32 else ir.DoubleType()
        return ir.VectorType(scalar, self.count)

    @property
    def llvm_int(self):
        """The LLVM vector of integers with as many bits."""
        return ir.VectorType(ir.IntType(self.dtype.bitwidth), self.count)

    @property
    def suffix(self):
        """How LLVM's intrinsics name the type."""
        return f"v{self.count}{'f' if self.is_float else 'i'}{self.dtype.bitwidth}"

    @property
    def alignment(self):
        """Bytes that an address is promised to be a multiple of: one element."""
        return self.dtype.bitwidth // 8

    def of(self, kind):
        """Return the lanes of the same width that are ``"float"`` or ``"int"``."""
        return Lanes(getattr(types, f"{kind}{self.dtype.bitwidth}"))


class Mask(types.Type):
    """A truth value for each of ``count`` lanes."""

    def __init__(self, count):
        self.count = count
        self.llvm = ir.VectorType(ir.IntType(1), count)
        super().__init__(name=f"Mask(x {count})")


@register_model(Lanes)
@register_model(Mask)
class VectorModel(models.PrimitiveModel):
    """A value or mask is passed and kept as the LLVM vector itself."""

    def __init__(self, manager, kind):
        super().__init__(manager, kind, kind.llvm)


# --- what functions accept --------------------------------------------------------------------


def refuse(function, found, expected, advice):
    """Raise the error of a function that was given something else than it takes."""
    raise TypingError(f"simd.{function}: found {found}, expected {expected}; {advice}")


def lanes_of(function, dtype):
    """Return the lanes of a dtype, if there are such."""
    if dtype not in DTYPES:
        advice = "convert the array with astype"
        refuse(function, f"numbers of {dtype}", "float32, float64, int32 or int64", advice)
    return Lanes(dtype)


def check_array(function, a, written=False, dtypes=DTYPES):
    """Raise TypingError for what is not an array whose elements stand side by side, in one row."""
    expected = "a 1-D C-contiguous array"
    if not isinstance(a, types.Array):
        refuse(function, a, expected, "make one with numpy.array")
    if a.ndim != 1:
        refuse(function, a, expected, "pass its flat(a), or a.reshape(-1)")
    if a.layout != "C":
        refuse(function, a, expected, "pass numpy.ascontiguousarray(a)")
    if not a.aligned:
        refuse(function, a, "an aligned array", "pass a copy")
    if written and not a.mutable:
        refuse(function, f"a read-only array, {a}", "one to write to", "pass a copy")
    if dtypes is not None:
        lanes_of(function, a.dtype)


def check_integers(function, **indices):
    """Raise TypingError for an index or a count that is not an int."""
    for name, index in indices.items():
        if not isinstance(index, types.Integer | types.Boolean):
            refuse(function, f"{name} of {index}", "an int", f"convert it: int({name})")


def check_scalar(function, s, dtype):
    """Raise TypingError for a number that has no place in lanes of ``dtype``."""
    fits = (types.Integer, types.Boolean)
    if isinstance(dtype, types.Float):
        fits += (types.Float,)
    if isinstance(s, Lanes | Mask):
        refuse(function, s, f"a scalar, for {dtype}", "take one lane of it: extract_lane")
    if not isinstance(s, fits):
        refuse(function, f"a scalar of {s}", f"one that fits {dtype}", "convert it")


def check_lanes(function, *values, kind=None):
    """Raise TypingError for what is not a value, or not of one dtype, or not of that kind.

    Parameters
    ----------
    function : str
    *values : Numba types
    kind : {"float", "int"}, optional

    Returns
    -------
    Lanes
    """
    for v in values:
        if not isinstance(v, Lanes):
            refuse(function, v, "a SIMD value", "load(a, i) or full(a, s) makes one")
        if v != values[0]:
            refuse(function, f"{values[0]} and {v}", "values of one dtype", CONVERT)
        if kind and v.is_float != (kind == "float"):
            refuse(function, v, f"a value of {kind}s", CONVERT)
    return values[0]


CONVERT = "convert one with to_int or to_float, or its array with astype"


def check_mask(function, mask, count=None):
    """Raise TypingError for what is not a mask, or not of that many lanes."""
    if not isinstance(mask, Mask):
        refuse(function, mask, "a mask", "a comparison of values, such as v > 0.0, makes one")
    if count is not None and mask.count != count:
        advice = "compare values of the same width"
        refuse(function, mask, f"a mask of {count} lanes", advice)


def check_mixed(function, *operands, kind=None):
    """Check values beside scalars, at least one value among them; return its type."""
    values = [x for x in operands if isinstance(x, Lanes)]
    check_lanes(function, *(values or operands), kind=kind)
    for x in operands:
        if not isinstance(x, Lanes):
            check_scalar(function, x, values[0].dtype)
    return values[0]
