"""The general kernels once more, in NumPy only: the oracle of the tests and the baseline of the
benchmarks.

Nothing here is fast or clever, and nothing of Numba is imported. A network is a `Model`, its
parameters lists of arrays. Formulas take complex numbers too, so that a derivative can be had by
complex step.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np


@dataclass
class Model:
    """A dense network.

    ``weights[l]`` has shape (n_in, n_out), ``biases[l]`` shape (n_out,); ``activations`` names one
    activation per layer, the output's last; ``loss`` names the loss.
    """

    weights: list
    biases: list
    activations: tuple
    loss: str

    @classmethod
    def from_theta(cls, theta, sizes, activations, loss):
        """Make the model whose parameters lie in ``theta``: layer by layer W in C order, then b."""
        weights, biases, start = [], [], 0
        for n_in, n_out in pairwise(sizes):
            end = start + n_in * n_out
            weights.append(theta[start:end].reshape(n_in, n_out).copy())
            biases.append(theta[end : end + n_out].copy())
            start = end + n_out
        return cls(weights, biases, tuple(activations), loss)

    @property
    def theta(self):
        """All parameters in one vector."""
        return flatten(self.weights, self.biases)


def flatten(weights, biases):
    """Concatenate layer by layer W, then b, to one vector."""
    return np.concatenate(
        [part.ravel() for pair in zip(weights, biases, strict=True) for part in pair]
    )


# --- activations ------------------------------------------------------------------------------


def sigmoid(z):
    positive = np.real(z) > 0
    e = np.exp(np.where(positive, -z, z))
    return np.where(positive, 1 / (1 + e), e / (1 + e))


def relu(z):
    return np.where(np.real(z) > 0, z, 0 * z)


def softmax(z):
    e = np.exp(z - np.real(z).max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def elu(z):
    below = np.where(np.real(z) > 0, 0 * z, z)  # exp never sees what would overflow
    return np.where(np.real(z) > 0, z, np.expm1(below))


def softplus(z):
    size = np.where(np.real(z) > 0, z, -z)  # |z|
    return relu(z) + np.log1p(np.exp(-size))


ACTIVATIONS = {
    "identity": lambda z: z,
    "sigmoid": sigmoid,
    "logistic": sigmoid,
    "tanh": np.tanh,
    "relu": relu,
    "leaky_relu": lambda z: np.where(np.real(z) > 0, z, 0.01 * z),
    "elu": elu,
    "softplus": softplus,
    "softmax": softmax,
    "exp": np.exp,
}

# Derivatives, as functions of the output.
SLOPES = {
    "identity": lambda a: np.ones_like(a),
    "sigmoid": lambda a: a * (1 - a),
    "logistic": lambda a: a * (1 - a),
    "tanh": lambda a: 1 - a**2,
    "relu": lambda a: (a > 0).astype(a.dtype),
    "leaky_relu": lambda a: np.where(a > 0, 1, 0.01).astype(a.dtype),
    "elu": lambda a: np.where(a > 0, 1, a + 1),
    "softplus": lambda a: -np.expm1(-a),
    "exp": lambda a: a,
}


# --- losses: of each sample, from the outputs p or, where p rounds to 0 or 1, from the sums z -----


def squared_error(z, p, y):
    return ((p - y) ** 2).sum(axis=1) / 2


def log_loss(z, p, y):
    size = np.where(np.real(z) > 0, z, -z)  # |z|
    return (relu(z) - y * z + np.log1p(np.exp(-size))).sum(axis=1)


def cross_entropy(z, p, y):
    top = np.real(z).max(axis=1, keepdims=True)
    powers, first = np.exp(z - top), np.real(z).argmax(axis=1)[:, None]
    np.put_along_axis(powers, first, np.expm1(np.take_along_axis(z - top, first, 1)), 1)  # less 1
    log_sum = np.log1p(powers.sum(axis=1, keepdims=True))
    return (y * (top - z + log_sum)).sum(axis=1)


def absolute_error(z, p, y):
    e = p - y
    return np.where(np.real(e) > 0, e, -e).sum(axis=1)


def huber(z, p, y):
    e = p - y
    size = np.where(np.real(e) > 0, e, -e)
    return np.where(np.real(size) < 1, e**2 / 2, size - 0.5).sum(axis=1)


def poisson(z, p, y):
    return (p - y + y * (np.log(np.where(y > 0, y, 1)) - np.log(p))).sum(axis=1)


def hinge(z, p, y):
    return relu(1 - y * p).sum(axis=1)


LOSSES = {
    "squared_error": squared_error,
    "absolute_error": absolute_error,
    "huber": huber,
    "poisson": poisson,
    "log_loss": log_loss,
    "cross_entropy": cross_entropy,
    "hinge": hinge,
}

# Derivatives by the outputs.
LOSS_SLOPES = {
    "squared_error": lambda p, y: p - y,
    "absolute_error": lambda p, y: np.sign(p - y),
    "huber": lambda p, y: np.clip(p - y, -1, 1),
    "poisson": lambda p, y: 1 - y / p,
    "hinge": lambda p, y: np.where(1 - y * p > 0, -y, 0),
}


def output_delta(loss, activation, p, y):
    """Compute the derivative of each sample's loss by the output layer's weighted sums."""
    if (loss, activation) in {
        ("log_loss", "sigmoid"),
        ("log_loss", "logistic"),
        ("cross_entropy", "softmax"),
        ("poisson", "exp"),
    }:
        return p - y
    return LOSS_SLOPES[loss](p, y) * SLOPES[activation](p)


# --- passes -----------------------------------------------------------------------------------


def forward(model, X):
    """Return the inputs, each layer's outputs, and the output layer's weighted sums."""
    outputs = [X]
    for W, b, name in zip(model.weights, model.biases, model.activations, strict=True):
        z = outputs[-1] @ W + b
        outputs.append(ACTIVATIONS[name](z))
    return outputs, z


def losses(model, X, Y):
    """Return the loss of each sample."""
    outputs, z = forward(model, X)
    return LOSSES[model.loss](z, outputs[-1], Y)


def mean_loss(model, X, Y, weight=None):
    """Return the (weighted) mean of the losses."""
    each = losses(model, X, Y)
    return each.mean() if weight is None else (weight * each).sum() / weight.sum()


def backward(model, X, Y, weight):
    """Return the gradients by weights and biases of ``sum(weight * losses)``."""
    outputs, _ = forward(model, X)
    delta = output_delta(model.loss, model.activations[-1], outputs[-1], Y) * weight[:, None]
    by_weights, by_biases = [], []
    for layer in reversed(range(len(model.weights))):
        by_weights.insert(0, outputs[layer].T @ delta)
        by_biases.insert(0, delta.sum(axis=0))
        if layer > 0:
            slope = SLOPES[model.activations[layer - 1]](outputs[layer])
            delta = (delta @ model.weights[layer].T) * slope
    return by_weights, by_biases


def gradient(model, X, Y, weight=None):
    """Return the gradient of `mean_loss`, laid out as `Model.theta`."""
    weight = np.ones(len(X), X.dtype) if weight is None else weight
    return flatten(*backward(model, X, Y, weight)) / weight.sum()


# --- update rules: each makes a function (theta, gradient) that changes theta in place ------------


def sgd(lr):
    def step(theta, gradient):
        theta -= lr * gradient

    return step


def momentum(lr, factor, nesterov=False):
    velocity = 0.0

    def step(theta, gradient):
        nonlocal velocity
        velocity = factor * velocity - lr * gradient
        theta += factor * velocity - lr * gradient if nesterov else velocity

    return step


def adam(lr, beta1=0.9, beta2=0.999, epsilon=1e-8):
    m = v = 0.0
    t = 0

    def step(theta, gradient):
        nonlocal m, v, t
        t += 1
        m = beta1 * m + (1 - beta1) * gradient
        v = beta2 * v + (1 - beta2) * gradient**2
        theta -= lr * (m / (1 - beta1**t)) / (np.sqrt(v / (1 - beta2**t)) + epsilon)

    return step


def rprop(lr, grow=1.2, shrink=0.5, smallest=1e-6, largest=50.0):
    before, steps = 0.0, lr

    def step(theta, gradient):
        nonlocal before, steps
        turned = np.sign(gradient * before)
        factor = np.where(turned > 0, grow, np.where(turned < 0, shrink, 1.0))
        bound = np.clip(steps * factor, smallest, largest)
        steps = np.where(turned == 0, steps, bound)
        before = np.where(turned < 0, 0.0, gradient)
        theta -= np.sign(before) * steps

    return step


# --- training ---------------------------------------------------------------------------------


def penalised(model, gradient, alpha=0.0, l1=0.0, clip=0.0):
    """Add the penalties' ``alpha W + l1 sign(W)`` to the gradient; its norm is at most ``clip``."""
    bends = [alpha * W + l1 * np.sign(W) for W in model.weights]
    gradient = gradient + flatten(bends, [np.zeros_like(b) for b in model.biases])
    norm = np.sqrt((gradient**2).sum())
    return gradient * (clip / norm) if clip and norm > clip else gradient


def train(
    model, X, Y, rule, epochs=1, batch_size=1, weight=None, order=None, decay=0.0, **penalties
):
    """Update after each batch; returns each epoch's loss, summed as samples were met.

    The gradient is the weighted mean of the batch's; with ``batch_size=1`` the weight is a factor
    of the step instead. A batch of weight 0 is passed over. ``decay``: by how much, times itself,
    each weight shrinks before a step (AdamW). ``order`` (epochs, n): each epoch's order of rows.
    """
    weight = np.ones(len(X), X.dtype) if weight is None else weight
    sizes = [len(W) for W in model.weights] + [len(model.biases[-1])]
    totals = []
    for epoch in range(epochs):
        rows = np.arange(len(X)) if order is None else order[epoch]
        total = 0.0
        for first in range(0, len(X), batch_size):
            batch = rows[first : first + batch_size]
            x, y, w = X[batch], Y[batch], weight[batch]
            if w.sum() == 0:
                continue
            total += float((w * losses(model, x, y)).sum())
            gradient = flatten(*backward(model, x, y, w)) / (1 if batch_size == 1 else w.sum())
            gradient = penalised(model, gradient, **penalties)
            for W in model.weights:
                W *= 1 - decay
            theta = model.theta
            rule(theta, gradient)
            there = Model.from_theta(theta, sizes, model.activations, model.loss)
            model.weights, model.biases = there.weights, there.biases
        totals.append(total)
    return totals


def train_online(model, X, Y, lr, epochs=1, **options):
    """Train by plain gradient descent, one update per sample; see `train`."""
    return train(model, X, Y, sgd(lr), epochs, 1, **options)


def train_batches(model, X, Y, lr, batch_size, epochs=1, **options):
    """Train by plain gradient descent, one update per batch; see `train`."""
    return train(model, X, Y, sgd(lr), epochs, batch_size, **options)


def multiply_add(a, n):
    """Compute ``a / 2 + 1/4``, n times over, in place."""
    for _ in range(n):
        a *= 0.5
        a += 0.25
