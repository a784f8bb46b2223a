"""The engine: epochs in slices of time, for whoever trains, who looks on as a `Watcher`.

A kernel takes as many steps as it is told to; between two calls, about 50 ms apart, Python looks at
Ctrl-C and the clock. All state lies in arrays, so stopping anywhere leaves a usable network.
"""

from __future__ import annotations

import math
import time
from typing import Protocol

import numpy as np

from ..checks import all_finite
from ..deadline import NO_LIMIT, Deadline
from ..kernels.arguments import LOSS, N_SUMS
from ..kernels.updates import LR
from ..model.dense import Dense
from ..model.samples import RemoteSamples, Samples
from ..model.slices import SHORT, SLICE, next_size
from .checkpoints import Arrays, Part, Record, State, identity_of, recorded
from .orders import Order
from .progress import ProgressBar
from .rules import Rule
from .steps import Steps, steps_for

OVERHEAD = 500  # multiplications that take as long as what a step does beside them


class Watcher(Part, Protocol):
    """Looks on while a model is trained: sets the learning rate, takes note, ends the run.

    Attributes
    ----------
    whole_epochs : bool
        Whether an epoch that is cut short is taken back, with what the rule remembers of it.
    epochs_at_once : int
        How many epochs may pass before `end_epoch` is to be called.
    """

    @property
    def whole_epochs(self) -> bool: ...

    @property
    def epochs_at_once(self) -> int: ...

    def identity(self) -> State:
        """Return what the run depends on that the watcher knows of; see `checkpoints.recorded`."""

    def begin_epoch(self, epoch: int) -> float:
        """Return the learning rate of an epoch, counted from 1."""

    def mean_losses(self, sums: np.ndarray) -> list[float]:
        """Return the training loss of each epoch, from its `kernels.arguments` sums."""

    def record(self, losses: list[float], part: float) -> None:
        """Take note of completed epochs, and of how much of the next one has passed."""

    def end_epoch(self) -> str:
        """Return why training has to end after this epoch, or nothing."""

    def diverged(self, epoch: int, loss: float, cause: str) -> str:
        """Raise, or return why training ends, where loss or weights became infinite or NaN."""


def fit(
    model: Dense,
    samples: Samples | RemoteSamples,
    rule: Rule,
    watcher: Watcher,
    *,
    batch_size: int,
    epochs: int,
    order: Order | None = None,
    threads: int = 1,
    deadline: Deadline = NO_LIMIT,
    progress: bool = False,
) -> str:
    """Train a model, in place.

    Parameters
    ----------
    model : Dense
        ``theta`` is written to.
    samples : Samples
    rule : Rule
        What it remembers is written to.
    watcher : Watcher
    batch_size : int
        Samples per update.
    epochs : int
        How often to go through the samples, at most.
    order : Order, optional
        Which rows an epoch takes; by default all, as they come.
    threads : int
        How many may compute the gradient of a batch, with the same bits, if it is enough work.
    deadline : Deadline
    progress : bool
        Show a progress bar.

    Returns
    -------
    str
        Why training ended: "epochs", "time_limit", or what the watcher said.
    """
    order = order or Order(samples)
    arrays = Arrays(theta=model.theta, rule=rule.state, rule_steps=rule.step_state)
    parts: dict[str, Part] = {"order": order, "watcher": watcher, "arrays": arrays}
    if isinstance(samples, RemoteSamples):
        parts["remote"] = samples

    def identity() -> State:
        own = {
            "network": model.signature,
            "frozen": sorted(model.frozen),
            "batch_size": batch_size,
            **rule.identity(),
        }
        return own | identity_of(samples) | order.identity() | watcher.identity()

    with (
        recorded(identity, parts, epochs) as record,
        deadline.interrupts_deferred(),
        ProgressBar(progress, epochs) as bar,
    ):
        steps = steps_for(model, samples, rule, batch_size, threads, deadline, order.rows)
        run = _Run(steps, rule, watcher, order, deadline, bar, record)
        reason = record.reason or run.train(epochs)
        return record.end(run.done, reason)


class _Run:
    """One call of `fit`."""

    def __init__(
        self,
        steps: Steps,
        rule: Rule,
        watcher: Watcher,
        order: Order,
        deadline: Deadline,
        bar: ProgressBar,
        record: Record,
    ):
        self.steps, self.rule, self.watcher = steps, rule, watcher
        self.order, self.deadline, self.bar, self.record = order, deadline, bar, record
        self.theta = steps.model.theta
        self.slices = _TimeSlices(steps, deadline)
        self.done = record.done  # epochs
        # Weights and memory at the beginning of the epoch, where they may be wanted back.
        self.saved = (self.theta.copy(), rule.memory()) if watcher.whole_epochs else None

    def train(self, epochs: int) -> str:
        """Take the steps of some epochs; returns why they ended."""
        while self.done < epochs:
            ahead = self.slices.epochs_ahead()
            at_once = min(self.watcher.epochs_at_once, self.order.epochs_at_once)
            due = self.record.until_due(self.done)
            n_epochs = min(at_once, epochs - self.done, ahead, due)
            reason = self._train_window(n_epochs) or self.watcher.end_epoch()
            if not reason:
                self.record.keep(self.done)
            self.deadline.check_interrupt()
            if not reason and self.deadline.is_over and self.done < epochs:
                reason = "time_limit"
            if reason:
                return reason
        return "epochs"

    def _train_window(self, n_epochs: int) -> str:
        """Take the steps of epochs between which nobody wants to look; returns why they ended."""
        order = self.order.window(self.done + 1, n_epochs)
        n_epochs = len(order) or n_epochs  # fewer, where the next ones have another length
        self.steps.rows = order.shape[1]
        if self.saved is not None:
            self.saved[0][:] = self.theta
            self.rule.copy_memory(self.saved[1])
        self.rule.settings[LR] = self.watcher.begin_epoch(self.done + 1)
        sums = np.zeros((N_SUMS, n_epochs))
        step, end = 0, n_epochs * self.steps.n_steps
        try:
            while step < end:
                reached = self.slices.take(order, step, end, sums)
                reason = self._record(sums, step, reached)
                if reason:
                    return reason
                step = reached
                if step < end:
                    self.deadline.check_interrupt()
                    if self.deadline.is_over:
                        return self._leave(step) or "time_limit"
        except BaseException:
            self._leave(step, is_error=True)
            raise
        return ""

    def _record(self, sums: np.ndarray, step: int, reached: int) -> str:
        """Take note of completed epochs; returns why training ends where one diverged."""
        n_steps = self.steps.n_steps
        first, completed = step // n_steps, reached // n_steps if reached >= 0 else -1 - reached
        losses = self.watcher.mean_losses(sums[:, first:completed])
        if losses and not math.isfinite(sum(losses)):  # of a penalty, say; or all are large
            n_finite = next((k for k, x in enumerate(losses) if not math.isfinite(x)), len(losses))
            if n_finite < len(losses):
                completed = first + n_finite
                losses, reached = losses[:n_finite], -1
        self.done += len(losses)
        self.watcher.record(losses, reached % n_steps / n_steps if reached >= 0 else 0.0)
        if losses:
            self.bar.show(self.done, losses[-1])
        return self._diverge(float(sums[LOSS, completed])) if reached < 0 else ""

    def _leave(self, step: int, is_error: bool = False) -> str:
        """Leave finite weights where an epoch is cut short; returns "diverged" if it had."""
        if self.saved is not None and step < self.steps.n_steps:
            self._put_back()
        elif not all_finite(self.theta):
            self.theta[:] = self.steps.last_good
            self.watcher.record([], 0.0)
            return "" if is_error else self._diverge(math.nan)
        return ""

    def _put_back(self) -> None:
        """Take back the steps since the beginning of the epoch."""
        if self.saved is not None:
            self.theta[:], memory = self.saved
            self.rule.restore(memory)

    def _diverge(self, loss: float) -> str:
        self._put_back()
        cause = likely_cause(self.theta, float(self.rule.settings[LR]))
        return self.watcher.diverged(self.done + 1, loss, cause)


class _TimeSlices:
    """Makes calls that take about `SLICE` seconds, by what the last one took."""

    def __init__(self, steps: Steps, deadline: Deadline):
        self.steps, self.deadline = steps, deadline
        self.size = 1.0  # in steps
        if deadline.end == math.inf:  # as many as certainly take no longer
            work = steps.batch_size * (steps.model.theta.size + OVERHEAD)
            self.size = max(1.0, SHORT / (8 * work))

    def take(self, order: np.ndarray, step: int, end: int, sums: np.ndarray) -> int:
        """Take the next steps; returns the one reached."""
        last = min(end, step + max(1, int(self.size)))
        begin = time.perf_counter()
        reached = self.steps(order, step, last, sums)
        now = time.perf_counter()
        target = min(SLICE, max(self.deadline.end - now, 1e-3))
        taken = reached - step if reached >= 0 else last - step
        self.size = next_size(taken, now - begin, target)
        return reached

    def epochs_ahead(self) -> int:
        """Return how many epochs' orders are wanted soon: a few more than the next call takes."""
        return 1 + int(8 * self.size) // self.steps.n_steps


def likely_cause(theta: np.ndarray, lr: float) -> str:
    """Say why training that started from ``theta`` may have diverged."""
    size = float(np.abs(theta).max())
    if size > 1e6:
        return f"the weights had grown to {size:.2g} before. Start again with a smaller lr"
    return (
        f"loss or weights became infinite or NaN with lr={lr:g}. Use a smaller lr, or "
        "scale the inputs (and the targets of a regression) to about -1 to 1"
    )
