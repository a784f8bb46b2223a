"""What a row of the table of cases is: the same work in several ways, or figures taken once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from ..comparing.agreement import check
from ..comparing.clock import Timed
from ..comparing.machine import bytes_per_sample, flops_per_sample
from ..comparing.problem import Problem
from .jax_rival import TRAINERS
from .storing import Result

Ways = dict[str, Timed]

# What one call of a way trains at most, so that a round stays short.
MOST_SAMPLES = {"python": 100, "numpy": 500, "sklearn": 500, "torch": 100}


def _never(way: str) -> str:
    return ""


@dataclass(frozen=True)
class Case:
    """Work, and the ways in which it is done; they are compared before any clock starts.

    Attributes
    ----------
    group, name : str
    unit : str
        What a time is divided by: ``sample``, ``element``, ``call``, ``training``, ``process``.
    ways : tuple of str
        The names of the ways; the first is the baseline.
    prepare : callable
        Makes the ways that can run here, warm and found to agree.
    quick : bool
        Whether it is part of the quick suite.
    x : float or None
        In a group that shows how times scale: its place on the axis.
    work : (float, float) or None
        Floating point operations and bytes per unit, where that is known.
    refuses : callable
        From a way to the reason why it cannot run here, or nothing.
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
        """Its name in the whole table."""
        return f"{self.group}: {self.name}"

    def left_out(self) -> dict[str, str]:
        """The ways that cannot run here, and why."""
        return {way: reason for way in self.ways if (reason := self.refuses(way))}


@dataclass(frozen=True)
class Measurement:
    """Figures that other processes take once, such as compile times; several rows of a group.

    Attributes
    ----------
    group, name : str
    measure : callable
        Takes them.
    quick : bool
    """

    group: str
    name: str
    measure: Callable[[], list[Result]]
    quick: bool = False

    @property
    def key(self) -> str:
        """Its name in the whole table."""
        return f"{self.group}: {self.name}"


def training(
    group: str, name: str, problem: Problem, ways: Iterable[str], quick: bool = True,
    x: float | None = None,
) -> Case:  # fmt: skip
    """Epochs of a problem, by variants of `fastperc.comparing` and other libraries."""
    ways = tuple(ways)

    def refuses(way: str) -> str:
        return TRAINERS[way].refuses(problem)

    def prepare() -> Ways:
        return {way: _train(problem, way) for way in ways if not refuses(way)}

    work = flops_per_sample(problem), bytes_per_sample(problem)
    return Case(group, name, "sample", ways, prepare, quick, x, work, refuses)


def _train(problem: Problem, way: str) -> Timed:
    runner = TRAINERS[way].make(problem)
    finding = check(problem, runner, seconds=0.05)
    if not finding.agrees:
        raise ArithmeticError(f"{problem.title}: {way}: {finding}")
    n = problem.n_samples
    if way in MOST_SAMPLES and problem.kind != "full":
        n = min(n, -(-MOST_SAMPLES[way] // problem.batch_size) * problem.batch_size)
    return Timed(lambda: runner.train(n), runner.reset, n)


def nothing() -> None:
    """No setup."""


def same(found, expected, tolerance: float, name: str) -> None:
    """Refuse to time what does not agree."""
    difference = float(np.abs(np.asarray(found) - expected).max())
    if not difference <= tolerance:
        raise ArithmeticError(f"{name}: the ways differ by {difference:g}, allowed {tolerance:g}")
