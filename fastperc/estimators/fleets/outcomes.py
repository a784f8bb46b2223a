"""What became of a job."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..base import BaseMLP
from .fleet_fit import FleetFit, Message
from .jobs import Job


@dataclass(eq=False)
class Outcome:
    """A fitted estimator, or why there is none.

    Attributes
    ----------
    job : Job
    error : Exception or None
        What `fit` raised, or would have.
    reason : str
        Why training ended: "epochs", "patience", "diverged", or "" where that is not known.
    n_iter : int
        Epochs.
    loss : float
        Of the last one.
    seconds : float
        What training took, or a network's share of what its fleet took.
    warnings : list of (str, class)
        What `fit` would have warned of.
    """

    job: Job
    error: Exception | None
    reason: str
    n_iter: int
    loss: float
    seconds: float
    warnings: Sequence[Message]
    fleet: FleetFit | None = None
    place: int = 0  # in the fleet
    fitted: BaseMLP | None = None

    @cached_property
    def estimator(self) -> BaseMLP:
        """The fitted estimator, made when it is first asked for.

        Raises
        ------
        Exception
            What `fit` would have raised.
        """
        if self.error is not None:
            raise self.error
        if self.fitted is not None:
            return self.fitted
        assert self.fleet is not None
        return self.fleet.estimator(self.place)


def outcomes_of(fleet: FleetFit) -> list[Outcome]:
    """Return what became of a fleet's jobs."""
    watcher, tasks = fleet.watcher, fleet.tasks
    numbers = zip(
        watcher.n_iter.tolist(), watcher.last_loss.tolist(), fleet.seconds.tolist(), strict=True
    )
    return [
        Outcome(
            task.job, fleet.error(i), str(fleet.reasons[i]), n_iter, loss, seconds,
            fleet.warnings(i), fleet, i,
        )
        for i, (task, (n_iter, loss, seconds)) in enumerate(zip(tasks, numbers, strict=True))
    ]  # fmt: skip


def failed(job: Job, error: Exception, seconds: float = 0.0) -> Outcome:
    """Return the outcome of a job whose `fit` raises."""
    return Outcome(job, error, "", 0, np.nan, seconds, ())


def alone(job: Job, fitted: BaseMLP, seconds: float) -> Outcome:
    """Return the outcome of a job that was done by its own `fit`, which warned itself."""
    n_iter, loss = int(getattr(fitted, "n_iter_", 0)), float(getattr(fitted, "loss_", np.nan))
    return Outcome(job, None, "", n_iter, loss, seconds, (), fitted=fitted)


def by_fleet(outcomes: Sequence[Outcome]) -> list[tuple[FleetFit, list[int]]]:
    """Return the fleets of outcomes without an error, and which outcomes are of each."""
    found: dict[int, tuple[FleetFit, list[int]]] = {}
    for k, outcome in enumerate(outcomes):
        if outcome.fleet is not None and outcome.error is None:
            found.setdefault(id(outcome.fleet), (outcome.fleet, []))[1].append(k)
    return [*found.values()]
