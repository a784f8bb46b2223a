"""What SIMD functions refuse, and what their errors say."""

import numpy as np
import pytest
from numba import njit
from numba.core import config
from numba.core.errors import TypingError

from fastperc.kernels import simd

compiled_only = pytest.mark.skipif(
    bool(config.DISABLE_JIT), reason="NUMBA_DISABLE_JIT is set: nothing has types"
)

ROW = np.zeros(100, np.float32)
LONG = np.zeros(100, np.int64)
READ_ONLY = np.zeros(100, np.float32)
READ_ONLY.flags.writeable = False

# A function of two arrays, the arrays, and words that the error has to have.
REFUSED = {
    "complex64": (lambda a, b: simd.load(a, 0), ROW.astype(np.complex64), ROW,
                  "simd.load: found numbers of complex64, expected float32, float64, int32"),
    "int8": (lambda a, b: simd.load_n(a, 0, 3), ROW.astype(np.int8), ROW, "found numbers of int8"),
    "width": (lambda a, b: simd.width(a), ROW.astype(np.int16), ROW, "found numbers of int16"),
    "strided": (lambda a, b: simd.load(a, 0), ROW[::2], ROW,
                r"found array\(float32, 1d, A\), expected a 1-D C-contiguous array; "
                "pass numpy.ascontiguousarray"),
    "2-D": (lambda a, b: simd.store(a, 0, simd.load(b, 0)), ROW.reshape(10, 10), ROW,
            r"found array\(float32, 2d, C\), expected a 1-D C-contiguous array; pass its flat"),
    "tuple": (lambda a, b: simd.load((1.0, 2.0), 0), ROW, ROW, "found UniTuple"),
    "read-only": (lambda a, b: simd.store(a, 0, simd.load(a, 0)), READ_ONLY, ROW,
                  "simd.store: found a read-only array.*; pass a copy"),
    "read-only put": (lambda a, b: simd.put(a, 0, 1.0), READ_ONLY, ROW, "found a read-only array"),
    "index": (lambda a, b: simd.load(a, 1.5), ROW, ROW, "found i of float64, expected an int"),
    "store another dtype": (lambda a, b: simd.store(a, 0, simd.load(b, 0)), ROW, LONG,
                            "found Lanes.int64 x 8., expected a value of the array's dtype"),
    "two dtypes": (lambda a, b: simd.load(a, 0) + simd.load(b, 0), ROW, ROW.astype(np.float64),
                   r"simd.operator add: found Lanes\(float32 x 16\) and Lanes\(float64 x 8\), "
                   "expected values of one dtype; convert one with to_int or to_float"),
    "compared dtypes": (lambda a, b: simd.load(a, 0) < simd.load(b, 0), ROW, LONG, "of one dtype"),
    "selected": (lambda a, b: simd.select(simd.mask_n(a, 1), simd.load(a, 0), simd.full(b, 0)),
                       ROW, LONG, "simd.select: found .* expected values of one dtype"),
    "mask of other width": (lambda a, b: simd.select(simd.load(a, 0) > 0, simd.load(b, 0), 1),
                            ROW, LONG, r"found Mask\(x 16\), expected a mask of 8 lanes"),
    "no mask": (lambda a, b: simd.any_lane(simd.load(a, 0)), ROW, ROW, "expected a mask"),
    "float beside integers": (lambda a, b: simd.load(b, 0) * 0.5, ROW, LONG,
                              "found a scalar of float64, expected one that fits int64"),
    "division of integers": (lambda a, b: simd.load(b, 0) / 2, ROW, LONG,
                             "operator truediv: found .*expected values of floats"),
    "bits of floats": (lambda a, b: simd.load(a, 0) & 3, ROW, LONG, "expected values of ints"),
    "root of integers": (lambda a, b: simd.sqrt(simd.load(b, 0)), ROW, LONG,
                         "simd.sqrt: found .*expected a value of floats"),
    "array for a value": (lambda a, b: simd.maximum(a, 0.0), ROW, ROW,
                          r"simd.maximum: found array.*, expected a SIMD value; load\(a, i\)"),
    "truth of a mask": (lambda a, b: 1 if simd.load(a, 0) > 0 else 0, ROW, ROW,
                        "simd.bool: found Mask.*expected one truth value; ask any_lane"),
    "narrow indices": (lambda a, b: simd.gather(b, simd.load(a, 0)), ROW.astype(np.int32), LONG,
                       "expected indices in Lanes.int64 x 8."),
    "value for a scalar": (lambda a, b: simd.full(a, simd.load(a, 0)), ROW, ROW, "a scalar"),
}  # fmt: skip


@compiled_only
@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit_is_refused_with_advice(name):
    function, a, b, words = REFUSED[name]
    with pytest.raises(TypingError, match=words):
        njit(function)(a, b)


@compiled_only
def test_an_array_of_objects_is_refused():
    with pytest.raises(TypingError, match=r"(?i)object"):
        njit(lambda a: simd.load(a, 0))(ROW.astype(object))


def test_plain_values_of_two_dtypes_are_refused():
    with pytest.raises(TypeError, match="float32 and float64, expected one dtype"):
        simd.load(ROW, 0) + simd.load(ROW.astype(np.float64), 0)
    with pytest.raises(TypeError, match="expected one dtype"):
        simd.select(simd.load(LONG, 0) > 0, simd.load(LONG, 0), simd.load(np.zeros(9), 0))


def test_a_plain_scalar_takes_the_dtype_of_the_value():
    assert (np.float64(0.1) * simd.load(ROW, 0) + 3).dtype == np.float32


def test_two_names_may_stand_for_one_plain_value():
    v = w = simd.load(ROW, 0)
    v += 1.0
    assert v[0] == 1.0
    assert w[0] == 0.0
