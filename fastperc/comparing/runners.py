"""What works on a problem, behind one face: start again, take some rows, show what came of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from ..deadline import NO_LIMIT
from ..kernels import updates
from ..kernels.arguments import LOSS, N_SUMS
from ..measuring.clock import Timed, seconds_of
from ..model import options
from ..model.evaluate import loss_and_gradient, outputs
from ..model.layout import views
from ..model.samples import Samples, read_only
from ..training.rules import Rule
from ..training.steps import Steps, steps_for
from .problem import KINDS, Problem


class Runner(Protocol):
    """One variant, ready to work on a problem."""

    def reset(self) -> None:
        """Go back to the start."""

    def train(self, n_rows: int) -> object:
        """Train one epoch of the first ``n_rows`` samples; or compute their outputs or gradient."""

    def parameters(self) -> list[np.ndarray]:
        """W1, b1, W2, b2, ... as they are now, or what was computed; see `Problem.block_names`."""


def beginning(runner: Runner, problem: Problem, seconds: float, least: int = 20) -> Timed:
    """An epoch to be timed; or, if that takes longer than so many seconds, the first whole steps of
    one, of at least so many rows."""
    n, size = problem.n_samples, problem.step_rows
    few = min(n, -(-least // size) * size)
    trial = Timed(lambda: runner.train(few), runner.reset, few)
    per_sample = min(seconds_of(trial) for _ in range(3)) / few
    rows = max(few, min(n, int(seconds / per_sample / size) * size))
    return Timed(lambda: runner.train(rows), runner.reset, rows)


class FunctionRunner:
    """A function with the arguments that `fastperc.compare` documents."""

    def __init__(self, problem: Problem, function: Callable):
        self.problem, self.function = problem, function
        self.kind = KINDS[problem.kind]
        # Copies: what a function does to its samples stays with it.
        self.X, self.Y = (array.copy() for array in problem.samples)
        self.lr = np.dtype(problem.dtype).type(problem.lr)
        self.reset()

    def reset(self) -> None:
        self.weights, self.biases = map(self._pack, self.problem.start())
        self.result: Any = None

    def _pack(self, arrays: list[np.ndarray]) -> Any:
        # Compiled functions take tuples: a Python list would be copied in and out at each call.
        return tuple(arrays) if is_compiled(self.function) else list(arrays)

    def train(self, n_rows: int) -> None:
        given = {
            "X": self.X[:n_rows], "Y": self.Y[:n_rows], "weights": self.weights,
            "biases": self.biases, "lr": self.lr, "batch_size": self.problem.batch_size,
        }  # fmt: skip
        result = self.function(*(given[name] for name in self.kind.arguments))
        if not self.kind.trains:
            self.result = result
        elif result is not None:
            self.weights, self.biases = check_pair(result, len(self.problem.sizes) - 1)

    def parameters(self) -> list[np.ndarray]:
        if self.problem.kind == "forward":
            return [check_outputs(self.result)]
        pair: Any = self.weights, self.biases
        if not self.kind.trains:
            pair = check_pair(self.result, len(self.problem.sizes) - 1)
        return [np.array(array) for layer in zip(*pair, strict=True) for array in layer]


def is_compiled(function: Any) -> bool:
    """Whether Numba compiled it."""
    return hasattr(function, "py_func")


def check_outputs(result: Any) -> np.ndarray:
    """What a function of the kind ``forward`` returned."""
    if result is None:
        raise TypeError("the kernel returned None, expected the outputs, (n, n_outputs)")
    return np.array(result)


def check_pair(result: Any, n_layers: int) -> tuple[Any, Any]:
    """What a function returned: parameters that it did not change in place, or a gradient."""
    is_pair = isinstance(result, (tuple, list)) and len(result) == 2
    if not (is_pair and all(hasattr(r, "__len__") and len(r) == n_layers for r in result)):
        raise TypeError(
            f"the kernel returned {type(result).__name__} {result!r:.60}, expected (weights, "
            f"biases), {n_layers} arrays each; or, if it trains in place, None"
        )
    return result[0], result[1]


class NetworkRunner:
    """fastperc's own kernels; trains as `Network.train` does, but without its checks."""

    def __init__(self, problem: Problem, threads: int = 1):
        self.problem, self.threads = problem, threads
        self.model = options.check_model(
            problem.sizes, problem.hidden, problem.output, problem.loss, problem.dtype
        )
        self.no_order = np.empty((0, problem.n_samples), np.int64)
        self.steps: dict[int, Steps] = {}
        self.reset()

    def reset(self) -> None:
        self.model.theta[:] = self.problem.theta

    def train(self, n_rows: int) -> np.ndarray:
        if not self.problem.trains:
            self.result = self._compute(n_rows)
            return self.result
        if n_rows not in self.steps:
            self.steps[n_rows] = self._prepare(n_rows)
        steps, sums = self.steps[n_rows], np.zeros((N_SUMS, 1))
        if steps(self.no_order, 0, steps.n_steps, sums) < 0:
            raise FloatingPointError("loss or parameters became infinite or NaN; use a smaller lr")
        return sums[LOSS]

    def _compute(self, n_rows: int) -> np.ndarray:
        X, Y = (array[:n_rows] for array in self.problem.samples)
        if self.problem.kind == "forward":
            return outputs(self.model, read_only(X), self.threads)
        samples = Samples(read_only(X), read_only(Y), read_only(np.empty(0, X.dtype)))
        return loss_and_gradient(self.model, samples)[1]

    def _prepare(self, n_rows: int) -> Steps:
        X, Y = (read_only(array[:n_rows]) for array in self.problem.samples)
        samples = Samples(X, Y, read_only(np.empty(0, self.problem.dtype)))
        settings = np.zeros(updates.N_SETTINGS)
        settings[updates.LR] = self.problem.lr
        rule = Rule(updates.SGD, settings, self.model)
        size = min(self.problem.batch_size, n_rows)
        return steps_for(self.model, samples, rule, size, self.threads, NO_LIMIT)

    def parameters(self) -> list[np.ndarray]:
        if self.problem.kind == "forward":
            return [self.result]
        vector = self.model.theta if self.problem.trains else self.result
        return blocks_of(vector, self.problem)


def blocks_of(vector: np.ndarray, problem: Problem) -> list[np.ndarray]:
    """W1, b1, W2, b2, ... of a vector that is laid out as the parameters are; copies."""
    pairs = zip(*views(vector, problem.sizes), strict=True)
    return [array.copy() for pair in pairs for array in pair]
