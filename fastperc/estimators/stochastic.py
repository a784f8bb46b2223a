"""Training by a stochastic solver: epochs, learning curves, when to stop, what to keep."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import _safe_indexing

from ..kernels.updates import RPROP
from ..network import Network
from ..watch import Watch
from .callbacks import FitTask
from .divergence import NON_FINITE, NonFiniteWeightsError
from .epochs import Epochs, Samples
from .optimizer import Memory, Optimizer
from .progress import complete_curves, lacks_progress, progress, record
from .validation import Validation, split


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
        self.samples, self.validation = samples, validation
        if estimator.early_stopping and validation is None:
            self._hold_back(*given)
        complete_curves(estimator)
        if self.validation is not None and not hasattr(estimator, "validation_loss_curve_"):
            estimator.validation_loss_curve_ = []
        self.optimizer = estimator._optimizer
        self.watch = Watch(estimator.time_limit)
        self.epochs = Epochs(
            net, self.optimizer, self.samples, self._batch_size(), estimator.n_threads,
            self.watch,
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
            with self.watch.interrupts_held():
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
        memory = self.optimizer.memory() if self.incremental else None
        while estimator.n_iter_ < estimator.max_iter:
            good = self.net.theta.copy()
            if estimator.shuffle:
                order = order[shuffled(n, estimator._random_state)]
            self.optimizer.begin_epoch(estimator)
            if self.task is not None:
                self.task.begin_epoch()
            if not self._run_epoch(order if estimator.shuffle else None, good, memory):
                break
            loss = estimator._mean_loss(self.epochs.tally, n, self.optimizer)
            if not self._is_finite(loss):
                self._diverged(loss, good, memory)
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

    def _run_epoch(self, order: np.ndarray | None, good: np.ndarray, memory: Memory | None) -> bool:
        """Go once through the samples, or leave all as it was where time or Ctrl-C ends it."""
        is_whole = False
        try:
            is_whole = self.epochs.run(order)
        finally:
            if not is_whole:
                self.net.theta[:] = good
                if memory is not None:
                    self.optimizer.recall(memory)
        self.watch.look_for_interrupt()
        return is_whole

    def _is_finite(self, loss: float) -> bool:
        return math.isfinite(loss) and bool(np.isfinite(self.net.theta).all())

    def _after_epoch(self, loss: float, n: int) -> bool:
        """Curves, counts and the learning rate; returns whether to stop."""
        estimator = self.estimator
        estimator.t_ += n
        record(estimator, loss, estimator.n_iter_ + 1)
        if self.validation is not None:
            estimator.validation_loss_curve_.append(self.validation.loss())
        progress(estimator, self.net, self.validation)
        self.optimizer.end_epoch(estimator.t_)
        if lacks_progress(estimator, self.optimizer):
            return True
        if self.task is not None and self.task.end_epoch():
            return True
        if estimator.callback is not None:
            with self.watch.interrupts_free():
                answer = estimator.callback(estimator.n_iter_, estimator)
            if isinstance(answer, (bool, np.bool_)) and answer:
                return True
        return self.watch.is_over

    def _diverged(self, loss: float, good: np.ndarray, memory: Memory | None) -> None:
        """Raise, or with early stopping go back to the best weights."""
        estimator = self.estimator
        epoch = estimator.n_iter_ + 1
        self.net.theta[:] = good
        if memory is None:  # what the solver remembers is of no more use
            del estimator._optimizer
        else:
            self.optimizer.recall(memory)
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
