"""What a SIMD value is with the compiler off: a small array that behaves like a register."""

import numpy as np

BYTES = 64  # in a value


class Value(np.ndarray):
    """One value: an array of 16 or 8 numbers, or the mask that a comparison of them gives.

    Scalars beside it are taken for its dtype, as in compiled code, and ``v += w`` leaves the array
    that ``v`` was alone, since two names may stand for one value.
    """

    def __array_ufunc__(self, ufunc, method, *inputs, out=None, **options):
        # ``out`` is that of an operator such as +=, whose result is a new value all the same.
        dtype, plain = self.dtype, []
        for x in inputs:
            if not isinstance(x, np.ndarray):
                plain.append(dtype.type(x))
            elif x.dtype == dtype:
                plain.append(x.view(np.ndarray))
            else:
                raise TypeError(
                    f"found values of {dtype} and {x.dtype}, expected one dtype for both: "
                    "convert one with to_int or to_float"
                )
        result = getattr(ufunc, method)(*plain, **options)
        return result.view(Value) if isinstance(result, np.ndarray) else result


def value(numbers):
    """Take an array for a value, as it is."""
    return numbers.view(Value)


def check_room(a, i, n):
    """Raise IndexError unless ``n`` elements from ``a[i]`` on are there, or are padding.

    Compiled code finds the last block of a row padded; here nothing lies behind a view's end.
    """
    per_block = max(1, BYTES // a.itemsize)
    if n > 0 and not 0 <= i <= -(-a.size // per_block) * per_block - n:
        raise IndexError(f"{n} elements from {i} on are not inside the array, of {a.size}")


def integer_dtype(dtype):
    """Return the dtype of the integers that are as wide as ``dtype``."""
    return np.dtype(f"i{np.dtype(dtype).itemsize}")


def float_dtype(dtype):
    """Return the dtype of the floating-point numbers that are as wide as ``dtype``."""
    return np.dtype(f"f{np.dtype(dtype).itemsize}")
