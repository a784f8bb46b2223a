"""One epoch in plain Python and in NumPy: what a kernel written by hand competes with.

Each function makes an epoch for a problem; the epoch has the signature that `fastperc.compare`
documents for everybody's. `kernels.reference` is the oracle; these are written to be quick: nothing
is computed twice, and parameters change in place.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from ..kernels import reference
from .problem import Problem

Epoch = Callable[..., None]

FORWARD = {
    **reference.ACTIVATIONS,
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "logistic": lambda z: 1 / (1 + np.exp(-z)),
    "relu": lambda z: np.maximum(z, 0),
}


def numpy_epoch(problem: Problem) -> Epoch:
    """An epoch in NumPy: vectors for one sample at a time, matrices for more."""
    layers = problem.activations
    acts = [FORWARD[name] for name in layers]
    slopes = [reference.SLOPES.get(name) for name in layers]

    def forward(x, weights, biases):
        outputs = [x]
        for W, b, act in zip(weights, biases, acts, strict=True):
            outputs.append(act(outputs[-1] @ W + b))
        return outputs

    def online(X, Y, weights, biases, lr):
        for x, y in zip(X, Y, strict=True):
            outputs = forward(x, weights, biases)
            step = lr * reference.output_delta(problem.loss, layers[-1], outputs[-1], y)
            for k in reversed(range(len(weights))):
                W, a = weights[k], outputs[k]
                below = (W @ step) * slopes[k - 1](a) if k else step
                W -= a[:, None] * step
                biases[k] -= step
                step = below

    def batches(X, Y, weights, biases, lr, batch_size):
        for first in range(0, len(X), batch_size):
            y = Y[first : first + batch_size]
            outputs = forward(X[first : first + batch_size], weights, biases)
            delta = reference.output_delta(problem.loss, layers[-1], outputs[-1], y)
            step = (lr / len(y)).astype(X.dtype) * delta
            for k in reversed(range(len(weights))):
                W, a = weights[k], outputs[k]
                below = (step @ W.T) * slopes[k - 1](a) if k else step
                W -= a.T @ step
                biases[k] -= step.sum(axis=0)
                step = below

    def full(X, Y, weights, biases, lr):
        batches(X, Y, weights, biases, lr, len(X))

    epochs: dict[str, Epoch] = {"online": online, "batches": batches, "full": full}
    return epochs[problem.kind]


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


def python_epoch(problem: Problem) -> Epoch:
    """An epoch in plain Python, on lists of numbers; one update per sample."""
    acts = [PYTHON_FORWARD[name] for name in problem.activations]
    slopes = [PYTHON_SLOPES[name] for name in problem.activations]
    matched = problem.loss == "log_loss"  # its slope and the sigmoid's cancel

    def online(X, Y, weights, biases, lr):
        layers = [(W.tolist(), b.tolist()) for W, b in zip(weights, biases, strict=True)]
        lr = float(lr)
        for x, y in zip(X.tolist(), Y.tolist(), strict=True):
            outputs = [x]
            for (W, b), act in zip(layers, acts, strict=True):
                sums = [
                    b_k + sum(a * row[k] for a, row in zip(outputs[-1], W, strict=True))
                    for k, b_k in enumerate(b)
                ]
                outputs.append([act(z) for z in sums])
            errors = zip(outputs[-1], y, strict=True)
            delta = [(p - t) * (1 if matched else slopes[-1](p)) for p, t in errors]
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
        for (W, b), W_array, b_array in zip(layers, weights, biases, strict=True):
            W_array[...], b_array[...] = W, b

    return online
