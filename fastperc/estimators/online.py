"""One sample at a time, in microseconds: buffers made once, and without scikit-learn's checks."""

from __future__ import annotations

import math
from collections.abc import Sized
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ..errors import NonFiniteWeightsError
from ..model.dense import Dense
from ..training.one_sample import SampleBuffer
from ..training.rules import STOCHASTIC
from .attempt import Attempt
from .curves import NON_FINITE, complete_curves, count_stalled, record_loss, should_stop
from .fitted import FittedMLP, same
from .optimizer import Optimizer
from .settings import SolverSettings, read


class OnlineMLP(FittedMLP):
    """Learning and predicting one sample at a time."""

    # --- what the two kinds have of their own -------------------------------------------------

    def _loss_scale(self) -> float:
        """Return what the sum over outputs is multiplied by."""
        return 1.0

    def _take_target(self, buffer: SampleBuffer, y: object) -> float:
        """Copy one sample's target in; returns the factor of its gradient."""
        raise NotImplementedError

    def _is_plain_target(self, y: np.ndarray) -> bool:
        """Return whether an array of one sample's target can be seen to be in order."""
        raise NotImplementedError

    # --- buffers -------------------------------------------------------------------------------

    def _buffer_of(self, x: object) -> SampleBuffer:
        """Return a buffer that holds the sample, for as long as the caller keeps it."""
        model = self._network()
        buffer = self._buffers.pop() if self._buffers else SampleBuffer(model)
        try:
            if buffer.is_wide:
                buffer.take_inputs(x)
            else:
                with np.errstate(over="ignore"):  # too large for float32 is infinite: found out
                    buffer.take_inputs(x)
        except ValueError:
            n = model.sizes[0]
            if isinstance(x, Sized) and len(x) != n:
                raise ValueError(
                    f"x: found {len(x)} numbers, expected {n}, one for each feature"
                ) from None
            raise
        if self._scaling is not None:
            buffer.x[:] = self._scaling.apply(buffer.x)
        return buffer

    def _outputs_of_one(self, buffer: SampleBuffer) -> np.ndarray:
        """Return the outputs for the sample in a buffer, which the next call overwrites."""
        if not buffer.run():
            check_finite(buffer.x, "x")
        return buffer.out

    # --- learning ------------------------------------------------------------------------------

    def learn_one(self, x: object, y: object) -> float:
        """Take the solver's step on one sample, in microseconds.

        Parameters
        ----------
        x : sequence of n_features numbers
        y : number, label, or sequence of n_outputs numbers

        Returns
        -------
        float
            The sample's loss before the step, penalty included.

        Raises
        ------
        ValueError
            If the loss or a weight became infinite or NaN. The model is as before.
        """
        self._check_solver()
        if not same(self._raw_settings(), self._raw):
            with Attempt(self, self.random_state):
                check_is_fitted(self)
                self._validate_params()
                self._follow()
                return self._learn_one(x, y)
        return self._learn_one(x, y)

    def _learn_one(self, x: object, y: object) -> float:
        buffer = self._buffer_of(x)
        loss = self._step_on(buffer, y)
        if self._optimizer.kind == "adaptive":
            complete_curves(self)
            count_stalled(self, loss)
            should_stop(self, self._optimizer)
        self._buffers.append(buffer)
        return loss

    def _learn_row(self, X: np.ndarray, y: np.ndarray) -> None:
        """Learn one plain row, as `partial_fit` does."""
        buffer = self._buffer_of(X[0])
        loss = self._step_on(buffer, y[0])
        complete_curves(self)
        record_loss(self, loss, 1)
        count_stalled(self, loss)
        should_stop(self, self._optimizer)
        self._buffers.append(buffer)

    def _step_on(self, buffer: SampleBuffer, y: object) -> float:
        """Take the solver's step on the sample in a buffer; returns the loss before."""
        counts = vars(self).get("_class_weights")  # of the labels so far, if any are counted
        factor = self._take_target(buffer, y)
        optimizer = self._optimizer_for(buffer.model)
        before = optimizer.epoch, optimizer.learning_rate
        try:
            optimizer.set_penalties(self.alpha, self.l1, self.clip_norm)
            optimizer.begin_epoch()
            loss, squares = buffer.learn_by_rule(optimizer.rule, factor)
            loss = loss * self._loss_scale() + 0.5 * optimizer.l2 * squares
            if not math.isfinite(loss):
                check_finite(buffer.x, "x")
                check_finite(buffer.y, "y")
                raise NonFiniteWeightsError(1, NON_FINITE)
        except BaseException:
            optimizer.epoch, optimizer.learning_rate = before
            if counts is not None:
                self.__dict__["_class_weights"] = counts
            raise
        self.t_ += 1
        optimizer.end_epoch(self.t_)
        return loss

    def _optimizer_for(self, model: Dense) -> Optimizer:
        """Return that of the last training, if it was made for such a network, or a new one."""
        found = vars(self).get("_optimizer")
        if found is None or found.made_for != (model.sizes, model.dtype):
            found = self._optimizer = Optimizer(read(SolverSettings, self), model)
        return found

    def _is_plain_row(self, X: Any, y: Any) -> bool:
        """Return whether `partial_fit` may skip scikit-learn's checks: all is in order at once."""
        return (
            hasattr(self, "_optimizer")
            and not self.early_stopping
            and type(y) in (np.ndarray, list)
            and len(y) == 1
            and self._is_plain_target(np.asarray(y))
            and self._is_plain(X, self._network())
            and len(X) == 1
        )

    def _check_solver(self) -> bool:
        if self.solver not in STOCHASTIC:
            raise AttributeError(
                "partial_fit is only available for stochastic optimizers. "
                f"{self.solver} is not stochastic."
            )
        return True


def check_finite(row: np.ndarray, name: str) -> None:
    """Raise where the numbers of a sample explain why its loss is not finite."""
    strange = row[~np.isfinite(row)]
    if len(strange):
        raise ValueError(
            f"{name}: found {strange[0]}, expected finite numbers, none too large for {row.dtype}"
        )
