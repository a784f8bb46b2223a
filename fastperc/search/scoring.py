"""The scores of many candidates on one part of the data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TypeAlias

import numpy as np
from sklearn.base import BaseEstimator, is_classifier
from sklearn.metrics import accuracy_score, r2_score
from sklearn.metrics._scorer import _BaseScorer, _MultimetricScorer, _PassthroughScorer
from sklearn.model_selection._validation import _score

from ..estimators.fleets import Outcome, default_scores
from .candidates import Network
from .folds import Part

Scorer: TypeAlias = Callable[..., object]
Scores: TypeAlias = float | dict[str, float]
Whole = Callable[[Outcome], BaseEstimator]


class Scoring:
    """Scores by one scorer, or by several with a name each, as scikit-learn's searches have them.

    Parameters
    ----------
    scorer : callable
        What `BaseSearchCV._get_scorers` returns.
    network : MLPClassifier or MLPRegressor
        Whose default score is known sooner.
    error_score : float or "raise"
    weighs : bool
        Whether scorers are given the sample weights.
    threads : int
    """

    def __init__(
        self,
        scorer: Scorer,
        network: Network,
        error_score: float | str,
        weighs: bool,
        threads: int,
    ):
        self.scorer, self.error_score = scorer, error_score
        self.weighs, self.threads = weighs, threads
        named = scorer._scorers if isinstance(scorer, _MultimetricScorer) else {"": scorer}
        self.names = [*named] if isinstance(scorer, _MultimetricScorer) else None
        self.is_default = all(is_default(one, network) for one in named.values())
        self.asks_for_predictions = all(
            isinstance(one, (_BaseScorer, _PassthroughScorer)) for one in named.values()
        )

    def __call__(self, outcomes: Sequence[Outcome], part: Part, whole: Whole) -> list[Scores]:
        """Return the scores of each outcome, of which none has an error.

        ``whole`` makes the estimator that was searched for: a pipeline, where there are steps
        before the network.
        """
        weights = {} if not self.weighs else {"sample_weight": part.weight}
        found = np.full(len(outcomes), np.nan)
        if self.is_default and part.inputs is not None and part.n_samples > 1:
            with suppress(ValueError):  # which scikit-learn will make an error score of
                found = default_scores(
                    outcomes, part.inputs, part.y, part.weight if self.weighs else None,
                    threads=self.threads,
                )  # fmt: skip
        return [
            self._one(outcome, part, whole, weights) if np.isnan(score) else self._named(score)
            for outcome, score in zip(outcomes, found.tolist(), strict=True)
        ]

    def _named(self, score: float) -> Scores:
        return score if self.names is None else dict.fromkeys(self.names, score)

    def _one(
        self, outcome: Outcome, part: Part, whole: Whole, weights: Mapping[str, object]
    ) -> Scores:
        """Return the scores of one estimator, by scikit-learn's own code."""
        estimator, X = outcome.estimator, part.inputs
        if X is None or not self.asks_for_predictions:
            estimator, X = whole(outcome), part.X
        return _score(estimator, X, part.y, self.scorer, weights, self.error_score)

    def of_failure(self) -> Scores:
        """Return the scores of an estimator that could not be fitted."""
        assert not isinstance(self.error_score, str)
        return self._named(self.error_score)


def is_default(scorer: Scorer, network: Network) -> bool:
    """Return whether a scorer gives what the ``score`` of a network does."""
    if isinstance(scorer, _PassthroughScorer):
        return True
    return (
        isinstance(scorer, _BaseScorer)
        and scorer._score_func is (accuracy_score if is_classifier(network) else r2_score)
        and scorer._sign == 1
        and not scorer._kwargs
    )
