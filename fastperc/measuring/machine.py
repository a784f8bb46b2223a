"""Measure the limits of this machine."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from ..kernels import peak
from ..kernels.simd_numpy import BYTES
from .clock import Timed, nothing

STEPS = 50_000  # of the loop of multiply-adds: about 0.1 ms
COPIED = 32 * 2**20  # bytes: beyond the caches
CACHED, TIMES = 64 * 2**10, 50  # bytes: within the second cache, also where that is small; copies
NEAR, NEAR_TIMES = 8 * 2**10, 2000  # bytes: two such arrays fit into any first cache; copies

LIMITS = ("multiply-adds", "copying", "copying near", "copying nearest")


@dataclass(frozen=True)
class Machine:
    """The limits of one core, measured.

    Attributes
    ----------
    gflops : float
        The peak: 10^9 additions and multiplications per second. It is ``loop``, unless a kernel
        was still faster, see `raised_to`.
    gbytes : float
        Best rate of copying what does not fit into the caches: 10^9 bytes, read or written, per
        second.
    cached, nearest : float
        Best rate of copying what fits into the second cache, and into the first.
    loop : float
        Best rate of a loop of multiply-adds in registers, see `kernels.peak`.
    """

    gflops: float
    gbytes: float
    cached: float
    nearest: float
    loop: float

    @classmethod
    def from_rounds(cls, rounds: Mapping[str, list[float]]) -> Machine:
        """Make it from the nanoseconds that each operation, and each byte, of `limits` took."""
        loop, far, cached, nearest = (1 / min(rounds[name]) for name in LIMITS)
        return cls(loop, far, cached, nearest, loop)

    def raised_to(self, gflops: float) -> Machine:
        """Return the same with a peak that is at least this rate of a kernel on one core.

        The loop is faster than any kernel at the same clock; but the clock changes, and a kernel
        may have had a faster moment. Then the peak was higher than the loop says.
        """
        return replace(self, gflops=max(self.gflops, gflops))


def peak_in_words(machine: Machine) -> str:
    """Return the peak of one core, and where it is from if it is not the loop's.

    Examples
    --------
    >>> peak_in_words(Machine(gflops=99, gbytes=12, cached=45, nearest=200, loop=99))
    '99 GFLOP/s of multiply-adds'
    """
    peak = f"{machine.gflops:.0f} GFLOP/s"
    if math.isnan(machine.loop):  # in results of an older version
        return f"{peak} in matrix products"
    if machine.gflops > machine.loop:
        return f"{peak} by the fastest kernel ({machine.loop:.0f} by a loop of multiply-adds alone)"
    return f"{peak} of multiply-adds"


def copies_in_words(machine: Machine) -> str:
    """Return how fast one core copies.

    Examples
    --------
    >>> copies_in_words(Machine(gflops=99, gbytes=12, cached=45, nearest=200, loop=99))
    'copies of 12 GB/s, 45 within the second cache, 200 within the first'
    """
    nearest = f", {machine.nearest:.0f} within the first" * (not math.isnan(machine.nearest))
    return (
        f"copies of {machine.gbytes:.0f} GB/s, {machine.cached:.0f} within the second cache"
        f"{nearest}"
    )


def limits(dtype: str) -> dict[str, Timed]:
    """Return what measures the machine, to be timed together with what is compared with it."""
    numbers = np.ones(peak.BLOCKS * BYTES // np.dtype(dtype).itemsize, dtype)
    far, cached, near = (np.ones((2, size // 8)) for size in (COPIED, CACHED, NEAR))
    peak.multiply_add(numbers, 1)  # which compiles
    peak.copy(*near, 1)

    def copy_cached() -> None:
        for _ in range(TIMES):
            np.copyto(*cached)

    loop, copying, copying_near, copying_nearest = LIMITS
    return {
        loop: Timed(
            lambda: peak.multiply_add(numbers, STEPS), nothing, 2 * STEPS * numbers.size
        ),
        copying: Timed(lambda: np.copyto(*far), nothing, far.nbytes),
        copying_near: Timed(copy_cached, nothing, TIMES * cached.nbytes),
        copying_nearest: Timed(
            lambda: peak.copy(*near, NEAR_TIMES), nothing, NEAR_TIMES * near.nbytes
        ),
    }  # fmt: skip
