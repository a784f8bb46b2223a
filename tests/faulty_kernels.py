"""Epochs as from-scratch tutorials write them, right and with the mistakes that were published."""

import numpy as np


def linear_unit(X, Y, weights, biases, lr, published=False):
    """A linear unit, one update per sample; as published, by the square of the error."""
    (W,), (b,) = weights, biases
    for x, y in zip(X, Y, strict=True):
        error = x @ W + b - y
        step = error**2 if published else error
        W -= lr * np.outer(x, step)
        b -= lr * step


def squared_error_unit(X, Y, weights, biases, lr):
    linear_unit(X, Y, weights, biases, lr, published=True)


def classifier(
    X, Y, weights, biases, lr, *, m=None, values="dZ2", slope="relu", axis=0, before=True
):
    """relu, then sigmoid, a full-batch step on the mean log loss; keywords put in the mistakes."""
    (W1, W2), (b1, b2) = weights, biases
    Z1 = X @ W1 + b1
    A1 = np.maximum(0, Z1)
    Z2 = A1 @ W2 + b2
    dZ2 = 1 / (1 + np.exp(-Z2)) - Y
    m = m or len(X)
    gradient_of_W2 = A1.T @ (dZ2 if values == "dZ2" else Z2)
    if not before:  # W2 has changed when the error goes back through it
        W2 = W2 - lr * gradient_of_W2 / m
    dZ1 = dZ2 @ W2.T * ((Z1 > 0) if slope == "relu" else 1 - A1**2)
    if before:
        W2 = W2 - lr * gradient_of_W2 / m
    W1 = W1 - lr * (X.T @ dZ1) / m
    b1 = b1 - lr * dZ1.sum(axis=axis, keepdims=axis == 1) / m
    b2 = b2 - lr * dZ2.sum(axis=axis, keepdims=axis == 1) / m
    return (W1, W2), (b1, b2)


def two_for_the_number_of_samples(*arguments):
    return classifier(*arguments, m=2)


def a_sum_for_its_error(*arguments):
    return classifier(*arguments, values="Z2")


def the_slope_of_tanh(*arguments):
    return classifier(*arguments, slope="tanh")


def bias_sums_over_units(*arguments):
    return classifier(*arguments, axis=1)


def backwards_through_new_weights(*arguments):
    return classifier(*arguments, before=False)


def gradient_of(epoch):
    """The gradient that such an epoch of full-batch steps follows."""

    def gradient(X, Y, weights, biases):
        moved = epoch(X, Y, weights, biases, 1.0)
        return tuple(
            [before - after for before, after in zip(*pair, strict=True)]
            for pair in zip((weights, biases), moved, strict=True)
        )

    return gradient


class Net:
    """As published, what draws the weights is called by another name than it has."""

    def init_weights(self):
        raise AssertionError("never reached")

    def fit(self, X, Y, weights, biases, lr):
        self.init_weight()


def misnamed_method(*arguments):
    Net().fit(*arguments)


def network(X, Y, weights, biases, lr, batch_size=1):
    """Sigmoid and identity, plain NumPy, in place; right."""
    for first in range(0, len(X), batch_size):
        x, y = X[first : first + batch_size], Y[first : first + batch_size]
        a = 1 / (1 + np.exp(-(x @ weights[0] + biases[0])))
        d2 = (a @ weights[1] + biases[1] - y) / len(x)
        d1 = d2 @ weights[1].T * a * (1 - a)
        weights[0] -= lr * x.T @ d1
        biases[0] -= lr * d1.sum(axis=0)
        weights[1] -= lr * a.T @ d2
        biases[1] -= lr * d2.sum(axis=0)


def network_that_forgets_the_last_batch(X, Y, weights, biases, lr, batch_size):
    n = len(X) // batch_size * batch_size
    network(X[:n], Y[:n], weights, biases, lr, batch_size)


def network_wrong_from_step_38(X, Y, weights, biases, lr):
    network(X[:37], Y[:37], weights, biases, lr)
    for row in range(37, len(X)):
        network(X[row : row + 1], Y[row : row + 1], weights, biases, lr)
        weights[1][3, 0] += 1e-6


def network_that_hangs(X, Y, weights, biases, lr):
    while True:
        pass


def network_that_crashes(X, Y, weights, biases, lr):
    import os

    os.abort()


def network_that_returns_one_array(X, Y, weights, biases, lr):
    return weights[0]


def network_with_a_wrong_sign(X, Y, weights, biases, lr):
    start = biases[0].copy()
    network(X, Y, weights, biases, lr)
    biases[0][...] = 2 * start - biases[0]
