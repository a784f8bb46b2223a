"""Elements from all over an array, and to all over it."""

import numpy as np

from .memory import load, width  # noqa: F401  (load is for the examples)
from .values import value


def gather(a, indices):
    """Read ``a[indices[k]]`` into lane k.

    Parameters
    ----------
    a : 1-D C-contiguous array of float32, float64, int32 or int64
    indices : value of int32 for 4-byte elements, of int64 for 8-byte elements
        ``0 <= indices[k] < a.size``.

    Examples
    --------
    >>> a = np.arange(100.0)
    >>> print(gather(a, load(np.arange(5, 25, 2), 0)))
    [ 5.  7.  9. 11. 13. 15. 17. 19.]
    """
    return value(a[_checked(a, indices)])


def scatter(a, indices, v):
    """Write lane k of ``v`` to ``a[indices[k]]``; of lanes with one index, the last is kept.

    Parameters are those of `gather`.

    Examples
    --------
    >>> a = np.zeros(10)
    >>> scatter(a, load(np.arange(1, 9), 0), load(np.full(8, 2.0), 0))
    >>> a
    array([0., 2., 2., 2., 2., 2., 2., 2., 2., 0.])
    """
    a[_checked(a, indices)] = v


def gather_n(a, o, places, i, n):
    """Read ``a[o + places[i + k]]`` into lane k for ``k < n``, and 0 into the lanes behind.

    Parameters
    ----------
    a : 1-D C-contiguous array
    o : int
        Where what ``places`` counts from begins.
    places : 1-D C-contiguous array of int32 or int64
    i, n : int

    Examples
    --------
    >>> print(gather_n(np.arange(10.0), 2, np.array([0, 7, 3]), 1, 2))
    [9. 5. 0. 0. 0. 0. 0. 0.]
    """
    v = np.zeros(width(a), a.dtype)
    n = max(0, min(n, width(a)))
    v[:n] = a[_checked(a, o + _there(places, i, n))]
    return value(v)


def scatter_n(a, o, places, i, n, v):
    """Write lane k of ``v`` to ``a[o + places[i + k]]`` for ``k < n``; no place comes twice.

    Examples
    --------
    >>> a = np.zeros(5)
    >>> scatter_n(a, 0, np.array([3, 1]), 0, 2, load(np.full(8, 6.0), 0))
    >>> a
    array([0., 6., 0., 6., 0.])
    """
    n = max(0, min(n, width(a)))
    a[_checked(a, o + _there(places, i, n))] = v[:n]


def _there(places, i, n):
    if n and not 0 <= i <= places.size - n:
        raise IndexError(f"{n} places from {i} on are not inside the array, of {places.size}")
    return places[i : i + n]


def _checked(a, indices):
    indices = np.asarray(indices)
    if np.any((indices < 0) | (indices >= a.size)):
        raise IndexError(f"found indices {indices}, expected 0 to {a.size - 1}")
    return indices
