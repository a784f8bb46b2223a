"""Check whether a variant takes the reference's steps, and find the first that it does not.

A step's mistake is in its gradient, and a step that starts from right parameters shows which
block's gradient is wrong. So the question is not how far the ends are apart but which step is the
first wrong one. It is found from outside, by training ever longer beginnings of the run: 1, 2, 4,
... steps, then, between the last right and the first wrong length, by halving. What does not train
is asked for the outputs, or the gradient, of as many rows instead.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import partial
from time import perf_counter

import numpy as np

from .blocks import STOOD, compare_block, is_near, is_single, note_on, with_meaning
from .causes import CAUSES, likely_cause
from .causes.likely import SECONDS
from .finding import Finding, WrongBlock, WrongStep
from .oracle import Oracle, rows_of, train_calls, train_steps
from .problem import Problem
from .runners import Runner
from .scales import Step

__all__ = [
    "Finding",
    "Oracle",
    "WrongBlock",
    "WrongStep",
    "check",
    "compare_block",
    "is_near",
    "note_on",
    "train_steps",
]

# How far rounding may take a parameter: this many units of the last place per step, as a random
# walk; or, where training makes differences grow, this many times as far as in the NumPy loop.
ROUNDINGS = 16
SHARE = 32
EPOCHS_OF_FULL = 20  # one epoch is only one step there
LEAST = 2  # steps or rows: of one, a sum and a mean are the same


def tolerance(dtype: str, steps: int, scale: float) -> float:
    """Return how far rounding may take parameters of this size in a number of steps."""
    return ROUNDINGS * float(np.finfo(dtype).eps) * scale * math.sqrt(steps)


@np.errstate(all="ignore")
def check(
    problem: Problem, runner: Runner, seconds: float = 3.0, oracle: Oracle | None = None,
    within: float = math.inf,
) -> Finding:  # fmt: skip
    """Find the first wrong step, among as many as fit into the time.

    At least two steps are checked, and an epoch at most (`EPOCHS_OF_FULL` of one step): what cannot
    take two ``within`` a time is too slow to be checked. Training that makes differences grow, as
    too large a learning rate does, is checked until rounding takes over. What computes in float32
    though it got float64 is judged by what float32 can do. Several variants of a problem may share
    the oracle, which computes the right steps once.
    """
    begin = perf_counter()
    judge = Judge(problem, runner, oracle or Oracle(problem))
    limit = EPOCHS_OF_FULL if problem.kind == "full" else problem.n_steps
    right = 0
    judge.wrong_blocks(1)  # what has to be compiled, is
    judge.recognise_single()
    compiled = perf_counter()
    while right < limit and (right < LEAST or 3 * (perf_counter() - compiled) < seconds):
        if right and right < LEAST and 3 * perf_counter() - compiled - 2 * begin > within:
            return Finding(right, judge.dtype, counts=problem.task.counts, too_slow=True)
        steps = min(max(1, 2 * right), limit)
        if not judge.wrong_blocks(steps):
            right = steps
        elif judge.is_lost(steps):
            limit = judge.last_kept(right, steps)
        else:
            return judge.narrow_down(right, steps, begin + within)
    return judge.differences(right)


@dataclass
class Judge:
    """Judge a variant: ``dtype`` is the precision that it is measured by."""

    problem: Problem
    runner: Runner
    oracle: Oracle
    dtype: str = ""

    def __post_init__(self) -> None:
        self.dtype = self.dtype or self.problem.dtype

    @property
    def is_single(self) -> bool:
        """Return whether it computes in float32 though it was given float64."""
        return self.dtype != self.problem.dtype

    def recognise_single(self) -> None:
        """See whether it computes in float32 though it was given float64."""
        p = self.problem
        n = 1 if p.task.trains else min(LEAST, p.n_samples)
        wrong = {block.name for block in self.wrong_blocks(n)} if p.dtype == "float64" else set()
        found, right = train_steps(p, self.runner, n), self.oracle.after(n)
        lr = p.lr if p.task.trains else 1.0
        blocks = zip(p.block_names, found, right, self.oracle.before(n), strict=True)
        if wrong and all(is_single(f, e, b, lr) for name, f, e, b in blocks if name in wrong):
            self.dtype = "float32"

    def wrong_blocks(self, steps: int) -> list[WrongBlock]:
        """Return the blocks that are wrong after a number of steps."""
        return wrong_blocks(self.problem, self.runner, self.oracle, steps, self.dtype)

    def is_lost(self, steps: int) -> bool:
        """Return whether rounding alone has led too far away."""
        return self.oracle.is_lost(steps, self.dtype)

    def last_kept(self, kept: int, lost: int) -> int:
        """Return the last step at which rounding has not taken over."""
        return _last_kept(self, kept, lost)

    def narrow_down(self, right: int, wrong: int, deadline: float = math.inf) -> Finding:
        """Find the first wrong step between a right and a wrong number of steps, and its cause."""
        while wrong - right > 1:
            middle = (right + wrong) // 2
            if self.wrong_blocks(middle):
                wrong = middle
            else:
                right = middle
        blocks = self.wrong_blocks(wrong)
        difference = max(block.difference for block in blocks)
        sizes = dict(
            zip(self.problem.block_names, map(np.size, self.oracle.after(wrong)), strict=True)
        )
        blocks = with_meaning(blocks, sizes, self.step(wrong))
        finding = Finding(
            wrong, self.dtype, wrong, blocks, difference, math.inf, math.inf,
            self.problem.task.counts, step=self.wrong_step(wrong),
        )  # fmt: skip
        return self.with_cause(finding, wrong, deadline)

    def with_cause(self, finding: Finding, wrong: int, deadline: float) -> Finding:
        """Return a finding with its likely cause, if there is one."""
        observe = partial(train_calls, self.problem, self.runner)
        allowed = partial(tolerance, self.dtype)
        seconds = min(SECONDS, (deadline - perf_counter()) / 3)
        likely = likely_cause(self.problem, observe, wrong, allowed, seconds)
        if likely is None:
            return finding
        blocks = finding.blocks
        if likely.mistake.name == "bias_summed_over_units":
            # Errors of softmax have the sum 0: that they do not move is an effect.
            blocks = [replace(block, note=block.note.replace(STOOD, "")) for block in blocks]
        return replace(
            finding,
            blocks=blocks,
            cause=likely.mistake.name,
            likely=str(likely),
            mistake=likely.mistake,
        )

    def step(self, wrong: int) -> Step | None:
        """Return what the factors of a wrong step may depend on."""
        p = self.problem
        if not p.task.trains:
            return Step.of(p, wrong)
        rows = rows_of(p, wrong - 1)
        return Step.of(p, rows.stop - rows.start, rows.stop) if p.epochs == 1 else None

    def wrong_step(self, wrong: int) -> WrongStep:
        """Return the numbers of a step, wrong or to be shown."""
        found = [
            np.array(block, dtype=np.float64)
            for block in train_steps(self.problem, self.runner, wrong)
        ]
        expected = self.oracle.after(wrong)
        if not self.problem.task.trains:
            first = wrong - 1 if self.problem.kind == "forward" else 0
            start = self.oracle._blocks(self.oracle.start)
            return WrongStep(first, wrong, start, found, expected)
        rows = rows_of(self.problem, wrong - 1)
        return WrongStep(rows.start, rows.stop, self.oracle.before(wrong), found, expected)

    def differences(self, steps: int) -> Finding:
        """Measure the differences of a variant that agrees."""
        found = train_steps(self.problem, self.runner, steps)
        finding = _differences(self.problem, self.oracle, found, steps)
        finding = replace(finding, step=self.wrong_step(1))
        if not self.is_single:
            return finding
        return replace(finding, dtype=self.dtype, cause="float32", likely=CAUSES["float32"])


def _last_kept(oracle: Oracle | Judge, kept: int, lost: int) -> int:
    """Return the last step at which rounding has not taken over."""
    while lost - kept > 1:
        middle = (kept + lost) // 2
        if oracle.is_lost(middle):
            lost = middle
        else:
            kept = middle
    return kept


def _differences(problem: Problem, oracle: Oracle, found: list[np.ndarray], steps: int) -> Finding:
    """Measure the differences of a variant that agrees."""
    absolute = relative = ulps = 0.0
    for block, expected in zip(found, oracle.after(steps), strict=True):
        difference, largest = np.abs(block - expected).max(), np.abs(expected).max()
        absolute = max(absolute, float(difference))
        relative = max(relative, float(difference / largest))
        ulps = max(ulps, float(difference / np.spacing(largest.astype(problem.dtype))))
    counts = problem.task.counts
    return Finding(steps, problem.dtype, None, [], absolute, relative, ulps, counts)


def wrong_blocks(
    problem: Problem, runner: Runner, oracle: Oracle, steps: int, dtype: str | None = None
) -> list[WrongBlock]:
    """Return the blocks that are wrong after a number of steps, for a precision."""
    dtype = dtype or problem.dtype
    found, expected = train_steps(problem, runner, steps), oracle.after(steps)
    scale = max(1.0, *(float(np.abs(block).max()) for block in expected))
    allowed = tolerance(dtype, steps, scale)
    if all(is_near(*pair, allowed) for pair in zip(found, expected, strict=True)):
        return []
    candidates = [
        compare_block(name, f, e, b, max(allowed, SHARE * rounding), problem.task.trains)
        for name, f, e, b, rounding in zip(
            problem.block_names, found, expected, oracle.before(steps),
            oracle.rounding(steps, dtype), strict=True,
        )
    ]  # fmt: skip
    return [block for block in candidates if block is not None]
