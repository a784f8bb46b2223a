"""What scikit-learn's checks of X and y let pass, and kernels must not see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from sklearn.utils.validation import validate_data

from ..model.samples import read_only

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

Inputs: TypeAlias = "np.ndarray | csr_matrix"  # that were checked


def checked_data(estimator: object, X: object, *y: object, **options: object) -> Any:
    """Validate X, or X and y, as scikit-learn does, taking no dates for numbers."""
    refuse_dates(X, "X")
    try:
        return validate_data(
            estimator, X, *y, accept_sparse=["csr", "csc"], dtype=(np.float64, np.float32),
            **options,
        )  # fmt: skip
    except OverflowError as error:
        raise ValueError(f"Input holds a number beyond the largest float64 ({error})") from None


def refuse_dates(X: object, name: str) -> None:
    """Raise where an array or a column of a table holds dates or differences of dates."""
    dtypes = getattr(X, "dtypes", None)
    if dtypes is None:
        dtypes = [getattr(X, "dtype", None)]
    for dtype in dtypes if np.iterable(dtypes) else [dtypes]:
        if getattr(dtype, "kind", "") in tuple("mM"):
            raise TypeError(
                f"{name}: found {dtype}, expected numbers. Turn dates into numbers first, such as "
                "days since a day of your choice"
            )


def numbers_of(y: np.ndarray, name: str = "y") -> np.ndarray:
    """Return targets as finite numbers; texts and objects become these first."""
    if y.dtype.kind not in "fiub":
        try:
            y = y.astype(np.float64)
        except OverflowError as error:
            raise ValueError(f"Input {name} holds a number beyond float64 ({error})") from None
    if not np.isfinite(y).all():
        what = "NaN" if np.isnan(y).any() else "infinity"
        raise ValueError(f"Input {name} contains {what}. Drop such samples, or fill the cells")
    return y


def one_target(y: object) -> Any:
    """Return one sample's target, or targets, judged as `partial_fit` judges them."""
    array = np.asarray(y)
    refuse_dates(array, "y")
    if array.dtype.kind not in "fiubOSU" or np.ma.is_masked(y):
        raise TypeError(f"y: found {y!r:.60}, expected a real number for each output")
    return numbers_of(array)


def flat(y: object) -> Inputs:
    """Return checked targets as an array, those in one column as a vector."""
    if hasattr(y, "tocsr"):
        return y.tocsr()
    array = np.asarray(y)
    return array.ravel() if array.ndim == 2 and array.shape[1] == 1 else array


def narrowed(a: np.ndarray, dtype: np.dtype, name: str) -> np.ndarray:
    """Return checked numbers in the network's dtype, which must be able to hold them."""
    if a.dtype.itemsize <= dtype.itemsize:
        return read_only(a, dtype)
    with np.errstate(over="ignore"):
        narrow = read_only(a, dtype)
    if not np.isfinite(narrow).all():
        found = a[~np.isfinite(narrow)][0]
        raise ValueError(
            f"{name}: found {found:g}, too large for {dtype}. Scale the data, or use "
            "dtype='float64'"
        )
    return narrow
