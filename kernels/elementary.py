"""exp, log, sigmoid, tanh and softplus of SIMD lanes: no calls, no tables, no branches.

Numba has no vector math library: ``math.exp`` in a loop is a call for every element. These take a
SIMD value of either dtype and become 20 to 60 packed instructions of the loop they stand in. The
chain from argument to result is kept short (polynomials in Estrin's form, one division), because
training sample by sample waits for the activation of every layer.

The largest errors, in units of the last place of the exact result (ulp)::

                exp    log    sigmoid    tanh    softplus
    float32     1.5    1.5      3.0       4.0       2.5
    float64     1.5    1.5      3.0       4.0       2.5

They hold for all arguments, also where argument or result is subnormal: exp, sigmoid and softplus
underflow gradually. NaN gives NaN, and infinities give the limits.

Everything rests on two polynomials: ``x = k ln(2) + r`` with k whole and ``|r| <= ln(2) / 2``
leaves ``exp(r) - 1``, and ``log(1 + f) = 2 artanh(f / (2 + f))`` leaves artanh. Their coefficients
are those that ``bench/minimax.py`` computes.
"""

import math

from . import simd_code  # noqa: F401  (tells the compiler what is imported next)
from .jit import inlined, kernel
from .simd_numpy import (
    absolute,
    copysign,
    exponent,
    full,
    is_double,
    load,
    load_n,
    mantissa,
    maximum,
    minimum,
    no_unroll,
    power_of_two,
    store,
    store_n,
    where_greater,
    width,
)

EXP, LOG, SIGMOID, TANH, SOFTPLUS = range(5)

# Numbers that come in pairs are for float32 and for float64.

# Outside of these arguments exp is 0 or infinite, once rounded.
EXP_DOMAIN_32 = (-104.0, 88.72283172607422)
EXP_DOMAIN_64 = (-745.2, 709.782712893384)

# The smallest number, the smallest normal number and the largest number.
RANGE_32 = (2.0**-149, 2.0**-126, 2.0**128 - 2.0**104)
RANGE_64 = (2.0**-1074, 2.0**-1022, (2.0 - 2.0**-52) * 2.0**1023)

# Added and subtracted again, it leaves a whole number, as the last bit of the sum stands for 1.
SHIFT_32 = 1.5 * 2.0**23
SHIFT_64 = 1.5 * 2.0**52

LOG2_E = 1.0 / math.log(2.0)
SQRT_2 = math.sqrt(2.0)

# ln(2) in two parts, the first with so few bits that its product with an exponent is exact.
LN2_32 = (0.693145751953125, 1.4286068203094173e-06)
LN2_64 = (0.6931471803691238, 1.9082149292705877e-10)

# exp(r) = 1 + r + r**2 (c0 + c1 r + ...): relative error 4e-9 and 1.1e-17 for |r| <= ln(2) / 2.
EXP_32 = (0.49999994, 0.16666521, 0.04166839, 0.00836871, 0.0013814612)
EXP_64 = (
    0.5000000000000011,
    0.16666666666666413,
    0.041666666666530267,
    0.008333333333494335,
    0.0013888888943597957,
    0.00019841269506776788,
    2.480149313592624e-05,
    2.755758626820446e-06,
    2.7630234008822465e-07,
    2.500007188186386e-08,
)

# 2 artanh(s) = 2 s + s z (c0 + c1 z + ...), z = s**2: relative error 6e-9 and 2.4e-18 for z <= 1/9.
ARTANH_32 = (0.6666642, 0.40021527, 0.28001806, 0.2801199)
ARTANH_64 = (
    0.6666666666666631,
    0.40000000000155117,
    0.2857142854811805,
    0.2222222395364387,
    0.1818174447915992,
    0.1538654839105828,
    0.13301121396098817,
    0.12104944815121137,
    0.08344971655136364,
    0.1700975680745874,
)

# Not "reassoc", which turns (v + shift) - shift into v and joins what was split into two parts;
# not "arcp", by which a division may become an estimate that fails for large divisors.
in_order = inlined(fastmath={"contract"})


@in_order
def exp(x):
    """Compute ``e**x``, scaled in two steps of ``2**(k/2)``, since ``2**k`` may be out of range."""
    lowest, highest = EXP_DOMAIN_64 if is_double(x) else EXP_DOMAIN_32
    t = maximum(minimum(x, highest), lowest)
    k = _whole(t * LOG2_E)
    half = _whole(k * 0.5)
    s = power_of_two(half)
    y = (s + s * _expm1(1.0, t, k)) * power_of_two(k - half)
    return where_greater(x, highest, full(x, math.inf), y)


@in_order
def expm1(x):
    """Compute ``e**x - 1`` without cancellation near 0; infinite from about 88 (709) on."""
    highest = 709.0 if is_double(x) else 88.0
    t = maximum(minimum(x, highest), -40.0)
    k = _whole(t * LOG2_E)
    s = power_of_two(k - 1.0)  # half of it, since 2**k may be out of range
    y = 2.0 * ((s - 0.5) + _expm1(s, t, k))
    return where_greater(x, highest, full(x, math.inf), y)


@in_order
def sigmoid(x):
    """Compute ``1 / (1 + e**-x)``: ``exp(r) / (exp(r) + 2**-k)``, both sides times ``2**-64``.

    So scaled, ``2**-k`` stays in range where the result is subnormal. Beyond 40 the result is 1.
    """
    lowest, _ = EXP_DOMAIN_64 if is_double(x) else EXP_DOMAIN_32
    t = maximum(minimum(x, 40.0), lowest)
    k = _whole(t * LOG2_E)
    s = 2.0**-64
    e = _expm1(s, t, k)
    return (s + e) / ((s + power_of_two(-64.0 - k)) + e)


@in_order
def tanh(x):
    """Compute ``(e**2x - 1) / (e**2x + 1)``, both sides times ``2**-k``; exactly odd, also for -0.

    Written with ``exp(r) - 1``, it keeps its precision near 0. Beyond 10 (20) the result is 1.
    """
    a = minimum(absolute(x), 20.0 if is_double(x) else 10.0)
    k = _whole(a * (2.0 * LOG2_E))
    s = power_of_two(0.0 - k)
    e = _expm1(1.0, a + a, k)
    return copysign(((1.0 - s) + e) / ((1.0 + s) + e), x)


@in_order
def softplus(x):
    """Compute ``log(1 + e**x)``, as ``max(x, 0) + log(1 + e**-|x|)``."""
    return maximum(x, 0.0) + _log1p(exp(0.0 - absolute(x)))


@in_order
def log1p(x):
    """Compute ``log(1 + x)`` for ``x >= 0``, without loss where x is small."""
    return where_greater(x, 1.0, log(1.0 + x), _log1p(minimum(x, 1.0)))


@in_order
def log(x):
    """Compute the natural logarithm; -inf for 0, NaN for a negative number.

    ``x = 2**k m`` with m between the square roots of 1/2 and 2, so that nothing cancels near 1.
    """
    smallest, normal, largest = RANGE_64 if is_double(x) else RANGE_32
    lift = where_greater(x, normal, full(x, 0.0), full(x, 64.0))
    y = minimum(maximum(x, smallest), largest) * power_of_two(lift)
    m, k = mantissa(y), exponent(y) - lift
    k = where_greater(m, SQRT_2, k + 1.0, k)
    m = where_greater(m, SQRT_2, 0.5 * m, m)
    high, low = LN2_64 if is_double(x) else LN2_32
    y = k * high + (_log1p(m - 1.0) + k * low)
    no_number = where_greater(x, -smallest, full(x, -math.inf), full(x, math.nan))
    return where_greater(x, largest, x, where_greater(x, 0.0, y, no_number))


@in_order
def _whole(v):
    """Round to whole numbers (of two as near to the even one), for ``v`` far below the shift."""
    shift = SHIFT_64 if is_double(v) else SHIFT_32
    return (v + shift) - shift


@in_order
def _expm1(s, x, k):
    """Compute ``s * (exp(r) - 1)`` for ``r = x - k ln(2)``; s, a power of two, costs no time."""
    high, low = LN2_64 if is_double(x) else LN2_32
    r = (x - k * high) - k * low
    r2 = r * r
    r4 = r2 * r2
    if is_double(x):
        c = EXP_64
        tail = _cubic(s, r, r2, c[2:6]) + r4 * _cubic(s, r, r2, c[6:10])
        return (s * r + r2 * (s * c[0] + s * c[1] * r)) + r4 * tail
    c = EXP_32
    tail = (s * c[2] + s * c[3] * r) + r2 * (s * c[4])
    return (s * r + r2 * (s * c[0] + s * c[1] * r)) + r4 * tail


@in_order
def _log1p(f):
    """Compute ``log(1 + f)`` for f from -0.3 to 1.

    ``2 s + s z P(z)`` with ``s = f / (2 + f)`` and ``z = s**2``, led by f instead: f is exact.
    """
    s = f / (2.0 + f)
    z = s * s
    z2 = z * z
    if is_double(f):
        c, z4 = ARTANH_64, z2 * z2
        tail = _cubic(1.0, z, z2, c[4:8]) + z4 * (c[8] + c[9] * z)
        p = _cubic(1.0, z, z2, c[0:4]) + z4 * tail
    else:
        p = _cubic(1.0, z, z2, ARTANH_32)
    return f - s * (f - z * p)


@in_order
def _cubic(s, x, x2, c):
    """Compute ``s * (c0 + c1 x + c2 x**2 + c3 x**3)``."""
    return (s * c[0] + s * c[1] * x) + x2 * (s * c[2] + s * c[3] * x)


@inlined
def evaluate(code, v):
    """Compute the function that ``code`` stands for, of one block."""
    if code == EXP:
        return exp(v)
    if code == LOG:
        return log(v)
    if code == SIGMOID:
        return sigmoid(v)
    if code == TANH:
        return tanh(v)
    return softplus(v)


@kernel
def apply(code, x, out):
    """Write ``out[i] = f(x[i])`` for a whole array.

    Parameters
    ----------
    code : int
        EXP, LOG, SIGMOID, TANH or SOFTPLUS.
    x : 1-D array, float32 or float64, C-contiguous
        Arguments.
    out : 1-D array of the same dtype and length, C-contiguous
        Written; may be ``x`` itself.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.array([-np.inf, -1.0, 0.0, 2.0, np.nan])
    >>> out = np.empty_like(x)
    >>> apply(TANH, x, out)
    >>> out.round(8)
    array([-1.        , -0.76159416,  0.        ,  0.96402758,         nan])
    """
    i = 0
    while i < x.shape[0]:
        no_unroll()
        n = x.shape[0] - i
        if n >= width(x):
            store(out, i, evaluate(code, load(x, i)))
        else:
            store_n(out, i, n, evaluate(code, load_n(x, i, n)))
        i += width(x)
