"""Each task in scikit-learn: its multi-layer perceptrons, by the steps of plain gradient descent.

It is imported when it is asked for, as all other libraries are.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from ..problem import Problem

ACTIVATIONS = {"sigmoid": "logistic", "tanh": "tanh", "relu": "relu", "identity": "identity"}


def sklearn_refuses(problem: Problem) -> str:
    """Return why scikit-learn cannot do this, or nothing."""
    if problem.hidden not in ACTIVATIONS:
        return f"scikit-learn has no {problem.hidden}"
    if problem.kind == "gradient":
        return "scikit-learn shows no gradient"
    heads = {("identity", "squared_error"), ("sigmoid", "log_loss")}
    if (problem.output, problem.loss) not in heads or len(problem.sizes) < 3:
        return "scikit-learn has no such output, or no network without a hidden layer"
    if problem.output == "sigmoid" and problem.sizes[-1] > 1:
        return "scikit-learn takes one probability only"
    return ""


@contextmanager
def interruptible() -> Iterator[None]:
    """Let Ctrl-C through, after which scikit-learn would only warn and return."""
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "Training interrupted by user")
        try:
            yield
        except UserWarning as warning:
            raise KeyboardInterrupt from warning


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
            activation=ACTIVATIONS[problem.hidden],
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
        with interruptible():
            warnings.filterwarnings("ignore", "Got `batch_size` less than 1 or larger")  # the last
            self.net.partial_fit(self.X[:n_rows], self.target[:n_rows], **classes)

    def outputs(self, X: np.ndarray) -> np.ndarray:
        """Return predictions; those of a single output are a vector."""
        if self.problem.loss == "log_loss":
            return self.net.predict_proba(X)[:, 1]
        return self.net.predict(X)

    def parameters(self) -> list[np.ndarray]:
        if self.problem.kind == "forward":
            return [self.result]
        return [a.copy() for pair in zip(*self._arrays(), strict=True) for a in pair]

    def _arrays(self) -> tuple[list[np.ndarray], list[np.ndarray]]:
        return self.net.coefs_, self.net.intercepts_
