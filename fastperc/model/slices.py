"""Long calls into kernels, cut into short ones, with the same bits.

Python acts on Ctrl-C between two calls only, and so do we on the clock. What works on many samples
is therefore called for some chunks of them at a time, and carries its sums from call to call.
"""

from __future__ import annotations

from collections.abc import Iterator
from time import perf_counter

import numpy as np

from ..deadline import NO_LIMIT, Deadline
from ..kernels.table import chunk_size

SLICE = 0.05  # seconds that a call should take
SHORT = 1e8  # multiplications that certainly take no longer
WORTH_THREADS = 3e6  # multiplications, of a forward pass, from which on threads gain
LONG = 2e8  # multiplications, three times as many with backward, from which on a step is cut


def threads_for(work: float, threads: int) -> int:
    """Return how many of the threads that are allowed take part in so many multiplications.

    To wake a second one and to wait for it takes 30 to 100 us, as does a pool of them; where the
    other cores are busy, much longer. ``work`` is that of the forward pass: of one batch, since
    the next has to wait for it.
    """
    return threads if work >= WORTH_THREADS else 1


def next_size(size: int, seconds: float, target: float) -> float:
    """Return how much to do next, in ``target`` seconds, where ``size`` took ``seconds``.

    At most eightfold at a time: the first call may have been slowed by cold caches.
    """
    return size * min(8.0, target / max(seconds, 1e-7))


def slices(
    n: int, first_size: float = 1.0, deadline: Deadline = NO_LIMIT
) -> Iterator[tuple[int, int]]:
    """Cut ``range(n)`` into pieces ``begin, end`` that take the caller about `SLICE` seconds each.

    The first one has ``first_size`` elements, the others as many as the last one's time tells. The
    deadline is checked before each but the first.
    """
    done, size = 0, first_size
    while done < n:
        last = min(n, done + max(1, int(size)))
        begin = perf_counter()
        yield done, last
        now = perf_counter()
        if last < n:
            deadline.check()
        size = next_size(last - done, now - begin, SLICE)
        done = last


def row_slices(
    n: int, layers: np.ndarray, n_parameters: int, deadline: Deadline = NO_LIMIT, threads: int = 1
) -> Iterator[slice]:
    """Cut ``n`` rows into slices of whole chunks."""
    chunk = chunk_size(layers)
    few = threads * SHORT / (chunk * n_parameters)
    for first, last in slices(-(-n // chunk), few, deadline):
        yield slice(first * chunk, min(last * chunk, n))
