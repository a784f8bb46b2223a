"""Training many networks of one shape together, looked on by a `FleetWatcher`."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import numpy as np

from ..checks import all_finite
from ..deadline import NO_LIMIT, Deadline
from ..kernels.arguments import N_SUMS
from ..kernels.updates import LR
from ..model.dense_fleet import DenseFleet, FleetRule, FleetSamples
from ..model.evaluate import outputs
from .orders import Order
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

    def window(self, first: int, n_epochs: int, wanted: np.ndarray) -> list[np.ndarray]:
        """Return the rows of some epochs, the first one counted from 1, of the orders ``wanted``.

        Windows are asked for one after the other. Each order is an int64 array of shape
        (n_epochs, m); m may differ from order to order, not from epoch to epoch.
        """
        return [np.broadcast_to(np.arange(self.n_samples), (n_epochs, self.n_samples))] * len(
            wanted
        )


class Trained(Protocol):
    """What a `FleetWatcher` sees of the networks that are still being trained."""

    networks: np.ndarray  # their numbers in the fleet, ascending

    def theta(self) -> np.ndarray:
        """Return a copy of their parameters, (len(networks), n_parameters)."""

    def outputs(self, X: np.ndarray) -> np.ndarray:
        """Return their outputs for every row of X, (len(networks), n_samples, n_outputs)."""


class FleetWatcher(Protocol):
    """Looks on while a fleet is trained.

    Attributes
    ----------
    epochs_at_once : int
        How many epochs may pass before `end_epochs` is to be called.
    """

    @property
    def epochs_at_once(self) -> int: ...

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

    What becomes of a network does not depend on the others, nor on ``threads``.

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
    reasons = np.full(len(fleet), "epochs", object)
    networks = np.arange(len(fleet))
    engine = _OneByOne(fleet, samples, rule, orders, batch_size, threads, deadline)
    done = 0
    with deadline.interrupts_deferred(), ProgressBar(progress, epochs) as bar:
        try:
            while done < epochs and len(networks):
                n_epochs = min(watcher.epochs_at_once, epochs - done)
                rates = watcher.begin_epoch(done + 1, networks)
                window = engine.train(networks, rates, done + 1, n_epochs)
                why = watcher.end_epochs(engine.trained(networks), *window)
                _, completed, diverged = window
                why[diverged] = "diverged"
                why[~diverged & (completed < n_epochs) & (why == "")] = "time_limit"
                done += n_epochs
                deadline.check_interrupt()
                if deadline.is_over and done < epochs:
                    why[why == ""] = "time_limit"
                reasons[networks] = np.where(why == "", "epochs", why)
                networks = networks[why == ""]
                bar.show(done, float("nan"))
        finally:
            engine.finish()
    return reasons


class _OneByOne:
    """Trains the networks one after the other, each by the kernels for one network."""

    def __init__(
        self,
        fleet: DenseFleet,
        samples: FleetSamples,
        rule: FleetRule,
        orders: FleetOrders,
        batch_size: int,
        threads: int,
        deadline: Deadline,
    ):
        self.fleet, self.samples, self.rule, self.orders = fleet, samples, rule, orders
        self.batch_size, self.threads, self.deadline = batch_size, threads, deadline
        self._steps: dict[int, Steps] = {}

    def train(
        self, networks: np.ndarray, rates: np.ndarray, first: int, n_epochs: int
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Train for some epochs; return sums, epochs completed, and which networks diverged."""
        which, place = np.unique(self.orders.which[networks], return_inverse=True)
        windows = self.orders.window(first, n_epochs, which)
        sums = np.zeros((N_SUMS, n_epochs, len(networks)))
        completed = np.zeros(len(networks), np.int64)
        diverged = np.zeros(len(networks), bool)

        def train_one(k: int) -> None:
            steps = self._steps_of(int(networks[k]))
            steps.rule.settings[LR] = rates[k]
            order = np.ascontiguousarray(windows[place[k]], np.int64)
            steps.rows = order.shape[1]
            own = np.zeros((N_SUMS, n_epochs))
            for epoch in range(n_epochs):
                if self.deadline.is_over:
                    break
                first_step = epoch * steps.n_steps
                reached = steps(order, first_step, first_step + steps.n_steps, own)
                if reached < 0:
                    diverged[k] = True
                    break
                completed[k] += 1
            sums[:, :, k] = own

        with ThreadPoolExecutor(self.threads) as pool:
            list(pool.map(train_one, range(len(networks))))
        return sums, completed, diverged

    def _steps_of(self, i: int) -> Steps:
        if i not in self._steps:
            model = self.fleet.member(i)
            rule = Rule(self.rule.code, self.rule.settings[i].copy(), model)
            self._steps[i] = steps_for(
                model, self.samples.of(i), rule, self.batch_size, 1, self.deadline,
                self.orders_length(i),
            )  # fmt: skip
        return self._steps[i]

    def orders_length(self, i: int) -> int:
        """Return how many rows network ``i`` takes in an epoch, at most."""
        return len(self.samples)

    def trained(self, networks: np.ndarray) -> Trained:
        """Return what a watcher sees."""
        return _View(self.fleet, networks)

    def finish(self) -> None:
        """Write what was learned to ``fleet.theta``."""


class _View:
    """Networks that lie in ``fleet.theta``."""

    def __init__(self, fleet: DenseFleet, networks: np.ndarray):
        self.fleet, self.networks = fleet, networks

    def theta(self) -> np.ndarray:
        """Return a copy of the parameters."""
        return self.fleet.theta[self.networks]

    def outputs(self, X: np.ndarray) -> np.ndarray:
        """Return the outputs for every row of X."""
        return np.stack([outputs(self.fleet.member(int(i)), X, 1) for i in self.networks])
