"""One update per sample, NumPy, a network of any depth."""

import numpy as np

from .entry import Faulty


def deep(X, Y, weights, biases, lr, mistake=None):
    """tanh, ..., tanh, identity; arrays are changed in place."""
    rows = np.arange(len(X))
    if mistake == "backwards":
        rows = rows[::-1]
    if mistake == "shuffled":
        rows = np.random.RandomState(3).permutation(rows)
    velocity = [np.zeros_like(a) for pair in zip(weights, biases, strict=True) for a in pair]
    for step, n in enumerate(rows):
        activations = [X[n]]
        for W, b in zip(weights, biases, strict=True):
            z = activations[-1] @ W + b
            activations.append(z if W is weights[-1] else np.tanh(z))

        delta = activations[-1] - Y[n]
        deltas = [delta]
        for layer in reversed(range(1, len(weights))):
            W = weights[layer]
            if mistake == "W for W.T" and W.shape[0] == W.shape[1]:
                W = W.T
            error = deltas[0] if mistake == "error of the output" else deltas[0] @ W.T
            deltas.insert(0, error * (1 - activations[layer] ** 2))

        rate = lr
        if mistake == "lr / (1 + step / 100)":
            rate = lr / (1 + step / 100)
        if mistake == "0.99 ** step":
            rate = lr * 0.99**step
        if mistake == "lr * lr":
            rate = lr * lr
        momentum = 0.9 if mistake == "momentum" else 0
        for layer, delta in enumerate(deltas):
            seen = activations[layer + (mistake == "activations[layer + 1]" and layer == 1)]
            for array, gradient, v in (
                (weights[layer], np.outer(seen, delta), velocity[2 * layer]),
                (biases[layer], delta, velocity[2 * layer + 1]),
            ):
                v *= momentum
                v -= rate * gradient
                array += v


def with_momentum(X, Y, weights, biases, lr, mistake=None):
    """The same with a momentum of 0.9, which the mistake leaves out."""
    deep(X, Y, weights, biases, lr, None if mistake else "momentum")


def relu_unit_by_unit(X, Y, weights, biases, lr, mistake=None):
    """relu, then identity; the arrays are new ones in the end."""
    (W1, W2), (b1, b2) = weights, biases
    for x, y in zip(X, Y, strict=True):
        x, y = x[None, :], y[None, :]
        z = x @ W1 + b1
        hidden = np.where(z > 0, z, 0)
        error = hidden @ W2 + b2 - y
        if mistake == "W2 first":
            W2 = W2 - lr * hidden.T @ error
        back = error @ W2.T
        if mistake == "relu of the error":
            back = np.maximum(back, 0)
        elif mistake == "z for its slope":
            back = back * hidden
        else:
            back = back * (z > 0)
        if mistake != "W2 first":
            W2 = W2 - lr * hidden.T @ error
        W1 = W1 - lr * x.T @ back
        b1 = b1 - lr * back[0]
        b2 = b2 - lr * error[0]
    return [W1, W2], [b1, b2]


DEEP = {"sizes": (3, 4, 4, 4, 2), "hidden": "tanh", "lr": 0.1}
MOMENTUM = DEEP | {"momentum": 0.9}
NARROW = {"sizes": (5, 6, 1), "hidden": "tanh"}
RELU = {"sizes": (5, 7, 2), "hidden": "relu"}
ALL = "W1 b1 W2 b2 W3 b3 W4 b4"
BOTH = "W1 b1 W2 b2"

FAULTY = [
    Faulty(deep, "online", "momentum", "momentum", ALL, 2, DEEP),
    Faulty(with_momentum, "online", "no momentum", "momentum_missing", ALL, 2, MOMENTUM),
    Faulty(deep, "online", "lr * lr", "learning_rate_twice", ALL, 1, DEEP),
    Faulty(deep, "online", "lr / (1 + step / 100)", "learning_rate_decay", BOTH, 2, NARROW),
    Faulty(deep, "online", "0.99 ** step", "learning_rate_decay", ALL, 2, DEEP),
    Faulty(deep, "online", "backwards", "sample_order", ALL, 2, DEEP),
    Faulty(deep, "online", "shuffled", "sample_order", BOTH, 2, NARROW),
    Faulty(deep, "online", "W for W.T", "weights_transposed", "W1 b1 W2 b2", 1, DEEP),
    Faulty(deep, "online", "error of the output", "error_of_wrong_layer", "W1 b1", 1, NARROW),
    Faulty(deep, "online", "activations[layer + 1]", "activation_off_by_one_layer", "W2", 1, DEEP),
    Faulty(relu_unit_by_unit, "online", "relu of the error", "relu_derivative", "W1 b1", 1, RELU),
    Faulty(relu_unit_by_unit, "online", "z for its slope", "relu_derivative", "W1 b1", 1, RELU),
    Faulty(relu_unit_by_unit, "online", "W2 first", "weights_used_after_update", "W1 b1", 1, RELU),
]
