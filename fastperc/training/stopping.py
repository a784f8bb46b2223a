"""When training ends early, and what is kept: the watcher of `Network.train`."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import checks
from ..deadline import Deadline
from ..errors import DivergedError, OutOfTimeError
from ..kernels.arguments import LOSS
from ..model.dense import Dense
from ..model.samples import Samples
from .checkpoints import State, identity_of
from .history import History
from .metrics import Metrics
from .orders import Order

if TYPE_CHECKING:
    from .batches import Batches

WINDOW = 1 << 16  # samples whose order is drawn in one go
GRACE = 0.15  # seconds that a validation may go on after the time limit


@dataclass
class Stopping:
    """When to end before the last epoch.

    The validation loss is watched, or without a validation set the training loss. With
    ``patience``, training ends after so many epochs in a row that did not improve on the best by
    more than ``tol``; without, at the first epoch that improves on the last by less than a positive
    ``tol``.
    """

    patience: int | None = None
    tol: float = 0.0
    reference: float = math.inf  # what has to be improved on, by ``tol``
    lowest: float = math.inf  # of all losses so far, with ``best_theta``
    best_theta: np.ndarray | None = None
    waited: int = 0

    def state(self) -> State:
        """Return what the next epochs are compared with."""
        best = None if self.best_theta is None else self.best_theta.copy()
        numbers = np.array([self.reference, self.lowest, self.waited])
        return {"numbers": numbers, "best_theta": best}

    def restore(self, state: State) -> None:
        """Take over what `state` returned."""
        self.reference, self.lowest, waited = state["numbers"].tolist()
        self.waited, self.best_theta = int(waited), state["best_theta"]

    @property
    def needs_each_epoch(self) -> bool:
        """True where the loss of each epoch has to be looked at."""
        return self.patience is not None or self.tol > 0

    def reason(self, loss: float, theta: np.ndarray, keep_best: bool) -> str:
        """Return why to stop after an epoch with this loss, or nothing."""
        improved = loss < self.reference - self.tol
        if self.patience is None:
            previous, self.reference = self.reference, loss
            return "tol" if self.tol > 0 and previous - loss < self.tol else ""
        if keep_best and loss < self.lowest:
            self.lowest, self.best_theta = loss, theta.copy()
        if improved:
            self.reference, self.waited = loss, 0
        else:
            self.waited += 1
        return "patience" if self.waited >= self.patience else ""


def check_stopping(patience: object, tol: object) -> Stopping:
    """Return the rules by which training ends early."""
    return Stopping(
        patience=None if patience is None else checks.check_count(patience, "patience"),
        tol=checks.check_number(tol, "tol", least=0),
    )


@dataclass
class HistoryWatcher:
    """Keeps the history of a run, and ends it by `Stopping`, schedule or callback."""

    model: Dense
    history: History
    stopping: Stopping
    deadline: Deadline
    order: Order | Batches
    schedule: Callable[[int], float]
    own_schedule: object = None  # the caller's function, which may want to see each epoch's loss
    callback: Callable[[int, History], Any] | None = None
    validation_loss: Callable[[Deadline], float] | None = None
    metrics: Metrics | None = None
    reduction: str = "mean"
    held: Samples | None = None  # that the validation loss is of
    done: int = 0  # epochs
    whole_epochs: bool = False
    seconds_before: float = 0.0  # in processes that were ended before this one

    def identity(self) -> State:
        """Return the options of a run that decide on its end, and on its curves."""
        stopping, names = self.stopping, [] if self.metrics is None else [*self.metrics.functions]
        rate = None if callable(self.own_schedule) else self.schedule(1)
        return {
            "lr": rate, "patience": stopping.patience, "tol": stopping.tol, "metrics": names,
            **identity_of(self.held, "validation "),
        }  # fmt: skip

    def state(self) -> State:
        """Return curves, counts and the time so far."""
        history = self.history
        curves = {name: np.array(curve) for name, curve in history.metrics.items()}
        return {
            "loss": np.array(history.loss),
            "validation_loss": np.array(history.validation_loss),
            "metrics": curves,
            "stopping": self.stopping.state(),
            "seconds": self._seconds(),
        }

    def restore(self, state: State) -> None:
        """Go on from a `state`; a schedule is told once more what it was told."""
        history = self.history
        history.loss, history.validation_loss = (
            state[name].tolist() for name in ("loss", "validation_loss")
        )
        history.metrics.update({name: c.tolist() for name, c in state["metrics"].items()})
        self.stopping.restore(state["stopping"])
        self.done, self.seconds_before = len(history.loss), state["seconds"]
        if self.own_schedule is not None:
            watch = getattr(self.own_schedule, "watch", None)
            for epoch, loss in enumerate(history.loss, 1):
                self.schedule(epoch)
                if watch is not None:
                    watch(loss)

    def _seconds(self) -> float:
        return self.seconds_before + time.perf_counter() - self.deadline.begin

    @property
    def epochs_at_once(self) -> int:
        """One where each has to be looked at; otherwise as many as make some thousand samples."""
        wants_each = self.validation_loss or self.callback or self.own_schedule or self.metrics
        if wants_each or self.stopping.needs_each_epoch:
            return 1
        return max(1, WINDOW // self.order.rows)

    def begin_epoch(self, epoch: int) -> float:
        """Return the learning rate of an epoch."""
        return self.schedule(epoch)

    def mean_losses(self, sums: np.ndarray) -> list[float]:
        """Return the weighted mean, or sum, over the samples, as each was met."""
        losses = sums[LOSS]
        if self.reduction == "mean":
            losses = losses / self.order.weight_sums(self.done + 1, len(losses))
        return losses.tolist()

    def record(self, losses: list[float], part: float) -> None:
        """Continue the curve."""
        self.history.loss += losses
        self.history.unfinished = part
        self.done += len(losses)

    def end_epoch(self) -> str:
        """Return why to stop: validation, stopping rule, schedule and callback are asked."""
        loss = self.history.loss[-1]
        try:
            watched = self._evaluate(loss)
        except OutOfTimeError:
            return "time_limit"
        reason = ""
        if self.stopping.needs_each_epoch:
            keep_best = self.validation_loss is not None
            reason = self.stopping.reason(watched, self.model.theta, keep_best)
        watch = getattr(self.own_schedule, "watch", None)
        if watch is not None and watch(loss):
            reason = reason or "schedule"
        callback = self.callback
        if callback is not None and calls_for_end(
            lambda: callback(self.done, self.history), self.model, self.deadline, self.done
        ):
            reason = reason or "callback"
        return reason

    def _evaluate(self, loss: float) -> float:
        """Continue the curves of validation loss and metrics; returns the loss to be watched."""
        history = self.history
        if self.validation_loss is None and self.metrics is None:
            return loss
        metrics = [] if self.metrics is None else list(self.metrics.functions)
        curves = [history.metrics.setdefault(name, []) for name in metrics]
        if self.validation_loss is not None:
            curves.append(history.validation_loss)
        for curve in curves:
            curve.append(math.nan)  # until it is known
        deadline = self.deadline.extended(GRACE)
        if self.validation_loss is not None:
            loss = history.validation_loss[-1] = self.validation_loss(deadline)
        if self.metrics is not None:
            for name, value in self.metrics.compute(deadline).items():
                history.metrics[name][-1] = value
        return loss

    def diverged(self, epoch: int, loss: float, cause: str) -> str:
        """Raise DivergedError."""
        raise DivergedError(epoch, cause)

    @contextmanager
    def keeping_history(self) -> Iterator[History]:
        """Train within this block; whatever ends it, best weights and history are left behind."""
        history = self.history
        history.stopped = "error"  # if nothing else is said
        try:
            yield history
        except KeyboardInterrupt:
            history.stopped = "interrupted"
            raise
        except DivergedError:
            history.stopped, history.unfinished = "diverged", 0.0
            raise
        finally:
            if self.stopping.best_theta is not None:
                self.model.theta[:] = self.stopping.best_theta
                history.unfinished = 0.0
            history.seconds = self._seconds()


def calls_for_end(
    callback: Callable[[], object],
    model: Dense,
    deadline: Deadline,
    epoch: int,
    error: type[DivergedError] = DivergedError,
) -> bool:
    """Return whether a callback asks to end training.

    It may write to the weights; where it writes what is not finite, these are put back, and
    ``error`` is raised.
    """
    before = model.theta.copy()
    try:
        with deadline.interrupts_allowed():
            answer = callback()
    finally:
        is_finite = checks.all_finite(model.theta)
        if not is_finite:
            model.theta[:] = before
    if not is_finite:
        raise error(epoch, "the callback wrote infinite or NaN weights")
    return isinstance(answer, (bool, np.bool_)) and bool(answer)
