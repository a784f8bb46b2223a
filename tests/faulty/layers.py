"""A class for each layer, with a forward and a backward method; a subclass makes the mistake."""

import numpy as np

from .entry import Faulty


class Dense:
    def __init__(self, W, b):
        self.W, self.b = W, b

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, grad):
        self.dW, self.db = self.x.T @ grad, grad.sum(axis=0)
        return grad @ self.W.T

    def update(self, lr):
        self.W -= lr * self.dW
        self.b -= lr * self.db


class ForgetsB(Dense):
    def update(self, lr):
        self.W -= lr * self.dW


class ForgetsW(Dense):
    def update(self, lr):
        self.b -= lr * self.db


class UpdatesAtOnce(Dense):
    def backward(self, grad):
        super().backward(grad)
        super().update(self.lr)
        return grad @ self.W.T

    def update(self, lr):
        pass


class WithoutB(Dense):
    def forward(self, x):
        self.x = x
        return x @ self.W


class Sigmoid:
    def forward(self, z):
        self.z, self.a = z, 1 / (1 + np.exp(-z))
        return self.a

    def backward(self, grad):
        return grad * self.a * (1 - self.a)


class SigmoidTwice(Sigmoid):
    def backward(self, grad):
        return super().backward(super().backward(grad))


class SigmoidOfSigmoid(Sigmoid):
    def backward(self, grad):
        again = 1 / (1 + np.exp(-self.a))
        return grad * again * (1 - again)


class SigmoidWithoutSlope(Sigmoid):
    def backward(self, grad):
        return grad


class MeanSquaredError:
    def gradient(self, p, y):
        return (p - y) / len(y)


class SumOfSquares(MeanSquaredError):
    def gradient(self, p, y):
        return p - y


class NumPyMean(MeanSquaredError):
    def gradient(self, p, y):
        return (p - y) / p.size


class WithTwo(MeanSquaredError):
    def gradient(self, p, y):
        return 2 * (p - y) / len(y)


MISTAKES = {
    "ForgetsB": {"dense": ForgetsB},
    "ForgetsW": {"dense": ForgetsW},
    "UpdatesAtOnce": {"dense": UpdatesAtOnce},
    "WithoutB": {"dense": WithoutB},
    "SigmoidTwice": {"activation": SigmoidTwice},
    "SigmoidOfSigmoid": {"activation": SigmoidOfSigmoid},
    "SigmoidWithoutSlope": {"activation": SigmoidWithoutSlope},
    "SumOfSquares": {"error": SumOfSquares},
    "NumPyMean": {"error": NumPyMean},
    "WithTwo": {"error": WithTwo},
    None: {},
}


class Net:
    def __init__(
        self, weights, biases, dense=Dense, activation=Sigmoid, error=MeanSquaredError, lr=0
    ):
        self.layers = []
        for W, b in zip(weights, biases, strict=True):
            self.layers += [dense(W, b), activation()]
        self.loss = error()
        for layer in self.layers:
            layer.lr = lr

    def predict(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def backward(self, grad):
        for layer in reversed(self.layers):
            grad = layer.backward(grad)

    def fit(self, X, Y, lr, batch_size):
        for i in range(0, len(X), batch_size):
            y = Y[i : i + batch_size]
            self.backward(self.loss.gradient(self.predict(X[i : i + batch_size]), y))
            for layer in self.layers[::2]:
                layer.update(lr)


def batches(X, Y, weights, biases, lr, batch_size, mistake=None):
    """Sigmoid in all layers, squared error."""
    Net(weights, biases, lr=lr, **MISTAKES[mistake]).fit(X, Y, lr, batch_size)


def full(X, Y, weights, biases, lr, mistake=None):
    batches(X, Y, weights, biases, lr, len(X), mistake)


def gradient(X, Y, weights, biases, mistake=None):
    net = Net(weights, biases, **MISTAKES[mistake])
    net.backward(net.loss.gradient(net.predict(X), Y))
    dense = net.layers[::2]
    return [layer.dW for layer in dense], [layer.db for layer in dense]


def forward(X, weights, biases, mistake=None):
    return Net(weights, biases, **MISTAKES[mistake]).predict(X)


NET = {"sizes": (5, 4, 3, 2), "output": "sigmoid", "lr": 0.2, "batch_size": 10}
ALL = "W1 b1 W2 b2 W3 b3"

FAULTY = [
    Faulty(batches, "batches", "ForgetsB", "bias_not_updated", "b1 b2 b3", 1, NET),
    Faulty(batches, "batches", "UpdatesAtOnce", "weights_used_after_update", "W1 b1 W2 b2", 1, NET),
    Faulty(batches, "batches", "SigmoidTwice", "derivative_twice", ALL, 1, NET),
    Faulty(full, "full", "ForgetsW", "weights_not_updated", "W1 W2 W3", 1, NET),
    Faulty(full, "full", "SumOfSquares", "sum_for_mean", ALL, 1, NET),
    Faulty(full, "full", "WithTwo", "factor_two", ALL, 1, NET),
    Faulty(gradient, "gradient", "NumPyMean", "mean_over_outputs", ALL, 1, NET),
    Faulty(gradient, "gradient", "SigmoidOfSigmoid", "derivative_of_activation", ALL, 1, NET),
    Faulty(gradient, "gradient", "SigmoidWithoutSlope", "derivative_missing", ALL, 1, NET),
    Faulty(gradient, "gradient", "SumOfSquares", "sum_for_mean", ALL, 2, NET),
    Faulty(forward, "forward", "WithoutB", "bias_absent", "outputs", 1, NET),
]
