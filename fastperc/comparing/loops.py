"""The kernels in NumPy, and one in plain Python: what a kernel written by hand competes with.

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
    """An epoch in plain Python, on lists of numbers; one update per sample."""
    acts = [PYTHON_FORWARD[name] for name in problem.activations]
    slopes = [PYTHON_SLOPES[name] for name in problem.activations]
    matched = problem.loss == "log_loss"  # its slope and the sigmoid's cancel

    def forward(x, layers):
        outputs = [x]
        for (W, b), act in zip(layers, acts, strict=True):
            sums = [
                b_k + sum(a * row[k] for a, row in zip(outputs[-1], W, strict=True))
                for k, b_k in enumerate(b)
            ]
            outputs.append([act(z) for z in sums])
        return outputs

    def take_step(layers, outputs, delta, lr):
        for k in reversed(range(len(layers))):
            (W, b), inputs = layers[k], outputs[k]
            below = []
            for row, a in zip(W, inputs, strict=True):
                if k:
                    back = sum(w * d for w, d in zip(row, delta, strict=True))
                    below.append(back * slopes[k - 1](a))
                for j, d in enumerate(delta):
                    row[j] -= lr * a * d
            for j, d in enumerate(delta):
                b[j] -= lr * d
            delta = below

    def online(X, Y, weights, biases, lr):
        layers = [(W.tolist(), b.tolist()) for W, b in zip(weights, biases, strict=True)]
        for x, y in zip(X.tolist(), Y.tolist(), strict=True):
            outputs = forward(x, layers)
            errors = zip(outputs[-1], y, strict=True)
            delta = [(p - t) * (1 if matched else slopes[-1](p)) for p, t in errors]
            take_step(layers, outputs, delta, float(lr))
        for (W, b), W_array, b_array in zip(layers, weights, biases, strict=True):
            W_array[...], b_array[...] = W, b

    return online
