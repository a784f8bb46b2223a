"""Chunks of a fleet: some of its networks, trained by a worker."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..deadline import NO_LIMIT, Deadline
from ..kernels.fleet_parts.numbers import lanes_of
from ..model.dense import Dense
from ..model.dense_fleet import DenseFleet, FleetRule, FleetSamples
from ..training.checkpoints import State, is_recorded
from ..training.elsewhere import trained_by
from ..training.fleets import FleetOrders, FleetRun, FleetWatcher, fit_fleet

PER_PARAMETER = 3e-10  # seconds for a parameter and a sample, roughly

Load = Callable[[], Any]  # of a chunk, anew each time


class Chunk(NamedTuple):
    """Some networks of a run, and what they need."""

    sizes: tuple[int, ...]
    configuration: tuple[object, ...]
    theta: np.ndarray
    samples: FleetSamples
    rule: tuple[int, np.ndarray, np.ndarray | None, np.ndarray]
    watcher: FleetWatcher
    orders: FleetOrders
    batch_size: int
    epochs: int
    deadline: Deadline


class Trained(NamedTuple):
    """What a worker has made of a chunk."""

    theta: np.ndarray
    rule_state: np.ndarray
    rule_steps: np.ndarray
    watcher: State
    orders: State
    taken: np.ndarray  # epochs in which each network had its rows
    reasons: list[str]


class FleetWork:
    """A run of `fit_fleet`, as work for a cluster; see `running.Work`.

    Parameters
    ----------
    run : FleetRun

    Attributes
    ----------
    reasons : object array of str of shape (n_networks,)
        Why each one's training ended.

    Raises
    ------
    ValueError
        For what only this process can do: callbacks and checkpoints.
    """

    unit = "network"

    def __init__(self, run: FleetRun):
        check_run(run)
        self.run, self.n = run, len(run.fleet)
        self.lanes = lanes_of(run.fleet.dense.dtype)
        self.watcher = copy.copy(run.watcher)  # as it is before results are put into it
        self.name = f"train {'x'.join(map(str, run.fleet.dense.sizes))}"
        self.seconds = PER_PARAMETER * run.fleet.theta.shape[1] * len(run.samples) * run.epochs
        self.n_bytes = bytes_of_network(run)
        self.reasons = np.full(self.n, "time_limit", object)
        self._ends: list[tuple[np.ndarray, State, np.ndarray]] = []

    @property
    def function(self) -> Callable[[Load], tuple[Trained, float]]:
        """What workers do."""
        return train_chunk

    def shared(self) -> object:
        """Return what has the large arrays that chunks share."""
        return self.run.samples, self.watcher, self.run.orders

    def cut(self, numbers: np.ndarray) -> Chunk:
        """Return some networks, ascending, and what they need."""
        run = self.run
        dense, rule, state = run.fleet.dense, run.rule, run.rule.state[numbers]
        return Chunk(
            dense.sizes, (dense.hidden, dense.output, dense.loss, dense.dtype, dense.bias),
            run.fleet.theta[numbers], run.samples.of_some(numbers),
            (rule.code, rule.settings[numbers], state if state.any() else None,
             rule.step_state[numbers]),
            self.watcher.cut(numbers), run.orders.cut(numbers), run.batch_size, run.epochs,
            run.deadline,
        )  # fmt: skip

    def put(self, numbers: np.ndarray, result: Trained) -> None:
        """Write what a worker has made of some networks; all but their orders."""
        run = self.run
        run.fleet.theta[numbers] = result.theta
        run.rule.state[numbers] = result.rule_state
        run.rule.step_state[numbers] = result.rule_steps
        run.watcher.put(numbers, result.watcher, result.reasons)
        self.reasons[numbers] = result.reasons
        self._ends.append((numbers, result.orders, result.taken))

    def finish(self) -> None:
        """Let random streams go on from where the longest training has left them."""
        furthest: dict[int, int] = {}
        for numbers, state, taken in sorted(self._ends, key=lambda end: int(end[0][0])):
            self.run.orders.put(numbers, state, taken, furthest)


def bytes_of_network(run: FleetRun) -> int:
    """Return about what is sent for a network: parameters, and rows of its own."""
    samples = run.samples
    own = [samples.Y] * (samples.Y.ndim == 3) + [samples.weight] * (samples.weight.ndim == 2)
    arrays = [run.fleet.theta, run.rule.settings, *own]
    return sum(array.nbytes for array in arrays) // max(1, len(run.fleet))


def check_run(run: FleetRun) -> None:
    """Refuse what a cluster cannot do."""
    if getattr(run.watcher, "callback", None) is not None:
        raise ValueError(
            "callback: found one for training on a cluster, where nobody could call it. Leave it "
            "out, or train in this process"
        )
    if is_recorded():
        raise ValueError(
            "checkpoint: found one for training on a cluster, expected none: a cluster goes on "
            "when workers die. Leave it out, or train in this process"
        )


def train_chunk(load: Load) -> tuple[Trained, float]:
    """Train a chunk; returns besides the seconds that machine code took."""
    chunk, loading = load(), 0.0
    kind = chunk.configuration[3], chunk.rule[0], chunk.batch_size > 1, len(chunk.sizes)
    if kind not in _loaded:
        begin = time.perf_counter()
        _load_code(chunk)
        _loaded.add(kind)
        chunk = load()  # the first one's random streams have gone on
        loading = time.perf_counter() - begin
    return _train(chunk), loading


def _train(chunk: Chunk) -> Trained:
    dense = Dense.zeros(chunk.sizes, *chunk.configuration)  # type: ignore[arg-type]
    fleet = DenseFleet(dense, np.array(chunk.theta))
    code, settings, state, steps = chunk.rule
    rule = FleetRule(code, settings, fleet)
    rule.step_state[:] = steps
    if state is not None:
        rule.state[:] = state
    orders = _Counted(chunk.orders)
    with np.errstate(over="ignore", invalid="ignore"), trained_by(None):
        reasons = fit_fleet(
            fleet, chunk.samples, rule, chunk.watcher, batch_size=chunk.batch_size,
            epochs=chunk.epochs, orders=orders, threads=1, deadline=chunk.deadline,
        )  # fmt: skip
    return Trained(
        fleet.theta, rule.state, rule.step_state, chunk.watcher.state(), orders.state(),
        orders.counts[orders.which], reasons.tolist(),
    )  # fmt: skip


_loaded: set[object] = set()  # kinds of networks that this process has trained before


def _load_code(chunk: Chunk) -> None:
    """Train one network for an epoch."""
    first = np.zeros(1, np.int64)
    code, settings, _, steps = chunk.rule
    one = chunk._replace(
        theta=chunk.theta[:1], samples=chunk.samples.of_some(first),
        rule=(code, settings[:1], None, steps[:1]), watcher=chunk.watcher.cut(first),
        orders=chunk.orders.cut(first), epochs=1, deadline=NO_LIMIT,
    )  # fmt: skip
    _train(one)


class _Counted(FleetOrders):
    """Orders that count for how many epochs each of them was asked."""

    def __init__(self, orders: FleetOrders):
        self._orders, self.which, self.n_samples = orders, orders.which, 0
        self.counts = np.zeros(int(orders.which.max()) + 1, np.int64)

    def state(self) -> State:
        return self._orders.state()

    def window(
        self, first: int, n_epochs: int, wanted: np.ndarray
    ) -> list[np.ndarray] | np.ndarray:
        self.counts[wanted] += n_epochs
        return self._orders.window(first, n_epochs, wanted)
