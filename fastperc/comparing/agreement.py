"""Check whether a variant takes the reference's steps, and find the first that it does not.

A step's mistake is in its gradient, and a step that starts from right parameters shows which
block's gradient is wrong. So the question is not how far the ends are apart but which step is the
first wrong one. It is found from outside, by training ever longer beginnings of the run: 1, 2, 4,
... steps, then, between the last right and the first wrong length, by halving. What does not train
is asked for the outputs, or the gradient, of as many rows instead.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from time import perf_counter

import numpy as np

from ..kernels import reference
from .problem import Problem
from .runners import FunctionRunner, Runner, blocks_of
from .ways.numpy import numpy_function

# How far rounding may take a parameter: this many units of the last place per step, as a random
# walk; or, where training makes differences grow, this many times as far as in the NumPy loop.
ROUNDINGS = 16
SHARE = 32
LOST = 1e-3  # where rounding has grown to this share of the largest parameter, the check ends
PROPORTIONAL = 1e-3  # moves that differ from a multiple of the right ones by less are that multiple
STILL = 1e-6  # a smaller share of the right move is none
EPOCHS_OF_FULL = 20  # one epoch is only one step there


@dataclass(frozen=True)
class WrongBlock:
    """A block of parameters that is wrong after the first wrong step.

    Attributes
    ----------
    name : str
        ``W1``, ``b1``, ...
    difference : float
        The largest difference, infinite if the shapes differ.
    index : tuple of int
        Its place in the block.
    found, expected : float
        The values there.
    note : str
        How the move of this step differs from the right one, if that can be said.
    """

    name: str
    difference: float
    index: tuple[int, ...] = ()
    found: float = math.nan
    expected: float = math.nan
    note: str = ""

    def __str__(self) -> str:
        end = f" ({self.note})" if self.note else ""
        if not self.index:
            return f"{self.name}{end}"
        place = ", ".join(map(str, self.index))
        return f"{self.name}[{place}] is {self.found:.9g}, expected {self.expected:.9g}{end}"


@dataclass(frozen=True)
class Finding:
    """What checking one variant found.

    Attributes
    ----------
    steps : int
        Number of steps that were checked; of rows, for what does not train.
    first_wrong : int or None
        The first step, counted from 1, after which parameters are wrong. For ``"forward"`` the
        first row whose outputs are, for ``"gradient"`` the first number of rows whose gradient is.
    blocks : list of WrongBlock
        The wrong blocks in the order of the layers.
    absolute, relative, ulps : float
        The largest difference at the end of the check: as it is, divided by the largest parameter
        of the same block, and in units of that one's last place.
    dtype : str
        Precision of the check.
    counts : str
        The unit of ``steps``: ``"step"`` or ``"row"``.
    cause : str or None
        The known mistake that gives the numbers found, to rounding: a name of `causes.CAUSES`.
    """

    steps: int
    dtype: str
    first_wrong: int | None = None
    blocks: list[WrongBlock] = field(default_factory=list)
    absolute: float = 0.0
    relative: float = 0.0
    ulps: float = 0.0
    counts: str = "step"
    cause: str | None = None

    @property
    def agrees(self) -> bool:
        """Return whether nothing is wrong."""
        return self.first_wrong is None

    def __str__(self) -> str:
        if self.agrees:
            return f"agrees over {self.steps:,} {self.counts}s"
        names = ", ".join(block.name for block in self.blocks)
        first = f"first wrong {self.counts}: {self.first_wrong:,}, in {names} ({self.dtype})"
        return "\n    ".join([first, *map(str, self.blocks)])


class Oracle:
    """Compute the reference's parameters after any number of steps, in float64.

    For what does not train: the outputs, or the gradient, of that many rows.
    """

    def __init__(self, problem: Problem):
        self.problem = problem
        self.X, self.Y = (array.astype(np.float64) for array in problem.samples)
        self.start = problem.theta.astype(np.float64)
        self.states = {0: self.start}
        self.loop = FunctionRunner(problem, numpy_function(problem))
        self._roundings: dict[int, list[float]] = {}

    def after(self, steps: int) -> list[np.ndarray]:
        """Return W1, b1, ... after a number of steps."""
        if not self.problem.task.trains:
            return self._computed(steps)
        if steps not in self.states:
            begin = max(known for known in self.states if known < steps)
            model = self._model(self.states[begin])
            for step in range(begin, steps):
                self._step(model, step)
            self.states[steps] = model.theta
        return blocks_of(self.states[steps], self.problem)

    def before(self, steps: int) -> list[np.ndarray]:
        """Return W1, b1, ... before the last of these steps, or zeros for what does not train."""
        if self.problem.task.trains:
            return self.after(steps - 1)
        return [np.zeros_like(block) for block in self.after(steps)]

    def _computed(self, n_rows: int) -> list[np.ndarray]:
        model = self._model(self.start)
        X, Y = self.X[:n_rows], self.Y[:n_rows]
        if self.problem.kind == "forward":
            return [reference.forward(model, X)[0][-1]]
        return blocks_of(reference.gradient(model, X, Y), self.problem)

    def rounding(self, steps: int) -> list[float]:
        """Return how far rounding takes each block of the NumPy loop in the problem's dtype."""
        if steps not in self._roundings:
            found = train_steps(self.problem, self.loop, steps)
            pairs = zip(found, self.after(steps), strict=True)
            self._roundings[steps] = [float(np.abs(a - b).max()) for a, b in pairs]
        return self._roundings[steps]

    def is_lost(self, steps: int) -> bool:
        """Return whether rounding alone has led so far away that nothing can be said any more."""
        scale = max(1.0, *(float(np.abs(block).max()) for block in self.after(steps)))
        return not max(self.rounding(steps)) <= LOST * scale

    def _model(self, theta: np.ndarray) -> reference.Model:
        p = self.problem
        return reference.Model.from_theta(theta, p.sizes, p.activations, p.loss)

    def _step(self, model: reference.Model, step: int) -> None:
        p = self.problem
        first = step % p.n_steps * p.batch_size
        rows = slice(first, min(first + p.batch_size, p.n_samples))
        reference.train_batches(model, self.X[rows], self.Y[rows], p.lr, p.batch_size)


def train_steps(problem: Problem, runner: Runner, steps: int) -> list[np.ndarray]:
    """Return the parameters after some steps from the start, or what is computed for the rows."""
    runner.reset()
    epochs, rest = divmod(steps, problem.n_steps)
    for _ in range(epochs):
        runner.train(problem.n_samples)
    if rest:
        runner.train(rest * problem.step_rows)
    return runner.parameters()


def tolerance(dtype: str, steps: int, scale: float) -> float:
    """Return how far rounding may take parameters of this size in a number of steps."""
    return ROUNDINGS * float(np.finfo(dtype).eps) * scale * math.sqrt(steps)


@np.errstate(all="ignore")
def check(
    problem: Problem, runner: Runner, seconds: float = 3.0, oracle: Oracle | None = None
) -> Finding:
    """Find the first wrong step, among as many as fit into the time.

    At least one step is checked; an epoch at most (`EPOCHS_OF_FULL` of one step). Training that
    makes differences grow, as too large a learning rate does, is checked until rounding takes over.
    Several variants of a problem may share the oracle, which computes the right steps once.
    """
    oracle = oracle or Oracle(problem)
    limit = EPOCHS_OF_FULL if problem.kind == "full" else problem.n_steps
    right = 0
    wrong_blocks(problem, runner, oracle, 1)  # what has to be compiled, is
    begin = perf_counter()
    while right < limit and (right == 0 or 3 * (perf_counter() - begin) < seconds):
        steps = min(max(1, 2 * right), limit)
        if not wrong_blocks(problem, runner, oracle, steps):
            right = steps
        elif oracle.is_lost(steps):
            limit = _last_kept(oracle, right, steps)
        else:
            return _narrow_down(problem, runner, oracle, right, steps)
    return _differences(problem, oracle, train_steps(problem, runner, right), right)


def _last_kept(oracle: Oracle, kept: int, lost: int) -> int:
    """Return the last step at which rounding has not taken over."""
    while lost - kept > 1:
        middle = (kept + lost) // 2
        if oracle.is_lost(middle):
            lost = middle
        else:
            kept = middle
    return kept


def _narrow_down(
    problem: Problem, runner: Runner, oracle: Oracle, right: int, wrong: int
) -> Finding:
    """Find the first wrong step between a right and a wrong number of steps."""
    while wrong - right > 1:
        middle = (right + wrong) // 2
        if wrong_blocks(problem, runner, oracle, middle):
            wrong = middle
        else:
            right = middle
    blocks = wrong_blocks(problem, runner, oracle, wrong)
    difference = max(block.difference for block in blocks)
    counts = problem.task.counts
    return Finding(wrong, problem.dtype, wrong, blocks, difference, math.inf, math.inf, counts)


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


def wrong_blocks(problem: Problem, runner: Runner, oracle: Oracle, steps: int) -> list[WrongBlock]:
    """Return the blocks that are wrong after a number of steps."""
    found, expected = train_steps(problem, runner, steps), oracle.after(steps)
    scale = max(1.0, *(float(np.abs(block).max()) for block in expected))
    allowed = tolerance(problem.dtype, steps, scale)
    if all(is_near(*pair, allowed) for pair in zip(found, expected, strict=True)):
        return []
    candidates = [
        compare_block(name, f, e, b, max(allowed, SHARE * rounding), problem.task.trains)
        for name, f, e, b, rounding in zip(
            problem.block_names, found, expected, oracle.before(steps), oracle.rounding(steps),
            strict=True,
        )
    ]  # fmt: skip
    return [block for block in candidates if block is not None]


def is_near(found: np.ndarray, expected: np.ndarray, allowed: float) -> bool:
    """Return whether a block is right; NaN is not."""
    return found.shape == expected.shape and bool((np.abs(found - expected) <= allowed).all())


def compare_block(
    name: str, found: np.ndarray, expected: np.ndarray, before: np.ndarray, allowed: float,
    moves: bool = True,
) -> WrongBlock | None:  # fmt: skip
    """Return what is wrong with a block, or None."""
    found = np.asarray(found, dtype=np.float64)
    if found.shape != expected.shape:
        note = f"shape {found.shape}, expected {expected.shape}"
        return WrongBlock(name, math.inf, note=note)
    difference = np.where(np.isfinite(found), np.abs(found - expected), np.inf)
    if difference.max() <= allowed:
        return None
    index = np.unravel_index(difference.argmax(), difference.shape)
    return WrongBlock(
        name, float(difference.max()), tuple(map(int, index)), float(found[index]),
        float(expected[index]), note_on(found - before, expected - before, moves),
    )  # fmt: skip


def note_on(move: np.ndarray, right_move: np.ndarray, moves: bool = True) -> str:
    """Describe a wrong move that is a multiple of the right one, or not finite, or none."""
    size = float((right_move**2).sum())
    if not np.isfinite(move).all():
        return "not finite"
    if np.abs(move).max() <= STILL * np.abs(right_move).max():
        return "it did not move" if moves else "it is 0"
    factor = float((move * right_move).sum()) / size if size else 0.0
    is_multiple = np.abs(move - factor * right_move).max() <= PROPORTIONAL * np.abs(move).max()
    if not is_multiple or abs(factor - 1) <= PROPORTIONAL:
        return ""
    how = "it moved {:.4g} times as far as it should" if moves else "{:.4g} times what it should be"
    return how.format(factor)
