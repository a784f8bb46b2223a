"""Run a comparison: check each variant, time them together, work out the figures."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ..measuring import clock
from ..measuring.machine import Machine, limits
from .agreement import Oracle
from .candidate import Candidate
from .code import compile_afresh, kernel_of, of_dispatcher
from .objects import Kernel
from .own import function_candidate, names_of
from .problem import Problem
from .result import Row
from .runners import FunctionRunner
from .slots import Reader
from .variants import Variant
from .ways.c import CRunner
from .ways.network import NetworkRunner


def own_candidates(
    kernels: Sequence[Kernel], problem: Problem, time_limit: float, reader: Reader | None
) -> list[Candidate]:
    """Check all that the user gave, and make it ready to be timed."""
    names = names_of(kernels)
    return [
        function_candidate(kernel, problem, time_limit, name=name, reader=reader)
        for kernel, name in zip(kernels, names, strict=True)
    ]


def variant_candidate(variant: Variant, problem: Problem, oracle: Oracle) -> Candidate:
    """Check a variant of the table, and make it ready to be timed."""
    candidate = Candidate(Row(variant.name, variant.what), problem)
    candidate.prepare(variant.make, oracle)
    return candidate


def time_all(candidates: Sequence[Candidate], seconds: float) -> Machine:
    """Time all that can train, in turn, and among them the limits of the machine."""
    able = {c.row.name: c for c in candidates if c.can_be_timed()}
    timed = {name: c.guarded() for name, c in able.items()}
    peaks = limits(candidates[0].problem.dtype)
    rounds = clock.interleave(
        {**timed, **{f"limit: {name}": peaks[name] for name in peaks}}, seconds
    )
    for name, candidate in able.items():
        candidate.row.rounds = [] if candidate.has_failed else rounds[name]
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
    if baseline.rounds and row.agrees:  # what is wrong is not faster, whatever its time
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
