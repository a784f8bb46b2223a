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
    done: int = 0  # epochs
    whole_epochs: bool = False

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
            history.seconds = time.perf_counter() - self.deadline.begin


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
