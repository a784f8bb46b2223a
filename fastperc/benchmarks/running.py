"""Time the table of cases, in several passes over all of it, while the machine is still.

A case meets each pass with arrays of its own, at other addresses: where in memory things happen to
lie makes a small loop up to twice as slow, in every round. A round counts if nothing disturbed the
core before and after it, see `rounds`. A case whose best passes do not agree has further passes.
What does not change within a process is up to `processes`.
"""

from __future__ import annotations

import gc
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import date
from importlib.metadata import version
from time import perf_counter

import numpy as np

from ..measuring import environment
from ..measuring.clock import Stopwatch, Timed, lengthened, nothing, quiet
from ..measuring.machine import Machine, limits
from ..measuring.stillness import Stillness
from .case import SHORT, Case, Measurement
from .results import OURS, Result, Results
from .rounds import Rounds, time_all

PASSES = 3  # of a process
FEWEST = 3  # undisturbed passes, below which a case is not judged
AGREED = 0.06  # relative difference up to which the best of them agree
SECONDS = 0.6  # for each case in a process, to time it and to wait until the machine is still
FEW_CASES = 10  # of fewer, each has more time
WINDOW = 0.15  # of all this time, for a single pass
SHIFTS = 4  # arrays for each case that are held while all are prepared
LIBRARIES = ("torch", "jax", "onnxruntime")

Tell = Callable[[str], object]


def run(
    cases: Iterable[Case | Measurement], *, passes: int = PASSES, seconds: float | None = None,
    tell: Tell = lambda line: None, still: Stillness | None = None,
) -> Results:  # fmt: skip
    """Time all cases, then take what other processes measure.

    Parameters
    ----------
    cases : iterable of Case or Measurement
    passes : int
        Minimum number of passes; cases whose best differ have more while there is time.
    seconds : float, optional
        Time limit for all cases, after which a busy machine leaves the rest disturbed; by default
        `SECONDS` each.
    tell : callable
        Function that is called with a line on what is being done.
    still : Stillness, optional
        The probe, if it knows from an older run how fast it can be.
    """
    cases = list(cases)
    results = Results(environment_here(), {}, date=date.today().isoformat())
    timed = [case for case in cases if isinstance(case, Case)]
    seconds = SECONDS * max(len(timed), FEW_CASES) if seconds is None else seconds
    with Stopwatch() as watch:
        with quiet():
            _time(timed, results, passes, seconds, tell, still or Stillness())
        for measurement in cases:
            if isinstance(measurement, Measurement):
                tell(f"measuring {measurement.key}")
                results.results += measurement.measure()
    results.seconds = watch.seconds
    return results


def _time(
    cases: list[Case], results: Results, passes: int, seconds: float, tell: Tell, still: Stillness
) -> None:
    """Time all cases and the limits of the machine in each pass, then those that need it again."""
    found = {case.key: begun for case in cases if (begun := _begin(case, results))}
    peaks = limits("float32")
    reached = Result("machine", "limits", "operation", {name: [] for name in peaks})
    end, number = math.inf, 0
    while number < passes or (perf_counter() < end and _unconverged(found)):
        number += 1
        wanted = found if number <= passes else _unconverged(found)
        rounds = _prepare(cases, wanted, number, tell)
        rounds[reached.key] = {name: Rounds(timed) for name, timed in peaks.items()}
        end = min(end, perf_counter() + seconds)
        tell(f"pass {number}: timing {len(rounds)} cases")
        time_all(_in_order(rounds), still, WINDOW * seconds)
        for key, ways in rounds.items():
            add_pass(found.get(key, reached), ways)
            if error := "; ".join(each.error for each in ways.values() if each.error):
                results.failed[key] = error
                del found[key]
        del rounds, ways  # before the next pass makes others
        gc.collect()
    machine = Machine.from_rounds({name: reached.passes(name) for name in peaks})
    results.machine = {**asdict(machine), "probe": still.best}
    results.results = list(found.values())


def _prepare(
    cases: list[Case], wanted: dict[str, Result], number: int, tell: Tell
) -> dict[str, dict[str, Rounds]]:
    """Return the rounds of the wanted cases, ready to be timed.

    Before each, arrays are made and held, so that its own lie elsewhere than in other passes.
    """
    sizes = np.random.default_rng(number).integers(1, 5000, (len(cases), SHIFTS))
    held, rounds = [], {}
    for case, row in zip(cases, sizes, strict=True):
        if case.key in wanted:
            tell(f"pass {number}: {case.key}")
            held.append([np.empty(size) for size in row])
            rounds[case.key] = begin_pass(case, wanted[case.key])
    return rounds


def _in_order(rounds: dict[str, dict[str, Rounds]]) -> list[Rounds]:
    """Return the rounds of fastperc first, since others are compared with it."""
    named = [(way, each) for ways in rounds.values() for way, each in ways.items()]
    return [each for _, each in sorted(named, key=lambda pair: pair[0] not in OURS)]


def _unconverged(found: dict[str, Result]) -> dict[str, Result]:
    return {key: result for key, result in found.items() if not has_converged(result)}


def _begin(case: Case, results: Results) -> Result | None:
    """Return an empty result, unless nothing of the case can run here."""
    left_out = case.left_out()
    results.leave_out(case.key, left_out)
    ways: dict[str, list[float]] = {way: [] for way in case.ways if way not in left_out}
    return Result(case.group, case.name, case.unit, ways, case.x, case.work) if ways else None


def begin_pass(case: Case, result: Result) -> dict[str, Rounds]:
    """Prepare those ways of a case whose times have not converged.

    A case that is wrong must not cost the figures of all others.
    """
    try:
        ways = case.prepare()
    except ArithmeticError as error:
        wrong = Rounds(Timed(nothing))
        wrong.error = str(error)
        return {case.ways[0]: wrong}
    if case.unit == "process":
        return {way: Rounds(timed, least=1) for way, timed in ways.items()}
    return {
        way: Rounds(lengthened(timed, SHORT))
        for way, timed in ways.items()
        if not agree(result.ways[way])
    }


def add_pass(result: Result, ways: Mapping[str, Rounds]) -> None:
    """Add each way's best round to the result."""
    for way, rounds in ways.items():
        if rounds.was_still:
            result.ways[way].append(min(rounds.good))
        elif rounds.good or rounds.others:
            result.disturbed.setdefault(way, []).append(min(rounds.good + rounds.others))


def has_converged(result: Result) -> bool:
    """Return whether fastperc's times have converged.

    Times of whole processes need not: no busy machine leaves them undisturbed for that long.
    """
    timed = [result.ways[way] for way in OURS if way in result.ways]
    return result.unit == "process" or all(map(agree, timed))


def agree(passes: Sequence[float]) -> bool:
    """Return whether there are enough undisturbed passes, and the best of them agree."""
    best = sorted(passes)[:FEWEST]
    return len(best) == FEWEST and best[-1] <= (1 + AGREED) * best[0]


def environment_here() -> dict[str, str]:
    """Return a description of the environment, without paths of this machine."""
    facts = dict(environment.describe())
    facts.pop("cache folder", None)
    versions = {name: environment.version_of(name) for name in LIBRARIES}
    code = {"code": revision} if (revision := environment.revision()) else {}
    return {**facts, **versions, "fastperc": version("fastperc"), **code}
