"""A row of the table of cases: the same work in several ways, or figures taken once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from ..comparing.agreement import check
from ..comparing.problem import Problem
from ..comparing.runners import Runner, timed_prefix
from ..comparing.variants import VARIANTS
from ..measuring.clock import Timed, nothing
from .results import OURS, Result

Ways = dict[str, Timed]

# Seconds of one call: on a shared machine, a still moment may not last much longer.
SHORT = 0.0003
REPEATS = 20  # of what takes microseconds
# Rows of one call at least, where a call has work of its own beside them.
LEAST_ROWS = {"sklearn": 500}


def _never(way: str) -> str:
    return ""


@dataclass(frozen=True)
class Case:
    """Work, and the ways of doing it, which are compared before any clock starts.

    Attributes
    ----------
    group, name : str
    unit : str
        Unit that a time is divided by: ``sample``, ``element``, ``call``, ``training``,
        ``process``.
    ways : tuple of str
        Names of the ways; the first is the baseline.
    prepare : callable
        Function that makes the ways that can run here, warm and found to agree.
    quick : bool
        Whether it is part of the quick suite.
    x : float or None
        Place on the axis, in a group that shows how times scale.
    work : (float, float) or None
        Floating point operations and bytes per unit, where that is known.
    refuses : callable
        Function from a way to the reason why it cannot run here, or nothing.
    """

    group: str
    name: str
    unit: str
    ways: tuple[str, ...]
    prepare: Callable[[], Ways]
    quick: bool = True
    x: float | None = None
    work: tuple[float, float] | None = None
    refuses: Callable[[str], str] = _never

    @property
    def key(self) -> str:
        """The name in the whole table."""
        return f"{self.group}: {self.name}"

    def left_out(self) -> dict[str, str]:
        """Return the ways that cannot run here, and why."""
        return {way: reason for way in self.ways if (reason := self.refuses(way))}


@dataclass(frozen=True)
class Measurement:
    """Figures that other processes take once, such as compile times: several rows of a group.

    Attributes
    ----------
    group, name : str
    measure : callable
        Function that takes the figures.
    quick : bool
    """

    group: str
    name: str
    measure: Callable[[], list[Result]]
    quick: bool = False

    @property
    def key(self) -> str:
        """The name in the whole table."""
        return f"{self.group}: {self.name}"


def training(
    group: str, name: str, problem: Problem, ways: Iterable[str], quick: bool = True,
    x: float | None = None, full_epoch: bool = False,
) -> Case:  # fmt: skip
    """Return a case of epochs of a problem, by variants of `fastperc.comparing`.

    Slow ways train on the beginning of an epoch only; fastperc does not with ``full_epoch``.
    """
    ways = tuple(ways)

    def refuses(way: str) -> str:
        return VARIANTS[way].refuses(problem)

    known: dict[str, Runner] = {}

    def prepare() -> Ways:
        able = [way for way in ways if not refuses(way)]
        return {way: _train(problem, way, known, full_epoch and way in OURS) for way in able}

    work = problem.flops_per_sample, problem.bytes_per_sample
    return Case(group, name, "sample", ways, prepare, quick, x, work, refuses)


def _train(problem: Problem, way: str, known: dict[str, Runner], full_epoch: bool) -> Timed:
    """Prepare a way; one that is prepared again, at other addresses, is not checked again."""
    compiles_each_size = way == "jax"
    again = compiles_each_size and way in known
    runner = known[way] if again else VARIANTS[way].make(problem)
    if way not in known:
        finding = check(problem, runner, seconds=0.05)
        if not finding.agrees:
            raise ArithmeticError(f"{problem.title}: {way}: {finding}")
        known[way] = runner
    if full_epoch or compiles_each_size:
        n = problem.n_samples
        runner.train(n)
        return Timed(lambda: runner.train(n), runner.reset, n)
    timed = timed_prefix(runner, problem, SHORT, LEAST_ROWS.get(way, 20))
    return replace(timed, elsewhere=way == "2 threads")


def repeated(call: Callable[[], object], setup: Callable[[], object] = nothing) -> Timed:
    """Return `REPEATS` calls, of microseconds each, after one setup."""
    return Timed(call, setup).repeated(REPEATS)


def require_close(found: ArrayLike, expected: ArrayLike, tolerance: float, name: str) -> None:
    """Raise ArithmeticError if the results of two ways differ by more than the tolerance."""
    difference = float(np.abs(np.asarray(found) - np.asarray(expected)).max())
    if not difference <= tolerance:
        raise ArithmeticError(f"{name}: the ways differ by {difference:g}, allowed {tolerance:g}")
