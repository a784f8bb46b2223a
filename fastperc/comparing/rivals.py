"""Other libraries, on the same problem from the same start by the same steps.

They are imported when one is asked for. Each takes the steps of plain gradient descent in the order
of the rows, so that its parameters can be compared with the reference's like everybody's.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from .problem import Problem

SKLEARN_NAMES = {"sigmoid": "logistic", "tanh": "tanh", "relu": "relu", "identity": "identity"}


def sklearn_refuses(problem: Problem) -> str:
    """Why scikit-learn cannot train this."""
    if problem.hidden not in SKLEARN_NAMES:
        return f"scikit-learn has no {problem.hidden}"
    if problem.kind == "gradient":
        return "scikit-learn shows no gradient"
    heads = {("identity", "squared_error"), ("sigmoid", "log_loss")}
    if (problem.output, problem.loss) not in heads or len(problem.sizes) < 3:
        return "scikit-learn has no such output, or no network without a hidden layer"
    if problem.output == "sigmoid" and problem.sizes[-1] > 1:
        return "scikit-learn takes one probability only"
    return ""


class SklearnRunner:
    """`MLPRegressor` or `MLPClassifier` with solver sgd, no momentum, no penalty, no shuffling."""

    def __init__(self, problem: Problem):
        from sklearn.neural_network import MLPClassifier, MLPRegressor

        self.problem = problem
        self.X, self.Y = problem.samples
        kind = MLPClassifier if problem.loss == "log_loss" else MLPRegressor
        self.target = self.Y[:, 0] if problem.sizes[-1] == 1 else self.Y
        self.net = kind(
            hidden_layer_sizes=problem.sizes[1:-1], solver="sgd", alpha=0,
            activation=SKLEARN_NAMES[problem.hidden],
            batch_size=problem.batch_size, learning_rate_init=problem.lr, momentum=0,
            shuffle=False, nesterovs_momentum=False,
        )  # fmt: skip
        self._fit(min(problem.batch_size, 200))  # makes the arrays that `reset` fills
        self.reset()

    def reset(self) -> None:
        for mine, start in zip(self._arrays(), self.problem.start(), strict=True):
            for array, values in zip(mine, start, strict=True):
                array[...] = values

    def train(self, n_rows: int) -> None:
        if self.problem.kind == "forward":
            self.result = self.outputs(self.X[:n_rows]).reshape(n_rows, -1)
        else:
            self._fit(n_rows)

    def _fit(self, n_rows: int) -> None:
        classes = {"classes": [0, 1]} if self.problem.loss == "log_loss" else {}
        with warnings.catch_warnings():
            # A last batch that is smaller; and Ctrl-C, which it would take for a wish to go on.
            warnings.filterwarnings("ignore", "Got `batch_size` less than 1 or larger")
            warnings.filterwarnings("error", "Training interrupted by user")
            try:
                self.net.partial_fit(self.X[:n_rows], self.target[:n_rows], **classes)
            except UserWarning as warning:
                raise KeyboardInterrupt from warning

    def outputs(self, X: np.ndarray) -> np.ndarray:
        """Predictions as they come, of one output as a vector."""
        if self.problem.loss == "log_loss":
            return self.net.predict_proba(X)[:, 1]
        return self.net.predict(X)

    def parameters(self) -> list[np.ndarray]:
        if self.problem.kind == "forward":
            return [self.result]
        return [a.copy() for pair in zip(*self._arrays(), strict=True) for a in pair]

    def _arrays(self) -> tuple[list[np.ndarray], list[np.ndarray]]:
        return self.net.coefs_, self.net.intercepts_


HEADS: dict[str, Any] = {  # the outputs, from the last weighted sums
    "identity": lambda z: z,
    "sigmoid": lambda z: z.sigmoid(),
    "softmax": lambda z: z.softmax(dim=1),
}
LOSSES = {("identity", "squared_error"), ("sigmoid", "log_loss"), ("softmax", "cross_entropy")}
TORCH_LAYERS = {"sigmoid": "Sigmoid", "tanh": "Tanh", "relu": "ReLU", "identity": "Identity"}


def torch_refuses(problem: Problem) -> str:
    """Why the PyTorch loop here cannot train this."""
    known = problem.hidden in TORCH_LAYERS and (problem.output, problem.loss) in LOSSES
    return "" if known else "the PyTorch loop has no such network"


class TorchRunner:
    """The usual loop: forward, loss, ``backward``, ``step`` of `torch.optim.SGD`."""

    def __init__(self, problem: Problem):
        import torch

        self.problem, self.torch = problem, torch
        self.X, self.Y = (torch.from_numpy(array.copy()) for array in problem.samples)
        layers: list[Any] = []
        for n_in, n_out in zip(problem.sizes, problem.sizes[1:], strict=False):
            layers += [
                torch.nn.Linear(n_in, n_out),
                getattr(torch.nn, TORCH_LAYERS[problem.hidden])(),
            ]
        self.net: Any = torch.nn.Sequential(*layers[:-1]).to(self.X.dtype)
        self.optimizer = torch.optim.SGD(self.net.parameters(), lr=problem.lr)
        self.loss = self._loss()
        self.reset()

    def _loss(self) -> Any:
        """From a batch's last weighted sums: the mean over samples, the sum over outputs."""
        n = self.torch.nn.functional
        if self.problem.loss == "squared_error":
            return lambda z, y: ((z - y) ** 2).sum() / (2 * len(y))
        if self.problem.loss == "log_loss":
            return lambda z, y: n.binary_cross_entropy_with_logits(z, y, reduction="sum") / len(y)
        return n.cross_entropy

    def reset(self) -> None:
        with self.torch.no_grad():
            for layer, W, b in zip(self.net[::2], *self.problem.start(), strict=True):
                layer.weight.copy_(self.torch.from_numpy(W.T.copy()))
                layer.bias.copy_(self.torch.from_numpy(b))

    def train(self, n_rows: int) -> None:
        if self.problem.kind == "forward":
            self.result = self.outputs(self.problem.samples[0][:n_rows])
            return
        size = self.problem.batch_size
        for first in range(0, n_rows, size):
            rows = slice(first, min(first + size, n_rows))
            self.optimizer.zero_grad()
            self.loss(self.net(self.X[rows]), self.Y[rows]).backward()
            if self.problem.trains:
                self.optimizer.step()

    def outputs(self, X: np.ndarray) -> np.ndarray:
        """From array to array, without a record for gradients."""
        with self.torch.inference_mode():
            return HEADS[self.problem.output](self.net(self.torch.from_numpy(X))).numpy()

    def parameters(self) -> list[np.ndarray]:
        if self.problem.kind == "forward":
            return [self.result]
        pairs = [(layer.weight, layer.bias) for layer in self.net[::2]]
        tensors = [t if self.problem.trains else t.grad for pair in pairs for t in pair]
        return [t.detach().numpy().T.copy() for t in tensors]
