"""Networks of weights only: the shortest ones that are published."""

import numpy as np

from .entry import Faulty


def eleven_lines(X, y, weights, biases, lr, mistake=None):
    """Two sigmoid layers, squared error, all rows at once."""
    syn0, syn1 = weights
    l1 = 1 / (1 + np.exp(-(np.dot(X, syn0))))
    l2 = 1 / (1 + np.exp(-(np.dot(l1, syn1))))
    l2_error = (l2 - y) / (1 if mistake == "sums" else len(X))
    l2_delta = l2_error * (l2 * (1 - l2))
    back = l2_error if mistake == "l2_error for l2_delta" else l2_delta
    l1_delta = back.dot(syn1.T) * (l1 * (1 - l1))
    syn1 -= lr * l1.T.dot(l2_delta)
    syn0 -= lr * X.T.dot(l1_delta)


def hidden_errors(X, Y, weights, biases, lr, mistake=None):
    """Sigmoid layers, squared error, one column after the other."""
    wih, who = weights
    for n in range(X.shape[1]):
        inputs, targets = X[:, n : n + 1], Y[:, n : n + 1]
        hidden_outputs = 1 / (1 + np.exp(-np.dot(wih, inputs)))
        final_outputs = 1 / (1 + np.exp(-np.dot(who, hidden_outputs)))
        output_errors = (targets - final_outputs) * final_outputs * (1 - final_outputs)
        if mistake == "output - target":
            output_errors = -output_errors
        new_who = who + lr * np.dot(output_errors, hidden_outputs.T)
        if mistake == "who first":
            who = new_who
        errors = np.dot(who.T, output_errors)
        wih = wih + lr * np.dot(errors * hidden_outputs * (1 - hidden_outputs), inputs.T)
        who = new_who
    return wih, who


NET = {"sizes": (3, 4, 1), "output": "sigmoid", "lr": 0.5, "bias": False}
COLUMNS = {"sizes": (5, 4, 3), "output": "sigmoid", "lr": 0.3, "bias": False, "layout": "columns"}

FAULTY = [
    Faulty(eleven_lines, "full", "sums", "sum_for_mean", "W1 W2", 1, NET),
    Faulty(eleven_lines, "full", "l2_error for l2_delta", "derivative_missing", "W1", 1, NET),
    Faulty(hidden_errors, "online", "output - target", "wrong_sign", "W1 W2", 1, COLUMNS),
    Faulty(hidden_errors, "online", "who first", "weights_used_after_update", "W1", 1, COLUMNS),
]
