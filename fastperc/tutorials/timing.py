"""Time each tutorial's loop against its kernel, on the same work, the results compared first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ..measuring.clock import Timed, interleave, lengthened
from ..measuring.words import duration, number
from .cases import TutorialCase, all_cases


@dataclass(frozen=True)
class Speedup:
    """The times of one case of `speedups`, in seconds, the best of several runs."""

    name: str
    work: str
    loop_seconds: float
    compiled_seconds: float
    difference: float
    target: float
    baseline: str = "NumPy"

    @property
    def ratio(self) -> float:
        """The time of the loop divided by that of the compiled training."""
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
        Time to spend on each; both ways run at least once after the comparison.

    Returns
    -------
    list of Speedup
        Printed, each is a line of a table.

    Raises
    ------
    ArithmeticError
        If a loop and its kernel do not give the same results to 1e-9.
    """
    return [_speedup(case, seconds) for case in (all_cases() if cases is None else cases)]


def _speedup(case: TutorialCase, seconds: float) -> Speedup:
    """Compare the results of both ways, then time them in turn."""
    difference = float(np.abs(case.loop() - case.compiled()).max())
    if not difference <= 1e-9:
        raise ArithmeticError(f"{case.name} differs from the tutorial's loop by {difference}")
    ways = {"loop": Timed(case.loop), "compiled": lengthened(Timed(case.compiled))}
    loop, compiled = (1e-9 * min(ns) for ns in interleave(ways, seconds, least=1).values())
    return Speedup(case.name, case.work, loop, compiled, difference, case.target, case.baseline)
