"""Outputs of all samples, and one gradient of them."""

import numpy as np

from .entry import Faulty


def probabilities(X, weights, biases, mistake=None):
    """relu, relu, softmax."""
    a = X
    for layer, (W, b) in enumerate(zip(weights, biases, strict=True)):
        z = a @ (W.T if mistake == "W.T" and layer == 1 else W)
        if not (mistake == "b of the last layer" and layer == 2):
            z = z + b
        a = np.maximum(z, 0)
    exps = np.exp(z)
    return exps / np.sum(exps, axis=0 if mistake == "axis 0" else 1, keepdims=True)


def two_layers(X, weights, biases, mistake=None):
    """tanh, sigmoid, sample by sample; as many hidden units as inputs."""
    (W1, W2), (b1, b2) = weights, biases
    outputs = []
    for x in X:
        h = np.tanh(np.dot(x, W1) + b1)
        z = np.dot(x if mistake == "x for h" else h, W2) + b2
        outputs.append(z if mistake == "z" else 1 / (1 + np.exp(-z)))
    return np.array(outputs)


DEEP = {"sizes": (5, 6, 6, 3), "hidden": "relu", "output": "softmax", "loss": "cross_entropy"}
SQUARE = {"sizes": (4, 4, 2), "hidden": "tanh", "output": "sigmoid", "loss": "log_loss"}

FAULTY = [
    Faulty(probabilities, "forward", "axis 0", "softmax_axis", "outputs", 1, DEEP),
    Faulty(probabilities, "forward", "W.T", "weights_transposed", "outputs", 1, DEEP),
    Faulty(probabilities, "forward", "b of the last layer", "bias_absent", "outputs", 1, DEEP),
    Faulty(two_layers, "forward", "z", "wrong_activation", "outputs", 1, SQUARE),
    Faulty(two_layers, "forward", "x for h", "activation_off_by_one_layer", "outputs", 1, SQUARE),
]
