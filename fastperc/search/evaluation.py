"""Candidates evaluated together: what scikit-learn's `_fit_and_score` does to one at a time."""

from __future__ import annotations

import time
import traceback
from collections.abc import Hashable, Iterator, Sequence
from functools import partial
from itertools import chain
from typing import TypeAlias

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

from ..estimators.fleets import Job, Outcome, failed, fit_together
from ..estimators.warning import warn
from .candidates import Candidate, Candidates, Parameters
from .folds import Data, Fold
from .scoring import Scores, Scoring
from .table import Rows

Split: TypeAlias = tuple[np.ndarray, np.ndarray]
Result: TypeAlias = dict[str, object]


class Evaluation:
    """Fits candidates on the splits of some data, and scores them.

    Parameters
    ----------
    candidates : Candidates
    data : Data
    scoring : Scoring
    scores_training : bool
        Whether scores on the training data are wanted, too.

    Attributes
    ----------
    rows : list of Rows
        What became of each network, call by call.
    """

    def __init__(self, candidates: Candidates, data: Data, scoring: Scoring, scores_training: bool):
        self.candidates, self.data, self.scoring = candidates, data, scoring
        self.scores_training = scores_training
        self.rows: list[Rows] = []

    def __call__(self, parameters: Sequence[Parameters], splits: Sequence[Split]) -> list[Result]:
        """Return a result for each candidate and split, the splits of one candidate together."""
        chosen = [self.candidates.of(each) for each in parameters]
        same_steps: dict[Hashable, list[int]] = {}
        for number, candidate in enumerate(chosen):
            same_steps.setdefault(candidate.steps_key, []).append(number)
        done: dict[tuple[int, int], tuple[Outcome, Result]] = {}  # by candidate and split
        for numbers in same_steps.values():
            folds = self._folds(chosen[numbers[0]], splits)
            fitted = self._fit([chosen[number] for number in numbers], folds)
            self._raise(fitted)
            self._warn(fitted)
            for k, fold in enumerate(folds):
                outcomes = [each[k] for each in fitted]
                pairs = zip(outcomes, self._score(outcomes, fold), strict=True)
                done.update({(c, k): pair for c, pair in zip(numbers, pairs, strict=True)})
        order = sorted(done)
        results = [done[place][1] for place in order]
        rows = Rows.of(
            [parameters[c] for c, _ in order], [k for _, k in order],
            [done[place][0] for place in order], [result["test_scores"] for result in results],
        )  # fmt: skip
        self.rows.append(rows)
        return results

    # --- fitting ---------------------------------------------------------------------------------

    def _folds(self, candidate: Candidate, splits: Sequence[Split]) -> list[Fold]:
        """Return the splits as the network of a candidate sees them."""
        return [Fold(self.data, train, test, candidate.steps) for train, test in splits]

    def _fit(self, candidates: Sequence[Candidate], folds: Sequence[Fold]) -> list[list[Outcome]]:
        """Fit networks behind the same steps; returns an outcome for each fold of each."""
        if not folds or folds[0].steps is None:  # all of them learn from rows of one X
            jobs = [
                Job(candidate.network, fold.rows, fold.weight)
                for candidate in candidates
                for fold in folds
            ]
            found = fit_together(self.data.X, self.data.y, jobs, threads=self.scoring.threads)
            n = len(folds)
            return [found[k * n : (k + 1) * n] for k in range(len(candidates))]
        by_fold = [self._fit_behind(candidates, fold) for fold in folds]
        return [[*outcomes] for outcomes in zip(*by_fold, strict=True)]

    def _fit_behind(self, candidates: Sequence[Candidate], fold: Fold) -> list[Outcome]:
        """Fit networks to what the steps made of one fold."""
        jobs = [Job(candidate.network, None, fold.weight) for candidate in candidates]
        share = fold.seconds / len(jobs)
        if fold.error is not None:
            return [failed(job, fold.error, share) for job in jobs]
        outcomes = fit_together(fold.X, fold.y, jobs, threads=self.scoring.threads)
        for outcome in outcomes:
            outcome.seconds += share
        return outcomes

    def _raise(self, fitted: Sequence[Sequence[Outcome]]) -> None:
        """Raise the first error, if errors are to be raised."""
        if self.scoring.error_score == "raise":
            for outcome in chain.from_iterable(fitted):
                if outcome.error is not None:
                    raise outcome.error

    def _warn(self, fitted: Sequence[Sequence[Outcome]]) -> None:
        """Warn once of what `fit` warns of."""
        outcomes = chain.from_iterable(fitted)
        for message, category in {each for outcome in outcomes for each in outcome.warnings}:
            warn(message, category)

    # --- scores ----------------------------------------------------------------------------------

    def _score(self, outcomes: Sequence[Outcome], fold: Fold) -> list[Result]:
        """Return what `_fit_and_score` would, of the outcomes of one fold."""
        fitted = [outcome for outcome in outcomes if outcome.error is None]
        whole = partial(self._whole, fold)
        begin, test = time.perf_counter(), fold.test_part
        scores = iter(self.scoring(fitted, test, whole))
        seconds = (time.perf_counter() - begin) / max(1, len(fitted))
        wants_more = self.scores_training and fold.error is None
        training = iter(self.scoring(fitted, fold.train_part, whole) if wants_more else [])
        return [
            self._result(outcome, scores, training, seconds, test.n_samples) for outcome in outcomes
        ]

    def _result(
        self,
        outcome: Outcome,
        scores: Iterator[Scores],
        training: Iterator[Scores],
        seconds: float,
        n_test: int,
    ) -> Result:
        is_fitted = outcome.error is None
        result: Result = {
            "fit_error": None if is_fitted else "".join(traceback.format_exception(outcome.error)),
            "test_scores": next(scores) if is_fitted else self.scoring.of_failure(),
            "n_test_samples": n_test,
            "fit_time": outcome.seconds,
            "score_time": seconds if is_fitted else 0.0,
        }
        if self.scores_training:
            result["train_scores"] = next(training) if is_fitted else self.scoring.of_failure()
        return result

    def _whole(self, fold: Fold, outcome: Outcome) -> BaseEstimator:
        """Return the estimator that was searched for, with the network of an outcome at its end."""
        if fold.steps is None:
            return outcome.estimator
        name = self.candidates.prefix.removesuffix("__")
        return Pipeline([*fold.steps.steps, (name, outcome.estimator)])
