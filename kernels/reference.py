"""The general kernels once more, in NumPy only: the oracle of the tests and the baseline of the
benchmarks.

Nothing here is fast or clever, and nothing of Numba is imported. A network is a `Model`, its
parameters lists of arrays. Formulas take complex numbers too, so that a derivative can be had by
complex step.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from .reference_rules import sgd


@dataclass
class Model:
    """A dense network.

    ``weights[l]`` has shape (n_in, n_out), ``biases[l]`` shape (n_out,); ``activations`` names one
    activation per layer, the output's last; ``loss`` names the loss. ``bias`` tells which layers
    have biases: the others' are zeros, have no place in ``theta`` and no gradient.
    """

    weights: list
    biases: list
    activations: tuple
    loss: str
    bias: tuple | None = None  # all have

    @classmethod
    def from_theta(cls, theta, sizes, activations, loss, bias=None):
        """Make the model whose parameters lie in ``theta``: layer by layer W in C order, then b."""
        weights, biases, start = [], [], 0
        has_bias = bias or (True,) * (len(sizes) - 1)
        for (n_in, n_out), has in zip(pairwise(sizes), has_bias, strict=True):
            end = start + n_in * n_out
            weights.append(theta[start:end].reshape(n_in, n_out).copy())
            biases.append(theta[end : end + n_out].copy() if has else np.zeros(n_out, theta.dtype))
            start = end + has * n_out
        return cls(weights, biases, tuple(activations), loss, bias)

    @property
    def theta(self):
        """All parameters in one vector."""
        return flatten(self.weights, self.biases, self.bias)


def flatten(weights, biases, bias=None):
    """Concatenate layer by layer W, then b where there is one, to one vector."""
    has_bias = bias or (True,) * len(weights)
    layers = zip(weights, biases, has_bias, strict=True)
    return np.concatenate([part.ravel() for W, b, has in layers for part in (W, b)[: 1 + has]])


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
    "step": lambda z: np.where(np.real(z) < 0, 0.0, 1.0),
    "sign": lambda z: np.where(np.real(z) < 0, -1.0, 1.0),
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


def perceptron(z, p, y):
    return ((p - y) * z).sum(axis=1)


LOSSES = {
    "squared_error": squared_error,
    "absolute_error": absolute_error,
    "huber": huber,
    "poisson": poisson,
    "log_loss": log_loss,
    "cross_entropy": cross_entropy,
    "hinge": hinge,
    "perceptron": perceptron,
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
        ("perceptron", "step"),
        ("perceptron", "sign"),
    }:
        return p - y
    if activation == "softmax":  # each output depends on all sums
        g = LOSS_SLOPES[loss](p, y)
        return p * (g - (g * p).sum(axis=-1, keepdims=True))
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
    return flatten(*backward(model, X, Y, weight), model.bias) / weight.sum()


# --- training ---------------------------------------------------------------------------------


def penalised(model, gradient, alpha=0.0, l1=0.0, clip=0.0, penalize_biases=False, is_frozen=False):
    """Add the penalties' ``alpha W + l1 sign(W)`` to the gradient; its norm is at most ``clip``.

    ``is_frozen`` tells, for each parameter, whether it keeps its value: its derivative becomes 0.
    """
    bends = [alpha * W + l1 * np.sign(W) for W in model.weights]
    bends_of_b = [penalize_biases * (alpha * b + l1 * np.sign(b)) for b in model.biases]
    gradient = gradient + flatten(bends, bends_of_b, model.bias)
    gradient = np.where(is_frozen, 0.0, gradient)
    norm = np.sqrt((gradient**2).sum())
    return gradient * (clip / norm) if clip and norm > clip else gradient


def train(
    model, X, Y, rule, epochs=1, batch_size=1, weight=None, order=None, decay=0.0,
    reduction="mean", frozen=(), **penalties,
):  # fmt: skip
    """Update after each batch; returns each epoch's loss, summed as samples were met.

    The gradient is the weighted mean of the batch's, or with ``reduction="sum"`` the weighted sum;
    with ``batch_size=1`` the weight is a factor of the step instead. A batch of weight 0 is passed
    over. ``decay``: by how much, times itself, each weight shrinks before a step (AdamW). ``order``
    (epochs, m): the rows of each epoch. ``frozen``: names of parameters that keep their values.
    """
    weight = np.ones(len(X), X.dtype) if weight is None else weight
    sizes = [len(W) for W in model.weights] + [len(model.biases[-1])]
    is_frozen = flatten(
        [np.full(W.shape, f"W{k}" in frozen) for k, W in enumerate(model.weights, 1)],
        [np.full(b.shape, f"b{k}" in frozen) for k, b in enumerate(model.biases, 1)],
        model.bias,
    )
    totals = []
    for epoch in range(epochs):
        rows = np.arange(len(X)) if order is None else order[epoch]
        total = 0.0
        for first in range(0, len(rows), batch_size):
            batch = rows[first : first + batch_size]
            x, y, w = X[batch], Y[batch], weight[batch]
            if w.sum() == 0:
                continue
            total += float((w * losses(model, x, y)).sum())
            gradient = flatten(*backward(model, x, y, w), model.bias)
            gradient /= 1 if batch_size == 1 or reduction == "sum" else w.sum()
            gradient = penalised(model, gradient, is_frozen=is_frozen, **penalties)
            for k, W in enumerate(model.weights, 1):
                W *= 1 - decay * (f"W{k}" not in frozen)
            theta = model.theta
            rule(theta, gradient)
            there = Model.from_theta(theta, sizes, model.activations, model.loss, model.bias)
            model.weights, model.biases = there.weights, there.biases
        totals.append(total)
    return totals


def train_online(model, X, Y, lr, epochs=1, **options):
    """Train by plain gradient descent, one update per sample; see `train`."""
    return train(model, X, Y, sgd(lr), epochs, 1, **options)


def train_batches(model, X, Y, lr, batch_size, epochs=1, **options):
    """Train by plain gradient descent, one update per batch; see `train`."""
    return train(model, X, Y, sgd(lr), epochs, batch_size, **options)


def train_fleet(
    models, X, Y, rules, epochs=1, batch_size=1, weights=None, orders=None, alphas=None, l1s=None
):
    """Train networks one after the other, each by a rule of its own; see `train`.

    ``Y`` (n, n_outputs), or one such array for each network; ``weights`` and ``orders`` one for
    each, likewise ``alphas`` and ``l1s``, the penalties. Returns the losses, (n_networks, epochs).
    """
    none = [None] * len(models)
    zeros = [0.0] * len(models)
    targets = Y if np.ndim(Y) == 3 else [Y] * len(models)
    given = models, targets, rules, weights or none, orders or none, alphas or zeros, l1s or zeros
    return np.array(
        [
            train(model, X, y, rule, epochs, batch_size, weight, order, alpha=alpha, l1=l1)
            for model, y, rule, weight, order, alpha, l1 in zip(*given, strict=True)
        ]
    )


def multiply_add(a, n):
    """Compute ``a / 2 + 1/4``, n times over, in place."""
    for _ in range(n):
        a *= 0.5
        a += 0.25
