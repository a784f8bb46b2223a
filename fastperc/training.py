"""The loop over epochs: order of the samples, slices of time, stopping, history, progress.

A kernel takes as many steps as it is told to; between two calls, about 50 ms apart, Python looks at
Ctrl-C and the clock. All state lies in arrays, so stopping anywhere leaves a usable network.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .errors import DivergedError
from .kernels.updates import LR

SLICE = 0.05  # seconds that a kernel call should take
WINDOW = 1 << 16  # samples whose order is drawn in one go


@dataclass
class History:
    """What a training run leaves behind.

    Attributes
    ----------
    loss : list of float
        Mean training loss of each epoch, over its samples as each was met, so before the update.
    validation_loss : list of float
        Loss on the validation set after each epoch; empty without one.
    seconds : float
        How long training took.
    stopped : str
        Why it ended: ``"epochs"`` (all done), ``"patience"``, ``"tol"``, ``"time_limit"``,
        ``"callback"``, ``"schedule"`` (it says so), ``"converged"`` (lbfgs), ``"interrupted"`` or
        ``"diverged"``.
    """

    loss: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    seconds: float = 0.0
    stopped: str = ""

    def plot(self, ax=None):
        """Draw the curves with matplotlib; returns the Axes."""
        from .plots import plot_history

        return plot_history(self, ax=ax)


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
    time_limit: float | None = None
    best: float = math.inf
    best_theta: np.ndarray | None = None
    waited: int = 0

    @property
    def watches(self) -> bool:
        """Whether each epoch has to be looked at."""
        return self.patience is not None or self.tol > 0

    def reason(self, loss: float, theta: np.ndarray, keep_best: bool) -> str:
        """Why to stop after an epoch with this loss, or nothing."""
        improved = loss < self.best - self.tol
        if self.patience is None:
            previous, self.best = self.best, loss
            return "tol" if self.tol > 0 and previous - loss < self.tol else ""
        self.waited = 0 if improved else self.waited + 1
        if loss < self.best:
            if keep_best:
                self.best_theta = theta.copy()
            self.best = loss if improved else self.best
        return "patience" if self.waited >= self.patience else ""


@dataclass
class Job:
    """One training run: what to do at each step, and what to look at between them.

    ``advance(order, first, last, losses)`` takes steps of a window of epochs, see
    `kernels.online.train_online`, and returns ``last``, or ``-1 - e`` if epoch e of it diverged.
    """

    advance: Callable[[np.ndarray, int, int, np.ndarray], int]
    theta: np.ndarray
    n_samples: int
    n_steps: int  # an epoch
    epochs: int
    weight_sum: float
    rates: np.ndarray  # of the update rule; the schedule writes the learning rate into it
    schedule: Callable[[int], float]
    watched_schedule: Any  # the caller's own, which may want to see each epoch's loss
    rng: np.random.Generator | None  # None: the samples keep their order
    stopping: Stopping
    validation_loss: Callable[[], float] | None = None
    callback: Callable[[int, History], Any] | None = None
    progress: bool = False

    @property
    def window(self) -> int:
        """How many epochs may pass before Python looks at one."""
        if self.stopping.watches or self.validation_loss or self.callback or self.watched_schedule:
            return 1
        return max(1, WINDOW // self.n_samples)


def run(job: Job, history: History) -> None:
    """Train; see `Network.train` for what can end it and what it raises."""
    begin = time.perf_counter()
    bar = progress_bar(job)
    try:
        history.stopped = _epochs(job, history, bar, begin)
    except KeyboardInterrupt:
        history.stopped = "interrupted"
        raise
    except DivergedError:
        history.stopped = "diverged"
        raise
    finally:
        if job.stopping.best_theta is not None:
            job.theta[:] = job.stopping.best_theta
        history.seconds = time.perf_counter() - begin
        if bar is not None:
            bar.close()


def _epochs(job: Job, history: History, bar, begin: float) -> str:
    """Epochs, a window at a time; returns why they ended."""
    pace = _Pace(job.stopping.time_limit, begin)
    while len(history.loss) < job.epochs:
        n_epochs = min(job.window, job.epochs - len(history.loss))
        job.rates[LR] = job.schedule(len(history.loss) + 1)
        order = _order(job, n_epochs)
        losses = np.zeros(n_epochs)
        step, end = 0, n_epochs * job.n_steps
        while step < end:
            reached = pace.advance(job, order, step, end, losses)
            done = reached // job.n_steps if reached >= 0 else -1 - reached
            history.loss += (losses[step // job.n_steps : done] / job.weight_sum).tolist()
            if bar is not None:
                show(bar, history)
            if reached < 0:
                raise DivergedError(len(history.loss) + 1, likely_cause(job))
            step = reached
            if pace.is_over:
                return "time_limit"
        reason = after_epoch(job, history)
        if reason:
            return reason
    return "epochs"


class _Pace:
    """Makes kernel calls that take about `SLICE` seconds, by what the last one took."""

    def __init__(self, time_limit: float | None, begin: float):
        self.steps = 1.0
        self.end = math.inf if time_limit is None else begin + time_limit

    def advance(self, job: Job, order, step: int, end: int, losses) -> int:
        last = min(end, step + max(1, int(self.steps)))
        begin = time.perf_counter()
        reached = job.advance(order, step, last, losses)
        now = time.perf_counter()
        self.is_over = now >= self.end
        room = min(SLICE, max(self.end - now, 1e-3))
        # At most eightfold at a time: the first call may have been slowed by cold caches.
        self.steps = (last - step) * min(8.0, room / max(now - begin, 1e-7))
        return reached


def _order(job: Job, n_epochs: int) -> np.ndarray:
    """Each epoch's order of samples, (n_epochs, n); no rows where they keep theirs."""
    if job.rng is None:
        return np.empty((0, job.n_samples), np.int64)
    return np.stack([job.rng.permutation(job.n_samples) for _ in range(n_epochs)])


def after_epoch(job: Job, history: History) -> str:
    """Validation, stopping rule and callback; returns why to stop, or nothing."""
    watched = history.loss[-1]
    if job.validation_loss is not None:
        watched = job.validation_loss()
        history.validation_loss.append(watched)
    reason = ""
    if job.stopping.watches:
        reason = job.stopping.reason(watched, job.theta, job.validation_loss is not None)
    watch = getattr(job.watched_schedule, "watch", None)
    if watch is not None and watch(history.loss[-1]):
        reason = reason or "schedule"
    if job.callback is not None and job.callback(len(history.loss), history) is True:
        reason = reason or "callback"
    return reason


def likely_cause(job: Job) -> str:
    size = float(np.abs(job.theta).max())
    if size > 1e6:
        return f"the weights had grown to {size:.2g} before. Start again with a smaller lr"
    return (
        f"loss or weights became infinite or NaN with lr={job.rates[LR]:g}. Use a smaller lr, or "
        "scale the inputs (and the targets of a regression) to about -1 to 1"
    )


def progress_bar(job: Job):
    if not job.progress:
        return None
    from tqdm.auto import tqdm

    return tqdm(total=job.epochs, unit="epoch")


def show(bar, history: History) -> None:
    new = len(history.loss) - bar.n
    if new:
        bar.set_postfix(loss=f"{history.loss[-1]:.4g}", refresh=False)
        bar.update(new)
