"""Sigmoid units without biases, trained by the delta rule on all samples at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ..checks import check_array, check_count
from ..errors import DivergedError
from ..kernels.tutorials.scalars import sigmoid_unit_rounds
from ..kernels.tutorials.sigmoid_layers import delta_rule_rounds
from ..model.losses import LOSSES, check_targets
from .inputs import is_vector, padded_rows, whole_blocks
from .slicing import slices


def train_perceptron(
    X: ArrayLike, y: ArrayLike, weights: ArrayLike, iterations: int = 1000
) -> tuple[np.ndarray, np.ndarray]:
    """Train one sigmoid unit: weights += X.T @ ((y - p) p (1 - p)) with p = sigmoid(X @ weights).

    This is descent with step 1 on half the sum of squared errors, sum((y - p)^2) / 2: the delta
    rule adds what is minus the gradient. The tutorial's formula is right.

    Parameters
    ----------
    X : array_like of shape (n_samples, n_inputs), or (n_inputs,) for one sample
    y : array_like of shape (n_samples,) or (n_samples, 1)
        Targets; the outputs lie between 0 and 1.
    weights : array_like of shape (n_inputs,) or (n_inputs, 1)
        Start weights, which are not changed.
    iterations : int, default 1000

    Returns
    -------
    weights : ndarray, float64, of the shape given
    guesses : ndarray, float64, of y's shape
        The outputs of the last round, made before its update.

    Raises
    ------
    DivergedError
        If a value overflows.

    Notes
    -----
    Without a bias the output for an input of zeros is always 0.5; the tutorial's data have a last
    column of ones instead. One layer cannot learn "the first two inputs differ": from any start the
    weights then fall to 0 and every output to 0.5.

    Examples
    --------
    The unit that starts at 0.755362385006 and learns to answer 1 to the input 1:

    >>> weights, guesses = train_perceptron([[1]], [1], [0.755362385006], iterations=1000)
    >>> weights.round(8).tolist(), guesses.round(8).tolist()
    ([3.73433524], [0.97665619])
    """
    X = check_samples(X)
    Y = check_targets(y, LOSSES["squared_error"], len(X), 1, np.float64)
    w = check_weights(weights, "weights", X.shape[1], 1)
    rounds = check_count(iterations, "iterations")
    guesses, deltas = np.empty((2, len(X)))
    for start, stop in slices(rounds, work=X.size + 20 * len(X)):
        good = sigmoid_unit_rounds(X, Y[:, 0], w[:, 0], guesses, deltas, stop - start)
        check_good(start, good, stop)
    return w.reshape(np.shape(weights)), guesses.reshape(np.shape(y))


def train_two_layer(
    X: ArrayLike, y: ArrayLike, weights1: ArrayLike, weights2: ArrayLike, iterations: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Train a hidden layer and an output layer of sigmoid units, both without biases.

    With h = sigmoid(X @ weights1) and p = sigmoid(h @ weights2), each round adds X.T @ delta1 to
    weights1 and h.T @ delta2 to weights2, where delta2 = (y - p) p (1 - p) and
    delta1 = (delta2 @ weights2.T) h (1 - h): descent with step 1 on half the sum of squared errors.
    The tutorial's formulas are right.

    Parameters
    ----------
    X : array_like of shape (n_samples, n_inputs)
    y : array_like of shape (n_samples,) or (n_samples, n_outputs)
        Targets; the outputs lie between 0 and 1.
    weights1 : array_like of shape (n_inputs, n_hidden)
    weights2 : array_like of shape (n_hidden, n_outputs), or (n_hidden,) for one output
        Start weights, which are not changed.
    iterations : int

    Returns
    -------
    weights1, weights2 : ndarray, float64, of the shapes given
    outputs : ndarray, float64, of y's shape
        The outputs of the last round, made before its update.

    Raises
    ------
    DivergedError
        If a value overflows.

    Examples
    --------
    >>> import numpy as np
    >>> X, y = [[0, 0, 1], [1, 1, 1], [0, 1, 1], [1, 0, 1]], [0, 0, 1, 1]
    >>> start = np.random.RandomState(3)
    >>> weights1, weights2 = 2 * start.random_sample((3, 4)) - 1, 2 * start.random_sample(4) - 1
    >>> *_, outputs = train_two_layer(X, y, weights1, weights2, iterations=50_000)
    >>> outputs.round().tolist()
    [0.0, 0.0, 1.0, 1.0]
    """
    X = check_samples(X)
    w1 = check_weights(weights1, "weights1", X.shape[1])
    w2 = check_weights(weights2, "weights2", w1.shape[1])
    Y = check_targets(y, LOSSES["squared_error"], len(X), w2.shape[1], np.float64)
    outputs = run_layers(X, Y, w1, w2, check_count(iterations, "iterations"))
    return (
        w1.reshape(np.shape(weights1)), w2.reshape(np.shape(weights2)), outputs.reshape(np.shape(y))
    )  # fmt: skip


def run_layers(
    X: np.ndarray, Y: np.ndarray, w1: np.ndarray, w2: np.ndarray, rounds: int
) -> np.ndarray:
    """Train w1 (d, h) and w2 (h, k) in place; return the last round's outputs (n, k)."""
    (n, d), (h, k) = X.shape, w2.shape
    rows1, rows2, targets = padded_rows(w1), padded_rows(w2.T), padded_rows(Y.reshape(1, -1))
    hidden, hidden_delta = np.zeros((2, n * whole_blocks(h)))
    outputs, deltas = np.zeros((2, len(targets)))
    for start, stop in slices(rounds, work=n * (d + k + 20) * whole_blocks(h)):
        good = delta_rule_rounds(
            X, targets, rows1, rows2, hidden, hidden_delta, outputs, deltas, h, k, stop - start
        )
        check_good(start, good, stop)
    w1[...] = rows1.reshape(d, -1)[:, :h]
    w2[...] = rows2.reshape(k, -1)[:, :h].T
    return outputs[: n * k].reshape(n, k)


def check_samples(X: ArrayLike) -> np.ndarray:
    """Return ``X`` as an array (n_samples, n_inputs); a vector is one sample."""
    return np.atleast_2d(check_array(X, "X", ndim=1 if is_vector(X) else 2))


def check_weights(
    weights: ArrayLike, name: str, n_rows: int, n_columns: int | None = None
) -> np.ndarray:
    """Return a copy of ``weights``, 2-D; a vector is one column."""
    W = check_array(weights, name, ndim=1 if is_vector(weights) else 2)
    W = W.reshape(len(W), -1).copy()
    if len(W) != n_rows or n_columns not in (None, W.shape[1]):
        wanted = "any number of" if n_columns is None else n_columns
        raise ValueError(
            f"{name}: found shape {np.shape(weights)}, expected {n_rows} rows and {wanted} "
            "columns: a row for each value that comes in, a column for each unit"
        )
    return W


def check_good(start: int, good: int, stop: int) -> None:
    """Raise unless all rounds from ``start`` to ``stop`` were good."""
    if good < stop - start:
        cause = "X is too large for the delta rule's step of 1; scale its values to about 1"
        raise DivergedError(start + good + 1, cause, kept=False)
