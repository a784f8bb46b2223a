"""One row at a time, in a microsecond or two: arrays, rows of sparse matrices, dicts of names."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, Self

import numpy as np
from scipy import sparse
from sklearn.utils.validation import check_is_fitted

from ...model.linear import Linear
from ...training.linear import learn_rows
from ...training.linear_row import ALL, SPARSE_INTERCEPT_DECAY, LinearRow, refuse
from ..attempt import Attempt
from ..inputs import Inputs
from .base import BaseLinear
from .features import FeatureNames, HashedNames, UnknownNameError
from .rows import canonical

NO_LABELS = np.empty(0)


class UnknownLabelError(LookupError):
    """A label has not come before."""


class Part(NamedTuple):
    """Rows that were learned one after another.

    Attributes
    ----------
    outputs : ndarray of shape (n, n_outputs)
        The scores of each row before it was learned.
    classes : ndarray
        The labels there were, the first row's included; of a regressor, none.
    begins_new : bool
        Whether the first row's label had not come before.
    """

    outputs: np.ndarray
    classes: np.ndarray
    begins_new: bool


class OnlineLinear(BaseLinear):
    """Learning and predicting one row at a time."""

    _row: LinearRow | None = None  # what learns
    _readers: list[LinearRow]  # what predicts, while no thread has it
    _names: FeatureNames | HashedNames | None = None

    # --- what the two kinds have of their own -----------------------------------------------------

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

    # --- learning ---------------------------------------------------------------------------------

    def learn_one(self, x: object, y: object) -> float:
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
            target = self._target_of(y)
            if type(x) is np.ndarray and x.dtype is row.dtype and x.shape == row.shape:
                values, columns = x, ALL
                if not x.flags.carray:  # kernels are compiled for plain arrays
                    values = row.values
                    values[:] = x
            elif type(x) is dict and self._names is not None:
                values, columns = self._names.read(x, row.values, True)
            else:
                values, columns = self._row_of(x, row, grows=True)
        except (UnknownNameError, UnknownLabelError):
            return self._learn_after(self._make_room, x, y)
        loss = row.learn(values, columns, target)
        if loss != loss:
            self._refuse(x, values, target)
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

    # --- rows -------------------------------------------------------------------------------------

    def _row_of(self, x: Any, row: LinearRow, grows: bool) -> tuple[np.ndarray, np.ndarray]:
        """Return a row's values and their columns; see `FeatureNames.read` for ``grows``."""
        if isinstance(x, Mapping):
            if self._names is None:
                self._names = self._own_names()
            return self._names.read(x, row.values, grows)
        if sparse.issparse(x):
            return self._row_of_sparse(x)
        found = np.asarray(x)
        if found.shape != row.shape or found.dtype.kind not in "fiub":
            raise ValueError(
                f"x: found an array of shape {found.shape} and dtype {found.dtype}, expected "
                f"{row.shape[0]} numbers, one for each feature"
            )
        with np.errstate(over="ignore"):  # infinite is refused
            row.values[:] = found
        return row.values, ALL

    def _refuse(self, x: Any, values: np.ndarray, target: float) -> None:
        """Raise for a row of which nothing could be learned, or predicted."""
        if self._names is not None and isinstance(x, Mapping):
            self._names.check(x, values.dtype)
        refuse(values, target, values.dtype)

    def _own_names(self) -> FeatureNames | HashedNames:
        """Return the names of the columns that a model was fitted to."""
        known = vars(self).get("feature_names_in_")
        if known is None and self.n_features == self.n_features_in_:
            return HashedNames(self.n_features)  # learned from rows that were hashed before
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
        found = (
            x if x.format == "csr" and x.has_canonical_format else canonical(sparse.csr_matrix(x))
        )
        shape = (self.n_features_in_,)
        if found.shape not in {(1, *shape), shape}:
            raise ValueError(
                f"x: found a sparse matrix of shape {found.shape}, expected one row of "
                f"{shape[0]} features"
            )
        values = np.ascontiguousarray(found.data, self._model().theta.dtype)
        return values, np.ascontiguousarray(found.indices, np.int32)

    def _score_of_one(self, x: Any) -> tuple[float, LinearRow]:
        """Compute the scores of one row.

        Returns
        -------
        score : float
            The score, or of several the number of the largest.
        row : LinearRow
            Holds all scores. To be given back to ``_readers``.
        """
        readers = vars(self).get("_readers")
        if readers is None:
            check_is_fitted(self)
            readers = self._readers = []
        row = readers.pop() if readers else LinearRow(self._model())
        if row.model is not self._linear:
            row = LinearRow(self._model())
        if type(x) is np.ndarray and x.dtype is row.dtype and x.shape == row.shape:
            values, columns = x, ALL
            if not x.flags.carray:
                values = row.values
                values[:] = x
        elif type(x) is dict and self._names is not None:
            values, columns = self._names.read(x, row.values, False)
        else:
            values, columns = self._row_of(x, row, grows=False)
        score = row.score(values, columns)
        if score != score:
            self._refuse(x, values, 0.0)
        return score, row

    # --- many rows --------------------------------------------------------------------------------

    def learn_many(self, X: object, y: object) -> Self:
        """Learn rows in the order in which they come, as `learn_one` would one after another.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features), or iterable of dicts
        y : array-like of shape (n_samples,)

        Returns
        -------
        self : object
        """
        self._learn_in_turn(X, y)
        return self

    def _learn_in_turn(self, X: Inputs, y: Any) -> list[Part]:
        """Learn rows one after another; a new class, and with it an output, begins a new part."""
        if isinstance(X, Iterator):
            X = list(X)
        if not hasattr(X, "shape") and len(X) and isinstance(X[0], Mapping):
            return self._learn_dicts(X, y)
        parts = []
        with Attempt(self, None):
            X, y = self._check(X, y, reset=self._linear is None)
            is_first = self._linear is None
            if self._row is None:
                self._begin_rows(X[:1], y[0])
            self._replace(self._model().copy())
            new = {*self._first_of_new(y), *([0] if is_first else [])}
            for first, last in itertools.pairwise([*sorted({0, *new}), len(y)]):
                self._grow_classes(y[first])
                outputs = self._learn_rows(X[first:last], y[first:last])
                parts.append(Part(outputs, self._known(), first in new))
        return parts

    def _learn_rows(self, X: Inputs, y: np.ndarray) -> np.ndarray:
        """Learn rows whose labels are known."""
        model, targets = self._model(), self._targets_of(y)
        X = X.astype(model.theta.dtype, copy=False)
        model.record["intercept_decay"] = SPARSE_INTERCEPT_DECAY if sparse.issparse(X) else 1.0
        rows = self._rows(X, targets, None, None)
        n, outputs = learn_rows(model, replace(rows, y=targets))
        if n < len(targets):
            refuse(np.asarray(X[n : n + 1].data).ravel(), float(targets[n]), X.dtype)
        self._replace(model)
        return outputs

    def _learn_dicts(self, X: Sequence[Any], y: Any) -> list[Part]:
        """Learn dicts one after another."""
        if len(X) != len(y):
            raise ValueError(f"y: found {len(y)} targets, expected {len(X)}, one for each row of X")
        parts = []
        with Attempt(self, None):
            if self._row is not None:
                self._replace(self._model().copy())
            for x, target in zip(X, y, strict=True):
                n_before = len(self._known())
                self.learn_one(x, target)
                row, known = self._row, self._known()
                outputs = np.zeros((1, 0)) if row is None else row.targets[None, 2:].copy()
                parts.append(Part(outputs, known, len(known) > n_before))
        return parts

    def _known(self) -> np.ndarray:
        """Return the labels that there are."""
        return vars(self).get("_classes", NO_LABELS)
