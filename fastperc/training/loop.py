"""The loop over epochs: order of the samples, slices of time, stopping, history, progress.

A kernel takes as many steps as it is told to; between two calls, about 50 ms apart, Python looks at
Ctrl-C and the clock. All state lies in arrays, so stopping anywhere leaves a usable network.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from ..checks import all_finite
from ..deadline import OutOfTimeError, Watch
from ..errors import DivergedError
from ..kernels.updates import LR
from ..model.evaluate import SLICE

WINDOW = 1 << 16  # samples whose order is drawn in one go
GRACE = 0.15  # seconds that a validation may go on after the time limit


@dataclass(repr=False)
class History:
    """What a training run leaves behind.

    Attributes
    ----------
    loss : list of float
        Mean training loss of each epoch, over its samples as each was met, so before the update.
    validation_loss : list of float
        Loss on the validation set after each epoch; empty without one. NaN where the run was ended
        before it was computed.
    seconds : float
        How long training took.
    stopped : str
        Why it ended: ``"epochs"`` (all done), ``"patience"``, ``"tol"``, ``"time_limit"``,
        ``"callback"``, ``"schedule"`` (it says so), ``"converged"``, ``"line_search"`` or
        ``"evaluations"`` (lbfgs: no lower loss was found on the way, or too many were tried),
        ``"interrupted"``, ``"diverged"`` or ``"error"`` (of a callback, say).
    unfinished : float
        Where the time limit or Ctrl-C ended the run within an epoch, the part of it that was done:
        the weights have learned from it, the curves do not show it.
    """

    loss: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    seconds: float = 0.0
    stopped: str = ""
    unfinished: float = 0.0

    def plot(self, ax=None):
        """Draw the curves with matplotlib; returns the Axes."""
        from ..plots import plot_history

        return plot_history(self, ax=ax)

    def __repr__(self) -> str:
        n = len(self.loss)
        parts = [f"{n} epoch" if n == 1 else f"{n} epochs"]
        curves = (("loss", self.loss), ("validation loss", self.validation_loss))
        parts += [f"{name} {_ends(curve)}" for name, curve in curves if curve]
        if self.stopped not in ("", "epochs"):
            parts.append(f"stopped: {self.stopped}")
        return f"History({', '.join(parts)})"


def _ends(curve: list[float]) -> str:
    first, last = f"{curve[0]:.2g}", f"{curve[-1]:.2g}"
    return first if len(curve) == 1 else f"{first} -> {last}"


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
    def watches(self) -> bool:
        """Whether each epoch has to be looked at."""
        return self.patience is not None or self.tol > 0

    def reason(self, loss: float, theta: np.ndarray, keep_best: bool) -> str:
        """Why to stop after an epoch with this loss, or nothing."""
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


class Advance(Protocol):
    """Takes the steps ``first <= step < last`` of a window of epochs.

    See `kernels.online.train_online`. Returns the step reached, or ``-1 - e`` if epoch e of the
    window diverged. ``good`` is theta at the beginning of the epoch.
    """

    good: np.ndarray

    def __call__(self, order: np.ndarray, first: int, last: int, losses: np.ndarray) -> int: ...


@dataclass
class Job:
    """One training run: what to do at each step, and what to look at between them."""

    advance: Advance
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
    watch: Watch
    validation_loss: Callable[[Watch], float] | None = None
    callback: Callable[[int, History], Any] | None = None
    progress: bool = False
    done: int = 0  # epochs

    @property
    def window(self) -> int:
        """How many epochs may pass before Python looks at one."""
        if self.stopping.watches or self.validation_loss or self.callback or self.watched_schedule:
            return 1
        return max(1, WINDOW // self.n_samples)


def run(job: Job, history: History) -> None:
    """Train; see `Network.train` for what can end it and what it raises."""
    bar = progress_bar(job)
    with job.watch.interrupts_held():
        try:
            history.stopped = "error"  # if anything else should end it
            history.stopped = _epochs(job, history, bar)
        except KeyboardInterrupt:
            history.stopped = "interrupted"
            raise
        except DivergedError:
            history.stopped, history.unfinished = "diverged", 0.0
            raise
        finally:
            settle(job, history, job.advance.good)
            if bar is not None:
                bar.close()


def settle(job: Job, history: History, good: np.ndarray) -> None:
    """Leave finite weights, and the best ones where they were promised."""
    if not all_finite(job.theta):
        job.theta[:] = good
        history.unfinished = 0.0
    if job.stopping.best_theta is not None:
        job.theta[:] = job.stopping.best_theta
        history.unfinished = 0.0
    history.seconds = time.perf_counter() - job.watch.begin


def _epochs(job: Job, history: History, bar) -> str:
    """Epochs, a window at a time; returns why they ended."""
    pace = _Pace(job.watch)
    while job.done < job.epochs:
        n_epochs = min(job.window, job.epochs - job.done, pace.epochs_ahead(job.n_steps))
        job.rates[LR] = job.schedule(job.done + 1)
        order = _order(job, n_epochs)
        losses = np.zeros(n_epochs)
        step, end = 0, n_epochs * job.n_steps
        while step < end:
            reached = pace.advance(job, order, step, end, losses)
            done = reached // job.n_steps if reached >= 0 else -1 - reached
            means = losses[step // job.n_steps : done] / job.weight_sum
            history.loss += means.tolist()
            job.done += len(means)
            if bar is not None:
                show(bar, job.done, history)
            if reached < 0:
                raise DivergedError(job.done + 1, likely_cause(job))
            step = reached
            history.unfinished = step % job.n_steps / job.n_steps
            job.watch.look_for_interrupt()
            if job.watch.is_over and step < end:
                return _out_of_time(job)
        reason = after_epoch(job, history, float(means[-1]))
        if not reason and job.watch.is_over and job.done < job.epochs:
            reason = "time_limit"
        if reason:
            return reason
    return "epochs"


def _out_of_time(job: Job) -> str:
    """End within an epoch, which may have diverged already."""
    if not all_finite(job.theta):
        raise DivergedError(job.done + 1, likely_cause(job))
    return "time_limit"


class _Pace:
    """Makes kernel calls that take about `SLICE` seconds, by what the last one took."""

    def __init__(self, watch: Watch):
        self.steps, self.watch = 1.0, watch

    def advance(self, job: Job, order, step: int, end: int, losses) -> int:
        last = min(end, step + max(1, int(self.steps)))
        begin = time.perf_counter()
        reached = job.advance(order, step, last, losses)
        now = time.perf_counter()
        room = min(SLICE, max(self.watch.end - now, 1e-3))
        # At most eightfold at a time: the first call may have been slowed by cold caches.
        self.steps = (last - step) * min(8.0, room / max(now - begin, 1e-7))
        return reached

    def epochs_ahead(self, n_steps: int) -> int:
        """Epochs whose order is wanted soon: a few more than the next call will take."""
        return 1 + int(8 * self.steps) // n_steps


def _order(job: Job, n_epochs: int) -> np.ndarray:
    """Each epoch's order of samples, (n_epochs, n); no rows where they keep theirs."""
    if job.rng is None:
        return np.empty((0, job.n_samples), np.int64)
    if n_epochs == 1:  # no second copy of what may be as large as a part of X
        return job.rng.permutation(job.n_samples)[None]
    return np.stack([job.rng.permutation(job.n_samples) for _ in range(n_epochs)])


def after_epoch(job: Job, history: History, loss: float) -> str:
    """Validation, stopping rule and callback; returns why to stop, or nothing."""
    watched = loss
    if job.validation_loss is not None:
        history.validation_loss.append(math.nan)  # until it is known
        try:
            watched = job.validation_loss(job.watch.with_grace(GRACE))
        except OutOfTimeError:
            return "time_limit"
        history.validation_loss[-1] = watched
    reason = ""
    if job.stopping.watches:
        reason = job.stopping.reason(watched, job.theta, job.validation_loss is not None)
    watch = getattr(job.watched_schedule, "watch", None)
    if watch is not None and watch(loss):
        reason = reason or "schedule"
    if job.callback is not None and _calls_for_end(job, history):
        reason = reason or "callback"
    return reason


def _calls_for_end(job: Job, history: History) -> bool:
    """What the callback says. It may write to the weights, but for what is not finite."""
    assert job.callback is not None
    before = job.theta.copy()
    try:
        with job.watch.interrupts_free():
            answer = job.callback(job.done, history)
    finally:
        is_finite = all_finite(job.theta)
        if not is_finite:
            job.theta[:] = before
    if not is_finite:
        raise DivergedError(job.done, "the callback wrote infinite or NaN weights")
    return isinstance(answer, (bool, np.bool_)) and bool(answer)


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


def show(bar, done: int, history: History) -> None:
    if done > bar.n and history.loss:
        bar.set_postfix(loss=f"{history.loss[-1]:.4g}", refresh=False)
        bar.update(done - bar.n)
