"""Each task in plain Python, on lists of numbers."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from ..calling import Function
from ..problem import Problem
from ..runners import Array, Arrays, Blocks

Vector = list[float]
Layers = list[tuple[list[Vector], Vector]]  # each layer's W, row by row, and b

ACTIVATIONS: dict[str, Callable[[float], float]] = {
    "identity": lambda z: z,
    "sigmoid": lambda z: 1 / (1 + math.exp(-z)),
    "tanh": math.tanh,
    "relu": lambda z: z if z > 0 else 0.0,
}
SLOPES: dict[str, Callable[[float], float]] = {
    "identity": lambda a: 1.0,
    "sigmoid": lambda a: a * (1 - a),
    "tanh": lambda a: 1 - a * a,
    "relu": lambda a: 1.0 if a > 0 else 0.0,
}
HEADS = {("identity", "squared_error"), ("sigmoid", "squared_error"), ("sigmoid", "log_loss")}


def python_refuses(problem: Problem) -> str:
    """Return why the loop in plain Python cannot do this, or nothing."""
    known = all(name in ACTIVATIONS for name in problem.activations)
    if known and (problem.output, problem.loss) in HEADS:
        return ""
    return "the loop in plain Python has no such network"


def python_function(problem: Problem) -> Function:
    """Return a function for the problem's task."""
    function: Function = getattr(PythonLoops(problem), problem.kind)
    return function


class PythonLoops:
    """The function for each task, with the arguments that `fastperc.compare` documents."""

    def __init__(self, problem: Problem):
        self.activations = [ACTIVATIONS[name] for name in problem.activations]
        self.slopes = [SLOPES[name] for name in problem.activations]
        self.is_matched = problem.loss == "log_loss"  # its slope and the sigmoid's cancel

    def layer_outputs(self, x: Vector, layers: Layers) -> list[Vector]:
        """Return the inputs and each layer's outputs."""
        outputs = [x]
        for (W, b), activation in zip(layers, self.activations, strict=True):
            sums = [
                b_k + sum(a * row[k] for a, row in zip(outputs[-1], W, strict=True))
                for k, b_k in enumerate(b)
            ]
            outputs.append([activation(z) for z in sums])
        return outputs

    def add_gradient(self, x: Vector, y: Vector, layers: Layers, factor: float, to: Layers) -> None:
        """Add a sample's gradient times a factor; to the layers themselves, that is a step."""
        outputs = self.layer_outputs(x, layers)
        delta = self.output_delta(outputs[-1], y)
        for k in reversed(range(len(layers))):
            W, (to_W, to_b), inputs = layers[k][0], to[k], outputs[k]
            slope = self.slopes[k - 1]
            below = []
            for row, to_row, a in zip(W, to_W, inputs, strict=True):
                if k:
                    back = sum(w * d for w, d in zip(row, delta, strict=True))
                    below.append(back * slope(a))
                for j, d in enumerate(delta):
                    to_row[j] += factor * a * d
            for j, d in enumerate(delta):
                to_b[j] += factor * d
            delta = below

    def output_delta(self, outputs: Vector, y: Vector) -> Vector:
        """Return the derivative of the loss by the last layer's weighted sums."""
        slope = self.slopes[-1]
        pairs = zip(outputs, y, strict=True)
        return [(p - t) * (1 if self.is_matched else slope(p)) for p, t in pairs]

    def mean_gradient(self, X: list[Vector], Y: list[Vector], layers: Layers) -> Layers:
        """Return the gradient of the mean loss."""
        result = [([[0.0] * len(row) for row in W], [0.0] * len(b)) for W, b in layers]
        for x, y in zip(X, Y, strict=True):
            self.add_gradient(x, y, layers, 1 / len(X), result)
        return result

    def forward(self, X: Array, weights: Arrays, biases: Arrays) -> Array:
        layers = as_lists(weights, biases)
        return np.array([self.layer_outputs(x, layers)[-1] for x in X.tolist()])

    def gradient(self, X: Array, Y: Array, weights: Arrays, biases: Arrays) -> Blocks:
        found = self.mean_gradient(X.tolist(), Y.tolist(), as_lists(weights, biases))
        return [np.array(W) for W, _ in found], [np.array(b) for _, b in found]

    def online(self, X: Array, Y: Array, weights: Arrays, biases: Arrays, lr: float) -> None:
        layers = as_lists(weights, biases)
        for x, y in zip(X.tolist(), Y.tolist(), strict=True):
            self.add_gradient(x, y, layers, -float(lr), layers)
        write_back(layers, weights, biases)

    def batches(
        self, X: Array, Y: Array, weights: Arrays, biases: Arrays, lr: float, batch_size: int
    ) -> None:
        layers, rows, targets = as_lists(weights, biases), X.tolist(), Y.tolist()
        for first in range(0, len(rows), batch_size):
            last = first + batch_size
            moves = self.mean_gradient(rows[first:last], targets[first:last], layers)
            for (W, b), (by_W, by_b) in zip(layers, moves, strict=True):
                for row, by_row in zip([*W, b], [*by_W, by_b], strict=True):
                    row[:] = [w - lr * g for w, g in zip(row, by_row, strict=True)]
        write_back(layers, weights, biases)

    def full(self, X: Array, Y: Array, weights: Arrays, biases: Arrays, lr: float) -> None:
        self.batches(X, Y, weights, biases, lr, len(X))


def as_lists(weights: Arrays, biases: Arrays) -> Layers:
    """Return each layer's W and b as lists."""
    return [(W.tolist(), b.tolist()) for W, b in zip(weights, biases, strict=True)]


def write_back(layers: Layers, weights: Arrays, biases: Arrays) -> None:
    """Write the lists into the arrays that they came from."""
    for (W, b), W_array, b_array in zip(layers, weights, biases, strict=True):
        W_array[...], b_array[...] = W, b
