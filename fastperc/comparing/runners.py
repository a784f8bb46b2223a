"""What trains a problem, behind one face: start again, train an epoch, show the parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from ..kernels import updates
from ..network import Network
from ..stepping import Plan, stepper
from .problem import Problem


class Runner(Protocol):
    """One variant, ready to train a problem."""

    def reset(self) -> None:
        """Go back to the start."""

    def train(self, n_rows: int) -> object:
        """Train one epoch of the first ``n_rows`` samples."""

    def parameters(self) -> list[np.ndarray]:
        """W1, b1, W2, b2, ... as they are now."""


class FunctionRunner:
    """A function with the signature that `fastperc.compare` documents."""

    def __init__(self, problem: Problem, function: Callable):
        self.problem, self.function = problem, function
        # Copies: what a function does to its samples stays with it.
        self.X, self.Y = (array.copy() for array in problem.samples)
        self.lr = np.dtype(problem.dtype).type(problem.lr)
        self.extra = (problem.batch_size,) if problem.kind == "batches" else ()
        self.reset()

    def reset(self) -> None:
        self.weights, self.biases = map(self._pack, self.problem.start())

    def _pack(self, arrays: list[np.ndarray]) -> Any:
        # Compiled functions take tuples: a Python list would be copied in and out at each call.
        return tuple(arrays) if is_compiled(self.function) else list(arrays)

    def train(self, n_rows: int) -> None:
        X, Y = self.X[:n_rows], self.Y[:n_rows]
        result = self.function(X, Y, self.weights, self.biases, self.lr, *self.extra)
        if result is not None:
            self.weights, self.biases = check_pair(result, len(self.problem.sizes) - 1)

    def parameters(self) -> list[np.ndarray]:
        pairs = zip(self.weights, self.biases, strict=True)
        return [np.array(array) for pair in pairs for array in pair]


def is_compiled(function: Any) -> bool:
    """Whether Numba compiled it."""
    return hasattr(function, "py_func")


def check_pair(result: Any, n_layers: int) -> tuple[Any, Any]:
    """What a function returned that does not change its arguments."""
    is_pair = isinstance(result, (tuple, list)) and len(result) == 2
    if not (is_pair and all(hasattr(r, "__len__") and len(r) == n_layers for r in result)):
        raise TypeError(
            f"the kernel returned {type(result).__name__} {result!r:.60}, expected None after "
            f"changing its arguments in place, or (weights, biases) of {n_layers} arrays each"
        )
    return result[0], result[1]


class NetworkRunner:
    """fastperc's own kernels, called as `Network.train` calls them but without its checks."""

    def __init__(self, problem: Problem, threads: int = 1):
        self.problem, self.threads = problem, threads
        self.net = Network(
            problem.sizes, hidden=problem.hidden, output=problem.output, loss=problem.loss,
            dtype=problem.dtype,
        )  # fmt: skip
        self.no_order = np.empty((0, problem.n_samples), np.int64)
        self.steppers: dict[int, tuple[Any, int]] = {}
        self.reset()

    def reset(self) -> None:
        self.net.theta[:] = self.problem.theta

    def train(self, n_rows: int) -> np.ndarray:
        if n_rows not in self.steppers:
            self.steppers[n_rows] = self._prepare(n_rows)
        advance, n_steps = self.steppers[n_rows]
        losses = np.zeros(1)
        if advance(self.no_order, 0, n_steps, losses) < 0:
            raise FloatingPointError("loss or parameters became infinite or NaN; use a smaller lr")
        return losses

    def _prepare(self, n_rows: int) -> tuple[Any, int]:
        X, Y = (array[:n_rows] for array in self.problem.samples)
        X.flags.writeable = Y.flags.writeable = False  # as the facade has it: compiled once
        weight = np.empty(0, self.problem.dtype)
        weight.flags.writeable = False
        rates = np.zeros(updates.N_RATES)
        rates[updates.LR] = self.problem.lr
        size = min(self.problem.batch_size, n_rows)
        plan = Plan(X, Y, weight, size, updates.SGD, rates, self.threads)
        return stepper(self.net, plan), plan.n_steps

    def parameters(self) -> list[np.ndarray]:
        return [a.copy() for p in zip(self.net.weights, self.net.biases, strict=True) for a in p]
