"""What may come in: every array and number is checked once, here, and trusted behind the door.

A message says what was found, what was expected and what to do. TypeError where the kind of thing
is wrong, ValueError where its content is.
"""

import functools
import math
import numbers
import operator
from collections.abc import Collection
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

BLOCK = 1 << 20
SMALL = 1 << 13  # numbers that BLAS goes through on one thread
FEW = 32  # numbers for which Python is quicker than NumPy


def check_array(
    value: object,
    name: str,
    *,
    ndim: int = 2,
    dtype: DTypeLike = np.float64,
    columns: int | None = None,
) -> np.ndarray:
    """Turn ``value`` into a finite, C-contiguous, read-only array.

    Parameters
    ----------
    value : array_like
        Numbers or booleans. Not copied if it is a C-contiguous array of ``dtype`` already.
    name : str
        What messages call it.
    ndim : int
        Number of dimensions.
    dtype : dtype
        float32 or float64.
    columns : int, optional
        Required length of the last axis.

    Returns
    -------
    ndarray
        A read-only view or copy; the caller's array stays as it is.

    Raises
    ------
    TypeError
        For text, complex numbers, dates, sparse matrices and other objects.
    ValueError
        For a wrong shape, no data at all, NaN and infinity.

    Examples
    --------
    >>> check_array([[1, 2], [3, 4]], "X")
    array([[1., 2.],
           [3., 4.]])
    >>> check_array([1, 2], "X")
    Traceback (most recent call last):
    ...
    ValueError: X: found 1 dimension, shape (2,), expected 2: one row per sample. Use \
X.reshape(-1, 1) if these are samples of one feature, X.reshape(1, -1) if they are one sample
    """
    if type(value) is np.ndarray and value.size < SMALL and value.dtype == dtype:
        fits = value.ndim == ndim and columns in (None, value.shape[-1]) and value.size
        if fits and value.flags.c_contiguous and all_finite(value):
            return _read_only(value)  # most calls are about such arrays, and shall be short
    raw = as_numbers(value, name)
    _check_shape(raw, name, ndim, columns)
    array = raw if raw.dtype == dtype and raw.flags.c_contiguous else _cast(raw, dtype)
    _check_finite(array, raw, name)
    return _read_only(array)


def _read_only(array: np.ndarray) -> np.ndarray:
    view = array.view()
    view.setflags(write=False)
    return view


def _cast(raw: np.ndarray, dtype: DTypeLike) -> np.ndarray:
    """Return a C-contiguous copy; what overflows is infinite, and found out afterwards."""
    if raw.size < BLOCK:
        with np.errstate(over="ignore"):
            return np.ascontiguousarray(raw, dtype=dtype)
    array = np.empty(raw.shape, dtype)
    for rows in _blocks(raw):  # between which Ctrl-C is heard
        with np.errstate(over="ignore"):
            array[rows] = raw[rows]
    return array


def _blocks(array: np.ndarray) -> list[slice]:
    """Return slices of rows, about `BLOCK` numbers at a time."""
    if array.size <= BLOCK:
        return [slice(0, len(array))]
    size = max(1, BLOCK // max(1, array[0].size))
    return [slice(k, k + size) for k in range(0, len(array), size)]


def as_numbers(value: object, name: str) -> np.ndarray:
    """Turn ``value`` into an array of real numbers, of any shape."""
    if type(value) is np.ndarray and value.dtype.kind in "fiub":
        return value
    _refuse_tensors(value, name)
    if hasattr(value, "toarray"):
        raise TypeError(
            f"{name}: found a sparse matrix, expected a dense array. Use {name}.toarray()"
        )
    if value is None:
        raise TypeError(f"{name}: found None, expected an array of numbers")
    try:
        array = np.asarray(value)
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"{name}: found something that is not a regular array ({error}). "
            "Give rows of equal length"
        ) from None
    if array.dtype.kind == "O":
        try:
            array = array.astype(np.float64)
        except OverflowError:
            raise ValueError(
                f"{name}: found a whole number that is too large for float64, expected numbers up "
                "to 1.8e308. Scale the data"
            ) from None
        except (ValueError, TypeError):
            raise TypeError(
                f"{name}: found objects such as {_first_odd(array)!r:.60}, expected numbers. "
                "Encode categories and fill missing cells first"
            ) from None
    if array.dtype.kind not in "fiub":
        raise TypeError(
            f"{name}: found an array of dtype {array.dtype}, expected numbers. "
            "Encode text as numbers first"
        )
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        raise ValueError(f"{name}: found masked cells. Fill them first, with {name}.filled(...)")
    return array


def _refuse_tensors(value: object, name: str) -> None:
    """Raise for a tensor whose numbers are not at hand, as PyTorch's attributes tell."""
    if getattr(value, "requires_grad", False) is True:
        raise TypeError(
            f"{name}: found a tensor that requires grad, expected plain numbers. "
            f"Use {name}.detach()"
        )
    device = getattr(getattr(value, "device", None), "type", "cpu")
    if device != "cpu":
        raise TypeError(
            f"{name}: found a tensor on the device {device!r}, expected one on 'cpu'. "
            f"Use {name}.cpu()"
        )


def _first_odd(array: np.ndarray) -> Any:
    """Return the first element that is not a real number."""
    return next((x for x in array.flat if not isinstance(x, numbers.Real)), array.flat[0])


def _check_shape(array: np.ndarray, name: str, ndim: int, columns: int | None) -> None:
    if array.ndim != ndim:
        hint = ""
        if (array.ndim, ndim) == (1, 2):
            hint = (
                f": one row per sample. Use {name}.reshape(-1, 1) if these are samples of one "
                f"feature, {name}.reshape(1, -1) if they are one sample"
            )
        plural = "" if array.ndim == 1 else "s"
        raise ValueError(
            f"{name}: found {array.ndim} dimension{plural}, shape {array.shape}, "
            f"expected {ndim}{hint}"
        )
    if array.size == 0:
        raise ValueError(f"{name}: found no data, shape {array.shape}, expected at least 1 sample")
    if columns is not None and array.shape[-1] != columns:
        raise ValueError(
            f"{name}: found {array.shape[-1]} columns, expected {columns}, as many as the network "
            f"has {'outputs' if name.lower().startswith('y') else 'inputs'}"
        )


def _check_finite(array: np.ndarray, raw: np.ndarray, name: str) -> None:
    if array.size < SMALL and all_finite(array):
        return
    for rows in _blocks(array):
        part = array[rows]
        with np.errstate(over="ignore", invalid="ignore"):
            if math.isfinite(part.sum()):  # one pass without a temporary
                continue
        bad = np.argwhere(~np.isfinite(part))
        if len(bad):
            where = (int(bad[0][0]) + rows.start, *(int(i) for i in bad[0][1:]))
            found = raw[where]
            if np.isfinite(found):
                raise ValueError(
                    f"{name}: found {found} at {list(where)}, too large for {array.dtype}. "
                    "Scale the data, or use dtype='float64'"
                )
            raise ValueError(
                f"{name}: found {found} at {list(where)}, expected finite numbers. "
                "Drop such rows, or fill such cells first"
            )


def all_finite(array: np.ndarray) -> bool:
    """Return whether no number is infinite or NaN."""
    # The squares of a few numbers have a finite sum, or the slower test has to tell.
    if array.size < SMALL and math.isfinite(np.vdot(array, array)):
        return True
    return bool(np.isfinite(array).all())


def extent(array: np.ndarray) -> tuple[float, float]:
    """Return the smallest and the largest number of an array that has some."""
    if array.size < FEW:
        numbers = array.ravel().tolist()
        return min(numbers), max(numbers)
    return float(array.min()), float(array.max())


def check_weights(
    weight: object, n_samples: int, dtype: DTypeLike, *, only_ratios: bool = True
) -> np.ndarray:
    """Turn ``sample_weight`` into an array of shape (n_samples,), or (0,) where there is none.

    With ``only_ratios``, all weights are multiplied by one power of two, so that the largest lies
    between 0.5 and 1: no sum of theirs overflows, none is lost, and no weighted mean changes.
    """
    if weight is None:
        return _no_weights(np.dtype(dtype))
    weights = check_array(weight, "sample_weight", ndim=1)
    if len(weights) != n_samples:
        raise ValueError(
            f"sample_weight: found {len(weights)} weights, expected {n_samples}, one per row of X"
        )
    if weights.min() < 0:
        raise ValueError(f"sample_weight: found {weights.min():g}, expected no negative weight")
    if weights.max() == 0:
        raise ValueError("sample_weight: found only zeros, expected a positive weight somewhere")
    if not only_ratios:
        check_rounded(float(weights.max()), "sample_weight", np.dtype(dtype))
        return check_array(weights, "sample_weight", ndim=1, dtype=dtype)
    weights = np.ldexp(weights, -math.frexp(weights.max())[1]).astype(dtype)
    weights.flags.writeable = False
    return weights


@functools.cache
def _no_weights(dtype: np.dtype) -> np.ndarray:
    return _read_only(np.empty(0, dtype))


def check_number(
    value: object, name: str, *, least: float = -math.inf, above: float = -math.inf
) -> float:
    """Return a finite real number, at least ``least`` and greater than ``above``, as a float."""
    # The first question is the quickest.
    if type(value) is not float and (
        isinstance(value, (bool, np.bool_)) or not isinstance(value, numbers.Real)
    ):
        raise TypeError(f"{name}: found {value!r:.60}, expected a number")
    try:
        number = float(value)
    except OverflowError:  # a whole number of hundreds of digits
        number = math.inf
    if not math.isfinite(number) or number < least or number <= above:
        bound = f"greater than {above:g}" if above > -math.inf else f"at least {least:g}"
        kind = "a finite number" if math.isinf(max(least, above)) else f"a finite number {bound}"
        raise ValueError(f"{name}: found {value!r:.60}, expected {kind}")
    return number


def check_rounded(value: float, name: str, dtype: np.dtype) -> Any:
    """Return a positive number in the network's dtype, which must be able to hold it."""
    if 1e-45 <= value <= 3e38:
        return dtype.type(value)
    with np.errstate(over="ignore", under="ignore"):
        rounded = dtype.type(value)
    if not 0 < rounded < math.inf:
        raise ValueError(
            f"{name}: found {value:g}, which is {rounded:g} in {dtype}, expected a number that "
            f"{dtype} can hold. Scale the data, or use dtype='float64'"
        )
    return rounded


def check_positive(value: object, name: str) -> float:
    """Return a finite number greater than 0, as a float."""
    return check_number(value, name, above=0)


def check_count(value: Any, name: str, *, least: int = 1) -> int:
    """Return a whole number, at least ``least``, as an int."""
    if isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name}: found {value!r}, expected a whole number")
    try:
        count = operator.index(value)
    except TypeError:
        raise TypeError(f"{name}: found {value!r:.60}, expected a whole number") from None
    if count < least:
        raise ValueError(f"{name}: found {count}, expected at least {least}")
    return count


def check_choice(value: object, name: str, choices: Collection[str]) -> str:
    """Return one of the names in ``choices``."""
    if type(value) is str and value in choices:
        return value
    names = list(choices)
    if not isinstance(value, str):
        raise TypeError(f"{name}: found {value!r:.60}, expected one of {', '.join(names)}")
    if value not in names:
        raise ValueError(f"{name}: found {value!r}, expected one of {', '.join(names)}")
    return value


def check_flag(value: object, name: str) -> bool:
    """Return True or False."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name}: found {value!r:.60}, expected True or False")
    return bool(value)
