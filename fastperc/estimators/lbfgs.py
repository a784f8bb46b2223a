"""Training by SciPy's L-BFGS-B: all samples at once, in float64 whatever the network's dtype."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from ..deadline import OutOfTimeError, Watch
from ..kernels.table import CHUNK
from ..model.evaluate import gradient_sums
from ..model.layout import views
from ..network import Network
from ..training.loop import GRACE
from .attempt import Attempt
from .callbacks import FitTask
from .divergence import NON_FINITE, NonFiniteWeightsError
from .epochs import Samples, dense_rows, fixed, windows
from .validation import Validation
from .warning import warn

STOPPED = 99  # SciPy's status where its callback ended the run


class Objective:
    """Mean loss and gradient, with penalty, as functions of theta.

    ``loss_scale`` multiplies the loss but not the gradient: that of several outputs is defined as a
    mean over them, and learned from as a sum.
    """

    def __init__(
        self, net: Network, samples: Samples, alpha: float, loss_scale: float, watch: Watch
    ):
        self.net, self.samples, self.watch = net, samples, watch
        self.alpha, self.loss_scale = alpha, loss_scale

    def __call__(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        net = self.net
        self.watch.look()
        net.theta[:] = theta
        loss, weight_sum, gradient = self._sums()
        squares = 0.0
        for W, g in zip(net.weights, views(gradient, net.sizes)[0], strict=True):
            squares += float((W * W).sum())
            g += self.alpha * W
        gradient /= weight_sum
        return (loss * self.loss_scale + 0.5 * self.alpha * squares) / weight_sum, gradient

    def _sums(self) -> tuple[float, float, np.ndarray]:
        net, s = self.net, self.samples
        total = np.zeros_like(net.theta)
        sums = np.zeros(2)
        for rows in windows(s.X, CHUNK) if s.is_sparse else [slice(None)]:
            X = dense_rows(s.X, rows, net.dtype) if s.is_sparse else s.X
            weight = s.weight[rows] if len(s.weight) else s.weight
            loss, weight_sum, part = gradient_sums(
                X, s.Y[rows], weight, net.theta, net.layers, net.loss_code, self.watch
            )
            sums += loss, weight_sum
            total += part
        return float(sums[0]), float(sums[1]), total


def in_float64(net: Network, samples: Samples) -> tuple[Network, Samples]:
    """The same network and samples in float64."""
    if net.dtype == np.float64:
        return net, samples
    twin = Network(
        net.sizes, hidden=net.hidden, output=net.output, loss=net.loss_name, init=net.theta,
        dtype="float64",
    )  # fmt: skip
    twin.loss_code = net.loss_code
    X = samples.X if samples.is_sparse else fixed(samples.X, np.float64)
    Y, weight = fixed(samples.Y, np.float64), fixed(samples.weight, np.float64)
    return twin, replace(samples, X=X, Y=Y, weight=weight)


def fit(
    estimator: Any,
    net: Network,
    samples: Samples,
    validation: Validation | None,
    task: FitTask,
    attempt: Attempt,
) -> None:
    """One call of the estimator's `fit`, each iteration an epoch of its ``loss_curve_``.

    Whatever ends it, weights and curve are those of the last iteration.
    """
    watch = Watch(estimator.time_limit)
    last = net.theta.copy()

    def take_note(theta: np.ndarray, loss: float) -> None:
        net.theta[:] = last[:] = theta
        estimator.loss_curve_.append(loss)
        estimator.n_iter_, estimator.loss_ = len(estimator.loss_curve_), loss
        if validation is not None:
            estimator.validation_loss_curve_.append(math.nan)  # if it is not to be known
            estimator.validation_loss_curve_[-1] = validation.loss(watch.with_grace(GRACE))
        ends = task.end_epoch()
        if estimator.verbose:
            print(f"Iteration {estimator.n_iter_}, loss = {loss:.8f}")
        if estimator.callback is not None:
            with watch.interrupts_free():
                answer = estimator.callback(estimator.n_iter_, estimator)
            if estimator._network() is not net:
                raise ValueError(
                    "callback: found other arrays in coefs_ or intercepts_, expected those that "
                    "lbfgs trains: it cannot go on from others. Use another solver"
                )
            ends = ends or (isinstance(answer, (bool, np.bool_)) and bool(answer))
        if ends or watch.is_over:
            raise StopIteration
        task.begin_epoch()

    task.begin_epoch()
    estimator.loss_curve_, estimator.n_iter_ = [], 0
    if validation is not None:
        estimator.validation_loss_curve_ = []
    attempt.keep()
    try:
        with watch.interrupts_held():
            result = minimise(net, samples, estimator, take_note, watch)
        if not (np.isfinite(result.x).all() and math.isfinite(result.fun)):
            raise NonFiniteWeightsError(estimator.n_iter_ + 1, NON_FINITE)
        last[:] = result.x
    except OutOfTimeError:  # within an iteration, which is left undone
        return
    finally:
        net.theta[:] = last
    estimator.n_iter_ = min(result.nit, estimator.max_iter)
    estimator.loss_ = float(result.fun)
    if result.status not in (0, STOPPED):
        warn(
            f"lbfgs failed to converge (status={result.status}): {result.message}. Increase the "
            f"number of iterations, max_iter={estimator.max_iter}, or scale the data",
            ConvergenceWarning,
        )


def minimise(net: Network, samples: Samples, estimator: Any, take_note: Any, watch: Watch) -> Any:
    """Run SciPy's minimiser; returns its result.

    ``take_note(theta, loss)`` is called after each iteration; it may raise StopIteration.
    """
    from scipy.optimize import minimize

    wide, samples = in_float64(net, samples.weighty())
    alpha = estimator.alpha / samples.unit
    return minimize(
        Objective(wide, samples, alpha, estimator._loss_scale(), watch),
        wide.theta.copy(),
        method="L-BFGS-B",
        jac=True,
        callback=lambda intermediate_result: take_note(
            intermediate_result.x, float(intermediate_result.fun)
        ),
        options={
            "maxfun": estimator.max_fun,
            "maxiter": estimator.max_iter,
            "gtol": estimator.tol,
        },
    )
