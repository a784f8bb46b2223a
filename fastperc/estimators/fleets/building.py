"""Tasks that can share a fleet, put into arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ...kernels import updates
from ...model.dense import Dense
from ...model.dense_fleet import DenseFleet, FleetRule, FleetSamples
from ...model.samples import Samples, read_only
from ..base import BaseMLP
from ..draws import Shuffles
from ..optimizer import l2_of, l2_place, pace_of
from ..parameters import hidden_activations
from ..settings import Settings
from ..validation import check_weights_of_parts, split
from .data import Data, unfitted
from .fleet_fit import FleetFit, Task
from .orders import JobOrders, Start, Starts, stream_of
from .r2 import r2_scores
from .validation import FleetValidation, Score
from .watcher import FitWatcher, Stopping

ROWS_AT_ONCE = 1 << 22  # of all orders together, that are drawn ahead


class Drawn(NamedTuple):
    """What a task drew: start weights, and its places among orders and validation sets."""

    start: Start
    order: int
    held: int


class Parts(NamedTuple):
    """Places among some rows to train on, and held out; and the stream that shuffles the former."""

    kept: np.ndarray
    held: np.ndarray
    stream: int


class FleetBuilder:
    """Makes the fleet of tasks that have all in common but numbers, rows and weights.

    Parameters
    ----------
    tasks : sequence of Task
    data : Data
    starts : Starts

    Attributes
    ----------
    errors : dict of int to ValueError
        Of tasks, by their number, whose samples cannot be split.
    """

    def __init__(self, tasks: Sequence[Task], data: Data, starts: Starts):
        self.data, self.starts = data, starts
        first = tasks[0]
        self.plan, self.labels = first.plan, first.labels
        settings, fit = self.plan.settings, self.plan.fit
        self.like: BaseMLP = unfitted(first.job.estimator, **data.attributes(first.labels))
        dtype = np.dtype(settings.dtype or data.X.dtype)
        self.dense = dense_of(settings, self.like, dtype)
        self.like.out_activation_ = self.dense.output
        self.X, self.Y = data.inputs(dtype), data.targets(first.labels, dtype)
        self.stops, self.shuffles_rows = fit.early_stopping, fit.shuffle
        self._rows: list[np.ndarray] = []
        self._streams: list[int] = []
        self._shuffles: list[Shuffles] = []
        self._held: list[Samples] = []
        self._known: dict[tuple[int, ...], int] = {}  # orders, and streams
        self._splits: dict[tuple[int, ...], tuple[int, int]] = {}
        self._parts_known: dict[tuple[int, int], Parts] = {}
        self._kept: list[object] = []  # whose addresses are keys
        self.errors: dict[int, ValueError] = {}
        self.tasks, self.drawn = self._draw_all(tasks)

    # --- what is drawn ---------------------------------------------------------------------------

    def _draw_all(self, tasks: Sequence[Task]) -> tuple[list[Task], list[Drawn]]:
        kept, drawn = [], []
        for task in tasks:
            try:
                drawn.append(self._draw(task))
                kept.append(task)
            except ValueError as error:
                self.errors[task.number] = error
        return kept, drawn

    def _draw(self, task: Task) -> Drawn:
        settings = self.plan.settings
        start = self.starts(
            task.job.estimator.random_state, self.dense.sizes, settings.activation, self.dense.dtype
        )
        self._kept.append(start)
        if self.stops:
            of = (id(start), id(task.rows), id(task.weight))
            if of not in self._splits:
                self._splits[of] = self._split(task, start)
            return Drawn(start, *self._splits[of])
        n, stream = len(task.rows), -1
        if self.shuffles_rows:
            seed = (id(start), n)
            if seed not in self._known:
                self._known[seed] = self._new_stream(n, stream_of(start.state))
            stream = self._known[seed]
        order = (0, id(task.rows), stream)
        if order not in self._known:
            self._known[order] = self._new_order(task.rows, stream)
        return Drawn(start, self._known[order], -1)

    def _new_stream(self, n: int, random_state: np.random.RandomState) -> int:
        self._shuffles.append(Shuffles(n, random_state))
        return len(self._shuffles) - 1

    def _new_order(self, rows: np.ndarray, stream: int) -> int:
        self._rows.append(rows)
        self._streams.append(stream)
        return len(self._rows) - 1

    def _split(self, task: Task, start: Start) -> tuple[int, int]:
        """Set a part of the rows aside; returns the places of order and validation set."""
        rows, weight = task.rows, self._narrow(task.weight)
        kept, held, stream = self._parts(len(rows), self.like._stratify(self.Y[rows]), start)
        fraction = self.plan.fit.validation_fraction
        check_weights_of_parts(weight[rows] if len(weight) else weight, kept, held, fraction)
        samples = Samples(self.X, self.Y, weight, False, task.unit)
        self._held.append(samples.take(rows[held]).with_weight())
        return self._new_order(rows[kept], stream), len(self._held) - 1

    def _parts(self, n: int, stratify: np.ndarray | None, start: Start) -> Parts:
        """Split ``n`` rows; as many rows are split alike, unless labels have a say in it."""
        key = (id(start), n)
        if stratify is not None or key not in self._parts_known:
            random_state = stream_of(start.state)
            kept, held = split(n, self.plan.fit.validation_fraction, random_state, stratify)
            stream = self._new_stream(len(kept), random_state) if self.shuffles_rows else -1
            self._parts_known[key] = Parts(kept, held, stream)
        return self._parts_known[key]

    def _narrow(self, weight: np.ndarray | None) -> np.ndarray:
        return read_only(np.empty(0) if weight is None else weight, self.dense.dtype)

    # --- arrays ----------------------------------------------------------------------------------

    def build(self) -> FleetFit:
        """Return the fleet, untrained; of one task or more."""
        fleet = DenseFleet(self.dense, np.stack([drawn.start.theta for drawn in self.drawn]))
        rule = self._rule(fleet)
        orders = JobOrders(
            np.array([drawn.order for drawn in self.drawn]), self._rows, self._streams,
            self._shuffles,
        )  # fmt: skip
        loss_scale = self.like._loss_scale()
        watcher = FitWatcher(
            self._stopping(rule), pace_of(self.plan.solver), loss_scale,
            self._validation(loss_scale), ROWS_AT_ONCE // max(1, orders.n_rows),
        )  # fmt: skip
        return FleetFit(
            self.tasks, self.data, self.dense.output, fleet, self._samples(), rule, watcher, orders,
            self.tasks[0].batch_size,
        )  # fmt: skip

    def _rule(self, fleet: DenseFleet) -> FleetRule:
        plan, tasks = self.plan, self.tasks
        rule = FleetRule(plan.code, plan.numbers, fleet)
        alpha = np.array([task.plan.fit.alpha for task in tasks], np.float64)
        unit = np.array([task.unit for task in tasks])
        rule.settings[:, l2_place(plan.code)] = l2_of(plan.code, alpha, unit)
        rule.settings[:, updates.L1] = [task.job.estimator.l1 for task in tasks]
        return rule

    def _stopping(self, rule: FleetRule) -> Stopping:
        fits = [task.plan.fit for task in self.tasks]
        solvers = [task.plan.solver for task in self.tasks]
        n_rows = np.array([len(rows) for rows in self._rows])
        return Stopping(
            np.array([solver.learning_rate_init for solver in solvers], np.float64),
            np.array([solver.power_t for solver in solvers], np.float64),
            np.array([fit.tol for fit in fits], np.float64),
            np.array([task.job.estimator.n_iter_no_change for task in self.tasks], np.float64),
            np.array([fit.max_iter for fit in fits]),
            n_rows[[drawn.order for drawn in self.drawn]],
            rule.settings[:, updates.L2_PER_WEIGHT].copy(),
        )

    def _samples(self) -> FleetSamples:
        weights = [task.weight for task in self.tasks]
        if all(weight is weights[0] for weight in weights):
            weight = self._narrow(weights[0])
        else:
            weight = read_only(np.stack([self._narrow(weight) for weight in weights]))
        is_factor = getattr(self.like, "class_weight", None) is not None
        return FleetSamples(self.X, self.Y, weight, is_factor)

    def _validation(self, loss_scale: float) -> FleetValidation | None:
        if not self.stops:
            return None
        labels = self.labels
        score: Score | None = r2_scores if labels is None else labels.accuracies
        if self.plan.fit.scoring == "loss":
            score = None
        which = np.array([drawn.held for drawn in self.drawn])
        return FleetValidation(self.dense, self._held, which, loss_scale, score)


def dense_of(settings: Settings, like: BaseMLP, dtype: np.dtype) -> Dense:
    """Return the configuration of networks that know features and outputs of their data."""
    output, loss = like._output_and_loss(settings)
    sizes = (like.n_features_in_, *settings.widths, like.n_outputs_)
    hidden = hidden_activations(settings.activation, len(settings.widths))
    return Dense.zeros(sizes, hidden, output, loss, dtype)
