"""HalvingRandomSearchCV."""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Self

import numpy as np
from sklearn.experimental import enable_halving_search_cv  # noqa: F401 (what comes next needs it)
from sklearn.model_selection import HalvingRandomSearchCV as Theirs
from sklearn.utils.validation import _num_samples

from ..estimators.fleets import Outcome, go_on
from ..estimators.parameters import SCHEDULES
from .base import FleetSearch, why_not
from .candidates import Candidate, Candidates, network_of, prefix_of
from .evaluation import Evaluation, Split
from .folds import Data, Fold
from .scoring import Scoring

EPOCHS = "epochs"


class WarmEvaluation(Evaluation):
    """Evaluates candidates again after more epochs: networks that it knows go on."""

    def __init__(self, candidates: Candidates, data: Data, scoring: Scoring, scores_training: bool):
        super().__init__(candidates, data, scoring, scores_training)
        self._known: dict[Hashable, list[Outcome]] = {}  # of each candidate, fold by fold
        self._known_folds: dict[Hashable, list[Fold]] = {}

    def _folds(self, candidate: Candidate, splits: Sequence[Split]) -> list[Fold]:
        key = candidate.steps_key
        if key not in self._known_folds:
            self._known_folds[key] = super()._folds(candidate, splits)
        return self._known_folds[key]

    def _fit(self, candidates: Sequence[Candidate], folds: Sequence[Fold]) -> list[list[Outcome]]:
        known = {each.key: each for each in candidates if self._can_go_on(each)}
        new = {each.key: each for each in candidates if each.key not in known}
        if new:
            fitted = super()._fit([*new.values()], folds)
            self._known.update(zip(new, fitted, strict=True))
        if known:
            before = [outcome for key in known for outcome in self._known[key]]
            epochs = int(next(iter(known.values())).network.max_iter)
            after = iter(go_on(before, epochs, threads=self.scoring.threads))
            for key in known:
                self._known[key] = [next(after) for _ in folds]
        return [self._known[each.key] for each in candidates]

    def _warn(self, fitted: Sequence[Sequence[Outcome]]) -> None:
        """Warn of nothing: it is the search that ends training for want of epochs."""

    def _can_go_on(self, candidate: Candidate) -> bool:
        """Return whether a candidate's networks are known, and have no plan made for all epochs."""
        outcomes = self._known.get(candidate.key, ())
        return (
            bool(outcomes)
            and all(outcome.fleet is not None or outcome.error is not None for outcome in outcomes)
            and candidate.network.learning_rate not in SCHEDULES
        )


class HalvingRandomSearchCV(FleetSearch, Theirs):
    """Draw many candidates, train them for a few epochs, and go on with the best ones only.

    scikit-learn's successive halving, with a resource that is not paid for twice: with
    ``resource="epochs"``, networks that are left are trained on, where scikit-learn begins again in
    each iteration. The scores are those of networks that had so many epochs from the beginning.
    Source: Karnin, Koren and Somekh, Almost optimal exploration in multi-armed bandits (2013).

    >>> from fastperc import HalvingRandomSearchCV, MLPClassifier
    >>> from scipy.stats import loguniform
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> model = MLPClassifier(hidden_layer_sizes=(8,), max_iter=270, tol=1e-3, random_state=0)
    >>> drawn = {"learning_rate_init": loguniform(1e-4, 1e-1), "alpha": loguniform(1e-5, 1e-1)}
    >>> search = HalvingRandomSearchCV(model, drawn, n_candidates=27, min_resources=10,
    ...                                random_state=0).fit(X, y)
    >>> search.n_resources_, search.n_candidates_
    ([10, 30, 90, 270], [27, 9, 3, 1])

    Parameters
    ----------
    estimator : MLPClassifier, MLPRegressor, or Pipeline that ends in one
        With another resource, any other estimator too.
    param_distributions : dict or list of dicts
        Names of parameters, and lists or distributions to draw them from.
    n_candidates : int or 'exhaust', default='exhaust'
    factor : int or float, default=3
        One in so many candidates is left after each iteration, and has so many times the epochs.
    resource : str, default='epochs'
        'epochs', which ``cv_results_["params"]`` calls ``max_iter``; 'n_samples'; or a parameter.
    max_resources : int or 'auto', default='auto'
        Epochs of the last iteration; 'auto' is the ``max_iter`` of the estimator.
    min_resources : int, 'exhaust' or 'smallest', default='smallest'
        Epochs of the first iteration; 'smallest' is 1.
    aggressive_elimination : bool, default=False
    cv : int, cross-validation generator or iterable, default=5
        Its splits must be the same each time.
    scoring : str, callable or None, default=None
    random_state : int, RandomState or None, default=None
    refit, error_score, return_train_score, n_jobs, verbose
        As in `GridSearchCV`.

    Attributes
    ----------
    n_resources_, n_candidates_, n_remaining_candidates_, max_resources_, min_resources_, \
n_iterations_, n_possible_iterations_, n_required_iterations_, cv_results_, best_estimator_, \
best_score_, best_params_, best_index_, scorer_, n_splits_, refit_time_, multimetric_, classes_, \
n_features_in_, feature_names_in_
        As in scikit-learn.
    """

    resource: str
    max_resources: int | str

    def __init__(
        self,
        estimator: object,
        param_distributions: Mapping[str, object] | Sequence[Mapping[str, object]],
        *,
        n_candidates: int | str = "exhaust",
        factor: float = 3,
        resource: str = EPOCHS,
        max_resources: int | str = "auto",
        min_resources: int | str = "smallest",
        aggressive_elimination: bool = False,
        cv: object = 5,
        scoring: str | Callable[..., object] | None = None,
        refit: bool = True,
        error_score: float | str = np.nan,
        return_train_score: bool = True,
        random_state: int | np.random.RandomState | None = None,
        n_jobs: int | None = None,
        verbose: int = 0,
    ) -> None:
        super().__init__(
            estimator, param_distributions, n_candidates=n_candidates, factor=factor,
            resource=resource, max_resources=max_resources, min_resources=min_resources,
            aggressive_elimination=aggressive_elimination, cv=cv, scoring=scoring, refit=refit,
            error_score=error_score, return_train_score=return_train_score,
            random_state=random_state, n_jobs=n_jobs, verbose=verbose,
        )  # fmt: skip

    def fit(
        self,
        X: object,
        y: object = None,
        *,
        checkpoint: str | os.PathLike | None = None,
        every: str | int = "60s",
        resume: bool = False,
        client: object = None,
        **params: Any,
    ) -> Self:
        """Find the best parameters, and fit an estimator that has them to all of the data.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        checkpoint, every, resume
            A file in which to keep training, how often, and whether to go on from it; as of
            `MLPClassifier.fit`.
        client : distributed.Client, str or bool, optional
            A Dask cluster to train on, by the extra ``fastperc[dask]``: a client, a scheduler's
            address, or True for one on this machine. The results are the same to the last bit. See
            `fastperc.distributed.on`.
        **params : dict
            ``sample_weight``, ``groups`` and whatever else scikit-learn's search takes.

        Returns
        -------
        self : object
        """
        kept: dict[str, Any] = {
            "checkpoint": checkpoint, "every": every, "resume": resume, "client": client
        }  # fmt: skip
        self._n_samples_orig = _num_samples(X)
        self._goes_on = self.resource == EPOCHS
        if not self._goes_on:
            super().fit(X, y, **kept, **params)
        else:
            reason = why_not(self, X, y, params)
            if reason:
                raise ValueError(
                    f"resource: found 'epochs', which networks have that are trained together, but "
                    f"{reason}. Use resource='n_samples', or an MLPClassifier or MLPRegressor"
                )
            with self._epochs_as_parameter():
                super().fit(X, y, **kept, **params)
        self.best_score_ = self.cv_results_["mean_test_score"][self.best_index_]
        return self

    @contextmanager
    def _epochs_as_parameter(self) -> Iterator[None]:
        """Call epochs by the name of their parameter, as scikit-learn's code wants it, and back."""
        given = self.resource, self.max_resources
        network = network_of(self.estimator)
        assert network is not None
        self.resource = f"{prefix_of(self.estimator)}max_iter"
        if self.max_resources == "auto":
            self.max_resources = network.max_iter
        try:
            yield
        finally:
            self.resource, self.max_resources = given

    def _evaluation(self, candidates: Candidates, data: Data, scoring: Scoring) -> Evaluation:
        kind = WarmEvaluation if self._goes_on else Evaluation
        return kind(candidates, data, scoring, bool(self.return_train_score))
