"""The elementary functions: errors in ulp, special values, whole arrays."""

import math
import runpy

import mpmath
import numpy as np
import pytest
from numba.core import config

from fastperc.kernels import elementary
from fastperc.kernels.elementary import EXP, LOG, SIGMOID, SOFTPLUS, TANH, apply
from fastperc.kernels.simd_numpy import BYTES

CODES = {"exp": EXP, "log": LOG, "sigmoid": SIGMOID, "tanh": TANH, "softplus": SOFTPLUS}
BOUNDS = {"exp": 1.5, "log": 1.5, "sigmoid": 3.0, "tanh": 4.0, "softplus": 2.5}
DTYPES = (np.float32, np.float64)
LN_2 = math.log(2)

# Every 1000 points take 10 ms where nothing is compiled.
POINTS = 2_000 if config.DISABLE_JIT else 100_000

each_function = pytest.mark.parametrize("name", CODES)
each_dtype = pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: dtype.__name__)


def computed(name, x):
    out = np.empty_like(x)
    apply(CODES[name], x, out)
    return out


def exact(name, x):
    """In extended precision: its errors are about 1/2000 of a float64's last place."""
    x = x.astype(np.longdouble)
    if name == "sigmoid":
        e = np.exp(-np.abs(x))
        return np.where(x > 0, 1 / (1 + e), e / (1 + e))
    if name == "softplus":
        return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))
    return getattr(np, name)(x)


def exact_with_mpmath(name, x):
    if name == "sigmoid":
        return 1 / (1 + mpmath.exp(-x))
    if name == "softplus":
        return mpmath.log1p(mpmath.exp(x))
    return getattr(mpmath, name)(x)


def last_places(dtype, exponent):
    """The exponents of the last places of numbers below ``2**exponent``."""
    info = np.finfo(dtype)
    return np.maximum(exponent - info.nmant - 1, info.minexp - info.nmant)


def errors_in_ulp(got, expected):
    ulp = np.ldexp(np.longdouble(1), last_places(got.dtype, np.frexp(expected)[1]))
    return np.abs(got - expected) / ulp


def domain(name, dtype):
    """Between these arguments, the result is neither 0 nor infinite nor rounded to 1."""
    far = 104.0 if dtype == np.float32 else 745.0
    top = 88.72283 if dtype == np.float32 else 709.78271
    flat = 17.0 if dtype == np.float32 else 37.0
    return {
        "exp": (-far, top),
        "log": (0.5, 2.0),
        "sigmoid": (-far, flat),
        "tanh": (-flat / 2, flat / 2),
        "softplus": (-far, flat),
    }[name]


def arguments(name, dtype, n):
    """Arguments of all sizes that the dtype has, over the domain evenly, and around 0 or 1."""
    rng = np.random.default_rng(7)
    bits = np.int32 if dtype == np.float32 else np.int64
    any_size = rng.integers(0, np.iinfo(bits).max, n, dtype=bits).view(dtype)
    any_size = any_size[np.isfinite(any_size)]
    small = (10.0 ** rng.uniform(-8, 0.5, n)).astype(dtype)
    even = rng.uniform(*domain(name, dtype), n).astype(dtype)
    if name == "log":
        return np.concatenate([any_size, even, 1 + small / 4, 1 - small / 4])
    x = np.concatenate([any_size, -any_size, even, small, -small])
    return x[x <= domain(name, dtype)[1]] if name == "exp" else x


@each_dtype
@each_function
def test_largest_error(name, dtype):
    if np.finfo(np.longdouble).nmant < np.finfo(dtype).nmant + 10:
        pytest.skip("this machine's longdouble is too short to measure float64 against")
    x = arguments(name, dtype, POINTS)
    error = errors_in_ulp(computed(name, x), exact(name, x))
    worst = np.argmax(error)
    assert error[worst] <= BOUNDS[name], f"{error[worst]} ulp at {x[worst]!r}"


HARD = {
    "exp": [0.0, 1e-9, -0.35, 0.3465, 0.3467, -17.0, -16.946049, 88.72, -87.4, -103.2, -103.9],
    "log": [1e-45, 1e-40, 1.2e-38, 0.5, 0.7071, 0.7072, 1 - 1e-7, 1 + 1e-7, 1.4142, 1.4143, 3e38],
    "sigmoid": [-103.2, -103.9, -88.0, -87.0, -15.56291, -4.14935, -1e-9, 1e-9, 0.3466, 16.0],
    "tanh": [1e-45, 1e-20, 0.0019510178, -0.061738025, 0.1732, 0.1734, 1.0, 8.158014],
    "softplus": [-103.2, -87.5, -1.0, -1e-9, 0.0, 0.2919382537, 0.3022683, 15.0, 100.0],
}
HARDER = {
    "exp": [572.8995833986053, 0.3544974651067765, 709.78, -708.5, -744.9, -745.1],
    "log": [5e-324, 1e-310, 2.3e-308, 0.6906538721097911, 1 + 3e-16, 1 - 2e-16, 1.7e308],
    "sigmoid": [-745.1, -744.9, -708.5, -1.954507570290348, 36.0],
    "tanh": [5e-324, 1e-310, 0.0019510177823395874, -0.030535875135988128, 18.2],
    "softplus": [-745.1, -708.5, 0.2919382537210174, 36.0, 1e300],
}


@each_dtype
@each_function
def test_against_mpmath(name, dtype):
    x = np.array(HARD[name] + (HARDER[name] if dtype == np.float64 else []), dtype)
    with mpmath.workprec(300 + 1100):  # exp(-745) has to be seen beside 1
        for argument, got in zip(x.tolist(), computed(name, x).tolist(), strict=True):
            expected = exact_with_mpmath(name, mpmath.mpf(argument))
            exponent = mpmath.frexp(expected)[1]
            ulp = mpmath.ldexp(1, int(last_places(dtype, exponent)))
            error = abs(got - expected) / ulp
            assert error <= BOUNDS[name], f"{float(error)} ulp at {argument!r}"


INF, NAN = math.inf, math.nan
SPECIAL = {
    "exp": [(INF, INF), (-INF, 0), (0, 1), (-0.0, 1), (1e30, INF), (-1e30, 0), (710, INF)],
    "log": [(INF, INF), (-INF, NAN), (0, -INF), (-0.0, -INF), (-1, NAN), (-1e-45, NAN), (1, 0)],
    "sigmoid": [(INF, 1), (-INF, 0), (0, 0.5), (-0.0, 0.5), (1e30, 1), (-1e30, 0), (40, 1)],
    "tanh": [(INF, 1), (-INF, -1), (0, 0), (-0.0, -0.0), (1e30, 1), (-1e30, -1), (20, 1)],
    "softplus": [(INF, INF), (-INF, 0), (1e30, 1e30), (-1e30, 0), (50, 50), (-746, 0)],
}


@each_dtype
@each_function
def test_special_values(name, dtype):
    x, expected = np.array([*SPECIAL[name], (NAN, NAN)], dtype).T
    got = computed(name, np.ascontiguousarray(x))
    np.testing.assert_array_equal(got, expected)
    np.testing.assert_array_equal(np.signbit(got[got == 0]), np.signbit(expected[expected == 0]))


@each_dtype
def test_exp_up_to_the_largest_number_and_down_to_the_smallest(dtype):
    info = np.finfo(dtype)
    top = dtype(88.72283) if dtype == np.float32 else dtype(709.782712893384)
    x = np.array([top, np.nextafter(top, dtype(INF))], dtype)
    got = computed("exp", x)
    assert info.max * 0.9999 < got[0] <= info.max
    assert got[1] == INF
    smallest = np.log(np.longdouble(info.smallest_subnormal))
    assert computed("exp", np.array([smallest], dtype))[0] == info.smallest_subnormal
    assert computed("exp", np.array([smallest - 0.7], dtype))[0] == 0


@each_dtype
def test_tanh_is_odd(dtype):
    x = arguments("tanh", dtype, 1000)
    np.testing.assert_array_equal(computed("tanh", -x), -computed("tanh", x))


@each_dtype
def test_results_stay_within_the_limits(dtype):
    x = arguments("tanh", dtype, POINTS)
    sigmoid, tanh, softplus = (computed(name, x) for name in ("sigmoid", "tanh", "softplus"))
    assert sigmoid.min() == 0
    assert sigmoid.max() == 1
    assert np.abs(tanh).max() == 1
    assert np.all(softplus >= np.maximum(x, 0))


def seams(name, dtype):
    """Arguments where the way of computing changes: from one k to the next, and at the limits."""
    normal = float(np.finfo(dtype).tiny)
    if name == "log":
        return [2.0**k * s for k in (-3, -1, 0, 1, 5) for s in (1, math.sqrt(2))] + [normal]
    steps = [(k + 0.5) * LN_2 for k in range(-4, 4)]
    if name == "tanh":
        return [*(x / 2 for x in steps), 0, 10.0, 20.0]
    lowest, highest = domain(name, dtype)
    return [*steps, 0, lowest, highest if name == "exp" else 40.0]


@each_dtype
@each_function
def test_it_rises_across_the_seams(name, dtype):
    for seam in seams(name, dtype):
        reach = seam if name == "log" else max(1.0, abs(seam))
        x = (seam + reach * np.arange(-50, 51) * 2.0**-11).astype(dtype)
        y = computed(name, x)
        assert np.all(y[1:] >= y[:-1]), f"around {seam}"


@each_dtype
@each_function
def test_a_last_partial_block_is_like_the_others(name, dtype):
    x = np.linspace(0.1, 3.0, 40).astype(dtype)
    block = BYTES // x.itemsize
    expected = computed(name, np.repeat(x, block))[::block]
    for n in range(x.size):
        out = np.full(x.size, -7, dtype)
        apply(CODES[name], x[:n], out[:n])
        np.testing.assert_array_equal(out[:n], expected[:n])
        assert np.all(out[n:] == -7)


@each_function
def test_in_place(name):
    x = np.linspace(0.1, 3.0, 40)
    expected = computed(name, x)
    apply(CODES[name], x, x)
    np.testing.assert_array_equal(x, expected)


@pytest.mark.slow
def test_the_coefficients_are_those_that_the_script_computes(repository):
    minimax = runpy.run_path(str(repository / "bench" / "minimax.py"))
    with mpmath.workprec(minimax["PRECISION"]):
        for name, coefficients, error in minimax["polynomials"]():
            assert [*map(type(coefficients[0]), getattr(elementary, name))] == coefficients
            assert error < (6e-9 if name.endswith("32") else 1.2e-17)
