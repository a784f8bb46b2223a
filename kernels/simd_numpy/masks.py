"""Masks, which comparisons of values give and which choose between values.

Masks have ``& | ^ ~``.
"""

import numpy as np

from .memory import load, width  # noqa: F401  (load is for the examples)
from .values import Value, value


def mask_n(a, n):
    """Return the mask that is true in the first ``n`` lanes.

    Parameters
    ----------
    a : array or value
        Only its dtype matters: the mask has as many lanes as a value of it.
    n : int

    Examples
    --------
    >>> print(mask_n(np.zeros(3), 2))
    [ True  True False False False False False False]
    """
    return value(np.arange(width(a)) < n)


def select(mask, a, b):
    """Choose lane by lane: ``a`` where ``mask`` is true, elsewhere ``b``.

    Parameters
    ----------
    mask : mask
    a, b : values of one dtype, or one of them a scalar

    Examples
    --------
    >>> v = load(np.arange(-4.0, 4.0), 0)
    >>> print(select(v > 0.0, v, 0.1 * v))
    [-0.4 -0.3 -0.2 -0.1  0.   1.   2.   3. ]
    """
    dtype = next(x.dtype for x in (a, b) if isinstance(x, Value))
    a, b = (x if isinstance(x, Value) else dtype.type(x) for x in (a, b))
    if a.dtype != b.dtype:
        raise TypeError(f"found values of {a.dtype} and {b.dtype}, expected one dtype for both")
    return value(np.where(mask, a, b))


def where_greater(x, s, v, w):
    """Choose lane by lane: ``v`` where ``x > s``, elsewhere (also where ``x`` is NaN) ``w``.

    It is ``select(x > s, v, w)``, for a scalar ``s`` and values of one dtype.

    Examples
    --------
    >>> v = load(np.arange(8.0), 0)
    >>> print(where_greater(v, 3.0, v, -v))
    [-0. -1. -2. -3.  4.  5.  6.  7.]
    """
    return value(np.where(x > s, v, w))


def any_lane(mask):
    """Return whether the mask is true in any lane.

    Examples
    --------
    >>> any_lane(load(np.arange(8.0), 0) > 6.0)
    True
    """
    return bool(np.any(np.asarray(mask)))


def all_lanes(mask):
    """Return whether the mask is true in all lanes.

    Examples
    --------
    >>> all_lanes(load(np.arange(8.0), 0) > 6.0)
    False
    """
    return bool(np.all(np.asarray(mask)))


def count_lanes(mask):
    """Return in how many lanes the mask is true.

    Examples
    --------
    >>> count_lanes(load(np.arange(8.0), 0) > 4.0)
    3
    """
    return int(np.count_nonzero(mask))
