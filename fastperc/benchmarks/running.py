"""Times the table of cases: several passes over all of it, so that no case meets only one mood of
the machine."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict
from importlib.metadata import version
from time import perf_counter

from ..comparing.clock import LEAST_ROUNDS, Timed, interleave, lengthened, quiet, seconds_of
from ..comparing.machine import measure_machine
from ..surroundings import surroundings
from . import elsewhere
from .cases import Case
from .storing import Result, Results

PASSES = 3
SECONDS = 0.15  # for each case in each pass, at least `ROUNDS` of them
ROUNDS = LEAST_ROUNDS


def run(
    cases: Iterable[Case], *, passes: int = PASSES, seconds: float = SECONDS, memory: bool = False,
    tell: Callable[[str], object] = lambda line: None,
) -> Results:  # fmt: skip
    """Prepare all cases, then time them.

    Parameters
    ----------
    cases : iterable of Case
    passes : int
    seconds : float
        For each case in each pass.
    memory : bool
        Also measure how much memory a training of a million samples adds.
    tell : callable
        Called with a line on what is being done.
    """
    begin = perf_counter()
    peak = measure_machine("float32")
    results = Results(described(), asdict(peak))
    ready = [*_prepared(list(cases), results, tell)]
    for number in range(1, passes + 1):
        for case, ways, result in ready:
            tell(f"pass {number} of {passes}: {case.key}")
            for way, times in _timed(case, ways, seconds, number).items():
                result.ways[way] += times
    results.results = [result for _, _, result in ready]
    if memory:
        tell("memory")
        results.memory["8-32-1, 1,000,000 samples"] = elsewhere.added_memory(10**6)
    results.seconds = perf_counter() - begin
    return results


def described() -> dict[str, str]:
    """The surroundings, without where things lie on this machine."""
    facts = dict(surroundings())
    facts.pop("cache folder", None)
    return facts | {"fastperc": version("fastperc")}


def _prepared(cases: list[Case], results: Results, tell):
    for case in cases:
        reason = case.refuses()
        if reason:
            results.skipped[case.key] = reason
            continue
        tell(f"preparing {case.key}")
        with quiet():
            ways = case.prepare()
            if not case.once:
                ways = {way: lengthened(timed) for way, timed in ways.items()}
        empty: dict[str, list[float]] = {way: [] for way in ways}
        yield case, ways, Result(case.group, case.name, case.unit, empty, case.x, case.work)


def _timed(case: Case, ways: dict[str, Timed], seconds: float, number: int) -> dict:
    if case.once:
        if number > 1:
            return {}
        return {way: [1e9 * seconds_of(timed) / timed.units] for way, timed in ways.items()}
    least = 1 if case.unit == "process" else ROUNDS
    return interleave(ways, seconds, least)
