"""scikit-learn's way to count, print and stop: the watcher of an estimator's training.

Curves and counts are attributes of the estimator, under scikit-learn's names.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple, Protocol, TypeVar

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from ..deadline import Deadline
from ..errors import NonFiniteWeightsError, OutOfTimeError
from ..kernels.arguments import BATCH_LOSS, ROWS, SQUARES
from ..model.dense import Dense
from ..model.samples import Samples
from ..training.checkpoints import State, identity_of
from ..training.stopping import GRACE, calls_for_end
from .attempt import Attempt
from .callbacks import FitTask
from .optimizer import Optimizer
from .settings import FitSettings
from .validation import Validation
from .warning import warn

Numbers = TypeVar("Numbers", float, np.ndarray)

# What training changes of an estimator besides its weights.
CURVES = ("loss_curve_", "validation_scores_", "validation_loss_curve_")
COUNTS = (
    "n_iter_", "t_", "loss_", "best_loss_", "best_validation_score_", "_no_improvement_count",
)  # fmt: skip

NON_FINITE = (
    "Solver produced non-finite parameter weights. The input data may contain large values and "
    "need to be preprocessed. Use a smaller learning_rate_init, or scale='standard'"
)


def not_converged(max_iter: int) -> str:
    """Return what to warn of where the last epoch came before progress ended."""
    return (
        f"Stochastic Optimizer: Maximum iterations ({max_iter}) reached and the "
        "optimization hasn't converged yet."
    )


def went_back(epoch: int) -> str:
    """Return what to warn of where early stopping had weights to go back to."""
    return (
        f"Training diverged in epoch {epoch}; the weights of the best epoch are kept. {NON_FINITE}."
    )


def penalised(batch_loss: Numbers, squares: Numbers, rows: Numbers, l2: Numbers) -> Numbers:
    """Return the mean over batches of their mean losses, penalty included: see `kernels.sums`."""
    return (batch_loss + 0.5 * l2 * squares) / (rows + (rows < 1))


class Learner(Protocol):
    """What a training run reads of an estimator, and writes to."""

    tol: float
    n_iter_no_change: float
    early_stopping: bool
    verbose: bool | int
    n_iter_: int
    t_: int
    loss_: float
    loss_curve_: list[float]
    best_loss_: float | None
    validation_scores_: list[float] | None
    best_validation_score_: float | None
    validation_loss_curve_: list[float]
    _no_improvement_count: int


# --- curves and counts -------------------------------------------------------------------------


def begin_curves(learner: Learner) -> None:
    """Empty curves and counts, for a model whose weights were just drawn."""
    learner.loss_curve_ = []
    learner._no_improvement_count = 0
    stops = learner.early_stopping
    learner.validation_scores_ = [] if stops else None
    learner.best_validation_score_ = -math.inf if stops else None
    learner.best_loss_ = None if stops else math.inf


def complete_curves(learner: Learner) -> None:
    """Begin what belongs to one `fit`, and what a model lacks that was trained in another way."""
    if not hasattr(learner, "_no_improvement_count"):
        begin_curves(learner)
    if learner.early_stopping:  # the best of another fit says nothing of these data
        learner.best_validation_score_, learner._no_improvement_count = -math.inf, 0
        if learner.validation_scores_ is None:
            learner.validation_scores_ = []
    elif learner.best_loss_ is None:
        learner.best_loss_ = math.inf


def record_loss(learner: Learner, loss: float, epoch: int) -> None:
    """Add the training loss of an epoch to the curve."""
    learner.n_iter_ = epoch
    learner.loss_ = loss
    learner.loss_curve_.append(loss)
    if learner.verbose:
        print(f"Iteration {epoch}, loss = {loss:.8f}")


def count_stalled(learner: Learner, loss: float) -> None:
    """Count the epochs in a row that brought nothing, by their training loss."""
    best = math.inf if learner.best_loss_ is None else learner.best_loss_
    stalls = loss > best - learner.tol
    learner.best_loss_ = min(loss, best)
    learner._no_improvement_count = learner._no_improvement_count + 1 if stalls else 0


def record_score(learner: Learner, score: float) -> bool:
    """Count such epochs by their validation score; returns whether it is the best of this fit."""
    assert learner.validation_scores_ is not None
    assert learner.best_validation_score_ is not None
    learner.validation_scores_.append(score)
    if learner.verbose:
        print(f"Validation score: {score:f}")
    best = learner.best_validation_score_
    stalls = score < best + learner.tol
    learner._no_improvement_count = learner._no_improvement_count + 1 if stalls else 0
    learner.best_validation_score_ = score if score > best else best
    return score > best


def should_stop(learner: Learner, optimizer: Optimizer) -> bool:
    """Return whether too many epochs brought nothing; 'adaptive' lowers its rate first."""
    if learner._no_improvement_count <= learner.n_iter_no_change:
        return False
    what = "Validation score" if learner.early_stopping else "Training loss"
    message = (
        f"{what} did not improve more than tol={learner.tol:f} for "
        f"{learner.n_iter_no_change:.0f} consecutive epochs."
    )
    if optimizer.is_exhausted(message, learner.verbose):
        return True
    learner._no_improvement_count = 0
    return False


# --- watchers: see `training.loop.Watcher` -----------------------------------------------------


class Run(NamedTuple):
    """What one call of `fit` or `partial_fit` trains, and how."""

    model: Dense
    samples: Samples
    validation: Validation | None
    settings: FitSettings
    deadline: Deadline
    attempt: Attempt
    task: FitTask | None  # none for `partial_fit`


class IterationWatcher:
    """Watches lbfgs, each iteration an epoch of ``loss_curve_``."""

    whole_epochs = True
    epochs_at_once = 1

    def __init__(self, learner: Learner, run: Run, callback: Callable[[int], object] | None):
        self.learner, self.callback = learner, callback
        self.model, self.deadline = run.model, run.deadline
        self.validation, self.task = run.validation, run.task

    def identity(self) -> State:
        """Return nothing: no run of lbfgs is kept."""
        return {}

    def state(self) -> State:
        """Return nothing."""
        return {}

    def restore(self, state: State) -> None:
        """Do nothing."""

    def begin_epoch(self, epoch: int) -> float:
        """Tell scikit-learn's callbacks; lbfgs has no learning rate."""
        if self.task is not None:
            self.task.begin_epoch()
        return 0.0

    def mean_losses(self, sums: np.ndarray) -> list[float]:
        """Return nothing: lbfgs knows its loss."""
        return []

    def record(self, losses: list[float], part: float) -> None:
        """Continue the curve."""
        for loss in losses:
            record_loss(self.learner, loss, len(self.learner.loss_curve_) + 1)

    def end_epoch(self) -> str:
        """Return why to stop after an iteration."""
        if self.validation is not None:
            curve = self.learner.validation_loss_curve_
            curve.append(math.nan)  # if it is not to be known
            curve[-1] = self.validation.loss(self.deadline.extended(GRACE))
        if self.task is not None and self.task.end_epoch():
            return "callback"
        return self._callback_reason() or ("time_limit" if self.deadline.is_over else "")

    def _callback_reason(self) -> str:
        callback, epoch = self.callback, self.learner.n_iter_
        if callback is None:
            return ""
        try:
            ends = calls_for_end(
                lambda: callback(epoch), self.model, self.deadline, epoch, NonFiniteWeightsError
            )
        finally:
            self.learner.n_iter_ = epoch  # training within the callback counted its own
        return "callback" if ends else ""

    def diverged(self, epoch: int, loss: float, cause: str) -> str:
        """Raise NonFiniteWeightsError."""
        raise NonFiniteWeightsError(epoch, NON_FINITE)


class EpochWatcher(IterationWatcher):
    """Watches a stochastic solver."""

    def __init__(
        self,
        learner: Learner,
        run: Run,
        callback: Callable[[int], object] | None,
        optimizer: Optimizer,
        loss_scale: float,
    ):
        super().__init__(learner, run, callback)
        self.optimizer, self.attempt = optimizer, run.attempt
        self.n_samples, self.loss_scale = len(run.samples), loss_scale
        self.best: np.ndarray | None = None  # weights of the epoch with the best score
        self.before: tuple[int, float] | None = None  # epoch and rate of one not yet completed

    def identity(self) -> State:
        """Return the parameters that decide on learning rates and on the end."""
        learner, validation = self.learner, self.validation
        rate, start, epochs = self.optimizer.plan
        is_planned = self.optimizer.is_scheduled and not callable(rate)
        return {
            "learning_rate": "a function" if callable(rate) else rate,
            "learning_rate_init": start,
            "power_t": float(self.optimizer.power_t),
            "max_iter": epochs if is_planned else None,  # others may go on for longer
            "early_stopping": bool(learner.early_stopping),
            "tol": float(learner.tol),
            "n_iter_no_change": float(learner.n_iter_no_change),
            **identity_of(None if validation is None else validation.samples, "validation "),
        }

    def state(self) -> State:
        """Return curves, counts, learning rate and the best weights."""
        found = vars(self.learner)
        curves = {name: np.array(found[name]) for name in CURVES if found.get(name) is not None}
        counts = {name: found[name] for name in COUNTS if name in found}
        best = None if self.best is None else self.best.copy()
        rates = {name: getattr(self.optimizer, name) for name in ("epoch", "learning_rate")}
        return {"curves": curves, "counts": counts, "best": best, "optimizer": rates}

    def restore(self, state: State) -> None:
        """Go on from a `state`; what is trained is kept from now on."""
        self.attempt.keep()
        curves = {name: curve.tolist() for name, curve in state["curves"].items()}
        vars(self.learner).update({**state["counts"], **curves})
        vars(self.optimizer).update(state["optimizer"])
        self.best = state["best"]

    def begin_epoch(self, epoch: int) -> float:
        """Return the learning rate. From the first epoch on, what is trained is kept."""
        self.before = self.optimizer.epoch, self.optimizer.learning_rate
        rate = self.optimizer.begin_epoch()
        super().begin_epoch(epoch)
        self.attempt.keep()
        return rate

    def mean_losses(self, sums: np.ndarray) -> list[float]:
        """Return the mean over batches of each one's mean, penalty included."""
        l2, scale = self.optimizer.l2, self.loss_scale
        return [
            penalised(epoch[BATCH_LOSS] * scale, epoch[SQUARES], epoch[ROWS], l2)
            for epoch in sums.T.tolist()
        ]

    def record(self, losses: list[float], part: float) -> None:
        """Continue curve and counts."""
        for loss in losses:
            self.before = None
            self.learner.t_ += self.n_samples
            record_loss(self.learner, loss, self.learner.n_iter_ + 1)

    def end_epoch(self) -> str:
        """Return why to stop after an epoch."""
        learner = self.learner
        if self.validation is not None and not self._validate(self.validation):
            return "time_limit"
        if self.validation is None or not learner.early_stopping:
            count_stalled(learner, learner.loss_)
        self.optimizer.end_epoch(learner.t_)
        if should_stop(learner, self.optimizer):
            return "patience"
        if self.task is not None and self.task.end_epoch():
            return "callback"
        self.deadline.check_interrupt()
        return self._callback_reason()

    def _validate(self, validation: Validation) -> bool:
        """Append loss and score, NaN where Ctrl-C or time cut them short; returns False then."""
        learner, deadline = self.learner, self.deadline.extended(GRACE)
        score = math.nan
        learner.validation_loss_curve_.append(math.nan)
        try:
            with self.deadline.interrupts_allowed():
                learner.validation_loss_curve_[-1] = validation.loss(deadline)
                if learner.early_stopping:
                    score = validation.score(deadline)
        except OutOfTimeError:
            return False
        finally:
            if learner.early_stopping and record_score(learner, score):
                self.best = self.model.theta.copy()
        return True

    def diverged(self, epoch: int, loss: float, cause: str) -> str:
        """Raise NonFiniteWeightsError, or with early stopping go back to the best weights."""
        learner = self.learner
        if self.best is None:
            raise NonFiniteWeightsError(epoch, NON_FINITE)
        assert learner.validation_scores_ is not None
        learner.n_iter_, learner.loss_ = epoch, loss
        learner.t_ += self.n_samples
        learner.loss_curve_.append(loss)
        learner.validation_scores_.append(math.nan)
        learner.validation_loss_curve_.append(math.nan)
        warn(went_back(epoch), ConvergenceWarning)
        return "diverged"

    def finish(self) -> bool:
        """Restore the best weights; returns whether the last epoch was completed."""
        if self.best is not None:
            self.model.theta[:] = self.best
        if self.before is None:
            return True
        self.optimizer.epoch, self.optimizer.learning_rate = self.before
        return False
