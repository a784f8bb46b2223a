"""Cut long runs into short kernel calls, because Python sees Ctrl-C only between them."""

from __future__ import annotations

from collections.abc import Iterator

# A multiply and an add take about a nanosecond in these loops, an exponential a few.
WORK_PER_CALL = 10_000_000


def slices(rounds: int, work: int) -> Iterator[tuple[int, int]]:
    """Yield (start, stop) that cover ``range(rounds)`` in calls of some tens of milliseconds.

    Parameters
    ----------
    rounds : int
        Number of rounds.
    work : int
        Approximate number of multiplications of a round.

    Examples
    --------
    >>> list(slices(5, work=4_000_000))
    [(0, 2), (2, 4), (4, 5)]
    """
    step = max(1, WORK_PER_CALL // max(1, work))
    for start in range(0, rounds, step):
        yield start, min(start + step, rounds)
