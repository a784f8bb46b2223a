"""Training by a stochastic solver: epochs, learning curves, when to stop, what to keep."""

from __future__ import annotations

import math
import time
import warnings
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import _safe_indexing

from ..errors import DivergedError
from ..kernels.updates import RPROP
from ..network import Network
from .callbacks import FitTask
from .epochs import Epochs, Samples
from .one_row import OneRow
from .optimizer import Optimizer
from .validation import Validation, split

NON_FINITE = (
    "Solver produced non-finite parameter weights. The input data may contain large values and "
    "need to be preprocessed. Use a smaller learning_rate_init, or scale='standard'"
)


class NonFiniteWeightsError(DivergedError, ValueError):
    """Training diverged; a ValueError too, as scikit-learn has it."""


class Descent:
    """One call of `fit` or `partial_fit`; ``estimator`` gets its attributes as it goes."""

    def __init__(
        self,
        estimator: Any,
        net: Network,
        samples: Samples,
        validation: Validation | None,
        given: tuple[Any, Any],
        task: FitTask | None,
    ):
        self.estimator, self.net, self.task = estimator, net, task
        self.incremental = incremental = task is None
        if not incremental or not hasattr(estimator, "_optimizer"):
            estimator._optimizer = Optimizer(estimator, net.theta.size, net.dtype)
        if estimator.early_stopping and incremental:
            raise ValueError("partial_fit does not support early_stopping=True")
        self.begin = time.perf_counter()
        self.samples, self.validation = samples, validation
        if estimator.early_stopping and validation is None:
            self._hold_back(*given)
        complete_curves(estimator)
        if self.validation is not None and not hasattr(estimator, "validation_loss_curve_"):
            estimator.validation_loss_curve_ = []
        self.optimizer = estimator._optimizer
        limit = math.inf if estimator.time_limit is None else estimator.time_limit
        self.epochs = Epochs(
            net, self.optimizer, self.samples, self._batch_size(), estimator.n_threads,
            self.begin + limit,
        )  # fmt: skip

    def _hold_back(self, X: Any, y: Any) -> None:
        """Set a part of the samples aside for early stopping."""
        estimator, samples = self.estimator, self.samples
        rows, held = split(estimator, samples, estimator._strata(samples.Y))
        X, y = _safe_indexing(X, held), _safe_indexing(y, held)
        self.validation = Validation(estimator, self.net, samples.take(held), X, y)
        self.samples = samples.take(rows)

    def _batch_size(self) -> int:
        n, size = len(self.samples.Y), self.estimator.batch_size
        if self.optimizer.rule == RPROP:
            return n
        if size == "auto":
            return min(200, n)
        if size > n:
            warnings.warn(
                "Got `batch_size` less than 1 or larger than sample size. It is going to be "
                "clipped",
                stacklevel=6,
            )
        return min(size, n)

    def run(self) -> None:
        """Train until something ends it."""
        estimator = self.estimator
        estimator.n_iter_ = 0
        bar = self._progress_bar()
        try:
            self._run_epochs(bar)
        except KeyboardInterrupt:
            warnings.warn("Training interrupted by user.", stacklevel=6)
        finally:
            if estimator.early_stopping and estimator._best_theta is not None:
                self.net.theta[:] = estimator._best_theta
            if bar is not None:
                bar.close()

    def _run_epochs(self, bar) -> None:
        estimator, n = self.estimator, len(self.samples.Y)
        order = np.arange(n)
        while estimator.n_iter_ < estimator.max_iter:
            good = self.net.theta.copy()
            if estimator.shuffle:
                order = order[shuffled(n, estimator._random_state)]
            self.optimizer.begin_epoch(estimator)
            if self.task is not None:
                self.task.begin_epoch()
            if not self.epochs.run(order if estimator.shuffle else None):
                self.net.theta[:] = good
                break
            loss = estimator._mean_loss(self.epochs.tally, n, self.optimizer)
            if not self._is_finite(loss):
                self._diverged(loss, good)
                break
            stops = self._after_epoch(loss, n)
            if bar is not None:
                bar.set_postfix(loss=f"{loss:.4g}", refresh=False)
                bar.update()
            if stops or self.incremental:
                break
        else:
            warnings.warn(
                f"Stochastic Optimizer: Maximum iterations ({estimator.max_iter}) reached and the "
                "optimization hasn't converged yet.",
                ConvergenceWarning,
                stacklevel=8,
            )

    def _is_finite(self, loss: float) -> bool:
        return math.isfinite(loss) and bool(np.isfinite(self.net.theta).all())

    def _after_epoch(self, loss: float, n: int) -> bool:
        """Curves, counts and the learning rate; returns whether to stop."""
        estimator = self.estimator
        estimator.n_iter_ += 1
        estimator.loss_ = loss
        estimator.t_ += n
        estimator.loss_curve_.append(loss)
        if estimator.verbose:
            print(f"Iteration {estimator.n_iter_}, loss = {loss:.8f}")
        if self.validation is not None:
            estimator.validation_loss_curve_.append(self.validation.loss())
        progress(estimator, self.net, self.validation)
        self.optimizer.end_epoch(estimator.t_)
        if lacks_progress(estimator, self.optimizer):
            return True
        if self.task is not None and self.task.end_epoch():
            return True
        callback = estimator.callback
        if callback is not None and callback(estimator.n_iter_, estimator) is True:
            return True
        return time.perf_counter() >= self.epochs.end

    def _diverged(self, loss: float, good: np.ndarray) -> None:
        """Raise, or with early stopping go back to the best weights."""
        estimator = self.estimator
        epoch = estimator.n_iter_ + 1
        self.net.theta[:] = good
        if not estimator.early_stopping or not np.isfinite(estimator.best_validation_score_):
            raise NonFiniteWeightsError(epoch, NON_FINITE)
        estimator.n_iter_, estimator.loss_ = epoch, loss
        estimator.loss_curve_.append(loss)
        estimator.validation_scores_.append(float("nan"))
        warnings.warn(
            f"Training diverged in epoch {epoch}; the weights of the best epoch are kept. "
            f"{NON_FINITE}.",
            ConvergenceWarning,
            stacklevel=8,
        )

    def _progress_bar(self):
        if not self.estimator.progress or self.incremental:
            return None
        from tqdm.auto import tqdm

        return tqdm(total=self.estimator.max_iter, unit="epoch")


def shuffled(n: int, random_state: np.random.RandomState) -> np.ndarray:
    """A permutation, drawn as `sklearn.utils.shuffle` draws it, without the look around."""
    order = np.arange(n)
    random_state.shuffle(order)
    return order


def complete_curves(estimator: Any) -> None:
    """Make the attributes that a model lacks which was trained in another way before."""
    if not hasattr(estimator, "_no_improvement_count"):
        estimator._begin_curves()
    if estimator.early_stopping and estimator.best_validation_score_ is None:
        estimator.best_validation_score_, estimator.validation_scores_ = -math.inf, []
    if not estimator.early_stopping and estimator.best_loss_ is None:
        estimator.best_loss_ = math.inf


def learn_row(estimator: Any, row: OneRow, y: Any) -> float:
    """The solver's step on the inputs in ``row`` and the target y; returns the loss before."""
    is_factor = estimator._take_target(row, y)
    optimizer = estimator._optimizer_at_hand()
    optimizer.begin_epoch(estimator)
    theta = row.net.theta
    row.before[:] = theta
    loss = estimator._mean_loss(row.learn(optimizer, is_factor), 1, optimizer)
    if not (math.isfinite(loss) and np.isfinite(theta).all()):
        theta[:] = row.before
        raise NonFiniteWeightsError(1, NON_FINITE)
    estimator.t_ += 1
    optimizer.end_epoch(estimator.t_)
    return loss


def progress_of_row(estimator: Any, loss: float) -> None:
    """What an epoch of one sample leaves behind."""
    estimator.n_iter_ = 1
    estimator.loss_ = loss
    estimator.loss_curve_.append(loss)
    if estimator.verbose:
        print(f"Iteration 1, loss = {loss:.8f}")
    progress(estimator, None, None)
    lacks_progress(estimator, estimator._optimizer)


def progress(estimator: Any, net: Network | None, validation: Validation | None) -> None:
    """Count the epochs in a row that brought nothing, by validation score or training loss."""
    if validation is not None and net is not None and estimator.early_stopping:
        score = validation.score()
        estimator.validation_scores_.append(score)
        if estimator.verbose:
            print(f"Validation score: {score:f}")
        stalls = score < estimator.best_validation_score_ + estimator.tol
        if score > estimator.best_validation_score_:
            estimator.best_validation_score_ = score
            estimator._best_theta = net.theta.copy()
    else:
        loss = estimator.loss_curve_[-1]
        stalls = loss > estimator.best_loss_ - estimator.tol
        estimator.best_loss_ = min(loss, estimator.best_loss_)
    estimator._no_improvement_count = estimator._no_improvement_count + 1 if stalls else 0


def lacks_progress(estimator: Any, optimizer: Optimizer) -> bool:
    """Whether there were too many such epochs; with 'adaptive', the learning rate falls first."""
    if estimator._no_improvement_count <= estimator.n_iter_no_change:
        return False
    what = "Validation score" if estimator.early_stopping else "Training loss"
    message = (
        f"{what} did not improve more than tol={estimator.tol:f} for "
        f"{estimator.n_iter_no_change:.0f} consecutive epochs."
    )
    if optimizer.stops(message, estimator.verbose):
        return True
    estimator._no_improvement_count = 0
    return False
