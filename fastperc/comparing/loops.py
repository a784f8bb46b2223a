"""The kernels in NumPy and in plain Python: what a kernel written by hand competes with.

Each function makes, for a problem, a function with the arguments that `fastperc.compare` documents
for everybody's. `kernels.reference` is the oracle; these are written to be quick: nothing is
computed twice, and parameters change in place.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..kernels import reference
from .problem import Problem

Function = Callable[..., Any]

FORWARD = {
    **reference.ACTIVATIONS,
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "logistic": lambda z: 1 / (1 + np.exp(-z)),
    "relu": lambda z: np.maximum(z, 0),
}


def numpy_function(problem: Problem) -> Function:
    """The problem's kind in NumPy: vectors for one sample at a time, matrices for more."""
    layers = problem.activations
    acts = [FORWARD[name] for name in layers]
    slopes = [reference.SLOPES.get(name) for name in layers]

    def passes(x, weights, biases):
        outputs = [x]
        for W, b, act in zip(weights, biases, acts, strict=True):
            outputs.append(act(outputs[-1] @ W + b))
        return outputs

    def forward(X, weights, biases):
        return passes(X, weights, biases)[-1]

    def gradient(X, Y, weights, biases, factor=1.0):
        outputs = passes(X, weights, biases)
        delta = reference.output_delta(problem.loss, layers[-1], outputs[-1], Y)
        delta *= X.dtype.type(factor / len(X))
        by_weights: list[np.ndarray] = []
        by_biases: list[np.ndarray] = []
        for k in reversed(range(len(weights))):
            by_weights.insert(0, outputs[k].T @ delta)
            by_biases.insert(0, delta.sum(axis=0))
            if k:
                delta = (delta @ weights[k].T) * slopes[k - 1](outputs[k])
        return by_weights, by_biases

    def online(X, Y, weights, biases, lr):
        for x, y in zip(X, Y, strict=True):
            outputs = passes(x, weights, biases)
            step = lr * reference.output_delta(problem.loss, layers[-1], outputs[-1], y)
            for k in reversed(range(len(weights))):
                W, a = weights[k], outputs[k]
                below = (W @ step) * slopes[k - 1](a) if k else step
                W -= a[:, None] * step
                biases[k] -= step
                step = below

    def batches(X, Y, weights, biases, lr, batch_size):
        for first in range(0, len(X), batch_size):
            rows = slice(first, first + batch_size)
            moves = gradient(X[rows], Y[rows], weights, biases, lr)
            for blocks, by in zip((weights, biases), moves, strict=True):
                for block, move in zip(blocks, by, strict=True):
                    block -= move

    def full(X, Y, weights, biases, lr):
        batches(X, Y, weights, biases, lr, len(X))

    functions: dict[str, Function] = {
        f.__name__: f for f in (online, batches, full, forward, gradient)
    }
    return functions[problem.kind]


PYTHON_FORWARD = {
    "identity": lambda z: z,
    "sigmoid": lambda z: 1 / (1 + math.exp(-z)),
    "tanh": math.tanh,
    "relu": lambda z: z if z > 0 else 0.0,
}
PYTHON_SLOPES = {
    "identity": lambda a: 1.0,
    "sigmoid": lambda a: a * (1 - a),
    "tanh": lambda a: 1 - a * a,
    "relu": lambda a: 1.0 if a > 0 else 0.0,
}


def python_function(problem: Problem) -> Function:
    """The problem's kind in plain Python, on lists of numbers."""
    acts = [PYTHON_FORWARD[name] for name in problem.activations]
    slopes = [PYTHON_SLOPES[name] for name in problem.activations]
    matched = problem.loss == "log_loss"  # its slope and the sigmoid's cancel

    def passes(x, layers):
        outputs = [x]
        for (W, b), act in zip(layers, acts, strict=True):
            sums = [
                b_k + sum(a * row[k] for a, row in zip(outputs[-1], W, strict=True))
                for k, b_k in enumerate(b)
            ]
            outputs.append([act(z) for z in sums])
        return outputs

    def add_gradient(x, y, layers, factor, to):
        """Adds a sample's, times a factor; to the layers themselves, that is a step."""
        outputs = passes(x, layers)
        errors = zip(outputs[-1], y, strict=True)
        delta = [(p - t) * (1 if matched else slopes[-1](p)) for p, t in errors]
        for k in reversed(range(len(layers))):
            W, (to_W, to_b), inputs = layers[k][0], to[k], outputs[k]
            below = []
            for row, to_row, a in zip(W, to_W, inputs, strict=True):
                if k:
                    back = sum(w * d for w, d in zip(row, delta, strict=True))
                    below.append(back * slopes[k - 1](a))
                for j, d in enumerate(delta):
                    to_row[j] += factor * a * d
            for j, d in enumerate(delta):
                to_b[j] += factor * d
            delta = below

    def mean_gradient(X, Y, layers):
        result = [([[0.0] * len(row) for row in W], [0.0] * len(b)) for W, b in layers]
        for x, y in zip(X, Y, strict=True):
            add_gradient(x, y, layers, 1 / len(X), result)
        return result

    def forward(X, weights, biases):
        layers = as_lists(weights, biases)
        return np.array([passes(x, layers)[-1] for x in X.tolist()])

    def gradient(X, Y, weights, biases):
        found = mean_gradient(X.tolist(), Y.tolist(), as_lists(weights, biases))
        by_weights, by_biases = zip(*found, strict=True)
        return [np.array(W) for W in by_weights], [np.array(b) for b in by_biases]

    def online(X, Y, weights, biases, lr):
        layers = as_lists(weights, biases)
        for x, y in zip(X.tolist(), Y.tolist(), strict=True):
            add_gradient(x, y, layers, -float(lr), layers)
        put_back(layers, weights, biases)

    def batches(X, Y, weights, biases, lr, batch_size):
        layers, rows, targets = as_lists(weights, biases), X.tolist(), Y.tolist()
        for first in range(0, len(rows), batch_size):
            last = first + batch_size
            moves = mean_gradient(rows[first:last], targets[first:last], layers)
            for (W, b), (by_W, by_b) in zip(layers, moves, strict=True):
                for row, by_row in zip([*W, b], [*by_W, by_b], strict=True):
                    row[:] = [w - lr * g for w, g in zip(row, by_row, strict=True)]
        put_back(layers, weights, biases)

    def full(X, Y, weights, biases, lr):
        batches(X, Y, weights, biases, lr, len(X))

    functions: dict[str, Function] = {
        f.__name__: f for f in (online, batches, full, forward, gradient)
    }
    return functions[problem.kind]


def as_lists(weights, biases) -> list[tuple[list, list]]:
    """Each layer's W and b."""
    return [(W.tolist(), b.tolist()) for W, b in zip(weights, biases, strict=True)]


def put_back(layers, weights, biases) -> None:
    """Into the arrays that they came from."""
    for (W, b), W_array, b_array in zip(layers, weights, biases, strict=True):
        W_array[...], b_array[...] = W, b
