"""From lane to lane: numbers of lanes, single lanes, first lanes, and one number of all lanes."""

import numpy as np

from .memory import load, width  # noqa: F401  (load is for the examples)
from .values import value


def lane_numbers(a):
    """Return the value 0, 1, 2, ...

    Parameters
    ----------
    a : array or value
        Only its dtype matters, which is the result's.

    Examples
    --------
    >>> print(lane_numbers(np.zeros(3)))
    [0. 1. 2. 3. 4. 5. 6. 7.]
    """
    return value(np.arange(width(a)).astype(a.dtype))


def first_n(v, n):
    """Return the first ``n`` lanes of ``v``, and 0 behind them.

    Examples
    --------
    >>> print(first_n(load(np.ones(8), 0), 3))
    [1. 1. 1. 0. 0. 0. 0. 0.]
    """
    return first_n_or(v, n, 0)


def first_n_or(v, n, s):
    """Return the first ``n`` lanes of ``v``, and the scalar ``s`` behind them.

    Examples
    --------
    >>> print(first_n_or(load(np.ones(8), 0), 3, -1.0))
    [ 1.  1.  1. -1. -1. -1. -1. -1.]
    """
    return value(np.where(np.arange(v.size) < n, v, v.dtype.type(s)))


def insert_lane(v, k, s):
    """Return ``v`` with the scalar ``s`` in lane ``k``; where there is no such lane, ``v``.

    Examples
    --------
    >>> print(insert_lane(load(np.ones(8), 0), 2, 5.0))
    [1. 1. 5. 1. 1. 1. 1. 1.]
    """
    return value(np.where(np.arange(v.size) == k, v.dtype.type(s), v))


def extract_lane(v, k):
    """Return lane ``k`` of ``v``, ``0 <= k < width(v)``.

    Raises
    ------
    IndexError
        If there is no such lane, with ``NUMBA_BOUNDSCHECK=1``; without it, any number may come.

    Examples
    --------
    >>> float(extract_lane(load(np.arange(8.0), 0), 5))
    5.0
    """
    if not 0 <= k < v.size:
        raise IndexError(f"found lane {k}, expected 0 to {v.size - 1}")
    return v[k]


def sum_lanes(v):
    """Return the sum of all lanes.

    Of floats in any order, of integers without the bits that are too many.

    Examples
    --------
    >>> float(sum_lanes(load(np.arange(8.0), 0)))
    28.0
    """
    return np.asarray(v).sum(dtype=v.dtype)


def max_lanes(v):
    """Return the largest lane (of NaN and a number, the number).

    Examples
    --------
    >>> float(max_lanes(load(np.arange(8.0), 0)))
    7.0
    """
    return np.fmax.reduce(np.asarray(v))


def min_lanes(v):
    """Return the smallest lane (of NaN and a number, the number).

    Examples
    --------
    >>> float(min_lanes(load(np.arange(8.0), 0)))
    0.0
    """
    return np.fmin.reduce(np.asarray(v))
