"""X and y, checked once for all estimators of one kind; and what is their labels' in some rows."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from sklearn.base import clone

from ...model.samples import read_only
from ..base import BaseMLP
from ..inputs import narrowed
from ..labels import Labels, binarizer_of

PLAIN = (str, int, float, type(None))  # values that need no copy, and can be remembered


class Data:
    """Checked data, and the fitted attributes that follow from them.

    Attributes
    ----------
    X : ndarray or sparse matrix of shape (n_samples, n_features)
    Y : ndarray of shape (n_samples, n_outputs)
        Targets, those of labels by all classes of y.
    labels : Labels or None
        Of a classifier.
    """

    def __init__(self, estimator: BaseMLP, X: object, y: object):
        twin = unfitted(estimator)
        self.X, self.Y = twin._validate_input(X, y, False, reset=True)
        found = vars(twin)
        self._features = {
            name: found[name] for name in ("n_features_in_", "feature_names_in_") if name in found
        }
        self.labels: Labels | None = found.get("_labels")
        self._by_classes: dict[bytes, Labels] = {}
        self._targets: dict[int, np.ndarray] = {}
        self._narrow: dict[np.dtype, np.ndarray] = {}
        if self.labels is not None and not self.labels.are_several:
            self.places = self.labels.places(self.Y)  # of each label among all classes

    @classmethod
    def of_features(
        cls, features: Mapping[str, object], labels: Labels | None, n_outputs: int
    ) -> Data:
        """Return what is known of data that are not at hand: features, labels and outputs."""
        data = object.__new__(cls)
        data.X, data.Y = np.empty((0, 0)), np.empty((0, n_outputs))
        data._features, data.labels = dict(features), labels
        data._by_classes, data._targets, data._narrow = {}, {}, {}
        return data

    def __len__(self) -> int:
        return len(self.Y)

    @property
    def is_dense(self) -> bool:
        """True for inputs in an array."""
        return isinstance(self.X, np.ndarray)

    def inputs(self, dtype: np.dtype) -> np.ndarray:
        """Return X in a network's dtype."""
        if dtype not in self._narrow:
            self._narrow[dtype] = narrowed(self.X, dtype, "X")
        return self._narrow[dtype]

    def labels_in(self, rows: np.ndarray | None) -> Labels | None:
        """Return the labels of an estimator that learns from some rows: only these have classes."""
        labels = self.labels
        if labels is None or labels.are_several or rows is None:
            return labels
        present = np.bincount(self.places[rows], minlength=len(labels.classes)) > 0
        if present.all():
            return labels
        key = present.tobytes()
        if key not in self._by_classes:
            classes = labels.classes[present]
            self._by_classes[key] = Labels(binarizer_of(classes), classes, labels.loss)
        return self._by_classes[key]

    def targets(self, labels: Labels | None, dtype: np.dtype) -> np.ndarray:
        """Return what networks with these labels learn, (n_samples, n_outputs)."""
        if labels is self.labels or labels is None or self.labels is None:
            return narrowed(self.Y, dtype, "y")
        if id(labels) not in self._targets:
            known = np.flatnonzero(np.isin(self.labels.classes, labels.classes)[self.places])
            own = labels.targets(self.labels.classes[self.places[known]])
            Y = np.full((len(self), own.shape[1]), labels.low, own.dtype)
            Y[known] = own
            self._targets[id(labels)] = Y
        return read_only(self._targets[id(labels)], dtype)

    def n_outputs(self, labels: Labels | None) -> int:
        """Return how many outputs networks with these labels have."""
        if labels is self.labels or labels is None:
            return self.Y.shape[1]
        return len(labels.classes) if labels.exclude_each_other else 1

    def attributes(self, labels: Labels | None) -> dict[str, object]:
        """Return what `fit` makes attributes of an estimator, of all that follows from the data."""
        known = {"classes_": labels.classes, "_labels": labels} if labels is not None else {}
        return {**self._features, **known, "n_outputs_": self.n_outputs(labels)}


def unfitted(estimator: BaseMLP, **attributes: object) -> BaseMLP:
    """Return an estimator of the same parameters, shared, that has these attributes and no more."""
    twin = object.__new__(type(estimator))
    twin.__dict__.update({name: getattr(estimator, name) for name in names_of(type(estimator))})
    twin.__dict__.update(attributes)
    return twin


def copied(estimator: BaseMLP, **changed: object) -> BaseMLP:
    """Return what ``clone(estimator).set_params(**changed)`` does, sooner.

    ``changed`` are parameters that there are.
    """
    given = {name: getattr(estimator, name) for name in names_of(type(estimator))} | changed
    own = {
        name: value if isinstance(value, PLAIN) else clone(value, safe=False)
        for name, value in given.items()
    }
    twin = object.__new__(type(estimator))
    twin.__dict__.update(own)
    return twin


def names_of(kind: type[BaseMLP]) -> list[str]:
    """Return the names of the parameters, which scikit-learn reads off a signature each time."""
    if kind not in _NAMES:
        _NAMES[kind] = kind._get_param_names()
    return _NAMES[kind]


_NAMES: dict[type[BaseMLP], list[str]] = {}
