"""What a network gives: outputs, mean loss and gradient, on an array or a sparse matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..deadline import NO_LIMIT, Deadline
from ..kernels import batch, predict
from ..kernels.table import CHUNK, chunk_size
from . import slices
from .dense import Dense
from .layout import aligned_zeros, views
from .samples import Samples, dense_rows, no_order, windows
from .shards import ShardGradients, threads_are_safe

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


def outputs(
    model: Dense,
    X: np.ndarray | csr_matrix,
    threads: int = 1,
    deadline: Deadline = NO_LIMIT,
    scratch: np.ndarray | None = None,
) -> np.ndarray:
    """Return the network's outputs for the rows of X, which were checked.

    ``scratch`` may be given where it is at hand; see `forward_scratch`.
    """
    out = np.empty((X.shape[0], model.sizes[-1]), model.dtype)
    if not isinstance(X, np.ndarray):
        for rows in windows(X):
            out[rows] = outputs(model, dense_rows(X, rows), threads, deadline, scratch)
        return out
    if threads > 1 and len(X) > CHUNK and _on_threads(model, X, out, threads, deadline):
        return out
    if scratch is None:
        scratch = forward_scratch(model, len(X))
    if len(X) * model.theta.size <= slices.SHORT:
        predict.predict_rows(X, model.theta, model.layers, out, scratch)
        return out
    for rows in slices.row_slices(len(X), model.layers, model.theta.size, deadline):
        predict.predict_rows(X[rows], model.theta, model.layers, out[rows], scratch)
    return out


def forward_scratch(model: Dense, rows: int = CHUNK) -> np.ndarray:
    """Return scratch for `outputs` of so many rows, by default of any number."""
    return aligned_zeros(predict.rows_work_size(model.layers, model.dtype, rows), model.dtype)


def _on_threads(
    model: Dense, X: np.ndarray, out: np.ndarray, threads: int, deadline: Deadline
) -> bool:
    """Compute outputs on several threads; returns False, and does nothing, where unsafe."""
    from ..kernels import parallel

    if not threads_are_safe():
        return False
    threads = parallel.at_most(threads)
    layers = model.layers
    parts = min(4 * threads, -(-len(X) // chunk_size(layers)))
    scratch = np.stack([forward_scratch(model, len(X))] * parts)
    with parallel.using_threads(threads):
        for rows in slices.row_slices(len(X), layers, model.theta.size, deadline, threads):
            parallel.predict_shards(X[rows], model.theta, layers, out[rows], scratch)
    return True


def mean_loss(model: Dense, samples: Samples, deadline: Deadline = NO_LIMIT) -> float:
    """Return the (weighted) mean loss, without penalties."""
    sums = np.zeros(2)
    for window in windows(samples.X, CHUNK):
        _add_losses(model, samples.dense(window), sums, deadline)
    return float(sums[0] / sums[1])


def _add_losses(model: Dense, samples: Samples, sums: np.ndarray, deadline: Deadline) -> None:
    """Add the weighted losses of dense samples to ``sums[0]``, and the weights to ``sums[1]``."""
    n, net = len(samples), model.arguments
    size = batch.work_size(model.layers, model.dtype, n)
    scratch = aligned_zeros(size, model.dtype)
    if n * model.theta.size <= slices.SHORT:
        batch.loss_rows(samples.arguments(no_order(n)), net, scratch, sums)
        return
    for rows in slices.row_slices(n, model.layers, model.theta.size, deadline):
        part = samples.dense(rows)
        batch.loss_rows(part.arguments(no_order(len(part))), net, scratch, sums)


def penalty(model: Dense, alpha: float, l1: float = 0.0) -> float:
    """Return ``alpha / 2 * sum(W**2) + l1 * sum(abs(W))``, in float64."""
    if alpha == 0 and l1 == 0:
        return 0.0
    weights = [W.astype(np.float64) for W in model.weights]
    squares = sum(float((W * W).sum()) for W in weights)
    return alpha / 2 * squares + l1 * sum(float(np.abs(W).sum()) for W in weights)


def loss_and_gradient(
    model: Dense,
    samples: Samples,
    alpha: float = 0.0,
    l1: float = 0.0,
    deadline: Deadline = NO_LIMIT,
    loss_scale: float = 1.0,
) -> tuple[float, np.ndarray]:
    """Return the mean loss with penalties, and its gradient, laid out as ``theta``.

    ``loss_scale`` multiplies the loss and not the gradient: of several outputs, scikit-learn shows
    the mean and learns from the sum.
    """
    loss, weight_sum, gradient = gradient_sums(model, samples, deadline)
    number = model.dtype.type
    gradient /= number(weight_sum)
    if alpha or l1:
        for W, g in zip(model.weights, views(gradient, model.sizes)[0], strict=True):
            g += number(alpha) * W + number(l1) * np.sign(W)
    return loss / weight_sum * loss_scale + penalty(model, alpha, l1), gradient


def gradient_sums(
    model: Dense, samples: Samples, deadline: Deadline = NO_LIMIT
) -> tuple[float, float, np.ndarray]:
    """Return the weighted sums of the losses, of the weights and of the gradients."""
    if not samples.is_sparse:
        return _dense_gradient_sums(model, samples, deadline)
    loss_sum = weight_sum = 0.0
    total = np.zeros_like(model.theta)
    for window in windows(samples.X, CHUNK):
        loss, weight, gradient = _dense_gradient_sums(model, samples.dense(window), deadline)
        loss_sum += loss
        weight_sum += weight
        total += gradient
    return loss_sum, weight_sum, total


def _dense_gradient_sums(
    model: Dense, samples: Samples, deadline: Deadline
) -> tuple[float, float, np.ndarray]:
    n = len(samples)
    arguments = samples.arguments(no_order(n))
    if n * model.theta.size <= slices.SHORT:
        size = batch.work_size(model.layers, model.dtype, n)
        scratch = aligned_zeros(size, model.dtype)
        gradient = np.empty_like(model.theta)
        return *batch.gradient_rows(arguments, model.arguments, gradient, scratch), gradient
    shards = ShardGradients(model, n)
    weight_sum = shards.weight_sum(arguments, 0, n, deadline)
    gradients, loss_sum = shards(arguments, 0, n, model.dtype.type(1), deadline)
    return loss_sum, weight_sum, gradients[0]
