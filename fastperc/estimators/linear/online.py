"""One row at a time: arrays, rows of sparse matrices and dicts of names, in a microsecond or two."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Self

import numpy as np
from scipy import sparse
from sklearn.utils.validation import check_is_fitted

from ...model.linear import Linear
from ...training.linear import learn_rows
from ...training.linear_row import ALL, SPARSE_INTERCEPT_DECAY, LinearRow, refuse
from ..attempt import Attempt
from .base import BaseLinear
from .features import FeatureNames, HashedNames, UnknownNameError
from .rows import canonical


class UnknownLabelError(LookupError):
    """A label has not come before."""


class OnlineLinear(BaseLinear):
    """Learning and predicting one row at a time."""

    _row: LinearRow | None = None  # what learns
    _reader: LinearRow | None = None  # what predicts where nothing learns
    _names: FeatureNames | HashedNames | None = None

    # --- what the two kinds have of their own ----------------------------------------------------

    def _target_of(self, y: Any) -> float:
        """Return a target as kernels take it; a label not seen before may add a class."""
        raise NotImplementedError

    def _empty(self, y: Any) -> Linear:
        """Return a model that has learned nothing, for a first row with the target ``y``."""
        raise NotImplementedError

    def _targets_of(self, y: np.ndarray) -> np.ndarray:
        """Return targets of many rows as kernels take them."""
        raise NotImplementedError

    def _first_of_new(self, y: np.ndarray) -> list[int]:
        """Return where in y labels stand that have not come before: the first of each."""
        return []

    def _grow_classes(self, y: Any) -> None:
        """Make room for a label that has not come before, where that is possible."""
        raise NotImplementedError

    # --- learning ----------------------------------------------------------------------------------

    def learn_one(self, x: Any, y: Any) -> float:
        """Take one step on one row, in about a microsecond.

        Parameters
        ----------
        x : array-like of n_features numbers, row of a sparse matrix, or dict of str to number
        y : label or number

        Returns
        -------
        float
            The row's loss before the step.
        """
        row = self._row
        if row is None:
            return self._learn_after(self._begin_rows, x, y)
        try:
            values, columns = self._row_of(x, row, grows=True)
            target = self._target_of(y)
        except (UnknownNameError, UnknownLabelError):
            return self._learn_after(self._make_room, x, y)
        loss = row.learn(values, columns, target)
        if loss != loss:
            refuse(values, target, row.theta.dtype)
        return loss

    def _learn_after(self, prepare: Callable[[Any, Any], None], x: Any, y: Any) -> float:
        """Learn a row after something has to be made for it; nothing is, if it is refused."""
        with Attempt(self, None):
            prepare(x, y)
            return self.learn_one(x, y)

    def _begin_rows(self, x: Any, y: Any) -> None:
        """Make or find the model that learns row by row."""
        self._validate_params()
        if self._linear is None:
            self._set_columns(x)
            self._linear = self._empty(y)
        else:
            self._linear = self._model().with_options(self._all_fields(None))
        model = self._linear
        model.begin(tracks_loss=True)
        self._replace(model)

    def _make_room(self, x: Any, y: Any) -> None:
        """Add columns for new names and outputs for a new label."""
        if isinstance(x, Mapping) and isinstance(self._names, FeatureNames):
            names = self._names.extended(x)
            if len(names) > len(self._names):
                self._grow(names)
        self._grow_classes(y)

    def _new_row(self) -> None:
        """Do what a kind does where the model of rows is another one."""

    def _set_columns(self, x: Any) -> None:
        """Take the number of features, or their names, from a first row."""
        if isinstance(x, Mapping):
            if self.n_features is not None:
                self._names = HashedNames(self.n_features)
                self.n_features_in_ = self.n_features
            else:
                self._names = FeatureNames(()).extended(x)
                self.n_features_in_ = len(self._names)
                self.feature_names_in_ = np.array(self._names.names, dtype=object)
        else:
            self.n_features_in_ = (x if sparse.issparse(x) else np.asarray(x)).shape[-1]

    # --- rows --------------------------------------------------------------------------------------

    def _row_of(self, x: Any, row: LinearRow, grows: bool) -> tuple[np.ndarray, np.ndarray]:
        """Return a row's values and their columns; see `FeatureNames.row_of` for ``grows``."""
        values = row.values
        if type(x) is np.ndarray and x.shape == row.shape and x.dtype.kind == "f":
            values[:] = x
            return values, ALL
        if isinstance(x, Mapping):
            names = self._names
            if names is None:
                names = self._names = self._own_names()
            if isinstance(names, HashedNames):
                columns, found = names.row_of(x)
                return found.astype(values.dtype, copy=False), columns
            found = names.row_of(x, grows)
            return (found if found.dtype == values.dtype else found.astype(values.dtype)), ALL
        if sparse.issparse(x):
            return self._row_of_sparse(x)
        found = np.asarray(x)
        if found.shape != row.shape or found.dtype.kind not in "fiub":
            raise ValueError(
                f"x: found an array of shape {found.shape} and dtype {found.dtype}, expected "
                f"{row.shape[0]} numbers, one for each feature"
            )
        values[:] = found
        return values, ALL

    def _own_names(self) -> FeatureNames:
        """Return the names of the columns that a model was fitted to."""
        known = vars(self).get("feature_names_in_")
        if known is None:
            raise ValueError(
                f"x: found a dict, expected {self.n_features_in_} numbers: the model has learned "
                "columns without names. Fit it to a DataFrame, or begin with dicts"
            )
        return FeatureNames(tuple(map(str, known)))

    def _grow(self, names: FeatureNames) -> None:
        """Give the model a column for each new name."""
        model = self._model()
        same = [(k, 1) for k in range(model.n_outputs)]
        self._names, self.n_features_in_ = names, len(names)
        self.feature_names_in_ = np.array(names.names, dtype=object)
        self._replace(model.rearranged(same, len(names)))

    def _replace(self, model: Linear) -> None:
        """Go on with a model that was made of the one before."""
        model.record["tracks_loss"] = 1
        self._linear, self._row = model, LinearRow(model)
        self._new_row()

    def _row_of_sparse(self, x: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return the values and columns of a row of a sparse matrix."""
        found = x if x.format == "csr" and x.has_canonical_format else canonical(sparse.csr_matrix(x))
        shape = self._reading().shape
        if found.shape not in {(1, *shape), shape}:
            raise ValueError(
                f"x: found a sparse matrix of shape {found.shape}, expected one row of "
                f"{shape[0]} features"
            )
        values = np.ascontiguousarray(found.data, self._model().theta.dtype)
        return values, np.ascontiguousarray(found.indices, np.int32)

    def _reading(self) -> LinearRow:
        """Return room for a row of the model, to be predicted."""
        row = self._row or self._reader
        if row is None or row.model is not self._linear:
            check_is_fitted(self)
            row = self._reader = LinearRow(self._model())
        return row

    def _scores_of_one(self, x: Any) -> np.ndarray:
        """Return the scores of one row; the next call overwrites them."""
        row = self._reading()
        found = row.scores(*self._row_of(x, row, grows=False))
        if not np.isfinite(found).all():
            refuse(row.values, 0.0, row.theta.dtype)
        return found

    # --- many rows ---------------------------------------------------------------------------------

    def learn_many(self, X: Any, y: Any) -> Self:
        """Learn rows in the order in which they come, as `learn_one` would one after another.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features), or iterable of dicts
        y : array-like of shape (n_samples,)

        Returns
        -------
        self : object
        """
        for _ in self._learn_in_turn(X, y, wants_outputs=False):
            pass
        return self

    def _learn_in_turn(self, X: Any, y: Any, wants_outputs: bool) -> list[np.ndarray]:
        """Learn rows one after another.

        Returns
        -------
        list of ndarray of shape (n_samples, n_outputs)
            The scores of rows before they were learned, where these are wanted. A new class, and
            with it another number of outputs, begins a new array.
        """
        if not hasattr(X, "shape") and len(X) and isinstance(X[0], Mapping):
            return self._learn_dicts(X, y, wants_outputs)
        found = []
        with Attempt(self, None):
            X, y = self._check(X, y, reset=self._linear is None)
            if self._row is None:
                self._begin_rows(X[:1], y[0])
            self._replace(self._model().copy())
            starts = sorted({0, *self._first_of_new(y)})
            for first, last in itertools.pairwise([*starts, len(y)]):
                self._grow_classes(y[first])
                found.append(self._learn_rows(X[first:last], y[first:last], wants_outputs))
        return found

    def _learn_rows(self, X: Any, y: np.ndarray, wants_outputs: bool) -> np.ndarray:
        """Learn rows whose labels are known."""
        model, targets = self._model(), self._targets_of(y)
        X = X.astype(model.theta.dtype, copy=False)
        model.record["intercept_decay"] = SPARSE_INTERCEPT_DECAY if sparse.issparse(X) else 1.0
        rows = self._rows(X, targets, None, None)
        n, outputs = learn_rows(model, replace(rows, y=targets), wants_outputs)
        if n < len(targets):
            refuse(np.asarray(X[n : n + 1].data).ravel(), float(targets[n]), X.dtype)
        self._replace(model)
        return outputs

    def _learn_dicts(self, X: Sequence[Any], y: Any, wants_outputs: bool) -> list[np.ndarray]:
        """Learn dicts one after another."""
        if len(X) != len(y):
            raise ValueError(f"y: found {len(y)} targets, expected {len(X)}, one for each row of X")
        found = []
        for x, target in zip(X, y, strict=True):
            if wants_outputs and self._linear is not None:
                found.append(self._scores_of_one(x)[None].copy())
            self.learn_one(x, target)
        return found
