"""The kernels of fastperc, called as `Network.train` calls them, but without its checks."""

from __future__ import annotations

import numpy as np

from ...kernels import updates
from ...network import Network
from ...training.loop import Advance
from ...training.steps import Plan, stepper
from ..problem import Problem
from ..runners import blocks_of


class NetworkRunner:
    """A `Network` on one thread or more."""

    def __init__(self, problem: Problem, threads: int = 1):
        self.problem, self.threads = problem, threads
        self.net = Network(
            problem.sizes, hidden=problem.hidden, output=problem.output, loss=problem.loss,
            dtype=problem.dtype,
        )  # fmt: skip
        self.no_order = np.empty((0, problem.n_samples), np.int64)
        self.steppers: dict[int, tuple[Advance, int]] = {}
        self.reset()

    def reset(self) -> None:
        self.net.theta[:] = self.problem.theta

    def train(self, n_rows: int) -> np.ndarray:
        if not self.problem.task.trains:
            self.result = self._compute(n_rows)
            return self.result
        if n_rows not in self.steppers:
            self.steppers[n_rows] = self._prepare(n_rows)
        advance, n_steps = self.steppers[n_rows]
        losses = np.zeros(1)
        if advance(self.no_order, 0, n_steps, losses) < 0:
            raise FloatingPointError("loss or parameters became infinite or NaN; use a smaller lr")
        return losses

    def _compute(self, n_rows: int) -> np.ndarray:
        X, Y = (array[:n_rows] for array in self.problem.samples)
        if self.problem.kind == "forward":
            return self.net.forward(X, threads=self.threads)
        return self.net.backward(X, Y)

    def _prepare(self, n_rows: int) -> tuple[Advance, int]:
        X, Y = (array[:n_rows] for array in self.problem.samples)
        X.flags.writeable = Y.flags.writeable = False  # as Network has it: compiled once
        weight = np.empty(0, self.problem.dtype)
        weight.flags.writeable = False
        rates = np.zeros(updates.N_SETTINGS)
        rates[updates.LR] = self.problem.lr
        size = min(self.problem.batch_size, n_rows)
        plan = Plan(X, Y, weight, size, updates.SGD, rates, size == 1, self.threads)
        return stepper(self.net, plan), plan.n_steps

    def parameters(self) -> list[np.ndarray]:
        if self.problem.kind == "forward":
            return [self.result]
        vector = self.net.theta if self.problem.task.trains else self.result
        return blocks_of(vector, self.problem)
