"""The names of `lanes` as plain NumPy functions, for ``NUMBA_DISABLE_JIT=1``.

Slow, and that is all right: with the compiler off, kernels run to be stepped through and to have
their lines counted. A value is an array of 16 float32 or 8 float64.
"""

import numpy as np

BYTES = 64

__all__ = [
    "absolute",
    "at",
    "at_least",
    "at_most",
    "exponent",
    "fill",
    "flat",
    "highest",
    "is_double",
    "keep",
    "keep_or",
    "load",
    "load_part",
    "mantissa",
    "matrix",
    "pick",
    "place",
    "power_of_two",
    "prefetch",
    "rolled",
    "square_root",
    "store",
    "store_part",
    "total",
    "transpose_block",
    "view",
    "width",
    "with_sign",
]


class Value(np.ndarray):
    """An array that ``+=`` leaves alone, like a value in a register: two names may share it."""

    def __iadd__(self, other):
        return self + other

    def __isub__(self, other):
        return self - other

    def __imul__(self, other):
        return self * other

    def __itruediv__(self, other):
        return self / other


def width(a):
    return BYTES // a.itemsize


def at(a, i):
    return a[i]


def prefetch(a, i):
    pass


def view(a, start, n):
    return a[start : start + n]


def flat(a):
    return a.reshape(-1)


def matrix(a, start, rows, columns):
    return a[start : start + rows * columns].reshape(rows, columns)


def load(a, i):
    return load_part(a, i, width(a))


def store(a, i, v):
    store_part(a, i, width(a), v)


def load_part(a, i, n):
    # What lies behind the end of a view is there in compiled code, and is not looked at.
    v = np.zeros(width(a), a.dtype).view(Value)
    n = max(0, min(n, width(a), a.size - i))
    v[:n] = a[i : i + n]
    return v


def store_part(a, i, n, v):
    n = max(0, min(n, width(a), a.size - i))
    a[i : i + n] = v[:n]


def fill(a, s):
    return np.full(width(a), s, a.dtype).view(Value)


def keep(v, n):
    return keep_or(v, n, 0)


def keep_or(v, n, s):
    return np.where(np.arange(v.size) < n, v, v.dtype.type(s)).view(Value)


def place(v, k, s):
    return np.where(np.arange(v.size) == k, v.dtype.type(s), v).view(Value)


def total(v):
    return np.asarray(v).sum()


def highest(v):
    return np.fmax.reduce(np.asarray(v))


def pick(x, s, v, w):
    return np.where(x > s, v, w).view(Value)


def at_least(v, s):
    return np.maximum(v, v.dtype.type(s))


def at_most(v, s):
    return np.minimum(v, v.dtype.type(s))


def absolute(v):
    return np.abs(v)


def square_root(v):
    return np.sqrt(v)


def with_sign(v, s):
    return np.copysign(v, s)


def power_of_two(k):
    return np.ldexp(k.dtype.type(1), np.nan_to_num(k).astype(np.int32))


def exponent(x):
    return (np.frexp(x)[1] - 1).astype(x.dtype)


def mantissa(x):
    return np.frexp(x)[0] * 2


def is_double(v):
    return v.dtype == np.float64


def transpose_block(a, i, stride, rows, columns, b, j, b_stride):
    for r in range(min(rows, width(a))):
        for k in range(min(columns, width(a))):
            b[j + k * b_stride + r] = a[i + r * stride + k]


def rolled():
    pass
