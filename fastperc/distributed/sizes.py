"""How many networks go into a chunk: as many as make some seconds of work."""

from __future__ import annotations

TARGET = 2.0  # seconds that a chunk should take
PILOT = 0.3  # seconds that the first ones should take, before anything was measured
MOST_BYTES = 4 << 20  # of a chunk: schedulers do not like large tasks
GROWTH = 8


class ChunkSizes:
    """Sizes of chunks, by what the last ones took.

    Parameters
    ----------
    n : int
        Networks in all.
    seconds : float
        A guess of what one takes.
    n_bytes : int
        What is sent for one.
    lanes : int
        How many are worth no more time than one.
    target : float
        Seconds that a chunk should take.
    """

    def __init__(
        self, n: int, seconds: float, n_bytes: int, lanes: int = 1, target: float = TARGET
    ):
        self.left, self.lanes, self.target = n, lanes, target
        self.most = max(1, MOST_BYTES // max(1, n_bytes))
        self.wanted = PILOT * min(1.0, target / TARGET) / max(seconds, 1e-9)

    def next(self, threads: int) -> int:
        """Return how many networks the next chunk has; 0 at the end.

        Where they are cheap to send, lanes are full: a part of them takes as long.
        """
        share = -(-self.left // (2 * max(1, threads)))  # so that all workers end at the same time
        size = int(min(self.wanted, share))
        size = max(size - size % self.lanes, self.lanes)  # no half-empty SIMD values
        size = min(size, self.most, self.left)
        self.left -= size
        return size

    def learn(self, size: int, seconds: float) -> None:
        """Take note of what a chunk took."""
        self.wanted = min(size * GROWTH, size * self.target / max(seconds, 1e-4))
