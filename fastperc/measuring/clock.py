"""Timing that can be believed on a busy machine: in turn, best and median, interval of the ratio.

All candidates run in every round, so that whatever else the machine does meets all of them; the
best time is what the code can do, and how far the rounds scatter is given with it.
"""

from __future__ import annotations

import gc
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter, process_time
from types import TracebackType

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


def nothing() -> None:
    """Do nothing: a setup where there is nothing to set up."""


@dataclass(frozen=True)
class Timed:
    """Something to time.

    Attributes
    ----------
    call : callable
        What is timed.
    setup : callable
        Called before each call, off the clock.
    units : int
        The number that a call's time is divided by: of samples, elements, calls.
    elsewhere : bool
        Whether other processes or threads do the work.
    """

    call: Callable[[], object]
    setup: Callable[[], object] = nothing
    units: int = 1
    elsewhere: bool = False

    def repeated(self, n: int) -> Timed:
        """Return the same work ``n`` times, after one setup."""

        def calls() -> None:
            for _ in range(n):
                self.call()

        return Timed(calls, self.setup, n * self.units, self.elsewhere)


class Stopwatch:
    """Time a block that runs once, interruptions included.

    Examples
    --------
    >>> with Stopwatch() as watch:
    ...     total = sum(range(1000))
    >>> 0 < watch.seconds < 60
    True
    """

    seconds = math.nan

    def __enter__(self) -> Stopwatch:
        self.begin = perf_counter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:  # fmt: skip
        self.seconds = perf_counter() - self.begin


def seconds_of(timed: Timed) -> float:
    """Return the seconds that one call takes, after its setup.

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
    """Return the same work, repeated until it takes about ``seconds``.

    Then neither the clock's own time nor caches that others have emptied count. Setup runs once
    before all of it.
    """
    once = min(seconds_of(timed) for _ in range(3))
    return timed.repeated(max(1, int(seconds / max(once, 1e-9))))


def interruptions() -> int:
    """Return how often another process has taken this one's core; 0 where that is not known."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw if resource else 0


def interleave(
    candidates: Mapping[str, Timed], seconds: float, least: int = LEAST_ROUNDS
) -> dict[str, list[float]]:
    """Time all candidates in turn, round by round.

    Parameters
    ----------
    candidates : mapping of name to Timed
        They are warm: each has been called before.
    seconds : float
        Approximate time for all rounds.
    least : int
        Minimum number of rounds, even if they take longer; the maximum is `MOST_ROUNDS`.

    Returns
    -------
    dict of name to list of float
        Nanoseconds per unit in each round.
    """
    rounds: dict[str, list[float]] = {name: [] for name in candidates}
    begin, n_rounds = perf_counter(), 0
    with quiet():
        while n_rounds < least or (n_rounds < MOST_ROUNDS and perf_counter() - begin < seconds):
            for name, timed in candidates.items():
                rounds[name].append(1e9 * seconds_of(timed) / timed.units)
            n_rounds += 1
    return rounds


@contextmanager
def quiet() -> Iterator[None]:
    """Turn off garbage collection, other libraries' threads, and NumPy's warnings of overflow.

    Inside, nothing is collected again: beside large libraries that takes longer than what is timed.
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
    """Return the 95 % bootstrap interval of the median."""
    return _between(np.median(_resampled(np.array(values)), axis=1))


def ratio_interval(base: list[float], values: list[float]) -> tuple[float, float]:
    """Return the 95 % bootstrap interval of ``median(base) / median(values)``, by round."""
    pairs = _resampled(np.stack([base, values], axis=1))
    medians = np.median(pairs, axis=1)
    return _between(medians[:, 0] / medians[:, 1])


def _resampled(values: np.ndarray) -> np.ndarray:
    rng = np.random.default_rng(0)
    return values[rng.integers(0, len(values), (RESAMPLES, len(values)))]


def _between(values: np.ndarray) -> tuple[float, float]:
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)
