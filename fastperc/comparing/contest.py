"""The steps of a comparison: check each variant, time them together, work out the figures."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from dataclasses import replace
from time import perf_counter

import numpy as np

from ..measuring.clock import Timed, interleave, interval, lengthened, ratio_interval
from ..measuring.machine import Machine, flops_per_sample, limits
from .agreement import Finding, Oracle, check
from .c_twin import CRunner
from .children import TroubleError, describe, in_child
from .code import compile_afresh, kernel_of, of_dispatcher
from .comparison import Row
from .problem import KINDS, Problem
from .runners import FunctionRunner, NetworkRunner, Runner, beginning
from .variants import VARIANTS, Variant

ROUND = 0.02  # seconds of a slow variant in one round: it gets as many samples as fit


class Contestant:
    """A row of the result, and what fills it: `runner` is None if it cannot train."""

    def __init__(self, row: Row, problem: Problem):
        self.row, self.problem = row, problem
        self.runner: Runner | None = None
        self.timed: Timed | None = None

    def enter(self, make: Callable[[Problem], Runner], oracle: Oracle | None = None) -> None:
        """Make the runner, take a first step, check it if that has not been done."""
        try:
            begin = perf_counter()
            runner = make(self.problem)
            runner.train(self.problem.step_rows)
            self.row.first_call = perf_counter() - begin
            if self.row.finding is None:
                self.row.finding = check(self.problem, runner, oracle=oracle)
        except Exception as error:  # it is reported, and the others go on
            self.row.trouble = describe(error)
        else:
            self.runner = runner

    def can_be_timed(self) -> bool:
        """Whether it trains, also for more than a step; if so, `timed` is what to time."""
        try:
            self.timed = self._prepare() if self.runner else None
        except Exception as error:  # after a wrong step, the next may be impossible
            if self.row.agrees:
                self.row.trouble = describe(error)
        return self.timed is not None

    def _prepare(self) -> Timed:
        """An epoch, or several; of a slow one, the beginning of an epoch."""
        assert self.runner is not None
        timed = beginning(self.runner, self.problem, ROUND, least=200)
        self.row.samples = timed.units
        return lengthened(timed)


def judge(function: Callable, problem: Problem, seconds: float) -> Finding:
    """Check somebody's function in a process of its own, in float64 and in the problem's dtype.

    Float64 tells a wrong formula from rounding, so it has the first word; a function that cannot
    take it is checked in the problem's dtype alone.
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


def misfit(function: Callable, kind: str) -> str:
    """Why a function cannot be called with the arguments of a kind, or nothing."""
    arguments = KINDS[kind].arguments
    try:
        signature = inspect.signature(getattr(function, "py_func", function))
    except ValueError:  # of something built in
        return ""
    try:
        signature.bind(*arguments)
    except TypeError as error:
        return f"cannot be called: {error}. For {kind} it gets ({', '.join(arguments)})"
    return ""


def enter_function(function: Callable, problem: Problem, time_limit: float) -> Contestant:
    """Somebody's own function."""
    name = getattr(function, "__name__", type(function).__name__)
    row = Row(name if name not in VARIANTS else f"my {name}", "your function")
    contestant = Contestant(row, problem)
    row.trouble = misfit(function, problem.kind)
    if row.trouble:
        return contestant
    try:
        row.finding = judge(function, problem, time_limit)
    except TroubleError as error:
        row.trouble = str(error)
    else:
        contestant.enter(lambda p: FunctionRunner(p, function))
    return contestant


def enter_variant(variant: Variant, problem: Problem, oracle: Oracle) -> Contestant:
    """One of ours."""
    contestant = Contestant(Row(variant.name, variant.what), problem)
    contestant.enter(variant.make, oracle)
    return contestant


def time_all(contestants: list[Contestant], seconds: float) -> Machine:
    """Time all that can train, in turn, and what the machine can do at most among them."""
    able = {c.row.name: c for c in contestants if c.can_be_timed()}
    entered = {name: c.timed for name, c in able.items() if c.timed}
    peaks = limits(contestants[0].problem.dtype)
    rounds = interleave({**entered, **{f"limit: {name}": peaks[name] for name in peaks}}, seconds)
    for name, contestant in able.items():
        contestant.row.rounds = rounds[name]
    return Machine.from_rounds({name: rounds[f"limit: {name}"] for name in peaks})


def work_out(row: Row, baseline: Row, problem: Problem, machine: Machine, traffic: float) -> None:
    """The figures that follow from the rounds."""
    if not row.rounds:
        return
    row.best, row.median = min(row.rounds), float(np.median(row.rounds))
    row.low, row.high = interval(row.rounds)
    if row.agrees:
        row.gflops, row.gbytes = flops_per_sample(problem) / row.best, traffic / row.best
        row.share_of_peak = row.gflops / machine.gflops
    if baseline.rounds:
        row.ratio = float(np.median(baseline.rounds)) / row.median
        row.ratio_low, row.ratio_high = ratio_interval(baseline.rounds, row.rounds)


def read_code(contestant: Contestant, inspect: bool) -> None:
    """What can be said of the machine code of a compiled contestant."""
    row, runner, problem = contestant.row, contestant.runner, contestant.problem
    if isinstance(runner, CRunner):
        row.compile_seconds, row.packed_fma = runner.compile_seconds, runner.packed_fma
    elif isinstance(runner, FunctionRunner):
        row.compile_seconds, row.packed_fma = of_dispatcher(runner.function)
    elif isinstance(runner, NetworkRunner) and runner.threads == 1:
        row.compile_seconds, row.packed_fma = of_dispatcher(kernel_of(problem), problem.dtype)
        if inspect and row.packed_fma is not None:
            row.compile_seconds = compile_afresh(problem)
    row.from_disk = row.packed_fma is not None and math.isnan(row.compile_seconds)
