"""Training many networks of one shape together, looked on by a `FleetWatcher`."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, Protocol

import numpy as np

from ..deadline import NO_LIMIT, Deadline
from ..kernels.arguments import N_SUMS
from ..kernels.updates import LR
from ..model.dense_fleet import DenseFleet, FleetRule, FleetSamples
from ..model.evaluate import mean_loss, outputs
from ..model.samples import Samples
from ..model.slices import SHORT, SLICE, next_size, threads_for
from .checkpoints import Arrays, Part, State, identity_of, recorded
from .elsewhere import trainer
from .fleet_lanes import InLanes, Rows, Window, are_plain, can_have_lanes, lanes_pay
from .progress import ProgressBar
from .rules import Rule
from .steps import Steps, steps_for


class FleetOrders:
    """Which rows each network takes in each epoch: here all of them, as they come.

    Attributes
    ----------
    which : ndarray of int of shape (n_networks,)
        Which of the orders each network takes.
    """

    def __init__(self, n_networks: int, n_samples: int):
        self.which = np.zeros(n_networks, np.int64)
        self.n_samples = n_samples

    def identity(self) -> State:
        """Return what the rows of an epoch depend on; see `checkpoints.recorded`."""
        return {"order": "as they come"}

    def state(self) -> State:
        """Return what the rows of the next epochs depend on besides."""
        return {}

    def restore(self, state: State) -> None:
        """Let the rows of the next epochs be those that came after a `state`."""

    def window(
        self, first: int, n_epochs: int, wanted: np.ndarray
    ) -> list[np.ndarray] | np.ndarray:
        """Return the rows of some epochs, the first one counted from 1, of the orders ``wanted``.

        Windows are asked for one after the other. Each order is an int64 array of shape
        (n_epochs, m); m may differ from order to order, not from epoch to epoch. Or all of them in
        one array of shape (len(wanted), n_epochs, m), filled up at its end with -1.
        """
        return [np.broadcast_to(np.arange(self.n_samples), (n_epochs, self.n_samples))] * len(
            wanted
        )

    def cut(self, networks: np.ndarray) -> FleetOrders:
        """Return the orders of some networks, to be taken to another process."""
        twin = copy.copy(self)
        twin.which = self.which[networks]
        return twin

    def put(
        self, networks: np.ndarray, state: State, taken: np.ndarray, furthest: dict[int, int]
    ) -> None:
        """Go on from where another process has come that had the `cut` of some networks.

        Parameters
        ----------
        networks : ndarray of int
        state : dict
            What `state` returned there.
        taken : ndarray of int of shape (len(networks),)
            Of how many epochs each of them had its rows.
        furthest : dict
            Epochs by random stream, of all that was put here: the longest one counts.
        """
        epochs = int(taken.max(initial=0))
        if epochs > furthest.get(0, 0):
            furthest[0] = epochs
            self.restore(state)


class Engine(Protocol):
    """Trains some networks of a fleet."""

    def train(self, networks: np.ndarray, rates: np.ndarray, rows: Rows, n_epochs: int) -> Window:
        """Train for some epochs with these learning rates."""

    def theta_of(self, networks: np.ndarray) -> np.ndarray:
        """Return a copy of parameters, (len(networks), n_parameters)."""

    def outputs_of(self, networks: np.ndarray, X: np.ndarray) -> np.ndarray:
        """Return outputs for every row of X, (len(networks), n_samples, n_outputs)."""

    def losses_of(self, networks: np.ndarray, samples: FleetSamples) -> np.ndarray:
        """Return the mean losses on samples, each network's own where they differ."""

    def leave(self, networks: np.ndarray) -> None:
        """Write what was learned to the fleet and to the rule."""


class Trained:
    """What a `FleetWatcher` sees of the networks that are still being trained.

    Attributes
    ----------
    networks : ndarray
        Their numbers in the fleet, ascending.
    """

    def __init__(self, engine: Engine, networks: np.ndarray):
        self._engine, self.networks = engine, networks

    def among(self, at: np.ndarray) -> Trained:
        """Return those at some places of ``networks``, ascending."""
        return Trained(self._engine, self.networks[at])

    def theta(self) -> np.ndarray:
        """Return a copy of their parameters, (len(networks), n_parameters)."""
        return self._engine.theta_of(self.networks)

    def outputs(self, X: np.ndarray) -> np.ndarray:
        """Return their outputs for every row of X, (len(networks), n_samples, n_outputs)."""
        return self._engine.outputs_of(self.networks, X)

    def write(self) -> None:
        """Write their parameters to the fleet, which otherwise has them at the end."""
        self._engine.leave(self.networks)

    def losses(self, samples: FleetSamples) -> np.ndarray:
        """Return the mean loss of each; ``samples`` are those of the whole fleet."""
        return self._engine.losses_of(self.networks, samples)


class FleetWatcher(Part, Protocol):
    """Looks on while a fleet is trained.

    Attributes
    ----------
    epochs_at_once : int
        How many epochs may pass before `end_epochs` is to be called.
    """

    @property
    def epochs_at_once(self) -> int: ...

    def identity(self) -> State:
        """Return what the run depends on that the watcher knows of; see `checkpoints.recorded`."""

    def cut(self, networks: np.ndarray) -> FleetWatcher:
        """Return a watcher of some of the networks, to be taken to another process."""

    def put(self, networks: np.ndarray, state: State, reasons: Sequence[str]) -> None:
        """Take over the `state` that the `cut` of some networks has at its end, and why."""

    def begin_epoch(self, epoch: int, networks: np.ndarray) -> np.ndarray:
        """Return the learning rates of an epoch, counted from 1, one for each of ``networks``."""

    def end_epochs(
        self, trained: Trained, sums: np.ndarray, completed: np.ndarray, diverged: np.ndarray
    ) -> np.ndarray:
        """Take note of some epochs; return which networks are to go on, as an array of reasons.

        Parameters
        ----------
        trained : Trained
            The networks that took part. One that diverged has the parameters from before the epoch
            in which it did.
        sums : float64 array of shape (N_SUMS, n_epochs, len(trained.networks))
            See `kernels.sums`.
        completed : int array of shape (len(trained.networks),)
            How many of the epochs were completed: all, unless a network diverged or time was over.
        diverged : bool array of shape (len(trained.networks),)
            Whose loss or parameters became infinite or NaN in epoch ``completed`` (from 0).

        Returns
        -------
        object array of str of shape (len(trained.networks),)
            Why a network's training ends; "" for one that goes on.
        """


class FleetRun(NamedTuple):
    """What `fit_fleet` is given."""

    fleet: DenseFleet
    samples: FleetSamples
    rule: FleetRule
    watcher: FleetWatcher
    orders: FleetOrders
    batch_size: int
    epochs: int
    deadline: Deadline
    progress: bool


def fit_fleet(
    fleet: DenseFleet,
    samples: FleetSamples,
    rule: FleetRule,
    watcher: FleetWatcher,
    *,
    batch_size: int,
    epochs: int,
    orders: FleetOrders | None = None,
    threads: int = 1,
    deadline: Deadline = NO_LIMIT,
    progress: bool = False,
) -> np.ndarray:
    """Train networks of one shape, in place.

    What becomes of a network does not depend on the others, nor on ``threads``, nor on whether
    another process does it; see `elsewhere`.

    Parameters
    ----------
    fleet : DenseFleet
        ``theta`` is written to.
    samples : FleetSamples
    rule : FleetRule
        What it remembers is written to.
    watcher : FleetWatcher
    batch_size : int
        Samples per update.
    epochs : int
        How often to go through the samples, at most.
    orders : FleetOrders, optional
        Which rows an epoch takes; by default all, as they come.
    threads : int
        How many may train, each some of the networks.
    deadline : Deadline
    progress : bool
        Show a progress bar.

    Returns
    -------
    object array of str of shape (n_networks,)
        Why each network's training ended: "epochs", "diverged", "time_limit", or what the watcher
        said.
    """
    orders = orders or FleetOrders(len(fleet), len(samples))
    other = trainer()
    if other is not None:
        return other.fit_fleet(
            FleetRun(fleet, samples, rule, watcher, orders, batch_size, epochs, deadline, progress)
        )
    standing = _Standing(fleet, rule)
    parts: dict[str, Part] = {"orders": orders, "watcher": watcher, "networks": standing}

    def identity() -> State:
        own = {"networks": f"{len(fleet)} of {fleet.dense.signature}", "batch_size": batch_size}
        own |= rule.identity() | identity_of_fleet(samples)
        return own | orders.identity() | watcher.identity()

    with (
        recorded(identity, parts, epochs) as record,
        deadline.interrupts_deferred(),
        ProgressBar(progress, epochs) as bar,
    ):
        reasons, networks, done = standing.reasons, standing.networks, record.done
        engine = _engine_for(fleet, samples, rule, batch_size, threads, deadline)
        try:
            while done < epochs and len(networks) and not record.reason:
                due = record.until_due(done)
                n_epochs = min(watcher.epochs_at_once, epochs - done, due)
                rates = watcher.begin_epoch(done + 1, networks)
                rows = _rows(orders, networks, done + 1, n_epochs)
                window = engine.train(networks, rates, rows, n_epochs)
                done += n_epochs
                why = watcher.end_epochs(Trained(engine, networks), *window)
                deadline.check_interrupt()
                why[window.diverged] = "diverged"
                is_late = (window.completed < n_epochs) | (deadline.is_over and done < epochs)
                why[(why == "") & is_late] = "time_limit"
                ends = why != ""
                reasons[networks[ends]] = why[ends]
                engine.leave(networks[ends])
                networks = standing.networks = networks[~ends]
                if "time_limit" not in reasons:
                    standing.engine = engine
                    record.keep(done)
                bar.show(done, math.nan)
        finally:
            engine.leave(networks)
        standing.engine = None
        record.end(done, "time_limit" if "time_limit" in reasons else "epochs")
    return reasons


class _Standing:
    """How far the networks of a fleet are, as a part of a checkpoint."""

    def __init__(self, fleet: DenseFleet, rule: FleetRule):
        self.arrays = Arrays(theta=fleet.theta, rule=rule.state, rule_steps=rule.step_state)
        self.networks = np.arange(len(fleet))
        self.reasons = np.full(len(fleet), "epochs", object)
        self.engine: Engine | None = None  # that has the parameters meanwhile

    def state(self) -> State:
        """Return parameters, what the rule remembers, and who is still trained."""
        if self.engine is not None:
            self.engine.leave(self.networks)
        reasons = self.reasons.tolist()
        return {**self.arrays.state(), "networks": self.networks.copy(), "reasons": reasons}

    def restore(self, state: State) -> None:
        """Take over what `state` returned."""
        self.arrays.restore(state)
        self.networks, self.reasons[:] = state["networks"], state["reasons"]


def identity_of_fleet(samples: FleetSamples | None, prefix: str = "") -> State:
    """Return the identity of the samples of a fleet; see `checkpoints.identity_of`."""
    if samples is None:
        return {}
    return identity_of(
        Samples(samples.X, samples.Y, samples.weight, samples.weight_is_factor), prefix
    )


def _rows(orders: FleetOrders, networks: np.ndarray, first: int, n_epochs: int) -> Rows:
    """Return which rows networks take in some epochs, the first one counted from 1."""
    wanted, of = np.unique(orders.which[networks], return_inverse=True)
    windows = orders.window(first, n_epochs, wanted)
    if isinstance(windows, np.ndarray):
        table = np.ascontiguousarray(windows, np.int64)
        return Rows(table, (table[:, 0] >= 0).sum(axis=1), of)
    lengths = np.array([order.shape[1] for order in windows])
    table = np.full((len(windows), n_epochs, lengths.max()), -1, np.int64)
    for k, order in enumerate(windows):
        table[k, :, : lengths[k]] = order
    return Rows(table, lengths, of)


def _engine_for(
    fleet: DenseFleet,
    samples: FleetSamples,
    rule: FleetRule,
    batch_size: int,
    threads: int,
    deadline: Deadline,
) -> Engine:
    """Choose what trains the networks: by their shape and rule, never by their number."""
    given = fleet, samples, rule, batch_size, threads, deadline
    if not can_have_lanes(rule) or not lanes_pay(fleet.dense, rule.code, batch_size):
        return OneByOne(*given)
    plain = are_plain(rule, samples, batch_size)
    if plain.all() or not plain.any():
        return InLanes(*given, is_plain=bool(plain.all()))
    return _Two(plain, InLanes(*given, is_plain=True), InLanes(*given, is_plain=False))


class _Two:
    """Two engines for two kinds of networks, each of which keeps its kind's bits."""

    def __init__(self, is_first: np.ndarray, first: Engine, second: Engine):
        self.is_first, self.engines = is_first, (first, second)

    def _parts(self, networks: np.ndarray) -> list[tuple[Engine, np.ndarray]]:
        is_first = self.is_first[networks]
        parts = zip(self.engines, (is_first, ~is_first), strict=True)
        return [(engine, np.flatnonzero(mask)) for engine, mask in parts if mask.any()]

    def train(self, networks: np.ndarray, rates: np.ndarray, rows: Rows, n_epochs: int) -> Window:
        """Train for some epochs with these learning rates."""
        n = len(networks)
        sums, completed = np.zeros((N_SUMS, n_epochs, n)), np.zeros(n, np.int64)
        diverged = np.zeros(n, bool)
        for engine, at in self._parts(networks):
            part = engine.train(networks[at], rates[at], rows._replace(of=rows.of[at]), n_epochs)
            sums[:, :, at], completed[at], diverged[at] = part
        return Window(sums, completed, diverged)

    def theta_of(self, networks: np.ndarray) -> np.ndarray:
        """Return a copy of parameters."""
        return self._gather(networks, lambda engine, some: engine.theta_of(some))

    def outputs_of(self, networks: np.ndarray, X: np.ndarray) -> np.ndarray:
        """Return outputs for every row of X."""
        return self._gather(networks, lambda engine, some: engine.outputs_of(some, X))

    def losses_of(self, networks: np.ndarray, samples: FleetSamples) -> np.ndarray:
        """Return the mean losses on samples."""
        return self._gather(networks, lambda engine, some: engine.losses_of(some, samples))

    def _gather(
        self, networks: np.ndarray, read: Callable[[Engine, np.ndarray], np.ndarray]
    ) -> np.ndarray:
        parts = self._parts(networks)
        found = [read(engine, networks[at]) for engine, at in parts]
        return np.concatenate(found)[np.argsort(np.concatenate([at for _, at in parts]))]

    def leave(self, networks: np.ndarray) -> None:
        """Write what was learned to the fleet and to the rule."""
        for engine, at in self._parts(networks):
            engine.leave(networks[at])


class OneByOne:
    """Trains the networks one after the other, each by the kernels for one network."""

    def __init__(
        self,
        fleet: DenseFleet,
        samples: FleetSamples,
        rule: FleetRule,
        batch_size: int,
        threads: int,
        deadline: Deadline,
    ):
        self.fleet, self.samples, self.rule = fleet, samples, rule
        self.batch_size, self.threads, self.deadline = batch_size, threads, deadline
        self._steps: dict[int, Steps] = {}

    def train(self, networks: np.ndarray, rates: np.ndarray, rows: Rows, n_epochs: int) -> Window:
        """Train for some epochs with these learning rates."""
        sums = np.zeros((N_SUMS, n_epochs, len(networks)))
        completed = np.zeros(len(networks), np.int64)
        diverged = np.zeros(len(networks), bool)

        def train_one(k: int) -> None:
            order = rows.orders[rows.of[k], :, : rows.lengths[rows.of[k]]]
            steps = self._steps_of(int(networks[k]), order.shape[1])
            steps.rule.settings[LR] = rates[k]
            own = np.zeros((N_SUMS, n_epochs))
            reached = self._take(steps, np.ascontiguousarray(order), own)
            diverged[k] = reached < 0
            completed[k] = -1 - reached if reached < 0 else reached // steps.n_steps
            if reached >= 0 and reached % steps.n_steps:
                steps.model.theta[:] = steps.last_good
            sums[:, :, k] = own

        work = int(rows.lengths[rows.of].sum()) * n_epochs * self.fleet.theta.shape[1]
        threads = threads_for(work, self.threads)
        if threads == 1:
            for k in range(len(networks)):
                train_one(k)
        else:
            with ThreadPoolExecutor(threads) as pool:
                list(pool.map(train_one, range(len(networks))))
        return Window(sums, completed, diverged)

    def _take(self, steps: Steps, order: np.ndarray, sums: np.ndarray) -> int:
        """Take the steps of some epochs; return how many, or what `Steps` does of a divergence."""
        step, end = 0, len(order) * steps.n_steps
        size = max(1.0, SHORT / (8 * steps.batch_size * (steps.model.theta.size + 500)))
        while 0 <= step < end and not (self.deadline.is_over or self.deadline.is_interrupted):
            last, begin = min(end, step + max(1, int(size))), time.perf_counter()
            reached = steps(order, step, last, sums)
            size = next_size(last - step, time.perf_counter() - begin, SLICE)
            if reached == step:  # the time limit came within a step
                break
            step = reached
        return step

    def _steps_of(self, i: int, n_rows: int) -> Steps:
        if i not in self._steps:
            model = self.fleet.member(i)
            rule = Rule(self.rule.code, self.rule.settings[i].copy(), model)
            rule.state[:], rule.step_state[:] = self.rule.state[i], self.rule.step_state[i]
            self._steps[i] = steps_for(
                model, self.samples.of(i), rule, self.batch_size, 1, self.deadline, n_rows
            )
        self._steps[i].rows = n_rows
        return self._steps[i]

    def theta_of(self, networks: np.ndarray) -> np.ndarray:
        """Return a copy of parameters."""
        return self.fleet.theta[networks]

    def outputs_of(self, networks: np.ndarray, X: np.ndarray) -> np.ndarray:
        """Return outputs for every row of X."""
        members = [self.fleet.member(int(i)) for i in networks]
        return np.stack([outputs(member, X, self.threads) for member in members])

    def losses_of(self, networks: np.ndarray, samples: FleetSamples) -> np.ndarray:
        """Return the mean losses on samples."""
        members = [(self.fleet.member(i), samples.of(i)) for i in networks.tolist()]
        return np.array([mean_loss(model, own, self.deadline) for model, own in members])

    def leave(self, networks: np.ndarray) -> None:
        """Write what the rule remembers; parameters are in their place already."""
        for i in networks.tolist():
            steps = self._steps.pop(i, None)
            if steps is not None:
                self.rule.state[i] = steps.rule.state
                self.rule.step_state[i] = steps.rule.step_state
