"""Run a comparison: check each variant, time them together, work out the figures."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from ..errors import KernelFailedError
from ..measuring import clock
from ..measuring.clock import Timed
from ..measuring.machine import Machine, limits
from .agreement import Finding, Oracle, check
from .code import compile_afresh, kernel_of, of_dispatcher
from .problem import Problem
from .result import Row
from .runners import Function, FunctionRunner, Runner, timed_prefix
from .subprocesses import describe, in_child
from .task import TASKS
from .variants import VARIANTS, Variant
from .ways.c import CRunner
from .ways.network import NetworkRunner

ROUND = 0.02  # seconds of a slow variant in one round: it gets as many samples as fit


class Candidate:
    """A row of the result, and what fills it: `runner` is None if it cannot train."""

    def __init__(self, row: Row, problem: Problem):
        self.row, self.problem = row, problem
        self.runner: Runner | None = None
        self.timed: Timed | None = None

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
            self.timed = self._time_this() if self.runner else None
        except Exception as error:  # after a wrong step, the next may be impossible
            if self.row.agrees:
                self.row.error = describe(error)
        return self.timed is not None

    def _time_this(self) -> Timed:
        """Return an epoch, or several; of a slow one, the first steps."""
        assert self.runner is not None
        timed = timed_prefix(self.runner, self.problem, ROUND, least=200)
        self.row.samples = timed.units
        return clock.lengthened(timed)


def check_in_subprocess(function: Function, problem: Problem, seconds: float) -> Finding:
    """Check a user's function in a process of its own, in float64 and in the problem's dtype.

    Float64 tells a wrong formula from rounding, so it comes first; a function that cannot take it
    is checked in the problem's dtype alone.
    """

    def examine() -> Finding:
        with np.errstate(all="ignore"):
            exact = replace(problem, dtype="float64")
            try:
                finding = check(exact, FunctionRunner(exact, function))
            except Exception:
                return check(problem, FunctionRunner(problem, function))
            if not finding.agrees or problem.dtype == "float64":
                return finding
            return check(problem, FunctionRunner(problem, function))

    return in_child(examine, seconds)


def signature_error(function: Function, kind: str) -> str:
    """Return why a function cannot be called with the arguments of a kind, or nothing."""
    arguments = TASKS[kind].arguments
    try:
        signature = inspect.signature(getattr(function, "py_func", function))
    except ValueError:  # of something built in
        return ""
    try:
        signature.bind(*arguments)
    except TypeError as error:
        return f"cannot be called: {error}. For {kind} it gets ({', '.join(arguments)})"
    return ""


def function_candidate(function: Function, problem: Problem, time_limit: float) -> Candidate:
    """Check a user's function, and make it ready to be timed."""
    name = getattr(function, "__name__", type(function).__name__)
    row = Row(name if name not in VARIANTS else f"my {name}", "your function")
    candidate = Candidate(row, problem)
    row.error = signature_error(function, problem.kind)
    if row.error:
        return candidate
    try:
        row.finding = check_in_subprocess(function, problem, time_limit)
    except KernelFailedError as error:
        row.error = str(error)
    else:
        candidate.prepare(lambda p: FunctionRunner(p, function))
    return candidate


def variant_candidate(variant: Variant, problem: Problem, oracle: Oracle) -> Candidate:
    """Check a variant of the table, and make it ready to be timed."""
    candidate = Candidate(Row(variant.name, variant.what), problem)
    candidate.prepare(variant.make, oracle)
    return candidate


def time_all(candidates: Sequence[Candidate], seconds: float) -> Machine:
    """Time all that can train, in turn, and among them the limits of the machine."""
    able = {c.row.name: c for c in candidates if c.can_be_timed()}
    timed = {name: c.timed for name, c in able.items() if c.timed}
    peaks = limits(candidates[0].problem.dtype)
    rounds = clock.interleave(
        {**timed, **{f"limit: {name}": peaks[name] for name in peaks}}, seconds
    )
    for name, candidate in able.items():
        candidate.row.rounds = rounds[name]
    return Machine.from_rounds({name: rounds[f"limit: {name}"] for name in peaks})


def work_out(row: Row, baseline: Row, problem: Problem) -> None:
    """Fill in the figures that follow from the rounds."""
    if not row.rounds:
        return
    row.best, row.median = min(row.rounds), float(np.median(row.rounds))
    row.low, row.high = clock.interval(row.rounds)
    if row.agrees:
        row.gflops = problem.flops_per_sample / row.best
        row.gbytes = problem.bytes_per_sample / row.best
    if baseline.rounds:
        row.ratio = float(np.median(baseline.rounds)) / row.median
        row.ratio_low, row.ratio_high = clock.ratio_interval(baseline.rounds, row.rounds)


def read_code(candidate: Candidate, inspect: bool) -> None:
    """Fill in what can be said of the machine code of a compiled candidate."""
    row, runner, problem = candidate.row, candidate.runner, candidate.problem
    if isinstance(runner, CRunner):
        row.compile_seconds, row.packed_fma = runner.compile_seconds, runner.packed_fma
    elif isinstance(runner, FunctionRunner):
        row.compile_seconds, row.packed_fma = of_dispatcher(runner.function)
    elif isinstance(runner, NetworkRunner) and runner.threads == 1:
        row.compile_seconds, row.packed_fma = of_dispatcher(kernel_of(problem), problem.dtype)
        if inspect and row.packed_fma is not None:
            row.compile_seconds = compile_afresh(problem)
    row.from_disk = row.packed_fma is not None and math.isnan(row.compile_seconds)
