"""Times the table of cases, in several passes over all of it.

A case meets each pass with arrays of its own, at other addresses, and in another mood of the
machine: where in memory things happen to lie makes a small loop up to twice as slow, in every
round. A case whose best passes do not agree yet is passed over again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import asdict
from importlib.metadata import version
from time import perf_counter

import numpy as np

from ..comparing.clock import interleave, lengthened, quiet
from ..comparing.machine import measure_machine
from ..surroundings import surroundings, version_of
from .case import Case, Measurement
from .storing import OURS, Result, Results

PASSES = 4
AGREED = 0.03  # between the best two passes
EXTRA = 0.3  # of the time that the first passes take, for more of them
SECONDS = 0.06  # for each case in each pass, at least `ROUNDS` of them
ROUNDS = 4
SHIFTS = 40  # arrays that are held during a pass, so that others come to lie elsewhere
RIVALS = ("torch", "jax", "onnxruntime")


def run(
    cases: Iterable[Case | Measurement], *, passes: int = PASSES, seconds: float = SECONDS,
    tell: Callable[[str], object] = lambda line: None,
) -> Results:  # fmt: skip
    """Time all cases, then take what other processes measure.

    Parameters
    ----------
    cases : iterable of Case or Measurement
    passes : int
        Up to twice as many for cases whose best two differ, as long as `EXTRA` time lasts.
    seconds : float
        For each case in each pass.
    tell : callable
        Called with a line on what is being done.
    """
    begin, cases = perf_counter(), list(cases)
    results = Results(described(), asdict(measure_machine("float32")))
    timed = [case for case in cases if isinstance(case, Case)]
    found = {case.key: begun for case in timed if (begun := _begin(case, results))}
    _time([case for case in timed if case.key in found], found, results, passes, seconds, tell)
    results.results = [result for key, result in found.items() if key not in results.failed]
    for measurement in cases:
        if isinstance(measurement, Measurement):
            tell(f"measuring {measurement.key}")
            results.results += measurement.measure()
    results.seconds = perf_counter() - begin
    return results


def _time(
    cases: list[Case], found: dict[str, Result], results: Results, passes: int, seconds: float,
    tell: Callable[[str], object],
) -> None:  # fmt: skip
    """All cases in each pass; then those again that need it, while there is time."""
    begin, end = perf_counter(), math.inf
    for number in range(1, 2 * passes + 1):
        for case in cases:
            done = number > passes and (perf_counter() > end or agree(found[case.key]))
            if done or case.key in results.failed:
                continue
            tell(f"pass {number}: {case.key}")
            try:
                pass_over(case, found[case.key], seconds, number)
            except ArithmeticError as error:  # a wrong case must not cost the figures of all others
                results.failed[case.key] = str(error)
        if number == passes:
            end = perf_counter() + EXTRA * (perf_counter() - begin)


def run_again(
    cases: Iterable[Case | Measurement], results: Results, keys: Iterable[str],
    tell: Callable[[str], object] = lambda line: None,
) -> None:  # fmt: skip
    """Add passes to some results: what looks changed is looked at twice."""
    found = {result.key: result for result in results.results if result.key in set(keys)}
    again = [case for case in cases if isinstance(case, Case) and case.key in found]
    for number in range(1, PASSES + 1):
        for case in again:
            tell(f"once more: {case.key}")
            pass_over(case, found[case.key], SECONDS, 100 + number)


def _begin(case: Case, results: Results) -> Result | None:
    """An empty result, unless nothing of the case can run here."""
    left_out = case.left_out()
    results.leave_out(case.key, left_out)
    ways: dict[str, list[float]] = {way: [] for way in case.ways if way not in left_out}
    return Result(case.group, case.name, case.unit, ways, case.x, case.work) if ways else None


def pass_over(case: Case, result: Result, seconds: float, number: int) -> None:
    """Prepare a case anew and time it; adds each way's best round to the result."""
    sizes = np.random.default_rng(number).integers(1, 5000, SHIFTS)
    shifts = [np.empty(size) for size in sizes]
    with quiet():
        ways = {way: lengthened(timed) for way, timed in case.prepare().items()}
    least = 1 if case.unit == "process" else ROUNDS
    for way, rounds in interleave(ways, seconds, least).items():
        result.ways[way].append(min(rounds))
    del shifts


def agree(result: Result) -> bool:
    """Whether the best two passes of fastperc do, and those of what it is compared with."""
    compared = [result.baseline, *(way for way in OURS if way in result.ways)]
    pairs = (sorted(result.ways[way])[:2] for way in compared)
    return all(len(pair) == 2 and pair[1] <= (1 + AGREED) * pair[0] for pair in pairs)


def described() -> dict[str, str]:
    """The surroundings, without where things lie on this machine."""
    facts = dict(surroundings())
    facts.pop("cache folder", None)
    versions = {name: version_of(name) for name in RIVALS}
    return {**facts, **versions, "fastperc": version("fastperc")}
