"""The interface of all that solves a problem: start again, take some rows, show the outcome."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol, cast

import numpy as np

from ..measuring.clock import Timed, seconds_of
from ..model.layout import views
from .calling import Function, call_of
from .forms import NUMBERS, in_words, read_blocks, read_outputs
from .problem import Problem

Array = np.ndarray
Arrays = Sequence[Array]  # None in the place of each bias that there is not
Blocks = tuple[list[Array], list[Array]]  # weights and biases


class Runner(Protocol):
    """A variant that is ready to work on a problem."""

    def reset(self) -> None:
        """Go back to the start."""

    def train(self, n_rows: int) -> object:
        """Train one epoch of the first ``n_rows`` samples; or compute their outputs or gradient."""

    def parameters(self) -> list[np.ndarray]:
        """Return W1, b1, W2, b2, ..., or what was computed; see `Problem.block_names`."""


class UserRunner(Runner, Protocol):
    """A runner of what belongs to the user, which may do what it should not."""

    def changed(self) -> list[str]:
        """Return which arguments the last call changed that it was only to read."""


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
    epochs = problem.epochs if problem.task.trains else 1
    return Timed(lambda: runner.train(rows), runner.reset, rows * epochs)


class FunctionRunner:
    """A function with the arguments that `fastperc.compare` documents.

    Parameters
    ----------
    problem : Problem
    function : callable
    layout : str
        Of what the function gets and gives, ``"rows"`` or ``"columns"``.
    """

    def __init__(self, problem: Problem, function: Function, layout: str = "rows"):
        self.problem, self.function = problem, function
        self.task, self.form = problem.task, problem.form(layout)
        self.positional, self.keywords = call_of(function, problem)
        # Copies: what a function does to its samples stays with it.
        self.X, self.Y = (array.copy() for array in problem.samples)
        self.n_rows, self.given = -1, (self.X, self.Y)
        self.lr = np.dtype(problem.dtype).type(problem.lr)
        self.reset()

    def reset(self) -> None:
        self._set(self.problem.start_blocks())
        self.result: object = None

    def _set(self, blocks: Sequence[Array]) -> None:
        shown = self.form.shown(blocks)
        if self.problem.bias:
            self.weights, self.biases = self._pack(shown[::2]), self._pack(shown[1::2])
        else:
            nothing = cast("list[Array]", [None] * len(shown))
            self.weights, self.biases = self._pack(shown), self._pack(nothing)

    def _pack(self, arrays: Arrays) -> Arrays:
        # Compiled functions take tuples: a Python list would be copied in and out at each call.
        return tuple(arrays) if is_compiled(self.function) else list(arrays)

    def samples(self, n_rows: int) -> tuple[Array, Array]:
        """Return the first rows of X and Y, in the function's layout."""
        if self.form.layout == "rows":
            return self.X[:n_rows], self.Y[:n_rows]
        if self.n_rows != n_rows:
            columns = (np.array(array[:n_rows].T, order="C") for array in (self.X, self.Y))
            self.n_rows, self.given = n_rows, tuple(columns)  # type: ignore[assignment]
        return self.given

    def train(self, n_rows: int) -> None:
        if self.task.trains and self.result is not None:  # goes on from what was returned
            self._take_back()
        X, Y = self.samples(n_rows)
        self.n_called = n_rows
        given = {
            "X": X, "Y": Y, "weights": self.weights, "biases": self.biases, "lr": self.lr,
            "batch_size": self.problem.batch_size,
        }  # fmt: skip
        try:
            self.result = self.function(*(given[name] for name in self.positional), **self.keywords)
        except Exception as error:
            error.add_note(f"called with X of shape {X.shape}")
            raise

    def _take_back(self) -> None:
        """Make what was returned the parameters of the next call, in the form that it gets."""
        result = self.result
        if isinstance(result, NUMBERS):  # a loss, of what trains in place
            return
        if self._is_as_given(result):  # this is on the clock, so no more is done than has to be
            self.weights, self.biases = result  # type: ignore[misc]
        else:
            self._set(self._read())
        self.result = None

    def _is_as_given(self, result: object) -> bool:
        """Return whether parameters were returned exactly as they are given."""
        return (
            isinstance(result, tuple)
            and len(result) == 2
            and all(
                type(new) is type(old)
                and len(new) == len(old)
                and all(
                    type(a) is type(b) and (a is None or a.shape == b.shape)
                    for a, b in zip(new, old, strict=True)
                )
                for new, old in zip(result, (self.weights, self.biases), strict=True)
            )
        )

    def _read(self) -> list[Array]:
        blocks = read_blocks(self.result, self.form, not self.task.trains)
        if blocks is None:
            raise TypeError(
                f"the kernel returned {in_words(self.result)}, expected {self._expected()}"
            )
        return blocks

    def _expected(self) -> str:
        n = self.form.n_layers
        arrays = f"{n} array{'s' if n > 1 else ''} each"
        if not self.task.trains:
            return f"(by_weights, by_biases), {arrays}" if self.form.bias else "by_weights"
        what = f"(weights, biases), {arrays}" if self.form.bias else "weights"
        return f"{what}; or, if it trains in place, None"

    def parameters(self) -> list[np.ndarray]:
        if self.problem.kind == "forward":
            return [self._outputs()]
        if not self.task.trains or self.has_returned:
            return [np.array(block) for block in self._read()]
        blocks = read_blocks((self.weights, self.biases), self.form)
        if blocks is None:
            raise TypeError(
                f"weights became {in_words(self.weights)} and biases {in_words(self.biases)}, "
                f"expected lists of {self.form.n_layers} arrays"
            )
        return [np.array(block) for block in blocks]

    @property
    def has_returned(self) -> bool:
        """Whether the last call returned parameters, a gradient or outputs."""
        return not (self.result is None or isinstance(self.result, NUMBERS))

    def changed(self) -> list[str]:
        """Return which arguments the last call changed that it was only to read, and restore them.

        Those are the samples and, of what does not train, the parameters.
        """
        given, rows = self.samples(self.n_called), self.problem.samples
        turned = self.form.layout == "columns"
        right = [a[: self.n_called].T if turned else a[: self.n_called] for a in rows]
        names = put_back(zip("XY", given, right, strict=True))
        if self.task.trains:
            return names
        blocks = self.form.shown(self.problem.start_blocks())
        parameters = self.form.ordered((list(self.weights), list(self.biases)))
        wrong = [
            {"W": "weights", "b": "biases"}[name[0]]
            for name, now, start in zip(self.form.names, parameters, blocks, strict=True)
            if not np.array_equal(now, start, equal_nan=True)
        ]
        return names + list(dict.fromkeys(wrong))

    def _outputs(self) -> Array:
        outputs = read_outputs(self.result, self.n_called, self.problem.sizes[-1], self.form.layout)
        if outputs is None:
            shape = "(n_outputs, n)" if self.form.layout == "columns" else "(n, n_outputs)"
            raise TypeError(
                f"the kernel returned {in_words(self.result)}, expected the outputs, {shape}"
            )
        return np.array(outputs)


def put_back(arrays: Iterable[tuple[str, Array, Array]]) -> list[str]:
    """Make each array what it was, and return the names of those that had changed."""
    names = []
    for name, array, right in arrays:
        if not np.array_equal(array, right, equal_nan=True):
            names.append(name)
            array[...] = right
    return names


def is_compiled(function: object) -> bool:
    """Return whether Numba compiled a function."""
    return hasattr(function, "py_func")


def blocks_of(vector: np.ndarray, problem: Problem) -> list[np.ndarray]:
    """Return copies of W1, b1, W2, b2, ... of a vector that is laid out as parameters are.

    Without biases, of W1, W2, ... alone.
    """
    weights, biases = views(vector, problem.sizes)
    if not problem.bias:
        return [W.copy() for W in weights]
    return [array.copy() for pair in zip(weights, biases, strict=True) for array in pair]
