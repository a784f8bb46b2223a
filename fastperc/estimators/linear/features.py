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
        self._places = {name: k for k, name in enumerate(self.names)}
        self._n = len(self.names)
        self._pack = struct.Struct(f"{len(self.names)}d").pack_into
        self._pick: Callable[[Any], Any] = itemgetter(*(self.names or ("",)))

    def __reduce__(self) -> tuple[type, tuple[tuple[str, ...]]]:
        return FeatureNames, (self.names,)

    def __len__(self) -> int:
        return len(self.names)

    def read(
        self, x: Mapping[str, Any], values: np.ndarray, grows: bool = False
    ) -> tuple[np.ndarray, np.ndarray]:
        """Write a row's values in the order of the names, 0 for what it lacks.

        Parameters
        ----------
        x : dict of str to number
        values : ndarray of shape (n_names,)
            Written.
        grows : bool
            Whether a name that is not known is an `UnknownNameError`; it is left out otherwise.

        Returns
        -------
        values : ndarray
            As given.
        columns : ndarray
            `ALL`: no names of columns are needed.
        """
        if len(x) == self._n and values.itemsize == 8:
            try:
                self._pack(values.data, 0, *self._pick(x))
                return values, ALL
            except (KeyError, TypeError, struct.error, OverflowError):
                pass
        places = self._places
        values[:] = 0.0
        for name, value in x.items():
            place = places.get(name)
            if place is not None:
                values[place] = number(name, value)
            elif grows:
                raise UnknownNameError(name)
        return values, ALL

    def extended(self, x: Mapping[str, Any]) -> FeatureNames:
        """Return these names, followed by those of a row that are new."""
        new = [name for name in x if name not in self._places]
        for name in new:
            check_name(name)
        return FeatureNames((*self.names, *new))


class HashedNames:
    """Names hashed to a number of columns, as `sklearn.feature_extraction.FeatureHasher` does.

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

    def read(
        self, x: Mapping[str, Any], values: np.ndarray, grows: bool = False
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return a row's values, of the dtype of ``values``, and their columns, each but once."""
        found: dict[int, float] = {}
        places = self._places
        for name, value in x.items():
            if type(value) is str:
                name, value = f"{name}={value}", 1.0
            place = places.get(name) or self._place(name)
            column, sign = place
            if type(value) is not float:
                value = number(name, value)
            found[column] = found.get(column, 0.0) + sign * value
        return (
            np.fromiter(found.values(), values.dtype, len(found)),
            np.fromiter(found.keys(), np.int32, len(found)),
        )

    def rows_of(self, rows: Iterable[Mapping[str, Any]]) -> csr_matrix:
        """Return rows as a matrix, by scikit-learn's own hasher."""
        hasher = FeatureHasher(self.n_features, alternate_sign=self.alternate_sign)
        return hasher.transform(rows)

    def _place(self, name: str) -> tuple[int, float]:
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


def check_name(name: object) -> None:
    """Refuse names that are no text."""
    if not isinstance(name, str):
        raise TypeError(f"x: found the name {name!r:.60}, expected names of type str")


def number(name: object, value: Any) -> float:
    """Return a value of a row as a float."""
    if isinstance(value, (str, bytes)) or value is None or isinstance(value, complex):
        found = None
    else:
        try:
            found = float(value)
        except (TypeError, ValueError, OverflowError):
            found = None
    if found is None or not math.isfinite(found):
        raise (TypeError if found is None else ValueError)(
            f"x[{name!r}]: found {value!r:.60}, expected a finite number. Encode text as numbers, "
            "and leave out what is missing"
        )
    return found
