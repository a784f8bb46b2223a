"""Rows given as dicts of names and numbers."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterable, Mapping
from operator import itemgetter
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.feature_extraction import FeatureHasher
from sklearn.utils import murmurhash3_32

from ...training.linear_row import ALL

MOST_KEPT = 1 << 20  # names whose places are remembered


class UnknownNameError(LookupError):
    """A row has a name for which a model has no column yet."""


class FeatureNames:
    """The names of a model's columns, in their order.

    Parameters
    ----------
    names : iterable of str

    Attributes
    ----------
    names : tuple of str
    """

    def __init__(self, names: Iterable[str]):
        self.names = tuple(names)
        self._n = len(self.names)
        self._zeros = dict.fromkeys(self.names, 0.0)
        self._pick = picker(self.names)
        self._pack = {
            size: struct.Struct(f"{self._n}{code}").pack_into for size, code in ((8, "d"), (4, "f"))
        }

    def __reduce__(self) -> tuple[type, tuple[tuple[str, ...]]]:
        return FeatureNames, (self.names,)

    def __len__(self) -> int:
        return self._n

    def read(
        self, x: Mapping[str, Any], values: np.ndarray, grows: bool = False
    ) -> tuple[np.ndarray, np.ndarray]:
        """Write a row's values in the order of the names, 0 for what it lacks.

        Parameters
        ----------
        x : dict of str to number
            What is infinite, NaN, or too large for the dtype is written too: see `check`.
        values : ndarray of shape (n_names,), float64 or float32
            Written; where a row is refused, to no purpose.
        grows : bool
            Whether a name that is not known is an `UnknownNameError`; it is left out otherwise.

        Returns
        -------
        values : ndarray
            As given.
        columns : ndarray
            `ALL`: no names of columns are needed.

        Raises
        ------
        TypeError
            If a value is no number.
        ValueError
            If an integer is too large for a float.
        """
        if type(x) is not dict:
            x = dict(x)  # a Counter or a defaultdict has values for names that it lacks
        try:
            found = self._pick(x) if len(x) == self._n else None
        except KeyError:
            found = None
        if found is None:
            found = self._pick(self._completed(x, grows))
        try:
            self._pack[values.itemsize](values, 0, *found)  # type: ignore[arg-type]
        except (TypeError, OverflowError, struct.error):
            self.check(x, values.dtype)
            raise
        return values, ALL

    def _completed(self, x: Mapping[str, Any], grows: bool) -> dict[str, Any]:
        """Return a row with 0 for the names it lacks."""
        full = {**self._zeros, **x}
        if grows and len(full) > self._n:
            raise UnknownNameError(next(name for name in x if name not in self._zeros))
        return full

    def check(self, x: Mapping[str, Any], dtype: np.dtype | None = None) -> None:
        """Refuse the first value of a known name that is no finite number, by its name.

        `read` leaves this to whoever finds out that something is wrong with a row.
        """
        check_values(((name, x[name]) for name in self.names if name in x), dtype)

    def extended(self, x: Mapping[str, Any]) -> FeatureNames:
        """Return these names, followed by those of a row that are new."""
        new = [name for name in x if name not in self._zeros]
        for name in new:
            check_name(name)
        return FeatureNames((*self.names, *new))


class HashedNames:
    """Names hashed to a number of columns, as `sklearn.feature_extraction.FeatureHasher` does.

    A value that is a string is part of the name: ``{"city": "Bern"}`` counts as
    ``{"city=Bern": 1}``.

    Parameters
    ----------
    n_features : int
        Number of columns.
    alternate_sign : bool
        Whether half of the names, by their hash, count negatively: then names that share a column
        cancel on average.
    """

    def __init__(self, n_features: int, alternate_sign: bool = True):
        self.n_features, self.alternate_sign = n_features, alternate_sign
        self._places: dict[str, tuple[int, float]] = {}

    def __reduce__(self) -> tuple[type, tuple[int, bool]]:
        return HashedNames, (self.n_features, self.alternate_sign)

    def read(
        self, x: Mapping[str, Any], values: np.ndarray, grows: bool = False
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return a row's values, of the dtype of ``values``, and their columns, each but once.

        As in scikit-learn's matrices, a value of 0 has no column.
        """
        found: dict[int, float] = {}
        places = self._places
        for name, value in x.items():
            if type(value) is not float:
                if isinstance(value, str):
                    check_name(name)
                    name, value = f"{name}={value}", 1.0
                else:
                    value = number(name, value)
            if value:
                column, sign = places.get(name) or self._place(name)
                found[column] = found.get(column, 0.0) + sign * value
        found_values = np.fromiter(found.values(), np.float64, len(found))
        if values.itemsize != 8:
            with np.errstate(over="ignore"):  # too large is infinite: found out
                found_values = found_values.astype(values.dtype)
        return found_values, np.fromiter(found, np.int32, len(found))

    def rows_of(self, rows: Iterable[Mapping[str, Any]]) -> csr_matrix:
        """Return rows as a matrix, by scikit-learn's own hasher."""
        hasher = FeatureHasher(self.n_features, alternate_sign=self.alternate_sign)
        return hasher.transform(rows)

    def check(self, x: Mapping[str, Any], dtype: np.dtype | None = None) -> None:
        """Refuse the first value that is neither text nor a finite number, by its name."""
        check_values(((k, v) for k, v in x.items() if not isinstance(v, str)), dtype)

    def _place(self, name: str) -> tuple[int, float]:
        """Return the column and the sign of a name that is not remembered."""
        check_name(name)
        drawn = murmurhash3_32(name.encode(), seed=0)
        # FeatureHasher takes the absolute value of the hash, and this for the smallest number.
        if drawn == -(2**31):
            column = (2**31 - 1 - (self.n_features - 1)) % self.n_features
        else:
            column = abs(drawn) % self.n_features
        sign = -1.0 if self.alternate_sign and drawn < 0 else 1.0
        if len(self._places) >= MOST_KEPT:
            self._places.clear()
        self._places[name] = column, sign
        return column, sign


def picker(names: tuple[str, ...]) -> Callable[[Mapping[str, Any]], tuple[Any, ...]]:
    """Return a function that returns the values of names as a tuple, whatever their number."""
    if len(names) > 1:
        return itemgetter(*names)
    return lambda x: tuple(x[name] for name in names)


def check_name(name: object) -> None:
    """Refuse names that are no text."""
    if not isinstance(name, str):
        raise TypeError(
            f"x: found the name {name!r:.60}, expected names of type str. Rename, as in "
            "{str(name): value for name, value in x.items()}"
        )


def check_values(items: Iterable[tuple[object, Any]], dtype: np.dtype | None) -> None:
    """Refuse the first value that is no finite number, or too large for a dtype."""
    for name, value in items:
        found = number(name, value)
        if not math.isfinite(found):
            raise ValueError(
                f"x[{name!r}]: found {found}, expected a finite number. Leave out what is missing"
            )
        if dtype is not None and abs(found) > float(np.finfo(dtype).max):
            raise ValueError(
                f"x[{name!r}]: found {found:g}, expected a number that {dtype} can hold. Scale it"
            )


def number(name: object, value: Any) -> float:
    """Return a value of a row as a float."""
    if not isinstance(value, (str, bytes, complex, np.complexfloating)) and value is not None:
        try:
            return float(value)
        except (TypeError, ValueError):
            pass
        except OverflowError:
            return math.inf
    raise TypeError(f"x[{name!r}]: found {value!r:.60}, expected a number. Encode text as numbers")
