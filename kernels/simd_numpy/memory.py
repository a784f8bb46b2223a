"""Between arrays and values: whole blocks, parts of blocks, single elements."""

import numpy as np

from .values import BYTES, check_room, value


def width(a):
    """Return how many numbers one value holds.

    Parameters
    ----------
    a : array or value of float32, int32, float64 or int64
        Only its dtype matters.

    Returns
    -------
    int
        16 for float32 and int32, 8 for float64 and int64. A constant in compiled code.

    Examples
    --------
    >>> width(np.zeros(100, np.float32)), width(np.zeros(100))
    (16, 8)
    """
    return BYTES // a.itemsize


def full(a, s):
    """Return a value with the scalar ``s`` in every lane.

    Parameters
    ----------
    a : array or value
        Only its dtype matters, which is the result's.
    s : scalar

    Examples
    --------
    >>> print(full(np.zeros(3), 0.5))
    [0.5 0.5 0.5 0.5 0.5 0.5 0.5 0.5]
    """
    return value(np.full(width(a), s, a.dtype))


def load(a, i):
    """Read the block of ``a`` that begins at ``i``.

    Parameters
    ----------
    a : 1-D C-contiguous array of float32, float64, int32 or int64
    i : int
        Index with a whole block behind it, ``0 <= i <= a.size - width(a)``. No multiple of anything
        is asked for.

    Raises
    ------
    IndexError
        If there is no whole block, with ``NUMBA_BOUNDSCHECK=1``; without it, compiled code reads
        what lies in memory there.

    Examples
    --------
    >>> print(load(np.arange(100.0), 3))
    [ 3.  4.  5.  6.  7.  8.  9. 10.]
    """
    return load_n(a, i, width(a))


def store(a, i, v):
    """Write the block ``v`` to ``a``, from ``i`` on.

    Parameters
    ----------
    a : 1-D C-contiguous array
        Written.
    i : int
        Index with room for a whole block behind it; see `load`.
    v : value of ``a``'s dtype

    Examples
    --------
    >>> a = np.zeros(10)
    >>> store(a, 1, full(a, 7.0))
    >>> a
    array([0., 7., 7., 7., 7., 7., 7., 7., 7., 0.])
    """
    store_n(a, i, width(a), v)


def load_n(a, i, n):
    """Read the first ``n`` elements from ``a[i]`` on, and 0 in the lanes behind them.

    For the end of a row: nothing behind those elements is touched.

    Parameters
    ----------
    a : 1-D C-contiguous array
    i, n : int
        Any ``n``: none is read where it is 0 or negative, a whole block from the width on.

    Examples
    --------
    >>> print(load_n(np.arange(10.0), 7, 3))
    [7. 8. 9. 0. 0. 0. 0. 0.]
    """
    n = max(0, min(n, width(a)))
    check_room(a, i, n)
    v = np.zeros(width(a), a.dtype)
    there = max(0, min(n, a.size - i))  # what lies behind the end of a view is not looked at
    v[:there] = a[i : i + there]
    return value(v)


def store_n(a, i, n, v):
    """Write the first ``n`` lanes of ``v`` to ``a``, from ``i`` on; see `load_n`.

    Examples
    --------
    >>> a = np.zeros(5)
    >>> store_n(a, 3, 2, full(a, 1.0))
    >>> a
    array([0., 0., 0., 1., 1.])
    """
    n = max(0, min(n, width(a)))
    check_room(a, i, n)
    there = max(0, min(n, a.size - i))
    a[i : i + there] = v[:there]


def at(a, i):
    """Return ``a[i]``, without the test for a negative index; of records, a reference, no copy.

    Examples
    --------
    >>> float(at(np.arange(5.0), 3))
    3.0
    """
    return a[i]


def put(a, i, s):
    """Write ``a[i] = s``, without the test for a negative index.

    Examples
    --------
    >>> a = np.zeros(3)
    >>> put(a, 1, 8.0)
    >>> a
    array([0., 8., 0.])
    """
    a[i] = s


def prefetch(a, i):
    """Fetch the cache line of ``a[i]``, which is wanted soon, without waiting for it.

    Also where there is no such element.

    Examples
    --------
    >>> prefetch(np.zeros(100), 64)
    """
