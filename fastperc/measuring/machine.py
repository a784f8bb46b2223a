"""Measure the limits of this machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from .clock import Timed, nothing

SIDE = 384  # of the matrices whose product is timed
COPIED = 32 * 2**20  # bytes: beyond the caches
CACHED, TIMES = 64 * 2**10, 50  # bytes: within the second cache, also where that is small; copies

LIMITS = ("product", "copying", "copying near")


@dataclass(frozen=True)
class Machine:
    """The limits of one core, measured.

    Attributes
    ----------
    gflops : float
        Best rate of NumPy's matrix product: 10^9 additions and multiplications per second.
    gbytes : float
        Best rate of copying what does not fit into the caches: 10^9 bytes, read or written, per
        second.
    cached : float
        Best rate of copying what fits into the second cache.
    """

    gflops: float
    gbytes: float
    cached: float

    @classmethod
    def from_rounds(cls, rounds: Mapping[str, list[float]]) -> Machine:
        """Make it from the nanoseconds that each operation, and each byte, of `limits` took."""
        return cls(*(1 / min(rounds[name]) for name in LIMITS))


def limits(dtype: str) -> dict[str, Timed]:
    """Return what measures the machine, to be timed together with what is compared with it."""
    A, B = np.random.default_rng(0).random((2, SIDE, SIDE)).astype(dtype)
    out = np.empty_like(A)
    far, near = np.ones((2, COPIED // 8)), np.ones((2, CACHED // 8))

    def copy_near() -> None:
        for _ in range(TIMES):
            np.copyto(*near)

    product, copying, copying_near = LIMITS
    return {
        product: Timed(lambda: np.matmul(A, B, out=out), nothing, 2 * SIDE**3),
        copying: Timed(lambda: np.copyto(*far), nothing, far.nbytes),
        copying_near: Timed(copy_near, nothing, TIMES * near.nbytes),
    }
