"""The names of `simd` as plain NumPy functions, for ``NUMBA_DISABLE_JIT=1``.

Slow, and that is all right: with the compiler off, kernels run to be stepped through and to have
their lines counted. A value is an array of 16 float32 or 8 float64.
"""

import numpy as np

BYTES = 64

__all__ = [
    "absolute",
    "at",
    "copysign",
    "exponent",
    "first_n",
    "first_n_or",
    "flat",
    "full",
    "gather_n",
    "insert_lane",
    "is_double",
    "load",
    "load_n",
    "mantissa",
    "matrix",
    "max_lanes",
    "maximum",
    "minimum",
    "no_unroll",
    "power_of_two",
    "prefetch",
    "put",
    "records",
    "scatter_n",
    "square_root",
    "stack",
    "store",
    "store_n",
    "sum_lanes",
    "transpose_block",
    "view",
    "where_greater",
    "width",
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


def put(a, i, s):
    a[i] = s


def prefetch(a, i):
    pass


def view(a, start, n):
    return a[start : start + n]


def flat(a):
    return a.reshape(-1)


def records(a, dtype):
    return a.reshape(-1).view(dtype).view(np.recarray)


def matrix(a, start, rows, columns):
    return a[start : start + rows * columns].reshape(rows, columns)


def load(a, i):
    return load_n(a, i, width(a))


def store(a, i, v):
    store_n(a, i, width(a), v)


def load_n(a, i, n):
    # What lies behind the end of a view is there in compiled code, and is not looked at.
    v = np.zeros(width(a), a.dtype).view(Value)
    n = max(0, min(n, width(a), a.size - i))
    v[:n] = a[i : i + n]
    return v


def store_n(a, i, n, v):
    n = max(0, min(n, width(a), a.size - i))
    a[i : i + n] = v[:n]


def gather_n(a, o, places, i, n):
    v = np.zeros(width(a), a.dtype).view(Value)
    n = max(0, min(n, width(a)))
    v[:n] = a[o + places[i : i + n]]
    return v


def scatter_n(a, o, places, i, n, v):
    n = max(0, min(n, width(a)))
    a[o + places[i : i + n]] = v[:n]


def full(a, s):
    return np.full(width(a), s, a.dtype).view(Value)


def first_n(v, n):
    return first_n_or(v, n, 0)


def first_n_or(v, n, s):
    return np.where(np.arange(v.size) < n, v, v.dtype.type(s)).view(Value)


def insert_lane(v, k, s):
    return np.where(np.arange(v.size) == k, v.dtype.type(s), v).view(Value)


def sum_lanes(v):
    return np.asarray(v).sum()


def max_lanes(v):
    return np.fmax.reduce(np.asarray(v))


def where_greater(x, s, v, w):
    return np.where(x > s, v, w).view(Value)


def maximum(v, s):
    return np.maximum(v, v.dtype.type(s))


def minimum(v, s):
    return np.minimum(v, v.dtype.type(s))


def absolute(v):
    return np.abs(v)


def square_root(v):
    return np.sqrt(v)


def copysign(v, s):
    return np.copysign(v, s)


def power_of_two(k):
    return np.ldexp(k.dtype.type(1), np.nan_to_num(k).astype(np.int32))


def exponent(x):
    return (np.frexp(x)[1] - 1).astype(x.dtype)


def mantissa(x):
    return np.frexp(x)[0] * 2


def is_double(v):
    return v.dtype == np.float64


def stack(a, n):
    return np.empty(n * width(a), a.dtype)


def transpose_block(a, i, stride, b, j, b_stride):
    for r in range(width(a)):
        for k in range(width(a)):
            b[j + k * b_stride + r] = a[i + r * stride + k]


def no_unroll():
    pass
