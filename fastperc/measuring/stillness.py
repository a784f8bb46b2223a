"""Find moments in which nothing else disturbs: others make code up to twice as slow.

On a shared machine the other hardware thread of a core may be another tenant's. While that one
works, this one keeps its clock and its share of time, but not its execution units: an exponential
over a few kilobytes takes half as long again. Timing that before and after each call, some 10 us,
says whether the call's time counts. No system call does; disturbances last from milliseconds to
minutes.
"""

from __future__ import annotations

import math
from bisect import insort
from contextlib import ExitStack
from time import perf_counter

import numpy as np

from .clock import Timed, seconds_of
from .threads import cores, on_one_core, pin_to_core

SIZE, REPEATS = 2048, 3  # 8 KB of numbers: they and their results fit into the first cache
PAGE = 4096  # bytes; how the arrays lie to each other within a page makes a fifth
SLACK = 0.08  # a still machine varies by 2 %, a disturbed one is 40 % to 90 % slower
COLD = 0.25  # what the probe may take longer after a call that has emptied the caches
POLLING = 0.003  # seconds on one core, before another is tried
CALIBRATION = 0.5  # seconds
FASTEST = 20  # the slowest of this many best probes is what can be expected again


class Stillness:
    """A probe, and the core where it is as fast as it can be.

    Parameters
    ----------
    best : float, optional
        Nanoseconds that the probe takes if nothing disturbs it; it is lowered whenever the probe
        is faster.

    Attributes
    ----------
    best : float
    """

    def __init__(self, best: float = math.inf):
        self.best = best
        self._fastest: list[float] = []
        self._arguments, self._results = _arrays()
        self._arguments[:] = np.random.default_rng(0).normal(0, 3, SIZE)
        self._cores = cores() or [0]  # where work is done is the first
        end = perf_counter() + CALIBRATION
        with on_one_core():
            while perf_counter() < end:
                self.is_still()

    def is_still(self, slack: float = SLACK) -> bool:
        """Return whether nothing disturbs now: the probe takes its best time, within the slack."""
        np.exp(self._arguments, out=self._results)  # what has run before may have emptied the cache
        begin = perf_counter()
        for _ in range(REPEATS):
            np.exp(self._arguments, out=self._results)
        return self._judge(1e9 * (perf_counter() - begin), slack)

    def _judge(self, nanoseconds: float, slack: float = SLACK) -> bool:
        """Return whether a probe that took this long was undisturbed."""
        if nanoseconds < self.best:
            insort(self._fastest, nanoseconds)
            del self._fastest[FASTEST:]
            if len(self._fastest) == FASTEST:
                self.best = self._fastest[-1]
        return nanoseconds <= (1 + slack) * self.best

    def time(self, timed: Timed, late: bool = False) -> tuple[float, bool] | None:
        """Time a call if nothing disturbs.

        Work of this thread is done on one core, which alone has to be still; for work elsewhere
        all have to be.

        Parameters
        ----------
        timed : Timed
        late : bool
            Whether to make the call even if something disturbs.

        Returns
        -------
        (seconds, was_still) or None
            None if no call was made. Another core is tried next, and something else may be done
            meanwhile.
        """
        is_still = self._are_all_still if timed.elsewhere else self.is_still
        with ExitStack() as pinned:
            pinned.enter_context(on_one_core(self._cores[0]))
            end = perf_counter() + POLLING
            while not (was_still := is_still()) and perf_counter() < end:
                pass
            if not (was_still or late):
                self._move_on()
                return None
            if timed.elsewhere:
                pinned.close()  # the probe moves from core to core; the work may have all of them
            seconds = seconds_of(timed)
            return seconds, is_still(COLD) and was_still

    def _move_on(self) -> None:
        """Go to the next core, with the probe in its cache."""
        if len(self._cores) > 1:
            self._cores.append(self._cores.pop(0))
            pin_to_core(self._cores[0])
            self.is_still()

    def _are_all_still(self, slack: float = SLACK) -> bool:
        """Return whether all cores are still, one after the other."""
        with on_one_core(self._cores[0]):
            for _ in self._cores:
                if not self.is_still(slack):
                    return False
                self._move_on()
        return True


def _arrays() -> tuple[np.ndarray, np.ndarray]:
    """Return two arrays of `SIZE` numbers, side by side from where a page begins."""
    numbers = np.empty(2 * SIZE + PAGE // 4, np.float32)
    first = -numbers.ctypes.data % PAGE // 4
    return numbers[first : first + SIZE], numbers[first + SIZE : first + 2 * SIZE]
