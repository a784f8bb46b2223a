"""Training by SciPy's L-BFGS-B: all samples at once, in float64 whatever the network's dtype."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from sklearn.utils.optimize import _check_optimize_result

from ..kernels.table import CHUNK
from ..layout import views
from ..network import Network
from ..slices import gradient_sums
from ..watch import OutOfTimeError, Watch
from .callbacks import FitTask
from .divergence import NON_FINITE, NonFiniteWeightsError
from .epochs import Samples, dense_rows, fixed, windows


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
    return twin, Samples(X, Y, weight, samples.weight_is_factor)


def fit(estimator: Any, net: Network, samples: Samples, task: FitTask) -> None:
    """One call of the estimator's `fit`, each iteration an epoch of its ``loss_curve_``."""
    estimator.loss_curve_ = []
    watch = Watch(estimator.time_limit)

    def take_note(loss: float) -> None:
        ends = task.end_epoch()
        estimator.loss_curve_.append(loss)
        epoch = len(estimator.loss_curve_)
        if estimator.verbose:
            print(f"Iteration {epoch}, loss = {loss:.8f}")
        if estimator.callback is not None and estimator.callback(epoch, estimator) is True:
            ends = True
        if ends or watch.is_over:
            raise StopIteration
        task.begin_epoch()

    task.begin_epoch()
    with watch.interrupts_held():
        estimator.n_iter_, estimator.loss_ = minimise(
            net, samples, estimator, estimator._loss_scale(), take_note, watch
        )
    if not np.isfinite(net.theta).all():
        raise NonFiniteWeightsError(estimator.n_iter_, NON_FINITE, kept=False)


def minimise(
    net: Network, samples: Samples, estimator: Any, loss_scale: float, take_note: Any, watch: Watch
) -> tuple[int, float]:
    """Train; returns the number of iterations and the final loss.

    ``take_note(loss)`` is called after each iteration; it may raise StopIteration.
    """
    from scipy.optimize import minimize

    wide, wide_samples = in_float64(net, samples)
    objective = Objective(wide, wide_samples, estimator.alpha, loss_scale, watch)

    good, done, last = wide.theta.copy(), 0, math.nan

    def after_iteration(intermediate_result) -> None:
        nonlocal done, last
        good[:] = net.theta[:] = intermediate_result.x
        done, last = done + 1, float(intermediate_result.fun)
        take_note(last)

    try:
        result = minimize(
            objective,
            good.copy(),
            method="L-BFGS-B",
            jac=True,
            callback=after_iteration,
            options={
                "maxfun": estimator.max_fun,
                "maxiter": estimator.max_iter,
                "gtol": estimator.tol,
            },
        )
    except OutOfTimeError:  # within an iteration, which is left undone
        return done, last
    finally:
        net.theta[:] = good  # and not what was being tried
    net.theta[:] = result.x
    if result.status == 99:  # ended by `watch`
        return result.nit, float(result.fun)
    n_iter = _check_optimize_result("lbfgs", result, estimator.max_iter)
    return n_iter, float(result.fun)
