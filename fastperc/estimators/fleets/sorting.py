"""Jobs sorted by what they can share: fleets, and those that go alone."""

from __future__ import annotations

import time
import warnings
from collections.abc import Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import chain
from typing import NamedTuple

import numpy as np
from sklearn.base import clone
from sklearn.utils import _safe_indexing

from ...errors import DivergedError
from ...kernels.updates import RPROP
from ...training.checkpoints import branches
from ...training.elsewhere import Trainer, trainer
from ..arrays import check_usable, unit_of
from ..batching import is_clipped, largest_batch
from ..labels import Labels
from ..warning import warn
from .building import FleetBuilder
from .data import Data, unfitted
from .fleet_fit import FleetFit, Message, Task
from .jobs import Job, ParameterCheck, Plan, goes_alone
from .orders import Starts
from .outcomes import Outcome, alone, failed

MOST_UNEQUAL = 2  # how many times as many rows as others of its fleet a network may take
LANES = 8  # networks that have to share their weights before they get a fleet of their own


class Weights(NamedTuple):
    """Sample weights of a job: those of all of X, in ``unit``."""

    all: np.ndarray | None
    unit: float


class Sorting:
    """Jobs sorted by what they can share.

    Attributes
    ----------
    alone : list of int
        The numbers of those that their own `fit` has to do.
    failed : dict of int to Outcome
        Those that `fit` would refuse.
    """

    def __init__(self, X: object, y: object, jobs: Sequence[Job], classes: str):
        self.X, self.y, self.jobs = X, y, jobs
        self.knows_all = classes == "all"
        self.alone: list[int] = []
        self.failed: dict[int, Outcome] = {}
        self._check = ParameterCheck()
        self._plans: dict[int, Plan | Exception | None] = {}
        self._data: dict[Hashable, Data | None] = {}
        self._rows: dict[int, np.ndarray] = {}
        self._weights: dict[tuple[int, ...], Weights] = {}
        self._usable: set[tuple[int, int]] = set()
        self._labels: dict[tuple[int, int], Labels | None] = {}
        self._groups: dict[Hashable, list[Task]] = {}
        for number in range(len(jobs)):
            self._sort(number)

    # --- one job ---------------------------------------------------------------------------------

    def _sort(self, number: int) -> None:
        job = self.jobs[number]
        plan = self._plan(job)
        data = self._data_for(plan) if isinstance(plan, Plan) else None
        if isinstance(plan, Exception):
            self.failed[number] = failed(job, plan)
        elif plan is None or data is None or not len(self._rows_of(job, data)):
            self.alone.append(number)
        else:
            try:
                self._add(number, job, plan, data)
            except ValueError as error:
                self.failed[number] = failed(job, error)

    def _plan(self, job: Job) -> Plan | Exception | None:
        """Return what an estimator asks for, what its parameters make `fit` raise, or None."""
        estimator = job.estimator
        if id(estimator) not in self._plans:
            self._plans[id(estimator)] = self._new_plan(job)
        return self._plans[id(estimator)]

    def _new_plan(self, job: Job) -> Plan | Exception | None:
        estimator = job.estimator
        try:
            if goes_alone(estimator):
                return None
            self._check(estimator)
            return Plan.of(estimator)
        except (ValueError, TypeError) as error:
            return error

    def _data_for(self, plan: Plan) -> Data | None:
        """Return the checked data, or None where they have to be checked job by job."""
        key = type(plan.estimator), plan.settings.loss
        if key not in self._data:
            try:
                data = Data(plan.estimator, self.X, self.y)
                self._data[key] = data if data.is_dense else None
            except (ValueError, TypeError):
                self._data[key] = None
        return self._data[key]

    def _rows_of(self, job: Job, data: Data) -> np.ndarray:
        key = id(job.rows)
        if key not in self._rows:
            self._rows[key] = checked_rows(job.rows, len(data))
        return self._rows[key]

    def _add(self, number: int, job: Job, plan: Plan, data: Data) -> None:
        rows = self._rows_of(job, data)
        key = (id(rows), id(data))
        if key not in self._labels:
            self._labels[key] = data.labels if self.knows_all else data.labels_in(rows)
        labels = self._labels[key]
        size = largest_batch(plan.fit.batch_size)
        if plan.code == RPROP:
            size = len(data)
        if min(size, len(rows)) == 1:
            size = 1
        weights = self._weights_of(job, data, labels, rows, size)
        clipped = plan.code != RPROP and is_clipped(plan.fit.batch_size, len(rows))
        task = Task(number, job, plan, labels, rows, *weights, size, clipped)
        has_factors = getattr(job.estimator, "class_weight", None) is not None
        shared = plan.shared, id(data), id(labels), size, has_factors, weights.all is None
        self._groups.setdefault(shared, []).append(task)

    def _weights_of(
        self, job: Job, data: Data, labels: Labels | None, rows: np.ndarray, size: int
    ) -> Weights:
        class_weight = getattr(job.estimator, "class_weight", None)
        if job.sample_weight is None and class_weight is None:
            return Weights(None, 1.0)
        is_online = size == 1 and class_weight is not None
        key: tuple[int, ...] = (id(job.sample_weight), id(class_weight), is_online)
        key += (id(rows), id(labels)) if class_weight is not None else ()
        self._check_weight(job, data, rows)
        if key not in self._weights:
            self._weights[key] = self._new_weights(job, data, labels, rows, is_online)
        return self._weights[key]

    def _check_weight(self, job: Job, data: Data, rows: np.ndarray) -> None:
        """Refuse weights that are none for these rows."""
        weight, key = job.sample_weight, (id(job.sample_weight), id(rows))
        if weight is None or key in self._usable:
            return
        if np.shape(weight) != (len(data),):
            raise ValueError(
                f"sample_weight: found shape {np.shape(weight)}, expected ({len(data)},): one "
                "weight for each row of X, whichever rows are learned from"
            )
        check_usable(np.asarray(weight, np.float64)[rows], "sample_weight")
        self._usable.add(key)

    def _new_weights(
        self, job: Job, data: Data, labels: Labels | None, rows: np.ndarray, is_online: bool
    ) -> Weights:
        weight = None
        if job.sample_weight is not None:
            weight = np.asarray(job.sample_weight, np.float64)
            weight = np.where(np.isfinite(weight) & (weight > 0), weight, 0.0)  # in other rows
        if getattr(job.estimator, "class_weight", None) is not None:
            twin = unfitted(job.estimator, **data.attributes(labels))
            given = None if weight is None else weight[rows]
            Y = data.targets(labels, np.dtype(np.float64))[rows]
            factors, _ = twin._all_weights(Y, given, False)
            weight = np.zeros(len(data))
            weight[rows] = factors
        assert weight is not None
        unit = 1.0 if is_online else unit_of(weight)
        return Weights(weight / unit, unit)

    # --- all of them -----------------------------------------------------------------------------

    def fleets(self) -> list[FleetFit]:
        """Return the fleets, untrained."""
        starts, found = Starts(), []
        for tasks in self._groups.values():
            data = self._data_for(tasks[0].plan)
            assert data is not None
            for some in chain.from_iterable(map(by_weights, by_length(tasks))):
                builder = FleetBuilder(some, data, starts)
                for number, error in builder.errors.items():
                    self.failed[number] = failed(self.jobs[number], error)
                if builder.tasks:
                    found.append(builder.build())
        return found

    def fit_alone(self, threads: int) -> list[Outcome]:
        """Let those that share nothing fit themselves."""
        jobs, other = [self.jobs[number] for number in self.alone], trainer()
        if jobs and other is not None:
            return self._fit_away(jobs, other)
        fit = branches(self._fit)
        if threads == 1 or len(jobs) < 2:
            return [*map(fit, self.alone, jobs)]
        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(fit, self.alone, jobs))

    def _fit_away(self, jobs: list[Job], other: Trainer) -> list[Outcome]:
        """Let others do it, and warn of what they were warned of."""
        name = f"fit {type(jobs[0].estimator).__name__}"
        found = other.map(fit_away, (self.X, self.y), jobs, name)
        for _, messages in found:
            for message, category in messages:
                warn(message, category)
        return [replace(found[k][0], job=job) for k, job in enumerate(jobs)]

    def _fit(self, job: Job) -> Outcome:
        return fit_one((self.X, self.y), job)


def fit_one(data: tuple[object, object], job: Job) -> Outcome:
    """Let an estimator fit itself to its rows of X and y."""
    X, y, weight = *data, job.sample_weight
    if job.rows is not None:
        X, y = _safe_indexing(X, job.rows), _safe_indexing(y, job.rows)
        weight = None if weight is None else weight[job.rows]
    begin = time.perf_counter()
    try:
        fitted = clone(job.estimator)
        fitted.fit(X, y) if weight is None else fitted.fit(X, y, sample_weight=weight)
    except DivergedError as error:  # the network that keeps its weights is gone
        return failed(job, error.without_weights(), time.perf_counter() - begin)
    except Exception as error:
        return failed(job, error, time.perf_counter() - begin)
    return alone(job, fitted, time.perf_counter() - begin)


def fit_away(data: tuple[object, object], job: Job) -> tuple[Outcome, list[Message]]:
    """Do the same in another process; returns the outcome without its job, and warnings."""
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        outcome = fit_one(data, job)
    bare = replace(outcome, job=Job(job.estimator))
    return bare, [(str(each.message), each.category) for each in found]


def by_weights(tasks: Sequence[Task]) -> list[list[Task]]:
    """Return tasks as they are, or by their weights where many have the same."""
    parts: dict[int, list[Task]] = {}
    for task in tasks:
        parts.setdefault(id(task.weight), []).append(task)
    return [*parts.values()] if LANES * len(parts) <= len(tasks) else [[*tasks]]


def by_length(tasks: Sequence[Task]) -> list[list[Task]]:
    """Return tasks of about as many rows together, since those of an epoch lie in one table."""
    parts: list[list[Task]] = []
    for task in sorted(tasks, key=lambda task: len(task.rows)):
        if not parts or len(task.rows) > MOST_UNEQUAL * len(parts[-1][0].rows):
            parts.append([])
        parts[-1].append(task)
    return parts


def checked_rows(rows: object, n_samples: int) -> np.ndarray:
    """Return rows of X as numbers from 0 to ``n_samples - 1``, which kernels trust.

    Raises
    ------
    IndexError
        If there are no such rows.
    """
    if rows is None:
        return np.arange(n_samples)
    found = np.asarray(rows)
    if found.dtype.kind == "b":
        found = np.flatnonzero(found)
    found = found.astype(np.int64, copy=False)
    if len(found) and not (-n_samples <= found.min() and found.max() < n_samples):
        raise IndexError(
            f"rows: found rows from {found.min()} to {found.max()}, expected numbers below "
            f"{n_samples}, since there are {n_samples} samples"
        )
    return found % n_samples if len(found) and found.min() < 0 else found
