"""What this machine can do at most, and what a training step asks of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ..comparing.problem import Problem
from ..model.layout import n_parameters
from .clock import Timed

SIDE = 384  # of the matrices whose product is timed
COPIED = 32 * 2**20  # bytes: beyond the caches
CACHED, TIMES = 64 * 2**10, 50  # bytes: within the second cache, also where that is small; copies

LIMITS = ("product", "copying", "copying near")


@dataclass(frozen=True)
class Machine:
    """Measured on one core.

    Attributes
    ----------
    gflops : float
        Best rate of NumPy's matrix product: 10^9 additions and multiplications per second.
    gbytes : float
        Best rate of copying what does not fit into the caches: 10^9 bytes, read or written, per
        second.
    cached : float
        The same of what fits into the second cache.
    """

    gflops: float
    gbytes: float
    cached: float

    @classmethod
    def from_rounds(cls, rounds: Mapping[str, list[float]]) -> Machine:
        """From the nanoseconds that each operation, and each byte, of `limits` took."""
        return cls(*(1 / min(rounds[name]) for name in LIMITS))


def limits(dtype: str) -> dict[str, Timed]:
    """What measures the machine, to be timed among that which is compared with it."""
    A, B = np.random.default_rng(0).random((2, SIDE, SIDE)).astype(dtype)
    out = np.empty_like(A)
    far, near = np.ones((2, COPIED // 8)), np.ones((2, CACHED // 8))

    def nothing() -> None:
        pass

    def copy_near() -> None:
        for _ in range(TIMES):
            np.copyto(*near)

    product, copying, copying_near = LIMITS
    return {
        product: Timed(lambda: np.matmul(A, B, out=out), nothing, 2 * SIDE**3),
        copying: Timed(lambda: np.copyto(*far), nothing, far.nbytes),
        copying_near: Timed(copy_near, nothing, TIMES * near.nbytes),
    }


def flops_per_sample(problem: Problem) -> float:
    """Multiplications and additions in the matrix work of a sample.

    2 n_in n_out for each of: forward, the gradient or update, and, but for the first layer, the way
    back. Activations and biases are left out.
    """
    products = [2 * n_in * n_out for n_in, n_out in pairwise(problem.sizes)]
    return sum(products) if problem.kind == "forward" else 3 * sum(products) - products[0]


def bytes_per_sample(problem: Problem) -> float:
    """Bytes that have to be read or written if nothing is kept: the sample, or its inputs and
    outputs; and, for each step or once for all samples, the parameters: read, and but for the
    outputs also written, or as many of a gradient."""
    itemsize = np.dtype(problem.dtype).itemsize
    times = 1 if problem.kind == "forward" else 2
    parameters = times * n_parameters(problem.sizes) / problem.batch_size
    return itemsize * (problem.sizes[0] + problem.sizes[-1] + parameters)
