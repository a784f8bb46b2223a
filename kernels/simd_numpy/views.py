"""Arrays that own nothing: parts of others, which the caller keeps alive."""

import numpy as np

from .memory import width
from .values import check_room


def view(a, start, n):
    """Return ``a[start:start + n]`` as an array that owns nothing.

    A slice counts its references, atomically, each time one is made: four times the cost of a
    small layer. The caller keeps ``a`` alive.

    Notes
    -----
    Import it by name: Numba takes ``simd.view`` for the method of arrays. Where bounds are checked,
    the last block of such a part counts as padded to the full width.

    Examples
    --------
    >>> view(np.arange(10.0), 3, 4)
    array([3., 4., 5., 6.])
    """
    _check_part(a, start, n)
    return a[start : start + n]


def flat(a):
    """View all of the C-contiguous array ``a``, of any number of dimensions, as 1-D; see `view`.

    Also of a read-only one, which the kernel has to leave alone: nothing else protects it any more.
    With one type for all, no loop is compiled twice.

    Examples
    --------
    >>> flat(np.zeros((3, 4))).shape
    (12,)
    """
    return a.reshape(-1)


def records(a, dtype):
    """View all of ``a`` as a 1-D array of records of the structured ``dtype``, owning nothing.

    Examples
    --------
    >>> pairs = records(np.array([1, 2, 3, 4]), np.dtype([("x", np.int64), ("y", np.int64)]))
    >>> int(pairs[1].y)
    4
    """
    return a.reshape(-1).view(dtype).view(np.recarray)


def matrix(a, start, rows, columns):
    """View ``a[start:start + rows * columns].reshape(rows, columns)``, owning nothing.

    Examples
    --------
    >>> matrix(np.arange(10.0), 4, 2, 3)
    array([[4., 5., 6.],
           [7., 8., 9.]])
    """
    _check_part(a, start, rows * columns)
    return a[start : start + rows * columns].reshape(rows, columns)


def stack(a, n):
    """Return room for ``n`` values of ``a``'s dtype, as an array on the stack.

    It is there until the function, or the one into which that is inlined, returns.

    Parameters
    ----------
    a : array or value
        Only its dtype matters.
    n : int
        A constant, when compiled: a number, or a global variable.

    Returns
    -------
    array of shape (n * width(a),)
        What it holds is undefined.

    Examples
    --------
    >>> stack(np.zeros(1), 4).shape
    (32,)
    """
    return np.empty(n * width(a), a.dtype)


def _check_part(a, start, n):
    if n < 0:
        raise IndexError(f"found a part of {n} elements, expected 0 or more")
    check_room(a, start, n)
