"""Between floats and integers of the same width, as numbers and as bits."""

import numpy as np

from .memory import load  # noqa: F401  (for the examples)
from .values import float_dtype, integer_dtype, value


def to_int(v):
    """Convert floats to integers of the same width, towards 0, lane by lane.

    What is too large becomes the largest integer, what is too small the smallest, NaN 0.

    Examples
    --------
    >>> print(to_int(load(np.arange(-2.0, 6.0) * 0.75, 0)))
    [-1  0  0  0  1  2  3  3]
    """
    dtype = integer_dtype(v.dtype)
    v, limit = np.asarray(v), 2.0 ** (8 * dtype.itemsize - 1)
    inside = (v >= -limit) & (v < limit)
    found = np.where(inside, v, 0).astype(dtype)
    found[v >= limit] = np.iinfo(dtype).max
    found[v < -limit] = np.iinfo(dtype).min
    return value(found)


def to_float(v):
    """Convert integers to floats of the same width, rounded, lane by lane.

    Examples
    --------
    >>> print(to_float(load(np.arange(8), 0)))
    [0. 1. 2. 3. 4. 5. 6. 7.]
    """
    return value(np.asarray(v).astype(float_dtype(v.dtype)))


def bits_as_int(v):
    """Take the bits of floats for integers of the same width.

    Examples
    --------
    >>> hex(bits_as_int(load(np.ones(8), 0))[0])
    '0x3ff0000000000000'
    """
    return value(np.asarray(v).view(integer_dtype(v.dtype)))


def bits_as_float(v):
    """Take the bits of integers for floats of the same width.

    Examples
    --------
    >>> print(bits_as_float(bits_as_int(load(np.arange(8.0), 0))))
    [0. 1. 2. 3. 4. 5. 6. 7.]
    """
    return value(np.asarray(v).view(float_dtype(v.dtype)))


def shift_right_logical(v, n):
    """Shift the bits of integers right by ``n`` and fill up with 0, where ``>>`` keeps the sign.

    Parameters
    ----------
    v : value of integers
    n : value of integers, or int
        From the width of a lane on, the result is 0.

    Examples
    --------
    >>> print(shift_right_logical(load(np.arange(-4, 4), 0), 62))
    [3 3 3 3 0 0 0 0]
    """
    unsigned = np.dtype(f"u{v.dtype.itemsize}")
    n = np.asarray(v.dtype.type(n) if np.ndim(n) == 0 else n).view(unsigned)
    return value(np.right_shift(np.asarray(v).view(unsigned), n).view(v.dtype))


def is_double(v):
    """Return whether ``v`` holds float64: a constant, so the other branch is compiled away.

    Examples
    --------
    >>> is_double(load(np.arange(8.0), 0))
    True
    """
    return v.dtype == np.float64


def power_of_two(k):
    """Return 2 to the power ``k``; ``k`` whole and within the range of normal numbers.

    Examples
    --------
    >>> print(power_of_two(load(np.arange(8.0), 0)))
    [  1.   2.   4.   8.  16.  32.  64. 128.]
    """
    return value(np.ldexp(k.dtype.type(1), np.nan_to_num(np.asarray(k)).astype(np.int32)))


def exponent(x):
    """Return the whole e with ``x = mantissa(x) * 2**e``; ``x`` positive and normal.

    Examples
    --------
    >>> print(exponent(load(np.arange(1.0, 9.0), 0)))
    [0. 1. 1. 2. 2. 2. 2. 3.]
    """
    return value((np.frexp(np.asarray(x))[1] - 1).astype(x.dtype))


def mantissa(x):
    """Scale ``x`` by a power of two into [1, 2); ``x`` positive and normal.

    Examples
    --------
    >>> print(mantissa(load(np.arange(1.0, 9.0), 0)))
    [1.   1.   1.5  1.   1.25 1.5  1.75 1.  ]
    """
    return value(np.frexp(np.asarray(x))[0] * 2)
