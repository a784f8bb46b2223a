"""Training loops in NumPy as a careful hand writes them: the baseline of the speed-ups.

Sigmoid hidden layers, identity outputs, half the squared error, any depth. Nothing is computed
twice and parameters change in place; what is left is the price of NumPy's calls.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

Arrays = Sequence[np.ndarray]


def train_samples(X: np.ndarray, Y: np.ndarray, weights: Arrays, biases: Arrays, lr: float) -> None:
    """One epoch, one update per sample, in the order of the rows.

    Parameters
    ----------
    X, Y : ndarray of shape (n_samples, n_inputs) and (n_samples, n_outputs)
    weights, biases : sequence of ndarray, (n_in, n_out) and (n_out,)
        Read and written.
    lr : float
    """
    for x, y in zip(X, Y, strict=True):
        outputs = [x]
        for W, b in zip(weights[:-1], biases[:-1], strict=True):
            outputs.append(1 / (1 + np.exp(-(outputs[-1] @ W + b))))
        step = lr * (outputs[-1] @ weights[-1] + biases[-1] - y)
        for layer in reversed(range(len(weights))):
            W, a = weights[layer], outputs[layer]
            step_below = (W @ step) * (a * (1 - a)) if layer else step
            W -= a[:, None] * step
            biases[layer] -= step
            step = step_below


def train_batches(
    X: np.ndarray, Y: np.ndarray, weights: Arrays, biases: Arrays, lr: float, batch_size: int
) -> None:
    """One epoch, one update per batch of rows with its mean gradient; arguments as above."""
    for first in range(0, len(X), batch_size):
        outputs, y = [X[first : first + batch_size]], Y[first : first + batch_size]
        for W, b in zip(weights[:-1], biases[:-1], strict=True):
            outputs.append(1 / (1 + np.exp(-(outputs[-1] @ W + b))))
        step = (lr / len(y)) * (outputs[-1] @ weights[-1] + biases[-1] - y)
        for layer in reversed(range(len(weights))):
            W, a = weights[layer], outputs[layer]
            step_below = (step @ W.T) * (a * (1 - a)) if layer else step
            W -= a.T @ step
            biases[layer] -= step.sum(axis=0)
            step = step_below
