"""Training on batches that an iterable gives, one after the other: a DataLoader, a generator."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from operator import length_hint

import numpy as np

from ..deadline import NO_LIMIT, Deadline
from ..kernels.arguments import LOSS, N_SUMS
from ..kernels.updates import LR
from ..model.dense import Dense
from ..model.losses import warn_out_of_reach
from ..model.samples import Samples, no_order
from .checkpoints import Arrays, Part, State, recorded
from .loop import likely_cause
from .progress import ProgressBar
from .rules import Rule
from .steps import Steps, batch_steps
from .stopping import HistoryWatcher

CheckSamples = Callable[..., Samples]


class Batches:
    """The batches of one epoch after the other, checked when their turn comes.

    Parameters
    ----------
    source : iterable, or function that returns one
        Of batches: (x, y) or (x, y, sample_weight).
    check : function
        Returns the `Samples` of such a batch, or raises TypeError or ValueError.
    deadline : Deadline
        Of the run.

    Attributes
    ----------
    rows : int
        See `orders.Order`: here 1, since nobody knows how many an epoch will have.
    n : int or None
        Batches of an epoch, as far as is known.
    """

    rows = 1

    def __init__(self, source: object, check: CheckSamples, deadline: Deadline):
        self.source, self.check, self.deadline = check_source(source), check, deadline
        self.n = length_hint(source) or None  # a loader may have a length and raise
        self._weight_sum = 0.0

    def identity(self) -> State:
        """Return nothing: what will come is not known."""
        return {"X": "an iterable of batches"}

    def state(self) -> State:
        """Return how many batches an epoch had."""
        return {"n": self.n}

    def restore(self, state: State) -> None:
        """Take over what `state` returned."""
        self.n = state["n"]

    def epoch(self, epoch: int) -> Iterator[Samples]:
        """Yield the batches of an epoch, counted from 1."""
        self._weight_sum, k = 0.0, 0
        with self.deadline.interrupts_allowed():
            items = self._begin(epoch)
        while True:
            with self.deadline.interrupts_allowed():
                item = next(items, self)
            if item is self:
                break
            k += 1
            samples = self._take(item, f"batch {k} of epoch {epoch}")
            self._weight_sum += samples.weight_sum
            yield samples
        if not k:
            raise ValueError(
                f"X: found no batches in epoch {epoch}, expected at least one. Give an iterable "
                "that begins anew each time, or a function that returns one"
            )
        self.n = k

    def weight_sums(self, first: int, n_epochs: int) -> float:
        """Return the sum of the weights met in this epoch."""
        return self._weight_sum

    def part_of(self, k: int) -> float:
        """Return how much of an epoch its first k batches are; NaN where nobody can know."""
        return min(k / self.n, 1.0) if self.n else math.nan

    def _begin(self, epoch: int) -> Iterator[object]:
        source = self.source() if callable(self.source) else self.source
        items = iter(source)
        if epoch > 1 and items is self.source:
            raise ValueError(
                f"X: found an iterator, which gives its batches once, in epoch {epoch}, expected "
                "an iterable that can begin anew, such as a list or a DataLoader. Give epochs=1, "
                "or a function that returns an iterator"
            )
        return items

    def _take(self, item: object, name: str) -> Samples:
        if not isinstance(item, (tuple, list)) or len(item) not in (2, 3):
            raise TypeError(
                f"{name}: found {_kind_of(item)}, expected (x, y) or (x, y, sample_weight)"
            )
        try:
            return self.check(*item)
        except TypeError as error:
            raise TypeError(f"{name}: {error}") from None
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None


def _kind_of(item: object) -> str:
    kind = type(item).__name__
    return f"a {kind} of {len(item)} items" if isinstance(item, (tuple, list)) else kind


def check_source(source: object) -> Iterable[object] | Callable[[], Iterable[object]]:
    """Return an iterable of batches or a function that returns one; refuse what are samples."""
    is_data = hasattr(source, "shape") or isinstance(source, (str, bytes, dict))
    if not is_data and (callable(source) or isinstance(source, Iterable)):
        return source
    raise TypeError(
        f"y: found None with X of type {type(source).__name__}, expected a target for each row of "
        "X. Only an iterable of batches (x, y) is given without y"
    )


def check_batches_fit(optimizer: str, validation: object, **options: object) -> None:
    """Refuse options that are for samples all of which are there."""
    for name, value in options.items():
        if value is not None and value is not False:
            raise ValueError(
                f"{name}: found {value!r:.60} with an iterable of batches, expected None or False: "
                "batches are taken as they come. Leave it out"
            )
    if optimizer in ("rprop", "lbfgs"):
        raise ValueError(
            f"optimizer: found {optimizer!r} with an iterable of batches, expected one that steps "
            "by batches, such as 'adam': it needs all samples at once. Give X and y"
        )
    if validation is not None and not isinstance(validation, (tuple, list)):
        raise ValueError(
            f"validation: found {validation!r:.60} with an iterable of batches, expected (X, y)"
        )


def fit_batches(
    model: Dense,
    batches: Batches,
    rule: Rule,
    watcher: HistoryWatcher,
    *,
    epochs: int,
    threads: int = 1,
    deadline: Deadline = NO_LIMIT,
    progress: bool = False,
) -> str:
    """Train a model, in place, by one step for each batch; see `loop.fit`.

    An error within an epoch leaves the weights as they are after the batches before it.
    """
    arrays = Arrays(theta=model.theta, rule=rule.state, rule_steps=rule.step_state)
    parts: dict[str, Part] = {"batches": batches, "watcher": watcher, "arrays": arrays}

    def identity() -> State:
        own = {"network": model.signature, "frozen": sorted(model.frozen), **rule.identity()}
        return own | batches.identity() | watcher.identity()

    with (
        recorded(identity, parts, epochs) as record,
        deadline.interrupts_deferred(),
        ProgressBar(progress, epochs) as bar,
    ):
        run = _Run(model, batches, rule, watcher, threads, deadline)
        epoch, reason = record.done, record.reason
        while not reason and epoch < epochs:
            epoch += 1
            reason = run.train(epoch)
            if not reason:
                bar.show(epoch, watcher.history.loss[-1])
                reason = watcher.end_epoch()
            if not reason:
                record.keep(epoch)
            deadline.check_interrupt()
            if not reason and deadline.is_over and epoch < epochs:
                reason = "time_limit"
        return record.end(epoch, reason or "epochs")


class _Run:
    """One call of `fit_batches`."""

    def __init__(
        self,
        model: Dense,
        batches: Batches,
        rule: Rule,
        watcher: HistoryWatcher,
        threads: int,
        deadline: Deadline,
    ):
        self.model, self.batches, self.rule, self.watcher = model, batches, rule, watcher
        self.threads, self.deadline = threads, deadline
        self.steps: Steps | None = None
        self.before = model.theta.copy()  # at the beginning of the epoch
        self.has_warned = False
        self.done = 0  # batches of the epoch

    def train(self, epoch: int) -> str:
        """Take the steps of an epoch; returns why training ends within it."""
        self.before[:] = self.model.theta
        self.rule.settings[LR] = self.watcher.begin_epoch(epoch)
        self.done, sums = 0, np.zeros((N_SUMS, 1))
        try:
            reason = self._take_steps(epoch, sums)
        except BaseException:
            self.watcher.record([], self.batches.part_of(self.done))
            raise
        if reason == "time_limit":
            self.watcher.record([], self.batches.part_of(self.done))
        if reason:
            return reason
        losses = self.watcher.mean_losses(sums)
        if not math.isfinite(losses[0]):
            return self._diverge(epoch, losses[0])
        self.watcher.record(losses, 0.0)
        return ""

    def _take_steps(self, epoch: int, sums: np.ndarray) -> str:
        metrics = self.watcher.metrics
        if metrics is not None:
            metrics.forget()
        for samples in self.batches.epoch(epoch):
            self._warn_out_of_reach(samples)
            if metrics is not None:
                metrics.meet(samples, self.deadline)
            reached = self._steps_for(samples).take(
                samples.dense(slice(None)).arguments(no_order(len(samples))), 0, 1, sums
            )
            if reached < 0:
                return self._diverge(epoch, float(sums[LOSS, 0]))
            self.done += reached
            self.deadline.check_interrupt()
            if self.deadline.is_over and self.batches.n != self.done:
                return "time_limit"
        return ""

    def _warn_out_of_reach(self, samples: Samples) -> None:
        """Warn once, in the name of who called `Network.train`."""
        if self.model.loss.labels_of is None and not self.has_warned:
            self.has_warned = warn_out_of_reach(samples.Y, self.model.output, stacklevel=7)

    def _steps_for(self, samples: Samples) -> Steps:
        """Return the kernel and its scratch, anew where a batch is larger than those before."""
        if self.steps is None or self.steps.batch_size < len(samples):
            self.steps = batch_steps(
                self.model, samples, self.rule, len(samples), self.threads, self.deadline
            )
        return self.steps

    def _diverge(self, epoch: int, loss: float) -> str:
        self.model.theta[:] = self.before
        cause = likely_cause(self.before, float(self.rule.settings[LR]))
        return self.watcher.diverged(epoch, loss, cause)
