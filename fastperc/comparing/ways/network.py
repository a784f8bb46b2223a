"""The kernels of fastperc, called as `Network.train` calls them, but without its checks."""

from __future__ import annotations

import numpy as np

from ...deadline import NO_LIMIT
from ...kernels import updates
from ...kernels.arguments import LOSS, N_SUMS
from ...model import options
from ...model.evaluate import loss_and_gradient, outputs
from ...model.samples import Samples, no_order, read_only
from ...training.rules import Rule
from ...training.steps import Steps, steps_for
from ..problem import Problem
from ..runners import blocks_of


class NetworkRunner:
    """A network on one thread or more."""

    def __init__(self, problem: Problem, threads: int = 1):
        self.problem, self.threads = problem, threads
        self.model = options.check_model(
            problem.sizes, problem.hidden, problem.output, problem.loss, problem.dtype
        )
        self.steps: dict[int, Steps] = {}
        self.reset()

    def reset(self) -> None:
        self.model.theta[:] = self.problem.theta

    def train(self, n_rows: int) -> np.ndarray:
        if not self.problem.task.trains:
            self.result = self._compute(n_rows)
            return self.result
        if n_rows not in self.steps:
            self.steps[n_rows] = self._prepare(n_rows)
        steps, sums = self.steps[n_rows], np.zeros((N_SUMS, 1))
        if steps(no_order(n_rows), 0, steps.n_steps, sums) < 0:
            raise FloatingPointError("loss or parameters became infinite or NaN; use a smaller lr")
        return sums[LOSS]

    def _compute(self, n_rows: int) -> np.ndarray:
        samples = self._samples(n_rows)
        if self.problem.kind == "forward":
            return outputs(self.model, samples.X, self.threads)
        return loss_and_gradient(self.model, samples)[1]

    def _samples(self, n_rows: int) -> Samples:
        X, Y = (array[:n_rows] for array in self.problem.samples)
        return Samples(read_only(X), read_only(Y), read_only(np.empty(0, X.dtype)))

    def _prepare(self, n_rows: int) -> Steps:
        settings = np.zeros(updates.N_SETTINGS)
        settings[updates.LR] = self.problem.lr
        rule = Rule(updates.SGD, settings, self.model)
        size = min(self.problem.batch_size, n_rows)
        return steps_for(self.model, self._samples(n_rows), rule, size, self.threads, NO_LIMIT)

    def parameters(self) -> list[np.ndarray]:
        if self.problem.kind == "forward":
            return [self.result]
        vector = self.model.theta if self.problem.task.trains else self.result
        return blocks_of(vector, self.problem)
