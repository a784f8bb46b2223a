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
    is_plain = problem.momentum == problem.alpha == 0 and problem.epochs == 1
    loops = NumpyLoops(problem) if is_plain else RuleLoops(problem)
    function: Function = getattr(loops, problem.kind)
    return function


class NumpyLoops:
    """The function for each task, with the arguments that `fastperc.compare` documents.

    Where there are no biases, they are None.
    """

    def __init__(self, problem: Problem):
        self.loss, self.output = problem.loss, problem.output
        self.activations = [FORWARD[name] for name in problem.activations]
        self.slopes = [reference.SLOPES.get(name) for name in problem.activations]

    def layer_outputs(self, x: Array, weights: Arrays, biases: Arrays) -> list[Array]:
        """Return the inputs and each layer's outputs."""
        outputs = [x]
        for W, b, activation in zip(weights, biases, self.activations, strict=True):
            sums = outputs[-1] @ W
            outputs.append(activation(sums if b is None else sums + b))
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
                if b is not None:
                    b -= step
                step = below

    def batches(
        self, X: Array, Y: Array, weights: Arrays, biases: Arrays, lr: float, batch_size: int
    ) -> None:
        for first in range(0, len(X), batch_size):
            rows = slice(first, first + batch_size)
            by_weights, by_biases = self.gradient(X[rows], Y[rows], weights, biases, lr)
            for block, move in zip((*weights, *biases), (*by_weights, *by_biases), strict=True):
                if block is not None:
                    block -= move

    def full(self, X: Array, Y: Array, weights: Arrays, biases: Arrays, lr: float) -> None:
        self.batches(X, Y, weights, biases, lr, len(X))


class RuleLoops(NumpyLoops):
    """The loops with momentum, a penalty on the weights, and several epochs in a call.

    ``v = momentum * v - lr * (g + alpha * W); W += v``, with v = 0 at the beginning of each call.
    """

    def __init__(self, problem: Problem):
        super().__init__(problem)
        self.problem = problem

    def gradient(
        self, X: Array, Y: Array, weights: Arrays, biases: Arrays, factor: float = 1.0
    ) -> Blocks:
        by_weights, by_biases = super().gradient(X, Y, weights, biases, factor)
        if self.problem.alpha:
            for by_W, W in zip(by_weights, weights, strict=True):
                by_W += X.dtype.type(factor * self.problem.alpha) * W
        return by_weights, by_biases

    def online(self, X: Array, Y: Array, weights: Arrays, biases: Arrays, lr: float) -> None:
        self.batches(X, Y, weights, biases, lr, 1)

    def batches(
        self, X: Array, Y: Array, weights: Arrays, biases: Arrays, lr: float, batch_size: int
    ) -> None:
        blocks = [
            (block, np.zeros_like(block), k)
            for k, block in enumerate((*weights, *biases))
            if block is not None
        ]
        for _ in range(self.problem.epochs):
            for first in range(0, len(X), batch_size):
                rows = slice(first, first + batch_size)
                by_weights, by_biases = self.gradient(X[rows], Y[rows], weights, biases, lr)
                moves = *by_weights, *by_biases
                for block, velocity, k in blocks:
                    velocity *= self.problem.momentum
                    velocity -= moves[k]
                    block += velocity
