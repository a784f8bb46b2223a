"""Each tutorial's loop timed against its kernel: the same work, the results compared first."""

from collections.abc import Iterable
from dataclasses import dataclass
from time import perf_counter

import numpy as np

from ..measuring.words import duration, number
from .cases import TutorialCase, all_cases


@dataclass(frozen=True)
class Speedup:
    """What `speedups` found for one case. Seconds are the best of several runs."""

    name: str
    work: str
    loop_seconds: float
    compiled_seconds: float
    difference: float
    target: float

    @property
    def ratio(self) -> float:
        """How many times as fast the compiled training is."""
        return self.loop_seconds / self.compiled_seconds

    def __str__(self) -> str:
        loop, compiled = duration(self.loop_seconds), duration(self.compiled_seconds)
        return (
            f"{self.name:<19} {self.work:<37} {loop:>8} {compiled:>8} "
            f"{number(self.ratio, 2):>6} times as fast, results differ by {self.difference:.0e}"
        )


def speedups(cases: Iterable[TutorialCase] | None = None, seconds: float = 0.3) -> list[Speedup]:
    """Time every tutorial's loop against its kernel.

    Parameters
    ----------
    cases : iterable of TutorialCase, optional
        By default all of `fastperc.tutorials.cases`.
    seconds : float, default 0.3
        Time to spend on repeating each; each runs at least once after the comparison.

    Returns
    -------
    list of Speedup
        Printed, each is a line of a table.

    Raises
    ------
    ArithmeticError
        If a loop and its kernel do not give the same results to 1e-9.
    """
    return [measure(case, seconds) for case in (all_cases() if cases is None else cases)]


def measure(case: TutorialCase, seconds: float) -> Speedup:
    """Compare the results of both ways, then time them in turn."""
    difference = float(np.abs(case.loop() - case.compiled()).max())
    if not difference <= 1e-9:
        raise ArithmeticError(f"{case.name} differs from the tutorial's loop by {difference}")
    loop: list[float] = []
    compiled: list[float] = []
    while not loop or sum(loop) < seconds:
        loop.append(timed(case.loop))
        compiled += [timed(case.compiled) for _ in range(5)]
    return Speedup(case.name, case.work, min(loop), min(compiled), difference, case.target)


def timed(run):
    """Seconds that one call takes."""
    start = perf_counter()
    run()
    return perf_counter() - start
