"""All rows at once: a model in a dictionary, and logistic regression."""

import numpy as np

from .entry import Faulty


def dictionary(X, Y, weights, biases, lr, mistake=None):
    """tanh, softmax and cross-entropy: forward, backward and update of a dictionary."""
    n = len(X)
    model = {"W1": weights[0], "b1": biases[0], "W2": weights[1], "b2": biases[1]}
    a1 = np.tanh(X @ model["W1"] + model["b1"])
    scores = np.exp(a1 @ model["W2"] + model["b2"])
    probs = scores / scores.sum(axis=1, keepdims=True)

    delta3 = probs.copy()
    delta3[np.arange(n), Y.argmax(axis=1)] -= 1
    if mistake == "1 / p":
        delta3 = -Y / probs
    if mistake != "sums":
        delta3 = delta3 / n
    if mistake == "/ n again":
        delta3 = delta3 / n
    slope = 1 - np.tanh(a1) ** 2 if mistake == "tanh of tanh" else 1 - a1**2
    if mistake == "slope of sigmoid":
        slope = a1 * (1 - a1)
    delta2 = delta3 @ model["W2"].T * slope
    grads = {
        "W2": a1.T @ delta3, "b2": delta3.sum(axis=0),
        "W1": X.T @ delta2, "b1": delta2.sum(axis=0),
    }  # fmt: skip
    if mistake == "regularised":
        for name in ("W1", "W2"):
            grads[name] = grads[name] + 0.01 * model[name]
    names = ["W1", "W2"] if mistake == "weights only" else model
    sign = 1 if mistake == "plus" else -1
    new = dict(model)
    for name in names:
        new[name] = model[name] + sign * lr * grads[name]
    return [new["W1"], new["W2"]], [new["b1"], new["b2"]]


def regularised(X, Y, weights, biases, lr, mistake=None):
    """The same with an L2 penalty of 0.01, which the mistake leaves out."""
    return dictionary(X, Y, weights, biases, lr, None if mistake else "regularised")


def logistic_regression(X, Y, weights, biases, lr, mistake=None):
    """One layer of sigmoid outputs, log loss."""
    W, b = weights[0], biases[0]
    p = 1 / (1 + np.exp(-(np.dot(X, W) + b)))
    dz = p - Y
    if mistake == "times the slope":
        dz = dz * p * (1 - p)
    dw = np.dot(X.T, p if mistake == "p for dz" else dz) / len(X)
    db = np.mean(dz, axis=0)
    if mistake == "db of all":
        db = np.sum(dz) / len(X)
    if mistake == "1 / (2 m)":
        dw, db = dw / 2, db / 2
    if mistake == "W = W - lr * dw":
        W = W - lr * dw
        b = b - lr * db
        return
    W -= dw if mistake == "no rate for W" else lr * dw
    b -= lr * db


SOFTMAX = {"sizes": (2, 5, 3), "hidden": "tanh", "output": "softmax", "loss": "cross_entropy",
           "n_samples": 30, "lr": 0.1}  # fmt: skip
LOGISTIC = {"sizes": (6, 3), "output": "sigmoid", "loss": "log_loss", "lr": 0.3}
PENALTY = SOFTMAX | {"alpha": 0.01}
ALL = "W1 b1 W2 b2"

FAULTY = [
    Faulty(dictionary, "full", "sums", "sum_for_mean", ALL, 1, SOFTMAX),
    Faulty(dictionary, "full", "/ n again", "mean_for_sum", ALL, 1, SOFTMAX),
    Faulty(dictionary, "full", "1 / p", "cross_entropy_delta", ALL, 1, SOFTMAX),
    Faulty(dictionary, "full", "tanh of tanh", "derivative_of_activation", "W1 b1", 1, SOFTMAX),
    Faulty(
        dictionary, "full", "slope of sigmoid", "derivative_of_another_activation", "W1 b1", 1,
        SOFTMAX,
    ),
    Faulty(dictionary, "full", "regularised", "l2_penalty", "W1 W2", 1, SOFTMAX),
    Faulty(regularised, "full", "no penalty", "penalty_missing", "W1 W2", 1, PENALTY),
    Faulty(dictionary, "full", "weights only", "bias_not_updated", "b1 b2", 1, SOFTMAX),
    Faulty(dictionary, "full", "plus", "wrong_sign", ALL, 1, SOFTMAX),
    Faulty(
        logistic_regression, "full", "times the slope", "cross_entropy_delta", "W1 b1", 1, LOGISTIC
    ),
    Faulty(logistic_regression, "full", "p for dz", "sum_for_error", "W1", 1, LOGISTIC),
    Faulty(logistic_regression, "full", "W = W - lr * dw", "not_in_place", "W1 b1", 1, LOGISTIC),
    Faulty(logistic_regression, "full", "1 / (2 m)", "factor_half", "W1 b1", 1, LOGISTIC),
    Faulty(
        logistic_regression, "full", "db of all", "bias_summed_over_units", "b1", 1, LOGISTIC
    ),
    Faulty(
        logistic_regression, "full", "no rate for W", "learning_rate_missing", "W1", 1, LOGISTIC
    ),
]  # fmt: skip
