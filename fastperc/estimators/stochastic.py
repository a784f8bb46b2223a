"""Training by a stochastic solver: epochs, learning curves, when to stop, what to keep."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import _safe_indexing

from ..deadline import OutOfTimeError, Watch
from ..kernels.updates import RPROP
from ..network import Network
from ..training.loop import GRACE
from .attempt import Attempt
from .callbacks import FitTask
from .divergence import NON_FINITE, NonFiniteWeightsError
from .epochs import Epochs, Samples
from .optimizer import Optimizer, optimizer_at_hand
from .progress import complete_curves, idle, is_best, lacks_progress, record
from .validation import Validation, split
from .warning import warn


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
        attempt: Attempt,
    ):
        self.estimator, self.net, self.task, self.attempt = estimator, net, task, attempt
        self.incremental = incremental = task is None
        if not incremental:
            estimator._optimizer = Optimizer(estimator, net)
        self.optimizer = optimizer_at_hand(estimator, net)
        if estimator.early_stopping and incremental:
            raise ValueError("partial_fit does not support early_stopping=True")
        self.samples, self.validation = samples, validation
        if estimator.early_stopping and validation is None:
            self._hold_back(*given)
        complete_curves(estimator)
        if self.validation is not None and not hasattr(estimator, "validation_loss_curve_"):
            estimator.validation_loss_curve_ = []
        self.best: np.ndarray | None = None  # weights of the epoch with the best score
        self.last = net.theta.copy()  # weights and memory after the last full epoch
        self.memory = self.optimizer.memory()
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
        for part, name in ((held, "set aside for validation"), (rows, "left to train on")):
            if len(samples.weight) and not samples.weight[part].any():
                raise ValueError(
                    f"validation_fraction={estimator.validation_fraction:g}: found no positive "
                    f"sample weight among the samples {name}. Use another fraction or "
                    "random_state, leave samples without weight out, or give X_val and y_val"
                )
        self.validation = Validation(estimator, self.net, samples.take(held), X, y)
        self.samples = samples.take(rows)

    def _batch_size(self) -> int:
        n, size = len(self.samples.Y), self.estimator.batch_size
        if self.optimizer.rule == RPROP:
            return n
        if size == "auto":
            return min(200, n)
        if size > n:
            warn(
                "Got `batch_size` less than 1 or larger than sample size. It is going to be clipped"
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
            warn("Training interrupted by user.")
        finally:
            if self.best is not None:
                self.net.theta[:] = self.best
            if bar is not None:
                bar.close()

    def _run_epochs(self, bar) -> None:
        estimator, n = self.estimator, len(self.samples.Y)
        order = np.arange(n)
        while estimator.n_iter_ < estimator.max_iter:
            if estimator.shuffle:
                order = order[shuffled(n, estimator._random_state)]
            if not self._run_epoch(order if estimator.shuffle else None):
                break
            stops = self._after_epoch(n)
            if bar is not None:
                bar.set_postfix(loss=f"{estimator.loss_:.4g}", refresh=False)
                bar.update()
            if stops or self.incremental:
                break
        else:
            warn(
                f"Stochastic Optimizer: Maximum iterations ({estimator.max_iter}) reached and the "
                "optimization hasn't converged yet.",
                ConvergenceWarning,
            )

    def _run_epoch(self, order: np.ndarray | None) -> bool:
        """One epoch, or none: what is cut short on its way is taken back; returns False then."""
        done = False
        self.last[:] = self.net.theta
        self.optimizer.remember(self.memory)
        try:
            self.optimizer.begin_epoch(self.estimator, self.epochs.unit)
            if self.task is not None:
                self.task.begin_epoch()
            self.attempt.keep()
            done = self.epochs.run(order)
            self.loss = self.estimator._mean_loss(self.epochs.sums[:, 0], self.optimizer)
        finally:
            diverged = not self._is_finite(self.loss if done else 0.0)
            if not done or diverged:
                self.net.theta[:] = self.last
                self.optimizer.recall(self.memory)
                if self.incremental:
                    self.attempt.undo()
        if diverged:
            self._diverged(self.loss if done else math.nan)
            return False
        if not done and self.estimator.n_iter_ == 0:
            warn(
                f"time_limit={self.estimator.time_limit:g} ended training before its first epoch "
                "was over: the weights are those from before. Allow more time"
            )
        return done

    def _is_finite(self, loss: float) -> bool:
        return math.isfinite(loss) and bool(np.isfinite(self.net.theta).all())

    def _after_epoch(self, n: int) -> bool:
        """Curves, counts and the learning rate; returns whether to stop."""
        estimator = self.estimator
        estimator.t_ += n
        record(estimator, self.loss, estimator.n_iter_ + 1)
        if self.validation is not None and not self._validate(self.validation):
            return True
        if self.validation is None or not estimator.early_stopping:
            idle(estimator, self.loss)
        self.optimizer.end_epoch(estimator.t_)
        if lacks_progress(estimator, self.optimizer):
            return True
        if self.task is not None and self.task.end_epoch():
            return True
        self.watch.look_for_interrupt()
        return self._calls_for_end() or self.watch.is_over

    def _validate(self, validation: Validation) -> bool:
        """Loss and score of the epoch, NaN where Ctrl-C or time ended it; returns False then."""
        estimator, watch, score = self.estimator, self.watch.with_grace(GRACE), math.nan
        estimator.validation_loss_curve_.append(math.nan)
        try:
            with self.watch.interrupts_free():
                estimator.validation_loss_curve_[-1] = validation.loss(watch)
                if estimator.early_stopping:
                    score = validation.score(watch)
        except OutOfTimeError:
            return False
        finally:
            if estimator.early_stopping and is_best(estimator, score):
                self.best = self.net.theta.copy()
        return True

    def _calls_for_end(self) -> bool:
        """What the callback says. It may write to the weights, but for what is not finite."""
        estimator = self.estimator
        if estimator.callback is None:
            return False
        before, epoch = self.net.theta.copy(), estimator.n_iter_
        try:
            with self.watch.interrupts_free():
                answer = estimator.callback(epoch, estimator)
        finally:
            estimator.n_iter_ = epoch  # training within the callback counted its own
            is_finite = bool(np.isfinite(self.net.theta).all())
            if not is_finite:
                self.net.theta[:] = before
        if not is_finite:
            raise NonFiniteWeightsError(
                estimator.n_iter_, "the callback wrote infinite or NaN weights"
            )
        go_on_from(estimator, self.net)
        return isinstance(answer, (bool, np.bool_)) and bool(answer)

    def _diverged(self, loss: float) -> None:
        """Raise, or with early stopping go back to the best weights."""
        estimator = self.estimator
        epoch = estimator.n_iter_ + 1
        if not self.incremental:  # what the solver remembers is of no more use
            del estimator._optimizer
        if self.best is None:
            raise NonFiniteWeightsError(epoch, NON_FINITE)
        estimator.n_iter_, estimator.loss_ = epoch, loss
        estimator.t_ += len(self.samples.Y)
        estimator.loss_curve_.append(loss)
        estimator.validation_scores_.append(math.nan)
        estimator.validation_loss_curve_.append(math.nan)
        warn(
            f"Training diverged in epoch {epoch}; the weights of the best epoch are kept. "
            f"{NON_FINITE}.",
            ConvergenceWarning,
        )

    def _progress_bar(self):
        if not self.estimator.progress or self.incremental:
            return None
        from tqdm.auto import tqdm

        return tqdm(total=self.estimator.max_iter, unit="epoch")


def go_on_from(estimator: Any, net: Network) -> None:
    """Take weights that a callback assigned to ``coefs_`` into the network that is trained.

    Raises
    ------
    ValueError
        If they belong to another network. The model stays as the callback left it.
    """
    present = estimator._network()
    if present is net:
        return
    names = ("sizes", "dtype", "hidden", "output", "loss_code")
    if any(getattr(present, name) != getattr(net, name) for name in names):
        raise ValueError(
            f"callback: found {present!r} in place of {net!r}, which is being trained. Assign "
            "arrays of the same shapes, and train other networks in other estimators"
        )
    net.theta[:] = present.theta
    estimator._take_network(net)


def shuffled(n: int, random_state: np.random.RandomState) -> np.ndarray:
    """A permutation, drawn as `sklearn.utils.shuffle` draws it, without the look around."""
    order = np.arange(n)
    random_state.shuffle(order)
    return order
