"""Mini-batches of rows in NumPy: a classifier with softmax, and a regression."""

import numpy as np

from .entry import Faulty


def softmax(z, axis=1):
    e = np.exp(z - z.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def classifier(X, Y, weights, biases, lr, batch_size, mistake=None):
    """relu, softmax and cross-entropy; arrays are changed in place."""
    W1, W2 = weights
    b1, b2 = biases
    n = len(X)
    if mistake == "whole batches only":
        n = n // batch_size * batch_size
    total = {"W1": 0, "b1": 0, "W2": 0, "b2": 0}
    for start in range(0, n, batch_size):
        xb, yb = X[start : start + batch_size], Y[start : start + batch_size]
        z1 = xb @ W1 + b1
        a1 = np.maximum(z1, 0)
        p = softmax(a1 @ W2 + b2, axis=0 if mistake == "axis 0" else 1)

        dz2 = p - yb
        if mistake == "times p (1 - p)":
            dz2 = dz2 * p * (1 - p)
        size = batch_size if mistake == "/ batch_size" else len(xb)
        if mistake != "no division":
            dz2 = dz2 / size
        dz1 = dz2 @ W2.T
        if mistake != "relu is linear":
            dz1 = dz1 * (z1 > 0)

        unit_sums = mistake == "np.sum(dz)"
        gradients = {
            "W1": xb.T @ dz1,
            "b1": np.sum(dz1) if unit_sums else np.sum(dz1, axis=0),
            "W2": a1.T @ dz2,
            "b2": np.sum(dz2) if unit_sums else np.sum(dz2, axis=0),
        }
        if mistake != "+= without = 0":
            total = dict.fromkeys(total, 0)
        for name, array in (("W1", W1), ("b1", b1), ("W2", W2), ("b2", b2)):
            total[name] = total[name] + gradients[name]
            array -= lr * total[name]


def regression(X, Y, weights, biases, lr, batch_size, mistake=None):
    """Sigmoid, identity and squared error; new arrays are returned."""
    (W1, W2), (b1, b2) = weights, biases
    if mistake == "5 rows":
        batch_size = 5
    batches = [slice(i, i + batch_size) for i in range(0, len(X), batch_size)]
    start = W1, b1, W2, b2
    previous = [0, 0, 0, 0]
    for batch in batches:
        x, y = X[batch], Y[batch]
        V1, c1, V2, c2 = start if mistake == "weights of the start" else (W1, b1, W2, b2)
        h = 1 / (1 + np.exp(-(x @ V1 + c1)))
        out = h @ V2 if mistake == "no b2 forward" else h @ V2 + c2
        d_out = (out - y) / (y.size if mistake == "np.mean" else len(x))
        slope = 1 - h**2 if mistake == "slope of tanh" else h * (1 - h)
        d_h = d_out @ V2.T * slope
        steps = [
            -lr * x.T @ d_h,
            -lr * d_h.sum(0),
            -lr * h.T @ d_out,
            -lr * d_out.sum(0),
        ]
        if mistake == "weight decay":
            steps[0] = steps[0] - lr * 0.01 * W1
            steps[2] = steps[2] - lr * 0.01 * W2
        if mistake == "sign of weights":
            steps[0] = steps[0] - lr * 0.01 * np.sign(W1)
            steps[2] = steps[2] - lr * 0.01 * np.sign(W2)
        if mistake == "half the last step":
            steps = [step + 0.5 * last for step, last in zip(steps, previous, strict=True)]
        previous = steps
        W1, b1, W2, b2 = W1 + steps[0], b1 + steps[1], W2 + steps[2], b2 + steps[3]
    return (W1, W2), (b1, b2)


SOFTMAX = {"sizes": (6, 8, 3), "hidden": "relu", "output": "softmax", "loss": "cross_entropy",
           "batch_size": 8, "n_samples": 28, "lr": 0.1}  # fmt: skip
REGRESSION = {"sizes": (4, 6, 3), "batch_size": 10, "n_samples": 34, "lr": 0.2}
ALL = "W1 b1 W2 b2"

FAULTY = [
    Faulty(classifier, "batches", "no division", "sum_for_mean", ALL, 1, SOFTMAX),
    Faulty(classifier, "batches", "/ batch_size", "last_batch_full_size", ALL, 4, SOFTMAX),
    Faulty(classifier, "batches", "whole batches only", "last_batch_dropped", ALL, 4, SOFTMAX),
    Faulty(classifier, "batches", "+= without = 0", "gradients_not_cleared", ALL, 2, SOFTMAX),
    Faulty(classifier, "batches", "axis 0", "softmax_axis", ALL, 1, SOFTMAX),
    Faulty(classifier, "batches", "times p (1 - p)", "cross_entropy_delta", ALL, 1, SOFTMAX),
    Faulty(classifier, "batches", "relu is linear", "derivative_missing", "W1 b1", 1, SOFTMAX),
    Faulty(classifier, "batches", "np.sum(dz)", "bias_summed_over_units", "b1 b2", 1, SOFTMAX),
    Faulty(regression, "batches", "np.mean", "mean_over_outputs", ALL, 1, REGRESSION),
    Faulty(regression, "batches", "no b2 forward", "bias_absent", ALL, 1, REGRESSION),
    Faulty(
        regression, "batches", "slope of tanh", "derivative_of_another_activation", "W1 b1", 1,
        REGRESSION,
    ),
    Faulty(regression, "batches", "weight decay", "l2_penalty", "W1 W2", 1, REGRESSION),
    Faulty(regression, "batches", "sign of weights", "l1_penalty", "W1 W2", 1, REGRESSION),
    Faulty(regression, "batches", "5 rows", "batch_of_another_size", ALL, 1, REGRESSION),
    Faulty(
        regression, "batches", "weights of the start", "parameters_of_the_start", ALL, 2, REGRESSION
    ),
    Faulty(regression, "batches", "half the last step", "momentum", ALL, 2, REGRESSION),
]  # fmt: skip
