"""Each task in NumPy, as one writes it by hand to be quick.

`kernels.reference` is the oracle; here nothing is computed twice, and parameters change in place.
"""

from __future__ import annotations

import numpy as np

from ...kernels import reference
from ..calling import Function
from ..problem import Problem
from ..runners import Array, Arrays, Blocks

FORWARD = {
    **reference.ACTIVATIONS,
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "logistic": lambda z: 1 / (1 + np.exp(-z)),
    "relu": lambda z: np.maximum(z, 0),
}


def numpy_function(problem: Problem) -> Function:
    """Return a function for the problem's task: vectors for single samples, matrices for more."""
    function: Function = getattr(NumpyLoops(problem), problem.kind)
    return function


class NumpyLoops:
    """The function for each task, with the arguments that `fastperc.compare` documents."""

    def __init__(self, problem: Problem):
        self.loss, self.output = problem.loss, problem.output
        self.activations = [FORWARD[name] for name in problem.activations]
        self.slopes = [reference.SLOPES.get(name) for name in problem.activations]

    def layer_outputs(self, x: Array, weights: Arrays, biases: Arrays) -> list[Array]:
        """Return the inputs and each layer's outputs."""
        outputs = [x]
        for W, b, activation in zip(weights, biases, self.activations, strict=True):
            outputs.append(activation(outputs[-1] @ W + b))
        return outputs

    def forward(self, X: Array, weights: Arrays, biases: Arrays) -> Array:
        return self.layer_outputs(X, weights, biases)[-1]

    def gradient(
        self, X: Array, Y: Array, weights: Arrays, biases: Arrays, factor: float = 1.0
    ) -> Blocks:
        """Return the gradient of the mean loss times a factor."""
        outputs = self.layer_outputs(X, weights, biases)
        delta = reference.output_delta(self.loss, self.output, outputs[-1], Y)
        delta *= X.dtype.type(factor / len(X))
        by_weights: list[Array] = []
        by_biases: list[Array] = []
        for k in reversed(range(len(weights))):
            by_weights.insert(0, outputs[k].T @ delta)
            by_biases.insert(0, delta.sum(axis=0))
            if k:
                delta = (delta @ weights[k].T) * self.slopes[k - 1](outputs[k])
        return by_weights, by_biases

    def online(self, X: Array, Y: Array, weights: Arrays, biases: Arrays, lr: float) -> None:
        for x, y in zip(X, Y, strict=True):
            outputs = self.layer_outputs(x, weights, biases)
            step = lr * reference.output_delta(self.loss, self.output, outputs[-1], y)
            for k in reversed(range(len(weights))):
                W, b, a = weights[k], biases[k], outputs[k]
                below = (W @ step) * self.slopes[k - 1](a) if k else step
                W -= a[:, None] * step
                b -= step
                step = below

    def batches(
        self, X: Array, Y: Array, weights: Arrays, biases: Arrays, lr: float, batch_size: int
    ) -> None:
        for first in range(0, len(X), batch_size):
            rows = slice(first, first + batch_size)
            moves = self.gradient(X[rows], Y[rows], weights, biases, lr)
            for blocks, by in zip((weights, biases), moves, strict=True):
                for block, move in zip(blocks, by, strict=True):
                    block -= move

    def full(self, X: Array, Y: Array, weights: Arrays, biases: Arrays, lr: float) -> None:
        self.batches(X, Y, weights, biases, lr, len(X))
