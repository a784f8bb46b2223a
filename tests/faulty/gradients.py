"""Gradients of the mean loss of all rows, as they are written to be handed to an optimizer."""

import numpy as np

from .entry import Faulty


def relu_regression(X, Y, weights, biases, mistake=None):
    """relu, relu, identity, squared error."""
    (W1, W2, W3), (b1, b2, b3) = weights, biases
    z1 = X @ W1 + b1
    h1 = z1 * (z1 > 0)
    z2 = h1 @ W2 + b2
    h2 = z2 * (z2 > 0)
    g3 = (h2 @ W3 + b3 - Y) / len(X)
    if mistake == "half":
        g3 = g3 / 2
    if mistake == "where negative":
        mask1, mask2 = z1 < 0, z2 < 0
    else:
        mask1, mask2 = z1 > 0, z2 > 0
    g2 = g3 @ W3.T * mask2
    g1 = (g2 @ (W2 if mistake == "W2 for its transpose" else W2.T)) * mask1
    if mistake == "h1 for X":
        return [h1.T @ g1, h1.T @ g2, h2.T @ g3], [g1.sum(0), g2.sum(0), g3.sum(0)]
    return [X.T @ g1, h1.T @ g2, h2.T @ g3], [g1.sum(0), g2.sum(0), g3.sum(0)]


def per_sample(X, Y, weights, biases, mistake=None):
    """Sigmoid hidden units, softmax, cross-entropy: sums over samples, divided in the end."""
    (W1, W2), (b1, b2) = weights, biases
    if mistake == "np.float32":
        X, W1, W2, b1, b2 = (array.astype(np.float32) for array in (X, W1, W2, b1, b2))
    sums = [np.zeros_like(W1), np.zeros_like(W2)], [np.zeros_like(b1), np.zeros_like(b2)]
    for x, y in zip(X, Y, strict=True):
        h = 1 / (1 + np.exp(-(x @ W1 + b1)))
        e = np.exp(h @ W2 + b2)
        p = e / e.sum()
        d2 = p - y
        if mistake == "sigmoid's slope":
            d2 = d2 * p * (1 - p)
        d1 = (W2 @ d2) * h * (1 - h)
        if mistake == "slope again":
            d1 = d1 * h * (1 - h)
        sums[0][0][...] += np.outer(x, d1)
        sums[0][1][...] += np.outer(h, d2)
        sums[1][0][...] += d1
        sums[1][1][...] += d2
        if mistake == "= for +=":
            sums[1][0][...] = d1
            sums[1][1][...] = d2
        if mistake == "W = for +=":
            sums[0][0][...] = np.outer(x, d1)
            sums[0][1][...] = np.outer(h, d2)
    n = len(X) ** 2 if mistake == "mean of means" else len(X)
    sign = -1 if mistake == "y - p" else 1
    return [sign * W / n for W in sums[0]], [sign * b / n for b in sums[1]]


RELU = {"sizes": (5, 5, 5, 3), "hidden": "relu"}
SOFTMAX = {"sizes": (4, 5, 3), "output": "softmax", "loss": "cross_entropy"}
ALL = "W1 b1 W2 b2"

FAULTY = [
    Faulty(relu_regression, "gradient", "half", "factor_half", "W1 b1 W2 b2 W3 b3", 1, RELU),
    Faulty(
        relu_regression, "gradient", "where negative", "relu_derivative", "W1 b1 W2 b2", 1, RELU
    ),
    Faulty(
        relu_regression, "gradient", "W2 for its transpose", "weights_transposed", "W1 b1", 1, RELU
    ),
    Faulty(relu_regression, "gradient", "h1 for X", "activation_off_by_one_layer", "W1", 1, RELU),
    Faulty(per_sample, "gradient", "sigmoid's slope", "cross_entropy_delta", ALL, 1, SOFTMAX),
    Faulty(per_sample, "gradient", "slope again", "derivative_twice", "W1 b1", 1, SOFTMAX),
    Faulty(per_sample, "gradient", "mean of means", "mean_for_sum", ALL, 2, SOFTMAX),
    Faulty(
        per_sample, "gradient", "np.float32", "float32", "", None, SOFTMAX | {"dtype": "float64"}
    ),
    Faulty(per_sample, "gradient", "= for +=", "bias_not_summed", "b1 b2", 2, SOFTMAX),
    Faulty(per_sample, "gradient", "W = for +=", "weights_not_summed", "W1 W2", 2, SOFTMAX),
    Faulty(per_sample, "gradient", "y - p", "wrong_sign", ALL, 1, SOFTMAX),
]  # fmt: skip
