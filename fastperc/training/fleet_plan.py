"""How a fleet is to be trained: its options, checked, and the training of networks of one shape."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from .. import checks
from ..deadline import Deadline
from ..model.dense import Dense
from ..model.dense_fleet import DenseFleet, FleetRule, FleetSamples
from .fleet_history import FleetHistory, FleetHistoryWatcher
from .fleet_options import Penalties, check_fleet_rule, check_patience, check_rates
from .fleet_orders import DrawnFleetOrders, GivenFleetOrders, WeightSums
from .fleets import FleetOrders, fit_fleet
from .options import check_callback, check_deadline
from .permutations import Permutations
from .rules import RuleOptions

ALSO = ("dampening", "momentum_of", "penalize_biases", "clip_norm", "rho", "epsilon_hat")


class Shape(NamedTuple):
    """Networks of one configuration, and their numbers in the fleet."""

    dense: DenseFleet
    numbers: np.ndarray


class Run(NamedTuple):
    """Networks of one shape, and what they learn from: rows in a given order, if there is one."""

    shape: Shape
    samples: FleetSamples
    held: FleetSamples | None
    order: np.ndarray | None

    @property
    def model(self) -> Dense:
        """Their configuration."""
        return self.shape.dense.dense


class FleetPlan(NamedTuple):
    """The options of `Fleet.train`, checked."""

    batch_size: int
    epochs: int
    threads: int
    shuffles: bool
    progress: bool
    callback: Callable[[int, FleetHistory], object] | None
    waits: np.ndarray | None
    tol: float
    rates: Callable[[int], np.ndarray]
    is_scheduled: bool
    takes_all: bool
    code: int
    settings: np.ndarray
    penalties: Penalties
    reduction: str
    deadline: Deadline


def check_plan(
    n: int, dtype: np.dtype, rule: RuleOptions, *, lr: object, batch_size: object, epochs: object,
    threads: object, shuffle: object, progress: object, callback: object, patience: object,
    tol: object, time_limit: object,
) -> FleetPlan:  # fmt: skip
    """Check the options of `Fleet.train`."""
    deadline = check_deadline(time_limit)
    name, code, settings, penalties = check_fleet_rule(rule, n, dtype)
    return FleetPlan(
        batch_size=checks.check_count(batch_size, "batch_size"),
        epochs=checks.check_count(epochs, "epochs"),
        threads=checks.check_count(threads, "threads"),
        shuffles=checks.check_flag(shuffle, "shuffle"),
        progress=checks.check_flag(progress, "progress"),
        callback=check_callback(callback),
        waits=check_patience(patience, n),
        tol=checks.check_number(tol, "tol", least=0),
        rates=check_rates(lr, n, dtype),
        is_scheduled=callable(lr),
        takes_all=name == "rprop",
        code=code,
        settings=settings,
        penalties=penalties,
        reduction=rule.reduction,
        deadline=deadline,
    )


def check_rule_options(given: dict[str, object]) -> RuleOptions:
    """Return the options of update rules that `Fleet.train` does not name."""
    for name in given:
        if name not in ALSO:
            raise TypeError(
                f"train: found the argument {name!r}, expected one of those of Fleet.train, or of "
                + ", ".join(ALSO)
            )
    return RuleOptions()._replace(**given)  # type: ignore[arg-type]


class RatesOf(NamedTuple):
    """The learning rates of some networks, by epoch."""

    rates: Callable[[int], np.ndarray]
    networks: np.ndarray

    def __call__(self, epoch: int) -> np.ndarray:
        """Return the rates of an epoch."""
        return self.rates(epoch)[self.networks]

    def cut(self, networks: np.ndarray) -> RatesOf:
        """Return the rates of some of them."""
        return RatesOf(self.rates, self.networks[networks])


def train_shape(plan: FleetPlan, run: Run, history: FleetHistory, rng: np.random.Generator) -> None:
    """Train the networks of one shape."""
    fleet, numbers = run.shape.dense, run.shape.numbers
    n_rows = len(run.samples) if run.order is None else run.order.shape[2]
    batch_size = n_rows if plan.takes_all else min(plan.batch_size, n_rows)
    orders = _orders(plan, run, rng, batch_size, n_rows)
    waits = None if plan.waits is None else plan.waits[numbers]
    keeps_best = waits is not None and run.held is not None
    watcher = FleetHistoryWatcher(
        history, numbers, RatesOf(plan.rates, numbers),
        WeightSums(run.samples.weight, orders, plan.reduction), plan.epochs, n_rows, plan.deadline,
        plan.is_scheduled, waits, plan.tol, run.held, plan.callback,
        fleet.theta if keeps_best else None,
    )  # fmt: skip
    reasons: np.ndarray | str = "error"
    try:
        reasons = fit_fleet(
            fleet, run.samples, FleetRule(plan.code, plan.settings[numbers], fleet), watcher,
            batch_size=batch_size, epochs=plan.epochs, orders=orders, threads=plan.threads,
            deadline=plan.deadline, progress=plan.progress,
        )  # fmt: skip
    except KeyboardInterrupt:
        reasons = "interrupted"
        raise
    finally:
        watcher.finish(fleet.theta, reasons)


def _orders(
    plan: FleetPlan, run: Run, rng: np.random.Generator, batch_size: int, n_rows: int
) -> FleetOrders:
    """Return the orders in which samples are met."""
    n = len(run.shape.numbers)
    if run.order is not None:
        return GivenFleetOrders(n, run.order)
    if plan.shuffles and batch_size < n_rows:
        return DrawnFleetOrders(n, n_rows, Permutations(rng, n_rows))
    return FleetOrders(n, n_rows)
