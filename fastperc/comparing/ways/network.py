"""The kernels of fastperc, called as `Network.train` calls them, but without its checks."""

from __future__ import annotations

import numpy as np

from ...deadline import NO_LIMIT
from ...kernels import updates
from ...kernels.arguments import LOSS, N_SUMS
from ...model import options
from ...model.evaluate import Objective, loss_and_gradient, outputs
from ...model.layout import views
from ...model.samples import Samples, no_order, read_only
from ...training.rules import Rule, code_of
from ...training.steps import Steps, steps_for
from ..problem import Problem


class NetworkRunner:
    """A network on one thread or more."""

    def __init__(self, problem: Problem, threads: int = 1):
        self.problem, self.threads = problem, threads
        self.model = options.check_model(
            problem.sizes, problem.hidden, problem.output, problem.loss, problem.dtype,
            problem.bias,
        )  # fmt: skip
        self.start = np.concatenate([block.reshape(-1) for block in problem.start_blocks()])
        self.steps: dict[int, Steps] = {}
        self.reset()

    def reset(self) -> None:
        self.model.theta[:] = self.start

    def train(self, n_rows: int) -> np.ndarray:
        if not self.problem.task.trains:
            self.result = self._compute(n_rows)
            return self.result
        if n_rows not in self.steps:
            self.steps[n_rows] = self._prepare(n_rows)
        steps, sums = self.steps[n_rows], np.zeros((N_SUMS, 1))
        steps.rule.state[:] = steps.rule.step_state[:] = 0  # as each call of a function begins
        for _ in range(self.problem.epochs):
            if steps(no_order(n_rows), 0, steps.n_steps, sums) < 0:
                raise FloatingPointError(
                    "loss or parameters became infinite or NaN; use a smaller lr"
                )
        return sums[LOSS]

    def _compute(self, n_rows: int) -> np.ndarray:
        samples = self._samples(n_rows)
        if self.problem.kind == "forward":
            return outputs(self.model, samples.X, self.threads)
        return loss_and_gradient(self.model, samples, Objective(self.problem.alpha))[1]

    def _samples(self, n_rows: int) -> Samples:
        X, Y = (array[:n_rows] for array in self.problem.samples)
        return Samples(read_only(X), read_only(Y), read_only(np.empty(0, X.dtype)))

    def _prepare(self, n_rows: int) -> Steps:
        settings = np.zeros(updates.N_SETTINGS)
        settings[updates.LR], settings[updates.L2] = self.problem.lr, self.problem.alpha
        settings[updates.MOMENTUM_FACTOR] = self.problem.momentum
        rule = Rule(code_of("sgd", self.problem.momentum), settings, self.model)
        size = min(self.problem.batch_size, n_rows)
        return steps_for(self.model, self._samples(n_rows), rule, size, self.threads, NO_LIMIT)

    def parameters(self) -> list[np.ndarray]:
        if self.problem.kind == "forward":
            return [self.result]
        vector = self.model.theta if self.problem.task.trains else self.result
        pairs = views(vector, self.model.sizes, self.model.bias)
        return [block.copy() for block in self.problem.form().ordered(pairs)]
