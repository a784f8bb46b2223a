"""The search: many networks and linear models, trained as fleets on five folds, in two rounds."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import clone

from ..checkpointing import resumable
from ..deadline import Deadline
from ..errors import DivergedError
from ..estimators.base import BaseMLP
from ..estimators.fleets import Job, Outcome, default_scores, fit_together
from .plans import N_AGAIN, Plan, epochs_of_all, name_of
from .records import Candidate
from .splitting import Split

PART_OF_TIME = 0.65  # of a time limit, after which the search is over


class Rows(NamedTuple):
    """What networks are trained on.

    Attributes
    ----------
    X : ndarray of shape (n_rows, n_inputs)
    y : ndarray of shape (n_rows,)
        Labels, or numbers of mean 0 and deviation 1.
    weight : ndarray of float of shape (n_rows,), or None
        Of samples, as the user gives it.
    scored : ndarray of float of shape (n_rows,), or None
        What rows count in scores: this, and with balanced classes a factor by class.
    """

    X: np.ndarray
    y: np.ndarray
    weight: np.ndarray | None
    scored: np.ndarray | None


@dataclass(frozen=True)
class Progress:
    """How far a training is.

    Attributes
    ----------
    stage : str
        What is being done, in a word or two.
    done : float
        Part of the work, from 0 to 1.
    seconds, left : float
        Since the beginning, and probably to come.
    loss : float
        The lowest at present; NaN if there is none yet.
    score : float
        The best so far, over the folds; NaN if there is none yet.
    """

    stage: str
    done: float
    seconds: float
    left: float
    loss: float
    score: float


Report = Callable[[Progress], object]


class Meter:
    """Tells how far the work is, by what it costs."""

    def __init__(self, report: Report | None, total: float):
        self.report, self.total = report, max(total, 1e-9)
        self.begin, self.before, self.stage = time.perf_counter(), 0.0, ""
        self.score = np.nan

    def looker(self, cost: float) -> Callable[[int, float], None] | None:
        """Return what a fleet calls, each epoch of whose networks costs so much."""
        if self.report is None:
            return None
        before = self.before
        return lambda epochs, loss: self._tell(before + epochs * cost, loss)

    def add(self, cost: float) -> None:
        """Take note of work that is over."""
        self.before += cost
        if self.report is not None:
            self._tell(self.before, np.nan)

    def _tell(self, done: float, loss: float) -> None:
        part = min(done / self.total, 1.0)
        seconds = time.perf_counter() - self.begin
        left = seconds * (1 - part) / max(part, 1e-9)
        assert self.report is not None
        self.report(Progress(self.stage, part, seconds, left, loss, self.score))


class Found(NamedTuple):
    """What a search, or the one network of a quick training, has come to."""

    model: BaseMLP
    candidates: list[Candidate]
    stopped: str


class Search:
    """Tries the candidates of a plan, and fits the best.

    Parameters
    ----------
    plan : Plan
    rows : Rows
    folds : list of (ndarray, ndarray)
        Rows to learn from and to test on; none if there is one candidate, which is fitted at once.
    time_limit : float or None
        Seconds for all of it.
    threads : int
    report : callable, optional
        Is called with a `Progress` now and then.
    """

    def __init__(
        self, plan: Plan, rows: Rows, folds: Sequence[Split], time_limit: float | None,
        threads: int, report: Report | None = None,
    ):  # fmt: skip
        self.plan, self.rows, self.folds, self.threads = plan, rows, folds, threads
        self.time_limit = time_limit
        self.all = Deadline(time_limit)
        self.search = Deadline(None if time_limit is None else PART_OF_TIME * time_limit)
        self.meter = Meter(report, self._work())

    @resumable(lambda self: [])
    def run(
        self, *, checkpoint: str | os.PathLike | None = None, every: str | int = "60s",
        resume: bool = False,
    ) -> Found:  # fmt: skip
        """Search, and fit what is chosen to all rows."""
        plan = self.plan
        if not self.folds:
            estimator = plan.estimator(plan.specs[0], plan.epochs[0])
            return self._fit(estimator, [_unscored(estimator)])
        first = self._round("trying all", plan.specs, plan.epochs[0])
        best = [c for c in _sorted(first) if np.isfinite(c.score)][:N_AGAIN]
        if not best:
            raise DivergedError(
                "training diverged with every candidate: look for numbers that are far too large, "
                "or give a smaller rate (--lr)"
            )
        again = [c.parameters for c in best]
        second = self._round("trying the best", again, plan.epochs[1]) if not (
            self.search.is_over or plan.epochs[1] == plan.epochs[0]) else []  # fmt: skip
        names = {c.name for c in best}
        first = [replace(c, ended="behind") if c.ended == "finished" and c.name not in names else c
                 for c in first]  # fmt: skip
        chosen, *others = _sorted([*first, *second])
        n_rows = len(self.rows.y)
        epochs = epochs_of_all(chosen.epochs, max(len(f[0]) for f in self.folds), n_rows)
        spec = chosen.parameters
        return self._fit(
            plan.estimator(spec, max(1, epochs)),
            [replace(chosen, ended="chosen"), *_each_once(others, chosen)],
        )

    def _round(
        self, stage: str, specs: Sequence[dict[str, Any]], epochs: int
    ) -> list[Candidate]:
        """Train candidates on all folds, those of a shape together."""
        self.meter.stage, found = stage, []
        shapes = dict.fromkeys(spec["hidden_layer_sizes"] for spec in specs)
        for shape in shapes:
            some = [spec for spec in specs if spec["hidden_layer_sizes"] == shape]
            if self.search.is_over and found:
                found += [_unscored(self.plan.estimator(s, 1), s, "time_limit") for s in some]
                continue
            found += self._scored(some, epochs)
            scores = [c.score for c in found if np.isfinite(c.score)]
            if scores:
                self.meter.score = np.fmax(self.meter.score, max(scores))
        return found

    def _scored(self, specs: Sequence[dict[str, Any]], epochs: int) -> list[Candidate]:
        estimators = [self.plan.estimator(spec, epochs) for spec in specs]
        weight = self.rows.weight
        jobs = [Job(e, train, weight) for e in estimators for train, _ in self.folds]
        cost = self._cost(estimators[0], len(self.folds[0][0]))
        outcomes = self._together(jobs, cost)
        self.meter.add(cost * epochs * len(jobs))
        scores = np.full((len(specs), len(self.folds)), np.nan)
        for k, (_, test) in enumerate(self.folds):
            scores[:, k] = self._scores(outcomes[k :: len(self.folds)], test)
        n = len(self.folds)
        return [
            _candidate(spec, estimator, scores[i], outcomes[i * n : (i + 1) * n])
            for i, (spec, estimator) in enumerate(zip(specs, estimators, strict=True))
        ]

    def _together(self, jobs: Sequence[Job], cost: float, last: bool = False) -> list[Outcome]:
        rows = self.rows
        return fit_together(
            rows.X, rows.y, jobs, threads=self.threads, classes="all",
            deadline=self.all if last else self.search, look=self.meter.looker(cost),
        )  # fmt: skip

    def _scores(self, outcomes: Sequence[Outcome], test: np.ndarray) -> np.ndarray:
        scored = self.rows.scored
        return default_scores(
            outcomes, self.rows.X[test], self.rows.y[test],
            None if scored is None else scored[test], threads=self.threads,
        )  # fmt: skip

    def _fit(self, estimator: BaseMLP, candidates: list[Candidate]) -> Found:
        """Fit an estimator to all rows."""
        self.meter.stage = "fitting"
        cost = self._cost(estimator, len(self.rows.y))
        outcome, = self._together([Job(clone(estimator), None, self.rows.weight)], cost, last=True)
        if outcome.error is not None:
            raise outcome.error
        self.meter.add(cost * estimator.max_iter)
        over = outcome.reason == "time_limit" or self.search.is_over
        if not self.folds:
            candidates[0] = replace(candidates[0], epochs=outcome.n_iter, seconds=outcome.seconds)
        return Found(outcome.estimator, candidates, "time_limit" if over else "finished")

    # --- work ------------------------------------------------------------------------------------

    def _cost(self, estimator: BaseMLP, n_rows: int) -> float:
        """Return the work of an epoch of one network."""
        sizes = (self.rows.X.shape[1], *estimator.hidden_layer_sizes, 1)
        return n_rows * (500.0 + sum(a * b for a, b in zip(sizes, sizes[1:], strict=False)))

    def _work(self) -> float:
        """Return the work of all, as far as it can be known before."""
        plan = self.plan
        one = [self._cost(plan.estimator(s, 1), len(self.rows.y)) for s in plan.specs]
        last = max(one) * plan.epochs[1] * 3  # alone, a network takes longer than in a fleet
        if not self.folds:
            return one[0] * plan.epochs[0]
        part, n = len(self.folds[0][0]) / len(self.rows.y), len(self.folds)
        second = max(one) * N_AGAIN * plan.epochs[1]
        return part * n * (sum(one) * plan.epochs[0] + second) + last


def _candidate(
    spec: dict[str, Any], estimator: BaseMLP, scores: np.ndarray, outcomes: Sequence[Outcome]
) -> Candidate:
    reasons = {outcome.reason for outcome in outcomes}
    ended = "diverged" if not np.isfinite(scores).all() else "finished"
    if "time_limit" in reasons:
        ended = "time_limit"
    return Candidate(
        name_of(estimator), dict(spec), float(scores.mean()), float(scores.std()),
        tuple(scores.tolist()), max(outcome.n_iter for outcome in outcomes),
        float(sum(outcome.seconds for outcome in outcomes)), ended,
    )  # fmt: skip


def _unscored(
    estimator: BaseMLP, spec: dict[str, Any] | None = None, ended: str = "chosen"
) -> Candidate:
    names = ("hidden_layer_sizes", "learning_rate_init", "alpha", "random_state")
    spec = {name: getattr(estimator, name) for name in names} if spec is None else dict(spec)
    return Candidate(name_of(estimator), spec, np.nan, np.nan, (), 0, 0.0, ended)


def _sorted(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Return candidates, the best first; without a score, last."""
    return sorted(candidates, key=lambda c: -np.inf if np.isnan(c.score) else c.score, reverse=True)


def _each_once(candidates: Sequence[Candidate], chosen: Candidate) -> list[Candidate]:
    """Return each of the others with its better score: some were trained twice."""
    met, kept = {chosen.name}, []
    for candidate in candidates:
        if candidate.name not in met:
            met.add(candidate.name)
            kept.append(candidate)
    return kept


def quietly(search: Search, **checkpoint: Any) -> Found:
    """Run a search; what its estimators warn of is no news to the user of a table."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return search.run(**checkpoint)
