"""The interface of all that solves a problem: start again, take some rows, show the outcome."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from ..measuring.clock import Timed, seconds_of
from ..model.layout import views
from .problem import Problem

Array = np.ndarray
Arrays = Sequence[Array]
Blocks = tuple[list[Array], list[Array]]  # weights and biases
Function = Callable[..., object]


class Runner(Protocol):
    """A variant that is ready to work on a problem."""

    def reset(self) -> None:
        """Go back to the start."""

    def train(self, n_rows: int) -> object:
        """Train one epoch of the first ``n_rows`` samples; or compute their outputs or gradient."""

    def parameters(self) -> list[np.ndarray]:
        """Return W1, b1, W2, b2, ..., or what was computed; see `Problem.block_names`."""


class Predictor(Runner, Protocol):
    """A runner of a library that also computes the outputs of any samples."""

    def outputs(self, X: np.ndarray) -> np.ndarray:
        """Return the outputs of X (n, n_inputs)."""


def timed_prefix(runner: Runner, problem: Problem, seconds: float, least: int = 20) -> Timed:
    """Return an epoch to be timed or, of one that takes longer than ``seconds``, its first steps.

    These are whole steps, of at least ``least`` rows.
    """
    n, size = problem.n_samples, problem.step_rows
    few = min(n, -(-least // size) * size)
    trial = Timed(lambda: runner.train(few), runner.reset, few)
    per_sample = min(seconds_of(trial) for _ in range(3)) / few
    rows = max(few, min(n, int(seconds / per_sample / size) * size))
    return Timed(lambda: runner.train(rows), runner.reset, rows)


class FunctionRunner:
    """A function with the arguments that `fastperc.compare` documents."""

    def __init__(self, problem: Problem, function: Function):
        self.problem, self.function = problem, function
        self.task = problem.task
        # Copies: what a function does to its samples stays with it.
        self.X, self.Y = (array.copy() for array in problem.samples)
        self.lr = np.dtype(problem.dtype).type(problem.lr)
        self.reset()

    def reset(self) -> None:
        self.weights, self.biases = map(self._pack, self.problem.start())
        self.result: object = None

    def _pack(self, arrays: list[np.ndarray]) -> Arrays:
        # Compiled functions take tuples: a Python list would be copied in and out at each call.
        return tuple(arrays) if is_compiled(self.function) else list(arrays)

    def train(self, n_rows: int) -> None:
        given = {
            "X": self.X[:n_rows], "Y": self.Y[:n_rows], "weights": self.weights,
            "biases": self.biases, "lr": self.lr, "batch_size": self.problem.batch_size,
        }  # fmt: skip
        result = self.function(*(given[name] for name in self.task.arguments))
        if not self.task.trains:
            self.result = result
        elif result is not None:
            self.weights, self.biases = check_pair(result, len(self.problem.sizes) - 1)

    def parameters(self) -> list[np.ndarray]:
        if self.problem.kind == "forward":
            return [check_outputs(self.result)]
        pair = self.weights, self.biases
        if not self.task.trains:
            pair = check_pair(self.result, len(self.problem.sizes) - 1)
        return [np.array(array) for layer in zip(*pair, strict=True) for array in layer]


def is_compiled(function: Function) -> bool:
    """Return whether Numba compiled a function."""
    return hasattr(function, "py_func")


def check_outputs(result: object) -> np.ndarray:
    """Return the result of a ``forward`` function as an array, unless it is None."""
    if result is None:
        raise TypeError("the kernel returned None, expected the outputs, (n, n_outputs)")
    return np.array(result)


def check_pair(result: object, n_layers: int) -> tuple[Arrays, Arrays]:
    """Return the new parameters or the gradient that a function returned, if they are that."""
    if isinstance(result, (tuple, list)) and len(result) == 2:
        weights, biases = result
        if all(hasattr(r, "__len__") and len(r) == n_layers for r in (weights, biases)):
            return weights, biases
    raise TypeError(
        f"the kernel returned {type(result).__name__} {result!r:.60}, expected (weights, "
        f"biases), {n_layers} arrays each; or, if it trains in place, None"
    )


def blocks_of(vector: np.ndarray, problem: Problem) -> list[np.ndarray]:
    """Return copies of W1, b1, W2, b2, ... of a vector that is laid out as parameters are."""
    pairs = zip(*views(vector, problem.sizes), strict=True)
    return [array.copy() for pair in pairs for array in pair]
