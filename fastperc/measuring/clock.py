"""Timing that can be believed on a busy machine: in turn, best and median, interval of the ratio.

All contestants run in every round, so that whatever else the machine does meets all of them; the
best time is what the code can do, and how far the rounds scatter is said with it.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter, process_time

import numpy as np
from threadpoolctl import threadpool_limits

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

LEAST_ROUNDS = 7
MOST_ROUNDS = 60
FAST = 0.001  # seconds
TRIES = 5
LONG = 0.005  # seconds; a call as long as a time slice is interrupted again and again
RESAMPLES = 2000


@dataclass(frozen=True)
class Timed:
    """Something to time.

    Attributes
    ----------
    call : callable
        What is timed.
    setup : callable
        Runs before each call, off the clock.
    units : int
        By how many a call's time is divided: samples, elements, calls.
    elsewhere : bool
        Whether other processes or threads do the work.
    """

    call: Callable[[], object]
    setup: Callable[[], object]
    units: int
    elsewhere: bool = False


def seconds_of(timed: Timed) -> float:
    """Seconds that one call takes, after its setup.

    Time during which the system gave the core to another process is left out: it says how busy the
    machine is, not how fast the code. A short call that was interrupted is made again, a few times,
    because caches and pipelines have to be filled again too.
    """
    seconds = []
    for _ in range(TRIES):
        timed.setup()
        before = interruptions()
        used, begin = process_time(), perf_counter()
        timed.call()
        wall, used = perf_counter() - begin, process_time() - used
        if interruptions() == before or timed.elsewhere:
            return wall
        seconds.append(min(wall, used))
        if wall > LONG:
            break
    return min(seconds)


def lengthened(timed: Timed, seconds: float = FAST) -> Timed:
    """The same work as often as fills so many seconds, so that neither the clock's own time nor
    caches that others have emptied count. Setup runs once before all of it."""
    once = min(seconds_of(timed) for _ in range(3))
    repeats = max(1, int(seconds / max(once, 1e-9)))
    if repeats == 1:
        return timed

    def call() -> None:
        for _ in range(repeats):
            timed.call()

    return Timed(call, timed.setup, repeats * timed.units, timed.elsewhere)


def interruptions() -> int:
    """How often another process has taken this one's core; 0 where the system does not say."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw if resource else 0


def interleave(
    contestants: Mapping[str, Timed], seconds: float, least: int = LEAST_ROUNDS
) -> dict[str, list[float]]:
    """Time all in turn; the nanoseconds per unit of each in each round.

    Parameters
    ----------
    contestants : mapping of name to Timed
        Warm: each has been called before.
    seconds : float
        About how long it may take in all.
    least : int
        So many rounds are made even if that takes longer; at most `MOST_ROUNDS`.
    """
    rounds: dict[str, list[float]] = {name: [] for name in contestants}
    begin, n_rounds = perf_counter(), 0
    with quiet():
        while n_rounds < least or (n_rounds < MOST_ROUNDS and perf_counter() - begin < seconds):
            for name, timed in contestants.items():
                rounds[name].append(1e9 * seconds_of(timed) / timed.units)
            n_rounds += 1
    return rounds


@contextmanager
def quiet() -> Iterator[None]:
    """Without garbage collection, other libraries' threads, and NumPy's warnings of overflow.

    What has been collected outside is not collected again inside: beside large libraries that takes
    longer than what is timed.
    """
    was_on = gc.isenabled()
    if was_on:
        gc.collect()
        gc.disable()
    try:
        with threadpool_limits(1), np.errstate(all="ignore"):
            yield
    finally:
        if was_on:
            gc.enable()


def interval(values: list[float]) -> tuple[float, float]:
    """Where the median of the rounds lies with a probability of 95 %, by bootstrap."""
    return _between(np.median(_resampled(np.array(values)), axis=1))


def ratio_interval(base: list[float], values: list[float]) -> tuple[float, float]:
    """The same for ``median(base) / median(values)``; round by round, as they were timed."""
    pairs = _resampled(np.stack([base, values], axis=1))
    medians = np.median(pairs, axis=1)
    return _between(medians[:, 0] / medians[:, 1])


def _resampled(values: np.ndarray) -> np.ndarray:
    rng = np.random.default_rng(0)
    return values[rng.integers(0, len(values), (RESAMPLES, len(values)))]


def _between(values: np.ndarray) -> tuple[float, float]:
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)
