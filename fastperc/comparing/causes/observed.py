"""What a function was seen to do, and whether a mistake of the reference does the same."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import NamedTuple

import numpy as np

from ..mistakes import RIGHT, Mistake
from ..passes import Array
from ..problem import Problem
from .runs import Blocks, Run

Observe = Callable[[int, int], Blocks]  # after so many calls with all rows, and one with some rows
Tolerance = Callable[[int, float], float]  # by number of steps and size of parameters

FEW = 61  # rows that tell as much as a large data set; a prime, so that factors show
OTHER = 37  # and once more, to be sure
LATER = 1e-9  # share of the largest parameter that rounding may take later steps, in float64
DEAR = 2e8  # multiplications of a run that are too many to be made for each mistake
EVIDENT = 30  # what differs by fewer roundings than this tells nothing


class OutOfTime(Exception):
    """A function is too slow to be asked once more."""


class Check(NamedTuple):
    """A run of the function: after ``steps`` steps, of which those before ``first`` are right."""

    calls: int
    rows: int
    first: int
    steps: int
    exact: bool  # whether it is the one that was looked into


class Observed:
    """A wrong function, and the runs in which it was observed.

    Attributes
    ----------
    problem : Problem
    run : Run
        The reference's.
    wrong : int
        The first wrong step, or number of rows.
    checks : list of Check
        What a mistake has to explain, the first one before all others.
    """

    def __init__(
        self, problem: Problem, observe: Observe, wrong: int, tolerance: Tolerance,
        seconds: float = math.inf,
    ):  # fmt: skip
        self.problem, self.run = problem, Run(problem)
        self.deadline, self._longest = perf_counter() + seconds, 0.0
        self._observe, self._tolerance = observe, tolerance
        self.wrong = wrong
        self._found: dict[tuple[int, int], Blocks | None] = {}
        self._right: dict[int, Blocks] = {0: self.run.start}
        self.checks = self._choose_checks()

    # --- what is seen ---

    def found(self, calls: int, rows: int) -> Blocks | None:
        """Return all blocks that the function gives, in float64; None if it fails there.

        Raises
        ------
        OutOfTime
            If it is too slow to be asked once more.
        """
        if (calls, rows) not in self._found:
            begin = perf_counter()
            if begin + self._longest > self.deadline:
                raise OutOfTime
            try:
                found = self._observe(calls, rows)
                blocks = [np.asarray(block, dtype=np.float64) for block in found]
                self._found[calls, rows] = self._with_biases(blocks)
            except Exception:  # the finding tells of what happened before
                self._found[calls, rows] = None
            self._longest = max(self._longest, perf_counter() - begin)
        return self._found[calls, rows]

    def _with_biases(self, blocks: Blocks) -> Blocks:
        """Return the blocks with zeros in the place of biases that there are none of."""
        if self.problem.bias or self.problem.kind == "forward":
            return blocks
        zeros = [np.zeros(size) for size in self.problem.sizes[1:]]
        return [block for pair in zip(blocks, zeros, strict=True) for block in pair]

    def right(self, steps: int) -> Blocks:
        """Return the right blocks after some steps of an epoch (full: after some epochs)."""
        if steps not in self._right:
            begin = max(known for known in self._right if known < steps)
            batches = [self.batch(i) for i in range(begin, steps)]
            n = self.problem.n_samples
            self._right[steps] = self.run.steps(self._right[begin], batches, n)
        return self._right[steps]

    def batch(self, step: int) -> Array:
        """Return the rows of a step, which counts from 0."""
        p = self.problem
        if p.kind == "full":
            return np.arange(p.n_samples)
        first = step * p.batch_size
        return np.arange(first, min(first + p.batch_size, p.n_samples))

    def allowed(self, blocks: Blocks, steps: int) -> float:
        """Return how far rounding may have taken numbers of this size."""
        scale = max([1.0, *(float(np.abs(b).max(initial=0.0)) for b in blocks)])
        return self._tolerance(max(steps, 1), scale)

    # --- what is to be explained ---

    def _choose_checks(self) -> list[Check]:
        p, w = self.problem, self.wrong
        if not p.task.trains:
            return self._checks_of_rows()
        if p.kind == "full" or p.epochs > 1:
            return self._checks_of_calls()
        rows = [min(t * p.batch_size, p.n_samples) for t in range(p.n_steps + 1)]
        first = max(0, w - 3)
        others = [t for t in (w - 1, w + 1, w + 2, w + 3) if 1 <= t <= p.n_steps]
        return [Check(0, rows[t], first, t, t == w) for t in (w, *others)]

    def _checks_of_rows(self) -> list[Check]:
        n, w = self.problem.n_samples, self.wrong
        main = min(n, max(w, 7))
        others = {min(n, rows) for rows in (w, 2, 3, main + 4)} - {main}
        return [Check(0, rows, 0, rows, rows == main) for rows in (main, *sorted(others))]

    def _checks_of_calls(self) -> list[Check]:
        p, w = self.problem, self.wrong
        n, cost = p.n_samples, p.flops_per_sample
        if p.kind != "full":
            sizes = {min(n, t * p.batch_size) for t in (w, w + 1, w + 2)}
            return [Check(0, rows, 0, w, rows == w * p.batch_size) for rows in sorted(sizes)]
        later = [Check(t, 0, 0, t, t == w) for t in (w, w + 1) if t * n * cost < DEAR or t == w]
        few = [Check(0, rows, 0, 1, rows == FEW) for rows in (FEW, OTHER) if rows < n]
        if w == 1 and n > FEW and self.is_wrong(few[0]):
            return few + [check._replace(exact=False) for check in later if n * cost < DEAR]
        return later + (few[1:] if w == 1 else [])

    def is_wrong(self, check: Check) -> bool:
        """Return whether the function is wrong there."""
        found = self.found(check.calls, check.rows)
        return found is not None and not self.explains(RIGHT, check)

    def wrong_blocks(self, check: Check) -> list[int]:
        """Return which blocks are wrong there."""
        found, right = self.found(check.calls, check.rows), self.simulated(RIGHT, check)
        assert found is not None
        allowed = self.allowed(right, check.steps)
        return [
            i for i, pair in enumerate(zip(found, right, strict=True)) if not near(*pair, allowed)
        ]

    # --- whether a mistake explains it ---

    def simulated(self, mistake: Mistake, check: Check) -> Blocks:
        """Return what the reference gives with a mistake."""
        p, run = self.problem, self.run
        if not p.task.trains:
            passes = run.pass_of(run.start, np.arange(check.rows), check.rows, mistake)
            if p.kind == "forward":
                return [passes.a[-1]]
            pairs = zip(passes.by_weights, passes.by_biases, strict=True)
            return [block for pair in pairs for block in pair]
        if check.first and not mistake.schedule.order and not mistake.schedule.batch:
            batches = [self.batch(i) for i in range(check.first, check.steps)]
            return run.steps(self.right(check.first), batches, check.rows, mistake)
        return run.after(mistake, check.calls, check.rows)

    def explains(self, mistake: Mistake, check: Check) -> bool:
        """Return whether a mistake gives the numbers found."""
        found = self.found(check.calls, check.rows)
        if found is None or not all(np.isfinite(block).all() for block in found):
            return not check.exact
        try:
            simulated = self.simulated(mistake, check)
        except (ValueError, IndexError):  # blocks whose shapes do not go together
            return not check.exact
        allowed = 4 * self.allowed([*found, *simulated], check.steps)
        if not check.exact:
            scale = max(1.0, *(float(np.abs(b).max(initial=0.0)) for b in found))
            allowed = max(16 * allowed, LATER * scale)
        return all(near(*pair, allowed) for pair in zip(found, simulated, strict=True))

    def explains_all(self, mistake: Mistake) -> bool:
        """Return whether a mistake gives the numbers of all checks."""
        return all(self.explains(mistake, check) for check in self.checks)


def near(found: Array, expected: Array, allowed: float) -> bool:
    """Return whether two blocks are the same to rounding; a transpose or a flat one is, too."""
    if found.shape != expected.shape and found.size == expected.size:
        transposed = expected.T.shape == found.shape
        expected = expected.T if transposed else expected.reshape(found.shape)
    if found.shape != expected.shape and found.size != 1:
        return False
    return bool((np.abs(found - expected) <= allowed).all())


def multiples(found: Sequence[Array], right: Sequence[Array]) -> float | None:
    """Return the one number by which all of these are multiples of the right ones, if there is."""
    f = np.concatenate([block.ravel() for block in found])
    g = np.concatenate([block.ravel() for block in right])
    size = float(g @ g)
    if f.shape != g.shape or size == 0 or not np.isfinite(f).all():
        return None
    factor = float(f @ g) / size
    close = np.abs(f - factor * g).max() <= 1e-7 * np.abs(f).max(initial=0.0)
    return factor if close else None
