"""What a network gives: outputs, mean loss and gradient, on an array or a sparse matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..deadline import NO_LIMIT, Deadline
from ..kernels import batch, predict
from ..kernels.table import CHUNK, chunk_size
from . import slices
from .dense import Dense
from .layout import aligned_zeros, views
from .samples import RemoteSamples, Samples, dense_rows, no_order, windows
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
    work = len(X) * model.theta.size
    threads = slices.threads_for(work, threads)
    if threads > 1 and len(X) > CHUNK and _on_threads(model, X, out, threads, deadline):
        return out
    if scratch is None:
        scratch = forward_scratch(model, len(X))
    if work <= slices.SHORT:
        predict.predict_rows(X, model.theta, model.layers, out, scratch)
        return out
    for rows in slices.row_slices(len(X), model.layers, model.theta.size, deadline):
        predict.predict_rows(X[rows], model.theta, model.layers, out[rows], scratch)
    return out


def forward_scratch(model: Dense, rows: int = CHUNK) -> np.ndarray:
    """Return scratch for `outputs` of so many rows, by default of any number."""
    return aligned_zeros(predict.rows_work_size(model.layers, model.dtype, rows), model.dtype)


def batch_scratch(model: Dense, rows: int | None = None) -> np.ndarray:
    """Return scratch for `loss_and_gradient` of so many rows, by default of any number."""
    if rows is None:
        return aligned_zeros(model.batch_work_size, model.dtype)
    return aligned_zeros(batch.work_size(model.layers, model.dtype, rows), model.dtype)


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


def mean_loss(
    model: Dense, samples: Samples, deadline: Deadline = NO_LIMIT, reduction: str = "mean"
) -> float:
    """Return the (weighted) mean of the losses, or their sum, without penalties."""
    sums = np.zeros(2)
    for window in windows(samples.X, CHUNK):
        _add_losses(model, samples.dense(window), sums, deadline)
    return float(sums[0] / sums[1] if reduction == "mean" else sums[0] * samples.unit)


def _add_losses(model: Dense, samples: Samples, sums: np.ndarray, deadline: Deadline) -> None:
    """Add the weighted losses of dense samples to ``sums[0]``, and the weights to ``sums[1]``."""
    n, net = len(samples), model.arguments
    scratch = batch_scratch(model, n)
    if n * model.theta.size <= slices.SHORT:
        batch.loss_rows(samples.arguments(no_order(n)), net, scratch, sums)
        return
    for rows in slices.row_slices(n, model.layers, model.theta.size, deadline):
        part = samples.dense(rows)
        batch.loss_rows(part.arguments(no_order(len(part))), net, scratch, sums)


class Objective(NamedTuple):
    """What training lowers: the mean of the losses, or their sum, and penalties.

    Attributes
    ----------
    alpha, l1 : float
        Of the penalties ``alpha / 2 * sum(W**2)`` and ``l1 * sum(abs(W))``.
    penalize_biases : bool
        Whether these hold for biases too.
    reduction : {"mean", "sum"}
        Of the losses over the samples.
    loss_scale : float
        Multiplies the loss and not the gradient: of several outputs, scikit-learn shows the mean
        and learns from the sum.
    """

    alpha: float = 0.0
    l1: float = 0.0
    penalize_biases: bool = False
    reduction: str = "mean"
    loss_scale: float = 1.0

    def penalty(self, model: Dense) -> float:
        """Return the penalties, in float64."""
        if self.alpha == 0 and self.l1 == 0:
            return 0.0
        arrays = [*model.weights, *model.biases] if self.penalize_biases else model.weights
        weights = [W.astype(np.float64) for W in arrays]
        squares = sum(float((W * W).sum()) for W in weights)
        return self.alpha / 2 * squares + self.l1 * sum(float(np.abs(W).sum()) for W in weights)


def loss_and_gradient(
    model: Dense,
    samples: Samples | RemoteSamples,
    objective: Objective = Objective(),  # noqa: B008 (it cannot be changed)
    deadline: Deadline = NO_LIMIT,
    scratch: np.ndarray | None = None,
) -> tuple[float, np.ndarray]:
    """Return the objective, and its gradient laid out as ``theta``: 0 for what is frozen.

    ``scratch`` may be given where it is at hand; see `batch_scratch`.
    """
    loss, weight_sum, gradient = gradient_sums(model, samples, deadline, scratch)
    divisor = weight_sum if objective.reduction == "mean" else samples.unit**-1.0
    gradient /= model.dtype.type(divisor)
    if objective.alpha or objective.l1:
        _add_penalty_slopes(model, gradient, objective)
    return loss / divisor * objective.loss_scale + objective.penalty(model), gradient


def _add_penalty_slopes(model: Dense, gradient: np.ndarray, objective: Objective) -> None:
    """Add the derivatives of the penalties by all that is not frozen."""
    alpha, l1 = model.dtype.type(objective.alpha), model.dtype.type(objective.l1)
    arrays, slopes = (model.weights, model.biases), views(gradient, model.sizes, model.bias)
    for kind, of_kind, slopes_of_kind in zip("Wb", arrays, slopes, strict=True):
        if kind == "b" and not objective.penalize_biases:
            continue
        for k, (array, slope) in enumerate(zip(of_kind, slopes_of_kind, strict=True), 1):
            if array.flags.writeable and f"{kind}{k}" not in model.frozen:
                slope += alpha * array + l1 * np.sign(array)


def gradient_sums(
    model: Dense,
    samples: Samples | RemoteSamples,
    deadline: Deadline = NO_LIMIT,
    scratch: np.ndarray | None = None,
) -> tuple[float, float, np.ndarray]:
    """Return the weighted sums of the losses, of the weights and of the gradients.

    Of samples in another precision than the model's, a few at a time are converted.
    """
    if isinstance(samples, RemoteSamples):
        return samples.gradient_sums(model, deadline)
    if not samples.is_sparse and samples.X.dtype == model.dtype:
        return _dense_gradient_sums(model, samples, deadline, scratch)
    loss_sum = weight_sum = 0.0
    total = np.zeros_like(model.theta)
    for window in windows(samples.X, CHUNK, model.dtype):
        part = samples.dense(window).astype(model.dtype)
        loss, weight, gradient = _dense_gradient_sums(model, part, deadline, scratch)
        loss_sum += loss
        weight_sum += weight
        total += gradient
    return loss_sum, weight_sum, total


def _dense_gradient_sums(
    model: Dense, samples: Samples, deadline: Deadline, scratch: np.ndarray | None
) -> tuple[float, float, np.ndarray]:
    n = len(samples)
    arguments = samples.arguments(no_order(n))
    if n * model.theta.size <= slices.SHORT:
        if scratch is None:
            scratch = batch_scratch(model, n)
        gradient = np.empty_like(model.theta)
        return *batch.gradient_rows(arguments, model.arguments, gradient, scratch), gradient
    shards = ShardGradients(model, n)
    weight_sum = shards.weight_sum(arguments, 0, n, deadline)
    gradients, loss_sum = shards(arguments, 0, n, model.dtype.type(1), deadline)
    return loss_sum, weight_sum, gradients[0]
