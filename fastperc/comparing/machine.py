"""What this machine can do at most, and what a training step asks of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from time import perf_counter

import numpy as np

from .clock import quiet
from .problem import Problem

SIDE = 768  # of the matrices whose product is timed
COPIED = 64 * 2**20  # bytes: beyond the caches
SECONDS = 0.15


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
    """

    gflops: float
    gbytes: float


@cache
def measure_machine(dtype: str) -> Machine:
    """Measure; once in a process."""
    A, B = np.random.default_rng(0).random((2, SIDE, SIDE)).astype(dtype)
    out = np.empty_like(A)
    source = np.ones(COPIED // 8)
    target = np.empty_like(source)
    with quiet():
        product = _best(lambda: np.matmul(A, B, out=out))
        copying = _best(lambda: np.copyto(target, source))
    return Machine(2 * SIDE**3 / product / 1e9, 2 * source.nbytes / copying / 1e9)


def _best(call: Callable[[], object]) -> float:
    """Seconds of the fastest of several calls, the first left out."""
    call()
    seconds: list[float] = []
    while len(seconds) < 3 or sum(seconds) < SECONDS:
        begin = perf_counter()
        call()
        seconds.append(perf_counter() - begin)
    return min(seconds)


def flops_per_sample(problem: Problem) -> float:
    """Multiplications and additions in the matrix work of a sample's training.

    2 n_in n_out for each of: forward, the gradient or update, and, but for the first layer, the way
    back. Activations and biases are left out.
    """
    pairs = zip(problem.sizes, problem.sizes[1:], strict=False)
    products = [2 * n_in * n_out for n_in, n_out in pairs]
    return 3 * sum(products) - products[0]


def bytes_per_sample(problem: Problem) -> float:
    """Bytes that have to be read or written if nothing is kept: the sample, and per step all
    parameters once read and once written."""
    itemsize = np.dtype(problem.dtype).itemsize
    parameters = sum((i + 1) * o for i, o in zip(problem.sizes, problem.sizes[1:], strict=False))
    return itemsize * (problem.sizes[0] + problem.sizes[-1] + 2 * parameters / problem.batch_size)
