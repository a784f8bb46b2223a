"""Functions of values, lane by lane, that are one instruction or a few."""

import math

import numpy as np

from .memory import load  # noqa: F401  (for the examples)
from .values import value


def maximum(v, s):
    """Return ``s`` where ``s > v``, elsewhere (also where either is NaN) ``v``, lane by lane.

    Parameters
    ----------
    v : value
    s : value of the same dtype, or scalar

    Examples
    --------
    >>> print(maximum(load(np.arange(8.0), 0), 5.0))
    [5. 5. 5. 5. 5. 5. 6. 7.]
    """
    return value(np.where(v < s, v.dtype.type(s) if np.ndim(s) == 0 else s, v))


def minimum(v, s):
    """Return ``s`` where ``s < v``, elsewhere (also where either is NaN) ``v``, lane by lane.

    Parameters
    ----------
    v : value
    s : value of the same dtype, or scalar

    Examples
    --------
    >>> print(minimum(load(np.arange(8.0), 0), 5.0))
    [0. 1. 2. 3. 4. 5. 5. 5.]
    """
    return value(np.where(v > s, v.dtype.type(s) if np.ndim(s) == 0 else s, v))


def absolute(v):
    """Return the absolute value, lane by lane; also under the name ``abs``.

    Of the smallest integer it is that integer, as in NumPy.

    Examples
    --------
    >>> print(absolute(load(np.arange(-4.0, 4.0), 0)))
    [4. 3. 2. 1. 0. 1. 2. 3.]
    """
    return np.absolute(v)


def sqrt(v):
    """Return the square root of a value of floats, lane by lane.

    Examples
    --------
    >>> print(sqrt(load(np.arange(8.0) ** 2, 0)))
    [0. 1. 2. 3. 4. 5. 6. 7.]
    """
    return np.sqrt(v)


def floor(v):
    """Round a value of floats down to whole numbers, lane by lane.

    Examples
    --------
    >>> print(floor(load(np.arange(8.0) / 2, 0)))
    [0. 0. 1. 1. 2. 2. 3. 3.]
    """
    return np.floor(v)


def ceil(v):
    """Round a value of floats up to whole numbers, lane by lane.

    Examples
    --------
    >>> print(ceil(load(np.arange(8.0) / 2, 0)))
    [0. 1. 1. 2. 2. 3. 3. 4.]
    """
    return np.ceil(v)


def rint(v):
    """Round a value of floats to whole numbers, of two as near to the even one, lane by lane.

    Examples
    --------
    >>> print(rint(load(np.arange(8.0) / 2, 0)))
    [0. 0. 1. 2. 2. 2. 3. 4.]
    """
    return np.rint(v)


def copysign(v, s):
    """Return the size of ``v`` with the sign of ``s``, lane by lane; both hold floats.

    Examples
    --------
    >>> a = load(np.arange(8.0), 0)
    >>> print(copysign(a, 3.5 - a))
    [ 0.  1.  2.  3. -4. -5. -6. -7.]
    """
    return np.copysign(v, s)


def fma(a, b, c):
    """Compute ``a * b + c`` and round once, lane by lane.

    Under the flags of `kernel`, ``a * b + c`` becomes the same instruction where the processor has
    it. Written as `fma`, it is exact everywhere, but slow where the processor has not.

    Parameters
    ----------
    a, b, c : values of floats of one dtype, or scalars
        At least one of them is a value.

    Examples
    --------
    >>> a = load(np.arange(8.0), 0)
    >>> print(fma(a, 2.0, 1.0))
    [ 1.  3.  5.  7.  9. 11. 13. 15.]
    """
    dtype = next(x.dtype for x in (a, b, c) if np.ndim(x))
    lanes = np.broadcast(a, b, c)
    return value(
        np.array([_fma(*(float(dtype.type(x)) for x in abc), dtype) for abc in lanes], dtype)
    )


def _fma(a, b, c, dtype):
    """Compute ``a * b + c`` of three floats, rounded once to ``dtype``."""
    if not all(map(math.isfinite, (a, b, c))):
        return a * b + c
    from fractions import Fraction  # here, since most who import this package call no fma

    exact = Fraction(a) * Fraction(b) + Fraction(c)
    if exact == 0:
        return a * b + c  # with the right sign
    try:
        near = float(exact)
    except OverflowError:
        return math.copysign(math.inf, exact)
    if dtype == np.float32 and Fraction(near) != exact and np.float64(near).view(np.int64) % 2 == 0:
        # Rounded to odd first, a second rounding is as good as one.
        near = math.nextafter(near, math.inf if exact > near else -math.inf)
    return near
