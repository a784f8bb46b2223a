"""GroupedMLPClassifier."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from sklearn.base import ClassifierMixin, clone
from sklearn.metrics import accuracy_score
from sklearn.utils import Tags

from ..base import BaseMLP
from ..classifier import MLPClassifier
from ..fleets import Job
from ..labels import Labels
from ..typed import only_if
from .base import BaseGroupedMLP
from .classes import outputs_for_all
from .partition import Partition


def _gives_probabilities(model: GroupedMLPClassifier) -> bool:
    if model.estimator is not None and model.estimator.loss == "hinge":
        raise AttributeError("loss='hinge' learns margins, not probabilities: use loss='log_loss'")
    return True


def _gives_margins(model: GroupedMLPClassifier) -> bool:
    if model.estimator is None or model.estimator.loss != "hinge":
        raise AttributeError("decision_function belongs to loss='hinge': use predict_proba")
    return True


class GroupedMLPClassifier(ClassifierMixin, BaseGroupedMLP):
    """A dense network that classifies the rows of each group, all of them trained together.

    Each network is what ``clone(estimator).fit(X[rows], y[rows])`` would make of the rows of its
    group, to rounding, but that it has outputs for all classes of y, also for those that the group
    lacks.

    >>> import numpy as np
    >>> from fastperc import GroupedMLPClassifier, MLPClassifier
    >>> X = np.column_stack([np.repeat([7, 8], 50), np.tile(np.linspace(-1, 1, 50), 2)])
    >>> y = np.where(X[:, 0] == 7, X[:, 1] > 0, X[:, 1] < 0)
    >>> one = MLPClassifier(hidden_layer_sizes=(), learning_rate_init=0.1, tol=0.01, random_state=0)
    >>> model = GroupedMLPClassifier(one, groups=0).fit(X, y)
    >>> model.predict([[7, 0.5], [8, 0.5]]).tolist()
    [True, False]

    Parameters
    ----------
    estimator : MLPClassifier, optional
        What each group gets a copy of; an `MLPClassifier` with its defaults if there is none. Where
        its ``random_state`` is None, one seed is drawn for all groups.
    groups, unknown, n_jobs
        As in `GroupedMLPRegressor`.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Of the whole y.
    groups_, pooled_estimator_, n_features_in_, feature_names_in_, n_outputs_
        As in `GroupedMLPRegressor`.
    """

    _kind: ClassVar = MLPClassifier
    classes_: np.ndarray
    _labels: Labels

    def _take_attributes(self, Y: np.ndarray) -> None:
        super()._take_attributes(Y)
        self.classes_, self._labels = self._like.classes_, self._like._labels

    def _job(
        self,
        estimator: BaseMLP,
        partition: Partition,
        Y: np.ndarray,
        weight: np.ndarray | None,
    ) -> Job:
        """Return what is to be done; weights of classes become those of samples, in each group."""
        if getattr(estimator, "class_weight", None) is None:
            return super()._job(estimator, partition, Y, weight)
        if estimator.batch_size == 1:
            raise ValueError(
                "class_weight: found batches of one sample, in which the weights of a group's "
                "classes would cancel. Use a batch_size of 2 or more"
            )
        factors = np.ones(len(Y))
        for rows in np.split(partition.order, partition.begins[1:-1]):
            given = None if weight is None else weight[rows]
            factors[rows], _ = self._like._all_weights(Y[rows], given, False)
        return Job(clone(estimator).set_params(class_weight=None), sample_weight=factors)

    def _for_all(self, i: int, out: np.ndarray) -> np.ndarray:
        own = self._networks.labels(i)
        return out if own is None else outputs_for_all(out, own, self._labels)

    # --- prediction ----------------------------------------------------------------------------

    def predict(self, X: object, groups: object = None) -> np.ndarray:
        """Predict labels, each row's by the network of its group.

        Parameters
        ----------
        X : data frame or {array-like, sparse matrix} of shape (n_samples, n_features)
        groups : array-like of shape (n_samples,), optional
            The group of each row, if no column of X says it.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_classes)
        """
        out = self._outputs(X, groups)
        return self._labels.of(out)

    @only_if(_gives_probabilities)
    def predict_proba(self, X: object, groups: object = None) -> np.ndarray:
        """Estimate probabilities, each row's by the network of its group.

        Parameters
        ----------
        X : data frame or {array-like, sparse matrix} of shape (n_samples, n_features)
        groups : array-like of shape (n_samples,), optional

        Returns
        -------
        y_prob : ndarray of shape (n_samples, n_classes)
            Columns in the order of ``classes_``.
        """
        out = self._outputs(X, groups)
        return out if self.n_outputs_ > 1 else np.hstack([1 - out, out])

    @only_if(_gives_margins)
    def decision_function(self, X: object, groups: object = None) -> np.ndarray:
        """Return margins, each row's by the network of its group: positive for the class.

        Parameters
        ----------
        X : data frame or {array-like, sparse matrix} of shape (n_samples, n_features)
        groups : array-like of shape (n_samples,), optional

        Returns
        -------
        margins : ndarray of shape (n_samples,) or (n_samples, n_classes)
        """
        out = self._outputs(X, groups)
        return out[:, 0] if self.n_outputs_ == 1 else out

    def score(
        self, X: object, y: object, sample_weight: object = None, *, groups: object = None
    ) -> float:
        """Return the accuracy over all rows.

        Parameters
        ----------
        X : data frame or {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        sample_weight, groups : array-like of shape (n_samples,), optional

        Returns
        -------
        score : float
        """
        return float(accuracy_score(y, self.predict(X, groups), sample_weight=sample_weight))

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
