"""MLPEnsembleClassifier."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils import Tags

from .. import parameters
from ..classifier import MLPClassifier
from ..labels import Labels
from ..settings import Callback
from ..typed import only_if
from .base import BaseMLPEnsemble, constraints
from .selection import Loss, cross_entropy, hinge, log_loss


def _gives_probabilities(ensemble: MLPEnsembleClassifier) -> bool:
    if ensemble.loss == "hinge":
        raise AttributeError("loss='hinge' learns margins, not probabilities: use loss='log_loss'")
    return True


def _gives_margins(ensemble: MLPEnsembleClassifier) -> bool:
    if ensemble.loss != "hinge":
        raise AttributeError("decision_function belongs to loss='hinge': use predict_proba")
    return True


class MLPEnsembleClassifier(ClassifierMixin, BaseMLPEnsemble):
    """Many dense networks that classify by the mean of their probabilities, trained together.

    Member ``i`` is an `MLPClassifier` with a seed of its own; with ``bootstrap`` also with a sample
    of its own. The same ``random_state`` draws the same seeds and samples as in
    `sklearn.ensemble.BaggingClassifier` around an `MLPClassifier`.

    >>> from fastperc import MLPEnsembleClassifier
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> model = MLPEnsembleClassifier(hidden_layer_sizes=(8,), learning_rate_init=0.02, tol=1e-3,
    ...                               batch_size=30, random_state=0).fit(X, y)
    >>> model.predict(X[[0, 50, 100]]).tolist()
    [0, 1, 2]
    >>> len(model.estimators_)
    16

    Parameters
    ----------
    n_members : int, default=16
        How many networks.
    bootstrap : bool, default=False
        Each member draws as many samples as there are, with replacement: sample weights that count
        the draws. In batches of one sample, where weights cancel, they only say which are taken.
    distributions : mapping, optional
        From names of parameters to a scipy distribution or a list: each member draws its own value
        of each. All but ``random_state`` and ``loss``.
    n_selected : int, optional
        Choose so many members, the same one several times perhaps, one after the other so that the
        mean has the least loss on ``validation_fraction`` of the samples, or on (X_val, y_val)
        (Caruana et al. 2004, "Ensemble selection from libraries of models"). By default the mean is
        that of all.
    n_jobs : int, optional
        Threads, -1 for one on each core. Results do not depend on it.
    loss, class_weight
        As in `MLPClassifier`.
    random_state : int, RandomState or None, default=None
        Of all that is drawn.
    validation_fraction : float, default=0.1
        Part of the samples set aside by ``n_selected``, and by each member's ``early_stopping`` of
        those that are left.
    hidden_layer_sizes, activation, solver, alpha, batch_size, learning_rate, learning_rate_init, \
power_t, max_iter, shuffle, tol, verbose, momentum, nesterovs_momentum, early_stopping, beta_1, \
beta_2, epsilon, n_iter_no_change, max_fun, l1, clip_norm, scoring, scale, dtype, time_limit, \
progress, callback
        Of each member, as in `MLPClassifier`. Members are trained one by one with solver='lbfgs',
        with clip_norm, scale, time_limit, verbose, progress, callback, and on sparse inputs.

    Attributes
    ----------
    estimators_ : list of MLPClassifier
        The members, made when they are first asked for. One that diverged is left out, with a
        warning.
    weights_ : float64 array of shape (len(estimators_),)
        Of each member in the mean.
    n_iter_ : int array of shape (len(estimators_),)
        Epochs of each member.
    classes_, n_features_in_, feature_names_in_, n_outputs_
        As in `MLPClassifier`.
    """

    _member: ClassVar = MLPClassifier
    classes_: np.ndarray
    _labels: Labels

    _parameter_constraints: ClassVar[dict] = constraints(MLPClassifier._parameter_constraints)

    def __init__(
        self,
        *,
        n_members: int = 16,
        bootstrap: bool = False,
        distributions: Mapping[str, object] | None = None,
        n_selected: int | None = None,
        n_jobs: int | None = None,
        hidden_layer_sizes: int | Sequence[int] = (100,),
        activation: str | Sequence[str] = "relu",
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: str | Callable[[int], float] = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: int | np.random.RandomState | None = None,
        tol: float = 1e-4,
        verbose: bool | int = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        loss: str = "log_loss",
        class_weight: object = None,
        l1: float = 0.0,
        clip_norm: float | None = None,
        scoring: str | Callable[..., float] | None = None,
        scale: str | None = None,
        dtype: str | None = None,
        time_limit: float | None = None,
        progress: bool = False,
        callback: Callback | None = None,
    ) -> None:
        parameters.store(self, locals())

    def _loss_of_mean(self) -> Loss:
        if self.loss == "hinge":
            return hinge
        return cross_entropy if self._labels.exclude_each_other else log_loss

    # --- prediction ----------------------------------------------------------------------------

    def predict(self, X: object) -> np.ndarray:
        """Predict labels, by the mean of the members' outputs.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_classes)
        """
        checked = self._checked(X)
        return self._labels.of(self._mean_outputs(checked))

    @only_if(_gives_probabilities)
    def predict_proba(self, X: object) -> np.ndarray:
        """Estimate probabilities: the mean of the members'.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        y_prob : ndarray of shape (n_samples, n_classes)
            Columns in the order of ``classes_``.
        """
        out = self._mean_outputs(self._checked(X))
        return out if self.n_outputs_ > 1 else np.hstack([1 - out, out])

    @only_if(_gives_probabilities)
    def predict_log_proba(self, X: object) -> np.ndarray:
        """Estimate the logarithms of the same."""
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    @only_if(_gives_margins)
    def decision_function(self, X: object) -> np.ndarray:
        """Return the mean of the members' margins, positive for the class.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        margins : ndarray of shape (n_samples,) or (n_samples, n_classes)
        """
        out = self._mean_outputs(self._checked(X))
        return out[:, 0] if self.n_outputs_ == 1 else out

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
