"""How a kernel conducts itself: the same call must give the same, and leave alone what is given.

A kernel that keeps something from call to call, draws random numbers, or changes its samples is
told so by name. Without that it would be called wrong at some later step, where nothing is.
"""

from __future__ import annotations

import inspect
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from types import CellType

import numpy as np

from ..errors import KernelFailedError
from ..measuring.clock import Stopwatch
from .objects import Kernel
from .prints import Prints
from .problem import Problem
from .runners import UserRunner, is_compiled

ROUNDINGS = 1024  # two calls may differ by so many units of the last place: of sums by threads
SLOW = 0.15
STEPS = 8
SEED = 0
CALL = "__call__"

Source = np.random.Generator | np.random.RandomState | random.Random


class Remembering:
    """A runner that makes no call twice: what came of the same ones is remembered.

    A check asks for the same number of rows again and again, and some functions are slow.
    """

    def __init__(self, runner: UserRunner):
        self.runner = runner
        self.rows: tuple[int, ...] = ()
        self.known: dict[tuple[int, ...], list[np.ndarray]] = {}

    def reset(self) -> None:
        self.rows = ()

    def train(self, n_rows: int) -> None:
        self.rows += (n_rows,)

    def parameters(self) -> list[np.ndarray]:
        if self.rows not in self.known:
            self.runner.reset()
            for n_rows in self.rows:
                self.runner.train(n_rows)
            self.known[self.rows] = self.runner.parameters()
        return [block.copy() for block in self.known[self.rows]]

    def changed(self) -> list[str]:
        """Return which arguments the last call changed that it was only to read."""
        return self.runner.changed()


def examine(
    problem: Problem, runner: Remembering, function: Kernel, prints: Prints, seconds: float
) -> None:
    """Call a kernel twice from the same start, with the same rows; a slow one only once.

    Slow is what takes so much of the ``seconds`` that are left for its check.

    Raises
    ------
    KernelFailedError
        If the results differ, or if it changed what it was only to read.
    """
    n_rows = rows_of(problem)
    with prints.kept(), Stopwatch() as watch:
        first = outcome(runner, n_rows)  # which is remembered
    changed = runner.changed()
    is_quick = watch.seconds < SLOW * seconds or is_compiled(function)  # the first call compiles
    if is_quick and not are_same(first, outcome(runner.runner, n_rows), problem.dtype):
        with drawn_again(function):
            first = outcome(runner.runner, n_rows)
        with drawn_again(function):
            second = outcome(runner.runner, n_rows)
        # What Numba compiled has a generator of its own, and globals that stay what they were.
        is_drawn = is_compiled(function) or are_same(first, second, problem.dtype)
        complain_of(changed, RANDOM if is_drawn else STATE)
    complain_of(changed)


def complain_of(changed: Sequence[str], fault: str = "") -> None:
    """Raise an error that names what a kernel changed, and what else it does."""
    if changed:
        names = " and ".join(changed)
        fault += f"{'. It also ' if fault else ''}changes {names}, which it is only to read: copy "
        fault += "what you change"
    if fault:
        raise KernelFailedError(fault)


RANDOM = (
    "draws random numbers: two calls with the same arguments give different results. Let it take "
    "the samples in their order, and its start values from its arguments"
)
STATE = (
    "keeps state between calls (a global, an attribute?): two calls with the same arguments give "
    "different results. Let it begin anew in each call, or give an object with fit, which is copied"
)


def rows_of(problem: Problem) -> int:
    """Return how many rows to begin with: of steps that are hardly shuffled into order, or 2."""
    return min(problem.n_samples, STEPS * problem.step_rows if problem.task.trains else 2)


def outcome(runner: UserRunner, n_rows: int) -> list[np.ndarray]:
    """Return what a call from the start gives, made for that."""
    runner.reset()
    runner.train(n_rows)
    return runner.parameters()


def are_same(first: Sequence[np.ndarray], second: Sequence[np.ndarray], dtype: str) -> bool:
    """Return whether two results differ by no more than the order of sums may make them."""
    allowed = ROUNDINGS * float(np.finfo(dtype).eps)
    return all(
        a.shape == b.shape
        and np.allclose(a, b, rtol=allowed, atol=allowed * max(1.0, _largest(a)), equal_nan=True)
        for a, b in zip(first, second, strict=True)
    )


def _largest(block: np.ndarray) -> float:
    finite = np.abs(block[np.isfinite(block)])
    return float(finite.max()) if finite.size else 0.0


@contextmanager
def drawn_again(function: Kernel) -> Iterator[None]:
    """Put all that a function may draw from back at the end, so that it draws the same once more.

    These are the global states, and generators that its module or its object holds. One that is
    made without a seed inside, `numpy.random.default_rng()`, gets one.
    """
    make = np.random.default_rng
    legacy = np.random.get_state()  # noqa: NPY002
    restorers = list(map(_restorer, sources_of(function)))
    restorers.append(partial(random.setstate, random.getstate()))
    np.random.default_rng = lambda seed=None: make(SEED if seed is None else seed)
    try:
        yield
    finally:
        np.random.default_rng = make
        np.random.set_state(legacy)  # noqa: NPY002
        for restore in restorers:
            restore()


def _restorer(source: Source) -> Callable[[], None]:
    """Return what puts a generator back to where it is now."""
    if isinstance(source, np.random.Generator):
        return partial(setattr, source.bit_generator, "state", source.bit_generator.state)
    if isinstance(source, random.Random):
        return partial(source.setstate, source.getstate())
    return partial(source.set_state, source.get_state())


def sources_of(function: Kernel) -> list[Source]:
    """Return the generators among a function's globals, closure, defaults and object."""
    code: object = getattr(function, "py_func", function)
    owner = getattr(code, "__self__", code)
    found = [*getattr(owner, "__dict__", {}).values()]
    code = getattr(code, "__func__", code)
    code = inspect.unwrap(code) if callable(code) else code
    if not inspect.isfunction(code):
        code = getattr(type(owner), "fit", None) or getattr(type(owner), CALL, None)
    if inspect.isfunction(code):
        cells = [cell.cell_contents for cell in code.__closure__ or () if _is_filled(cell)]
        found += [*code.__globals__.values(), *cells, *(code.__defaults__ or ())]
    return [value for value in found if isinstance(value, Source)]


def _is_filled(cell: CellType) -> bool:
    try:
        cell.cell_contents  # noqa: B018
    except ValueError:
        return False
    return True
