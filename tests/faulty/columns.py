"""One sample per column, as in many courses: W is (n_out, n_in), b is (n_out, 1)."""

import numpy as np

from .entry import Faulty


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def sigmoid_prime(z):
    return sigmoid(z) * (1 - sigmoid(z))


def forward_propagation(X, parameters):
    A1 = np.tanh(np.dot(parameters["W1"], X) + parameters["b1"])
    A2 = sigmoid(np.dot(parameters["W2"], A1) + parameters["b2"])
    return {"A1": A1, "A2": A2}


def backward_propagation(parameters, cache, X, Y, mistake):
    m = X.shape[1]
    A1, A2 = cache["A1"], cache["A2"]
    if mistake == "m = 1":
        m = 1
    if mistake == "m * m":
        m = m * m
    dZ2 = A2 - Y
    if mistake == "dA2":
        dZ2 = -Y / A2 + (1 - Y) / (1 - A2)
    slope = 1 - np.power(A1, 2)
    if mistake == "no tanh'":
        slope = 1
    if mistake == "relu'":
        slope = A1 > 0
    error = dZ2 if mistake == "dZ2 for dA1" else np.dot(parameters["W2"].T, dZ2)
    dZ1 = error * slope
    keep = {} if mistake == "np.sum(dZ)" else {"axis": 1, "keepdims": True}
    return {
        "dW1": np.dot(dZ1, X.T) / m,
        "db1": np.sum(dZ1, **keep) / m,
        "dW2": np.dot(dZ2, A1.T) / m,
        "db2": np.sum(dZ2, **keep) / m,
    }


def classifier(X, Y, weights, biases, lr, mistake=None):
    """tanh, sigmoid and log loss; parameters and gradients are dictionaries."""
    parameters = {"W1": weights[0], "b1": biases[0], "W2": weights[1], "b2": biases[1]}
    cache = forward_propagation(X, parameters)
    grads = backward_propagation(parameters, cache, X, Y, mistake)
    if mistake == "b1 - lr * b1":
        grads["db1"] = parameters["b1"]
    sign = 1 if mistake == "+ lr * dW" else -1
    for name in parameters:
        parameters[name] = parameters[name] + sign * lr * grads["d" + name]
    return [parameters["W1"], parameters["W2"]], [parameters["b1"], parameters["b2"]]


def gradient(X, Y, weights, biases, mistake=None):
    parameters = {"W1": weights[0], "b1": biases[0], "W2": weights[1], "b2": biases[1]}
    cache = forward_propagation(X, parameters)
    grads = backward_propagation(parameters, cache, X, Y, mistake)
    return [grads["dW1"], grads["dW2"]], [grads["db1"], grads["db2"]]


class Network:
    """Sigmoid layers and squared error, trained in mini-batches, a sample at a time."""

    def __init__(self, weights, biases, mistake=None):
        self.weights, self.biases, self.mistake = weights, biases, mistake
        self.nabla_b = [np.zeros(b.shape) for b in biases]
        self.nabla_w = [np.zeros(w.shape) for w in weights]

    def SGD(self, data, mini_batch_size, eta):
        for k in range(0, len(data), mini_batch_size):
            mini_batch = data[k : k + mini_batch_size]
            if self.mistake != "nabla kept":
                self.nabla_b = [np.zeros(b.shape) for b in self.biases]
                self.nabla_w = [np.zeros(w.shape) for w in self.weights]
            self.update_mini_batch(
                mini_batch, eta, mini_batch_size if self.mistake == "full size" else len(mini_batch)
            )

    def update_mini_batch(self, mini_batch, eta, size):
        for x, y in mini_batch:
            delta_b, delta_w = self.backprop(x, y)
            self.nabla_b = [a + d for a, d in zip(self.nabla_b, delta_b, strict=True)]
            self.nabla_w = [a + d for a, d in zip(self.nabla_w, delta_w, strict=True)]
        if self.mistake == "eta only":
            size = 1
        if self.mistake == "eta * eta":
            eta = eta * eta
        decay = 0.02 * eta if self.mistake == "lambda" else 0
        self.weights = [
            (1 - decay) * w - eta / size * nw
            for w, nw in zip(self.weights, self.nabla_w, strict=True)
        ]
        self.biases = [b - eta / size * nb for b, nb in zip(self.biases, self.nabla_b, strict=True)]

    def backprop(self, x, y):
        activation, activations, zs = x, [x], []
        for b, w in zip(self.biases, self.weights, strict=True):
            zs.append(np.dot(w, activation) + b)
            activation = sigmoid(zs[-1])
            activations.append(activation)
        at = activations[1:] if self.mistake == "sigmoid_prime(activation)" else zs
        delta = activations[-1] - y
        if self.mistake != "cost without prime":
            delta = delta * sigmoid_prime(at[-1])
        deltas = [delta]
        for l in range(2, len(self.weights) + 1):
            delta = np.dot(self.weights[-l + 1].T, delta) * sigmoid_prime(at[-l])
            if self.mistake == "prime again":
                delta = delta * sigmoid_prime(at[-l])
            deltas.insert(0, delta)
        inputs = activations[1:] if self.mistake == "activations[-l]" else activations[:-1]
        if self.mistake == "activations[-l]":
            inputs[-1] = activations[-2]
        return deltas, [np.dot(d, a.T) for d, a in zip(deltas, inputs, strict=True)]


def mini_batches(X, Y, weights, biases, lr, batch_size, mistake=None):
    net = Network(weights, biases, mistake)
    data = [(X[:, n : n + 1], Y[:, n : n + 1]) for n in range(X.shape[1])]
    net.SGD(data, batch_size, lr)
    return net.weights, net.biases


def per_sample(X, Y, weights, biases, lr, mistake=None):
    return mini_batches(X, Y, weights, biases, lr, 1, mistake)


def softmax_outputs(X, weights, biases, mistake=None):
    """relu and softmax."""
    Z1 = weights[0] @ X + biases[0]
    A1 = np.maximum(0, Z1)
    Z2 = weights[1] @ A1 if mistake == "no b2" else weights[1] @ A1 + biases[1]
    e = np.exp(Z2 - Z2.max(axis=0))
    return e / e.sum(axis=1, keepdims=True) if mistake == "axis 1" else e / e.sum(axis=0)


COURSE = {"sizes": (4, 5, 1), "hidden": "tanh", "output": "sigmoid", "loss": "log_loss",
          "n_samples": 20, "lr": 0.5, "layout": "columns"}  # fmt: skip
TWO = COURSE | {"sizes": (4, 5, 2)}
BOOK = {"sizes": (4, 4, 4, 3), "output": "sigmoid", "n_samples": 16, "batch_size": 6, "lr": 0.5,
        "layout": "columns"}  # fmt: skip
OUTPUTS = {"sizes": (5, 6, 3), "hidden": "relu", "output": "softmax", "loss": "cross_entropy",
           "layout": "columns"}  # fmt: skip
ALL = "W1 b1 W2 b2"
DEEP = "W1 b1 W2 b2 W3 b3"

FAULTY = [
    Faulty(classifier, "full", "m = 1", "sum_for_mean", ALL, 1, COURSE),
    Faulty(classifier, "full", "m * m", "mean_for_sum", ALL, 1, TWO),
    Faulty(classifier, "full", "no tanh'", "derivative_missing", "W1 b1", 1, COURSE),
    Faulty(classifier, "full", "relu'", "derivative_of_another_activation", "W1 b1", 1, TWO),
    Faulty(classifier, "full", "np.sum(dZ)", "bias_summed_over_units", "b1 b2", 1, TWO),
    Faulty(classifier, "full", "b1 - lr * b1", "bias_updated_by_itself", "b1", 1, COURSE),
    Faulty(classifier, "full", "+ lr * dW", "wrong_sign", ALL, 1, COURSE),
    Faulty(classifier, "full", "dZ2 for dA1", "error_of_wrong_layer", "W1 b1", 1, COURSE),
    Faulty(gradient, "gradient", "dA2", "cross_entropy_delta", ALL, 1, TWO),
    Faulty(gradient, "gradient", "np.sum(dZ)", "bias_summed_over_units", "b1", 1, COURSE),
    Faulty(mini_batches, "batches", "nabla kept", "gradients_not_cleared", DEEP, 2, BOOK),
    Faulty(mini_batches, "batches", "full size", "last_batch_full_size", DEEP, 3, BOOK),
    Faulty(mini_batches, "batches", "eta only", "sum_for_mean", DEEP, 1, BOOK),
    Faulty(mini_batches, "batches", "eta * eta", "learning_rate_twice", DEEP, 1, BOOK),
    Faulty(mini_batches, "batches", "lambda", "l2_penalty", "W1 W2 W3", 1, BOOK),
    Faulty(
        mini_batches, "batches", "sigmoid_prime(activation)", "derivative_of_activation", DEEP, 1,
        BOOK,
    ),
    Faulty(per_sample, "online", "cost without prime", "derivative_missing", DEEP, 1, BOOK),
    Faulty(per_sample, "online", "prime again", "derivative_twice", "W1 b1 W2 b2", 1, BOOK),
    Faulty(
        per_sample, "online", "activations[-l]", "activation_off_by_one_layer", "W1 W2", 1, BOOK
    ),
    Faulty(softmax_outputs, "forward", "axis 1", "softmax_axis", "outputs", 1, OUTPUTS),
    Faulty(softmax_outputs, "forward", "no b2", "bias_absent", "outputs", 1, OUTPUTS),
]  # fmt: skip
