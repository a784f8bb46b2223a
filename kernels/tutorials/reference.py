"""The five from-scratch systems as plain Python and NumPy loops: oracle and baseline.

Each function does, sample by sample or batch by batch, the arithmetic of one tutorial, without its
printing. The compiled twins are in ``tutorials.py`` (and, for the general network, ``batch.py``).
``as_published`` selects a tutorial's own formula where that formula is not the gradient.
"""

import numpy as np


def sigmoid(z):
    """Compute 1 / (1 + exp(-z))."""
    return 1 / (1 + np.exp(-z))


def linear_unit_forward(weights, X1, X2, Y):
    """Return predictions w1 X1 + w2 X2 + bias of all samples, and the sum of squared errors."""
    w1, w2, bias = weights
    predictions, sse = [], 0
    for i in range(len(Y)):
        predictions.append(w1 * X1[i] + w2 * X2[i] + bias)
        sse += (predictions[i] - Y[i]) ** 2
    return predictions, sse


def linear_unit_update(weights, X1, X2, Y, predictions, lr):
    """Update once per sample, w_k -= lr 2 (p - y) X_k, from predictions made beforehand."""
    w1, w2, bias = weights
    for i in range(len(Y)):
        by_w1 = 2 * (predictions[i] - Y[i]) * X1[i]
        by_w2 = 2 * (predictions[i] - Y[i]) * X2[i]
        by_bias = 2 * (predictions[i] - Y[i])
        w1, w2, bias = w1 - lr * by_w1, w2 - lr * by_w2, bias - lr * by_bias
    return w1, w2, bias


def linear_unit_published_update(weights, X1, X2, Y, predictions, lr):
    """Update with the published (p - y)^2 in place of the slope 2 (p - y)."""
    w1, w2, bias = weights
    for i in range(len(Y)):
        by_w1 = (predictions[i] - Y[i]) ** 2 * X1[i]
        by_w2 = (predictions[i] - Y[i]) ** 2 * X2[i]
        by_bias = (predictions[i] - Y[i]) ** 2
        w1, w2, bias = w1 - lr * by_w1, w2 - lr * by_w2, bias - lr * by_bias
    return w1, w2, bias


def train_linear_unit(X1, X2, Y, epochs, lr, as_published=False):
    """Return the last epoch's predictions and the weights, from ``RandomState(123).randn(3)``."""
    update = linear_unit_published_update if as_published else linear_unit_update
    weights = tuple(np.random.RandomState(123).randn(3))
    for _ in range(epochs):
        predictions, _sse = linear_unit_forward(weights, X1, X2, Y)
        weights = update(weights, X1, X2, Y, predictions, lr)
    return np.array(predictions), np.array(weights)


def train_chain(X, y, epochs, lr=0.01):
    """Train the network p = w3 (w1 x1 + w2 x2 + b1) + b2, one update per sample.

    Returns the trace, (epochs * n_samples, 7): loss (y - p)^2, p, then w1 w2 w3 b1 b2 afterwards.
    """
    w1, w2, w3, b1, b2 = 1, 1, 1, 0, 0
    trace = []
    for _ in range(epochs):
        for n, (x1, x2) in enumerate(X):
            target = y[n : n + 1]
            h = w1 * x1 + w2 * x2 + b1
            p = w3 * h + b2
            slope = -2 * (target - p)
            slope_h = slope * w3
            w1, w2, b1 = w1 - lr * (slope_h * x1), w2 - lr * (slope_h * x2), b1 - lr * slope_h
            w3, b2 = w3 - lr * (slope * h), b2 - lr * slope
            trace.append([(target - p) ** 2, p, w1, w2, w3, b1, b2])
    return np.array([[np.asarray(v).item() for v in row] for row in trace])


def train_sigmoid_unit(X, Y, weights, rounds):
    """Train one sigmoid unit without bias by the delta rule, all samples per round.

    X (n, d), Y (n, 1), weights (d, 1). Returns the weights and the last round's outputs (n, 1).
    """
    weights = weights.copy()
    for _ in range(rounds):
        p = sigmoid(np.dot(X, weights))
        delta = (Y - p) * (p * (1 - p))
        weights += np.dot(X.T, delta)
    return weights, p


def train_sigmoid_layers(X, Y, weights1, weights2, rounds):
    """Train two sigmoid layers without biases by the delta rule, all samples per round.

    X (n, d), Y (n, k), weights1 (d, h), weights2 (h, k). Returns both and the last outputs (n, k).
    """
    weights1, weights2 = weights1.copy(), weights2.copy()
    for _ in range(rounds):
        hidden = sigmoid(np.dot(X, weights1))
        p = sigmoid(np.dot(hidden, weights2))
        delta = (Y - p) * (p * (1 - p))
        delta_hidden = np.dot(delta, weights2.T) * (hidden * (1 - hidden))
        weights1 += np.dot(X.T, delta_hidden)
        weights2 += np.dot(hidden.T, delta)
    return weights1, weights2, p


def regression_gradient(X, Y, w1, b1, w2, b2, as_published=False):
    """Compute the gradient of mean((Y - p)^2), p = sigmoid(X w1 + b1) w2 + b2: w1 b1 w2 b2.

    X (n, d), Y (n, k), w1 (d, h), b1 (1, h), w2 (h, k), b2 (1, k). As published, the weight
    gradients are sums over the batch while the bias gradients stay means.
    """
    hidden = sigmoid(np.dot(X, w1) + b1)
    residual = Y - (np.dot(hidden, w2) + b2)
    # Every link of the chain rule is kept, also those that are ones, as a from-scratch loop does.
    by_output = 2 * residual * -1
    by_product = by_output * np.ones_like(residual)
    by_hidden = np.dot(by_product, w2.T)
    by_sum = by_hidden * (hidden * (1 - hidden)) * np.ones_like(hidden)
    share = 1 if as_published else len(X)
    return (
        np.dot(X.T, by_sum) / share,
        np.mean(by_sum * np.ones_like(b1), axis=0, keepdims=True),
        np.dot(hidden.T, by_product) / share,
        np.mean(by_output * np.ones_like(b2), axis=0, keepdims=True),
    )


def train_regression(X, Y, params, lr, epochs, batch_size, as_published=False):
    """Train by mini-batch descent on ``regression_gradient``, batches in the order of the rows."""
    params = [p.copy() for p in params]
    for _ in range(epochs):
        for start in range(0, len(X), batch_size):
            batch = slice(start, start + batch_size)
            gradient = regression_gradient(X[batch], Y[batch], *params, as_published)
            for p, g in zip(params, gradient, strict=True):
                p -= lr * g
    return params


def classifier_gradient(X, Y, W1, b1, W2, b2):
    """Compute mean log loss of sigmoid(relu(X W1 + b1) W2 + b2), and its gradient: W1 b1 W2 b2.

    X (n, d), Y (n, k) of 0 and 1, W1 (d, h), b1 (h,), W2 (h, k), b2 (k,).
    """
    hidden = np.maximum(0, np.dot(X, W1) + b1)
    p = sigmoid(np.dot(hidden, W2) + b2)
    loss = -1 / len(Y) * np.sum(np.log(p) * Y + np.log(1 - p) * (1 - Y))
    delta = p - Y
    delta_hidden = np.dot(delta, W2.T) * (hidden > 0)
    gradient = (
        np.dot(X.T, delta_hidden) / len(X),
        np.sum(delta_hidden, axis=0) / len(X),
        np.dot(hidden.T, delta) / len(X),
        np.sum(delta, axis=0) / len(X),
    )
    return loss, gradient


def train_classifier(X, Y, params, lr, iterations):
    """Train by full-batch descent on ``classifier_gradient``; return parameters and losses."""
    params = [p.copy() for p in params]
    losses = []
    for _ in range(iterations):
        loss, gradient = classifier_gradient(X, Y, *params)
        losses.append(loss)
        for p, g in zip(params, gradient, strict=True):
            p -= lr * g
    return params, losses
