"""Take the reference's steps through a run, with a mistake in them or in their course."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...model.layout import views
from ..mistakes import RIGHT, Mistake, Schedule
from ..passes import Array, Pass
from ..problem import Problem
from ..scales import Step

Blocks = list[Array]


class Run:
    """The runs of a problem in float64: `after` some calls, each with its mistake."""

    def __init__(self, problem: Problem):
        self.problem = problem
        self.X, self.Y = (array.astype(np.float64) for array in problem.samples)
        weights, biases = views(problem.theta.astype(np.float64), problem.sizes)
        if not problem.bias:
            biases = [np.zeros_like(b) for b in biases]
        self.start = [block.copy() for pair in zip(weights, biases, strict=True) for block in pair]

    def after(self, mistake: Mistake = RIGHT, calls: int = 0, rows: int = 0) -> Blocks:
        """Return all blocks after some calls with all rows and, if not 0, one with the first."""
        blocks, p = self.start, self.problem
        if p.kind == "full" and not rows and not p.momentum and not mistake.schedule.batch:
            # What a function remembers it may remember from call to call.
            return self.steps(blocks, [np.arange(p.n_samples)] * calls, p.n_samples, mistake)
        for given in [p.n_samples] * calls + [rows] * bool(rows):
            blocks = self.call(blocks, given, mistake)
        return blocks

    def call(self, blocks: Blocks, given: int, mistake: Mistake = RIGHT) -> Blocks:
        """Return all blocks after one more call with the first rows."""
        schedule = mistake.schedule
        batches = _in_order(schedule, given, self._batch_size(schedule, given))
        batches = batches * self.problem.epochs
        return self.steps(blocks, batches, given, mistake)

    def _batch_size(self, schedule: Schedule, given: int) -> int:
        usual = given if self.problem.kind == "full" else self.problem.batch_size
        return given if schedule.batch == "all" else int(schedule.batch or usual)

    def steps(
        self, blocks: Blocks, batches: Sequence[Array], given: int, mistake: Mistake = RIGHT
    ) -> Blocks:
        """Return all blocks after a step for each batch, which is an array of rows."""
        schedule, rule = mistake.schedule, Rule(self.problem, mistake.schedule, len(blocks))
        begin = blocks
        for number, batch in enumerate(batches):
            at = begin if schedule.stale else blocks
            passes = self.pass_of(at, batch, given, mistake)
            blocks = rule.moved(blocks, passes, number)
        return blocks

    def pass_of(self, blocks: Blocks, batch: Array, given: int, mistake: Mistake = RIGHT) -> Pass:
        """Return the pass through some rows, traced."""
        step = Step.of(self.problem, len(batch), given)
        passes = Pass(
            self.problem, blocks[::2], blocks[1::2], self.X[batch], self.Y[batch], mistake.knobs,
            step,
        )  # fmt: skip
        passes.trace()
        return passes


def _in_order(schedule: Schedule, given: int, size: int) -> list[Array]:
    """Return the batches of an epoch, as arrays of rows."""
    rows = np.arange(given)
    if schedule.order == "rows reversed":
        rows = rows[::-1]
    elif isinstance(schedule.order, str) and schedule.order.startswith("out"):
        out = [int(word) for word in schedule.order.split()[1:]]
        rows = np.concatenate([np.delete(rows, out), out]).astype(int)
    batches = [rows[first : first + size] for first in range(0, given, size)]
    if schedule.order == "last left out":
        return batches[:-1]
    if schedule.order == "short left out":
        return batches[:-1] if given % size else batches
    if isinstance(schedule.order, tuple):
        return [batches[i] for i in schedule.order if i < len(batches)]
    return batches


class Rule:
    """How gradients become moves, step after step of a call."""

    def __init__(self, problem: Problem, schedule: Schedule, n_blocks: int):
        self.lr, self.schedule = problem.lr, schedule
        asked = {i: problem.momentum for i in range(n_blocks)} if problem.momentum else {}
        self.momentum = asked | schedule.momentum
        self.velocity = [0.0 * np.zeros(1)] * n_blocks

    def moved(self, blocks: Blocks, passes: Pass, number: int) -> Blocks:
        """Return the blocks after a step."""
        pairs = zip(passes.new_weights, passes.new_biases, strict=True)
        plain = [block for pair in pairs for block in pair]
        gradients = [
            g for pair in zip(passes.by_weights, passes.by_biases, strict=True) for g in pair
        ]
        rates = self.schedule.rates
        rate = rates[min(number, len(rates) - 1)] if rates else 1.0
        if not self.momentum and rate == 1.0 and not self.schedule.stale:
            return plain
        return [
            self._moved(i, block, gradient * rate, number, len(passes.X))
            for i, (block, gradient) in enumerate(zip(blocks, gradients, strict=True))
        ]

    def _moved(self, i: int, block: Array, gradient: Array, number: int, n_rows: int) -> Array:
        m = self.momentum.get(i, 0.0)
        rule = self.schedule.rule if i in self.schedule.momentum else "velocity"
        old = self.velocity[i]
        if rule == "running":
            self.velocity[i] = old + (gradient - old) / (number + 1)
            return block - self.lr * self.velocity[i]
        if rule == "sums":
            self.velocity[i] = old + gradient * n_rows
            return block - self.lr * self.velocity[i] / n_rows
        if rule == "last":
            self.velocity[i] = gradient
            return block - self.lr * (gradient + m * old)
        self.velocity[i] = m * old + (1 - m if rule == "average" else 1.0) * gradient
        if rule == "nesterov":
            return block - self.lr * (m * self.velocity[i] + gradient)
        return block - self.lr * self.velocity[i]
