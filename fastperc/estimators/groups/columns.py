"""The column of X that says which group a row belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, cast

import numpy as np
from sklearn.utils import check_array


class Frame(Protocol):
    """What data frames have in common, whatever library they are of."""

    columns: Sequence[str]

    def __getitem__(self, names: object) -> object: ...


def split_column(X: object, column: str | int) -> tuple[object, np.ndarray]:
    """Return X without a column, and that column.

    Parameters
    ----------
    X : data frame or array-like of shape (n_samples, n_columns)
    column : str or int
        Its name in a data frame, or its index, negative from the end.

    Returns
    -------
    rest : data frame or ndarray of shape (n_samples, n_columns - 1)
    groups : ndarray of shape (n_samples,)

    Raises
    ------
    ValueError
        If there is no such column, or no other.
    TypeError
        If X is sparse.
    """
    if hasattr(X, "columns") and hasattr(X, "__getitem__"):
        return _split_frame(cast(Frame, X), column)
    if hasattr(X, "tocsr"):
        raise TypeError(
            "X: found a sparse matrix, expected an array or a data frame with a column of groups. "
            "Sparse data is taken where groups are given apart: groups=None, and fit(X, y, "
            "groups=...)"
        )
    array = np.asarray(X)
    if array.ndim != 2 or not array.shape[1] or array.dtype.kind == "c":
        check_array(X)  # which says what is wrong
    k = _index(column, array.shape[1], f"X has {array.shape[1]} columns without names")
    _check_others(array.shape[1])
    return np.delete(array, k, axis=1), array[:, k]


def _split_frame(X: Frame, column: str | int) -> tuple[object, np.ndarray]:
    names = list(X.columns)
    if column not in names:
        column = names[_index(column, len(names), f"the columns are {names}")]
    _check_others(len(names))
    others = [name for name in names if name != column]
    return X[others], np.asarray(X[column])


def _index(column: str | int, n: int, there_are: str) -> int:
    """Return the index of a column, from 0 to ``n - 1``."""
    if isinstance(column, str) or not -n <= column < n:
        raise ValueError(
            f"groups: found {column!r}, expected the name or the index of a column: {there_are}"
        )
    return int(column) % n


def _check_others(n: int) -> None:
    if n < 2:
        raise ValueError(
            "X: found 1 feature(s), the column of groups, expected others to learn from beside it"
        )
