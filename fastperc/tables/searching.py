"""The search: many networks and linear models, trained as fleets on five folds, in two rounds."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from ..checkpointing import resumable
from ..deadline import Deadline
from ..errors import DivergedError
from ..estimators.base import BaseMLP
from ..estimators.fleets import Job, Outcome, default_scores, fit_together
from .plans import Plan, Spec, cost_of, epochs_of_all, name_of, second_round
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
        self.tell(np.nan)

    def tell(self, loss: float) -> None:
        """Report how far the work is."""
        if self.report is not None:
            self._tell(self.before, loss)

    def _tell(self, done: float, loss: float) -> None:
        part = min(done / self.total, 1.0)
        seconds = time.perf_counter() - self.begin
        left = seconds * (1 - part) / max(part, 1e-9)
        assert self.report is not None
        self.report(Progress(self.stage, part, seconds, left, loss, self.score))


class Choice(NamedTuple):
    """What a search has chosen.

    Attributes
    ----------
    spec : dict
        Parameters of the best candidate.
    epochs : int
        How often to go through all rows.
    candidates : list of Candidate
        The best first.
    """

    spec: Spec
    epochs: int
    candidates: list[Candidate]


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
        choice = self.choose(len(self.rows.y))
        return self._fit(self.plan.estimator(choice.spec, choice.epochs), choice.candidates)

    def choose(self, n_rows: int) -> Choice:
        """Search for the candidate that is to be fitted to so many rows."""
        plan = self.plan
        if not self.folds:
            spec, epochs = plan.specs[0], plan.epochs[0]
            candidate = _unscored(plan.estimator(spec, epochs), spec, "chosen")
            return Choice(spec, epochs_of_all(epochs, plan.n_rows, n_rows), [candidate])
        first = self._round("trying all", plan.specs, plan.epochs[0])
        best = [c.parameters for c in _sorted(first) if np.isfinite(c.score)]
        if not best:
            raise DivergedError(
                1 + max(candidate.epochs for candidate in first),
                "every candidate came to infinite numbers. Look for numbers that are far too "
                "large, or give a smaller learning rate: --lr",
                kept=False,
            )
        again, second = second_round(plan, best), []
        if not (self.search.is_over or plan.epochs[1] == plan.epochs[0]):
            second = self._round("trying the best", again, plan.epochs[1])
        names = {name_of(plan.estimator(spec, 1)) for spec in again}
        first = [_behind(candidate) if candidate.name not in names else candidate
                 for candidate in first]  # fmt: skip
        chosen, *others = _sorted([*first, *second])
        epochs = epochs_of_all(chosen.epochs, max(len(f[0]) for f in self.folds), n_rows)
        candidates = [replace(chosen, ended="chosen"), *_each_once(others, chosen)]
        return Choice(chosen.parameters, max(1, epochs), candidates)

    def _round(self, stage: str, specs: Sequence[Spec], epochs: int) -> list[Candidate]:
        """Train candidates on all folds, those of a shape together."""
        found: list[Candidate] = []
        self.meter.stage = stage
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

    def _scored(self, specs: Sequence[Spec], epochs: int) -> list[Candidate]:
        estimators = [self.plan.estimator(spec, epochs) for spec in specs]
        weight = self.rows.weight
        jobs = [Job(e, train, weight) for e in estimators for train, _ in self.folds]
        cost = self._cost(specs[0]["hidden_layer_sizes"], len(self.folds[0][0]))
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

    def _together(self, jobs: Sequence[Job], cost: float) -> list[Outcome]:
        rows = self.rows
        return fit_together(
            rows.X, rows.y, jobs, threads=self.threads, classes="all", deadline=self.search,
            look=self.meter.looker(cost),
        )  # fmt: skip

    def _scores(self, outcomes: Sequence[Outcome], test: np.ndarray) -> np.ndarray:
        scored = self.rows.scored
        return default_scores(
            outcomes, self.rows.X[test], self.rows.y[test],
            None if scored is None else scored[test], threads=self.threads,
        )  # fmt: skip

    def _fit(self, estimator: BaseMLP, candidates: list[Candidate]) -> Found:
        """Fit an estimator to all rows, by itself: that is faster than a fleet of one."""
        self.meter.stage = "fitting"
        rows, shape = self.rows, estimator.hidden_layer_sizes
        assert isinstance(shape, tuple)
        cost = self._cost(shape, len(rows.y), alone=True)
        look = self.meter.looker(cost)
        left = None if self.time_limit is None else max(self.all.end - time.perf_counter(), 1e-3)
        estimator.set_params(
            time_limit=left,
            callback=None if look is None else lambda epoch, model: look(epoch, model.loss_),
        )
        begin = time.perf_counter()
        fit_whole(estimator, rows.X, rows.y, rows.weight)
        estimator.set_params(time_limit=None, callback=None)
        over = estimator.n_iter_ < estimator.max_iter and left is not None
        if not self.folds:
            seconds = time.perf_counter() - begin
            candidates[0] = replace(candidates[0], epochs=estimator.n_iter_, seconds=seconds)
        stopped = "time_limit" if over or self.search.is_over else "finished"
        return Found(estimator, candidates, stopped)

    # --- work ------------------------------------------------------------------------------------

    def _cost(self, shape: tuple[int, ...], n_rows: int, alone: bool = False) -> float:
        """Return the work of an epoch of one network."""
        n_outputs = 1 if not self.plan.is_classification else len(np.unique(self.rows.y[:1000]))
        return n_rows * cost_of(shape, self.rows.X.shape[1], n_outputs, alone)

    def _work(self) -> float:
        """Return the work of all, as far as it can be known before."""
        plan, shapes = self.plan, [spec["hidden_layer_sizes"] for spec in self.plan.specs]
        last = self._cost(shapes[-1], len(self.rows.y), True) * plan.epochs[1]
        if not self.folds:
            return last
        n_rows = len(self.folds[0][0])
        costs = [self._cost(shape, n_rows) for shape in shapes]
        work = plan.epochs[0] * sum(costs) + plan.epochs[1] * 16 * costs[-1]
        return len(self.folds) * work + last


def _candidate(
    spec: Spec, estimator: BaseMLP, scores: np.ndarray, outcomes: Sequence[Outcome]
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


def _unscored(estimator: BaseMLP, spec: Spec, ended: str) -> Candidate:
    return Candidate(name_of(estimator), dict(spec), np.nan, np.nan, (), 0, 0.0, ended)


def _behind(candidate: Candidate) -> Candidate:
    """Return a candidate that others left behind half-way."""
    return replace(candidate, ended="behind") if candidate.ended == "finished" else candidate


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


def fit_whole(estimator: BaseMLP, X: np.ndarray, y: np.ndarray, weight: np.ndarray | None) -> None:
    """Fit an estimator."""
    with only_interrupts():
        estimator.fit(X, y, sample_weight=weight)


def fit_partly(
    estimator: BaseMLP, X: np.ndarray, y: np.ndarray, weight: np.ndarray | None, more: Spec
) -> None:
    """Train an estimator on some rows, once."""
    with only_interrupts():
        estimator.partial_fit(X, y, sample_weight=weight, **more)


@contextmanager
def only_interrupts() -> Iterator[None]:
    """Let Ctrl-C through, which estimators warn of; other warnings are no news here."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    if any("interrupted" in str(warning.message) for warning in caught):
        raise KeyboardInterrupt
