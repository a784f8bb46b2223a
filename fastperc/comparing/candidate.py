"""A row of the result in the making: what runs, and what of it is timed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace

from ..measuring import clock
from ..measuring.clock import Timed
from .agreement import Oracle, check
from .objects import ObjectRunner
from .prints import swallowed
from .problem import Problem
from .result import Row
from .runners import Runner, timed_prefix
from .subprocesses import describe

SOON = 0.1  # seconds
ROUND = 0.02  # seconds of a slow variant in one round: it gets as many samples as fit


class Candidate:
    """A row of the result, and what fills it: `runner` is None if it cannot train.

    What is the user's prints nothing and, if it fails on the clock, that is its own matter.
    """

    def __init__(self, row: Row, problem: Problem, is_own: bool = False):
        self.row, self.problem, self.is_own = row, problem, is_own
        row.problem = problem
        self.runner: Runner | None = None
        self.timed: Timed | None = None
        self.has_failed = False  # on the clock

    def prepare(self, make: Callable[[Problem], Runner], oracle: Oracle | None = None) -> None:
        """Make the runner, take a first step, and check it if that has not been done."""
        try:
            with clock.Stopwatch() as first_call:
                runner = make(self.problem)
                runner.train(self.problem.step_rows)
            self.row.first_call = first_call.seconds
            if self.row.finding is None:
                self.row.finding = check(self.problem, runner, oracle=oracle)
        except Exception as error:  # it is reported, and the others go on
            self.row.error = describe(error)
        else:
            self.runner = runner

    def can_be_timed(self) -> bool:
        """Return whether it trains, also for more than a step; if so, set `timed`."""
        try:
            with self._silence():
                self.timed = self._time_this() if self._is_worth_it() else None
        except Exception as error:
            self._fail(error)
        return self.timed is not None

    def _is_worth_it(self) -> bool:
        """Return whether it has run; what is wrong is timed if that is soon done."""
        return self.runner is not None and (self.row.agrees or self.row.first_call < SOON)

    def _time_this(self) -> Timed:
        """Return an epoch, or several; of a slow one, the first steps."""
        assert self.runner is not None
        timed = timed_prefix(self.runner, self.problem, ROUND, least=200)
        self.row.samples = timed.units
        if isinstance(self.runner, ObjectRunner) and self.runner.restarts:
            return timed  # which goes on from call to call, and takes ever longer
        return clock.lengthened(timed)

    def _silence(self) -> AbstractContextManager[None]:
        return swallowed() if self.is_own else nullcontext()

    def guarded(self) -> Timed:
        """Return what is timed such that an error ends its own timing and no other's."""
        assert self.timed is not None
        return replace(
            self.timed, call=self._guarded(self.timed.call), setup=self._guarded(self.timed.setup)
        )

    def _guarded(self, call: Callable[[], object]) -> Callable[[], None]:
        def guarded() -> None:
            if self.has_failed:
                return
            try:
                with self._silence():
                    call()
            except Exception as error:
                self._fail(error)

        return guarded

    def _fail(self, error: Exception) -> None:
        """Note a failure on the clock; after a wrong step, the next may well be impossible."""
        self.has_failed, finding = True, self.row.finding
        if finding is not None and finding.agrees:
            count = f"{finding.steps:,} {finding.counts}{'s' if finding.steps > 1 else ''}"
            self.row.error = f"{describe(error)}; that is later than its check of {count}"
