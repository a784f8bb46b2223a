"""Times the table of cases, in several passes over all of it, while the machine is still.

A case meets each pass with arrays of its own, at other addresses: where in memory things happen to
lie makes a small loop up to twice as slow, in every round. A round counts if nothing disturbed the
core before and after it. A case whose best passes do not agree yet is passed over again. What does
not change within a process is up to `processes`.
"""

from __future__ import annotations

import gc
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from time import perf_counter

import numpy as np

from ..comparing.clock import LONG, MOST_ROUNDS, Timed, lengthened, quiet
from ..comparing.machine import Machine, limits
from ..comparing.stillness import Stillness
from ..surroundings import surroundings, version_of
from .case import Case, Measurement
from .storing import OURS, Result, Results

PASSES = 3  # of a process
FEWEST = 3  # undisturbed passes without which nothing can be said
AGREED = 0.06  # how far apart the best of them may be
EXTRA = 0.3  # of the time that the first passes take, for more of them
SECONDS = 0.03  # for each way of a case in each pass, at least `ROUNDS` of them
ROUNDS = 3
TRIES = 4  # for each of these: peace may be shorter than a call
WAITING = 0.4  # of the time that work takes may be lost by waiting for the machine to be still
SHIFTS = 40  # arrays that are held during a pass, so that others come to lie elsewhere
RIVALS = ("torch", "jax", "onnxruntime")

Tell = Callable[[str], object]


def run(
    cases: Iterable[Case | Measurement], *, passes: int = PASSES, seconds: float = SECONDS,
    tell: Tell = lambda line: None, still: Stillness | None = None,
) -> Results:  # fmt: skip
    """Time all cases, then take what other processes measure.

    Parameters
    ----------
    cases : iterable of Case or Measurement
    passes : int
        Up to twice as many for cases whose best differ, as long as `EXTRA` time lasts.
    seconds : float
        For each way of a case in each pass.
    tell : callable
        Called with a line on what is being done.
    still : Stillness, optional
        The probe, if it knows from an older run how fast it can be.
    """
    begin, cases = perf_counter(), list(cases)
    results = Results(described(), {})
    timed = [case for case in cases if isinstance(case, Case)]
    with quiet():
        _time(timed, results, passes, seconds, tell, still or Stillness())
    for measurement in cases:
        if isinstance(measurement, Measurement):
            tell(f"measuring {measurement.key}")
            results.results += measurement.measure()
    results.seconds = perf_counter() - begin
    return results


def _time(
    cases: list[Case], results: Results, passes: int, seconds: float, tell: Tell, still: Stillness
) -> None:
    """All cases in each pass, and what the machine can do at most; then those cases again that need
    it, while there is time."""
    found = {case.key: begun for case in cases if (begun := _begin(case, results))}
    peaks = limits("float32")
    reached = Result("machine", "limits", "operation", {name: [] for name in peaks})
    begin, end = perf_counter(), math.inf
    for number in range(1, 2 * passes + 1):
        _add_rounds(reached, peaks, seconds, still)
        for case in cases:
            result = found.get(case.key)
            if result is None or (number > passes and (perf_counter() > end or settled(result))):
                continue
            tell(f"pass {number}: {case.key}")
            try:
                pass_over(case, result, number, still, seconds)
            except ArithmeticError as error:  # a wrong case must not cost the figures of all others
                results.failed[case.key] = str(error)
                del found[case.key]
        gc.collect()
        if number == passes:
            end = perf_counter() + EXTRA * (perf_counter() - begin)
    machine = Machine(*(1 / reached.best(name) for name in ("product", "copying")))
    results.machine = {**asdict(machine), "probe": still.best}
    results.results = list(found.values())


def _begin(case: Case, results: Results) -> Result | None:
    """An empty result, unless nothing of the case can run here."""
    left_out = case.left_out()
    results.leave_out(case.key, left_out)
    ways: dict[str, list[float]] = {way: [] for way in case.ways if way not in left_out}
    return Result(case.group, case.name, case.unit, ways, case.x, case.work) if ways else None


def pass_over(
    case: Case, result: Result, number: int, still: Stillness, seconds: float = SECONDS
) -> None:
    """Prepare a case anew and time it; adds each way's best round to the result."""
    begin = perf_counter()
    sizes = np.random.default_rng(number).integers(1, 5000, SHIFTS)
    shifts = [np.empty(size) for size in sizes]
    ways, least = case.prepare(), 1
    if case.unit != "process":
        ways, least = {way: lengthened(timed) for way, timed in ways.items()}, ROUNDS
    _add_rounds(result, ways, seconds, still, least)
    still.patience += WAITING * (perf_counter() - begin)
    del shifts


def _add_rounds(
    result: Result, ways: Mapping[str, Timed], seconds: float, still: Stillness, least: int = ROUNDS
) -> None:
    """Time all ways in turn, each until it has enough undisturbed rounds or was tried often."""
    good: dict[str, list[float]] = {way: [] for way in ways}
    others: dict[str, list[float]] = {way: [] for way in ways}
    end = perf_counter() + seconds * len(ways)
    waiting = list(ways)
    while waiting:
        again = []
        for way in waiting:
            taken, was_still = still.time(ways[way])
            (good if was_still else others)[way].append(1e9 * taken / ways[way].units)
            n_good, n_others = len(good[way]), len(others[way])
            gave_up = still.patience <= 0 or taken > LONG or n_others >= TRIES * least
            n_rounds = n_good + gave_up * n_others
            if n_rounds < least or (perf_counter() < end and n_rounds < MOST_ROUNDS):
                again.append(way)
        waiting = again
    for way in ways:
        kept = result.ways[way] if good[way] else result.disturbed.setdefault(way, [])
        kept.append(min(good[way] or others[way]))


def settled(result: Result) -> bool:
    """Whether enough is known of fastperc's times.

    Of whole processes, which no busy machine leaves in peace that long, nobody can ask that.
    """
    timed = [result.ways[way] for way in OURS if way in result.ways]
    return result.unit == "process" or all(map(agree, timed))


def agree(passes: Sequence[float]) -> bool:
    """Whether there are enough undisturbed passes, and the best of them come to the same."""
    best = sorted(passes)[:FEWEST]
    return len(best) == FEWEST and best[-1] <= (1 + AGREED) * best[0]


def described() -> dict[str, str]:
    """The surroundings, without where things lie on this machine."""
    facts = dict(surroundings())
    facts.pop("cache folder", None)
    versions = {name: version_of(name) for name in RIVALS}
    return {**facts, **versions, "fastperc": version("fastperc")}
