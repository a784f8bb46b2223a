"""The right parameters after any number of steps, and how a variant is asked for its own."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

import numpy as np

from ..kernels import reference
from ..model.layout import views
from .problem import Problem
from .runners import FunctionRunner, Runner, blocks_of
from .ways.numpy import numpy_function

LOST = 1e-3  # where rounding has grown to this share of the largest parameter, the check ends


class Oracle:
    """Compute the reference's parameters after any number of steps, in float64.

    For what does not train: the outputs, or the gradient, of that many rows. A call of a training
    function starts with no velocity, and goes through its rows ``problem.epochs`` times.
    """

    def __init__(self, problem: Problem):
        self.problem = problem
        self.X, self.Y = (array.astype(np.float64) for array in problem.samples)
        self.start = problem.theta.astype(np.float64)
        if not problem.bias:
            for b in views(self.start, problem.sizes)[1]:
                b[...] = 0.0
        self.states = {0: self.start}
        self._velocities = {0: np.zeros_like(self.start)}
        self.loop = FunctionRunner(problem, numpy_function(problem))
        self._roundings: dict[int, list[float]] = {}

    @cached_property
    def single(self) -> Oracle:
        """The same in float32, for what computes in that where float64 was asked for."""
        return Oracle(replace(self.problem, dtype="float32"))

    def after(self, steps: int) -> list[np.ndarray]:
        """Return W1, b1, ... after a number of steps."""
        p = self.problem
        if not p.task.trains:
            return self._computed(steps)
        begin = max(known for known in self.states if known <= steps)
        if p.epochs > 1:
            begin = begin // p.n_steps * p.n_steps
            for first in range(begin, steps, p.n_steps):
                self._call(first, min(p.n_steps, steps - first))
        else:
            theta, velocity = self.states[begin], self._velocities[begin]
            for step in range(begin, steps):
                velocity = velocity * (step % p.n_steps > 0)
                theta, velocity = self._step(theta, velocity, step)
            self.states[steps], self._velocities[steps] = theta, velocity
        return self._blocks(self.states[steps])

    def _call(self, first: int, n_steps: int) -> None:
        """Make a call that begins after a number of steps and takes so many, several times."""
        if first + n_steps in self.states:
            return
        theta, velocity = self.states[first], np.zeros_like(self.start)
        for step in list(range(first, first + n_steps)) * self.problem.epochs:
            theta, velocity = self._step(theta, velocity, step)
        self.states[first + n_steps] = theta

    def before(self, steps: int) -> list[np.ndarray]:
        """Return W1, b1, ... before the last of these steps, or zeros for what does not train."""
        p = self.problem
        if p.task.trains:
            whole_calls = (steps - 1) // p.n_steps * p.n_steps
            return self.after(whole_calls if p.epochs > 1 else steps - 1)
        return [np.zeros_like(block) for block in self.after(steps)]

    def _blocks(self, vector: np.ndarray) -> list[np.ndarray]:
        blocks = blocks_of(vector, self.problem)
        has_all = self.problem.bias or len(blocks) < 2 * len(self.problem.sizes) - 2
        return blocks if has_all else blocks[::2]

    def _computed(self, n_rows: int) -> list[np.ndarray]:
        X, Y = self.X[:n_rows], self.Y[:n_rows]
        if self.problem.kind == "forward":
            return [reference.forward(self._model(self.start), X)[0][-1]]
        return self._blocks(self._gradient(self.start, X, Y))

    def _gradient(self, theta: np.ndarray, X: np.ndarray, Y: np.ndarray) -> np.ndarray:
        """Return the gradient of the mean loss and the penalty, laid out as ``theta``."""
        p = self.problem
        model = self._model(theta)
        gradient = reference.penalised(model, reference.gradient(model, X, Y), p.alpha)
        if not p.bias:
            for b in views(gradient, p.sizes)[1]:
                b[...] = 0.0
        return np.asarray(gradient)

    def rounding(self, steps: int, dtype: str | None = None) -> list[float]:
        """Return how far rounding takes each block of the NumPy loop in a precision."""
        if dtype not in (None, self.problem.dtype):
            return self.single.rounding(steps)
        if steps not in self._roundings:
            found = train_steps(self.problem, self.loop, steps)
            pairs = zip(found, self.after(steps), strict=True)
            self._roundings[steps] = [float(np.abs(a - b).max()) for a, b in pairs]
        return self._roundings[steps]

    def is_lost(self, steps: int, dtype: str | None = None) -> bool:
        """Return whether rounding alone has led so far away that nothing can be said any more."""
        scale = max(1.0, *(float(np.abs(block).max()) for block in self.after(steps)))
        rounding = self.rounding(steps) if dtype is None else self.rounding(steps, dtype)
        return not max(rounding) <= LOST * scale

    def _model(self, theta: np.ndarray) -> reference.Model:
        p = self.problem
        return reference.Model.from_theta(theta, p.sizes, p.activations, p.loss)

    def _step(
        self, theta: np.ndarray, velocity: np.ndarray, step: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the parameters and the velocity v = m v - lr g after a step."""
        p = self.problem
        rows = rows_of(p, step)
        velocity = p.momentum * velocity - p.lr * self._gradient(theta, self.X[rows], self.Y[rows])
        return theta + velocity, velocity


def rows_of(problem: Problem, step: int) -> slice:
    """Return the rows of a step, which counts from 0 through all epochs."""
    first = step % problem.n_steps * problem.batch_size
    return slice(first, min(first + problem.batch_size, problem.n_samples))


def train_calls(problem: Problem, runner: Runner, calls: int, rows: int) -> list[np.ndarray]:
    """Return the parameters after calls with all rows and, if not 0, one with some; or results."""
    runner.reset()
    for _ in range(calls):
        runner.train(problem.n_samples)
    if rows:
        runner.train(rows)
    return runner.parameters()


def train_steps(problem: Problem, runner: Runner, steps: int) -> list[np.ndarray]:
    """Return the parameters after some steps from the start, or what is computed for the rows."""
    epochs, rest = divmod(steps, problem.n_steps)
    return train_calls(problem, runner, epochs, rest * problem.step_rows)
