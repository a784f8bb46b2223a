"""Waiting for a cluster that works on shards, without hanging."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..deadline import NO_LIMIT, Deadline
from .connecting import ready_threads
from .errors import ClusterError

if TYPE_CHECKING:
    from distributed import Client, Future

TURN = 0.1  # seconds between two looks at Ctrl-C, the time limit and tasks
LOOK = 1.0  # seconds between two looks at the cluster
CHECKPOINT = "Start it again; a fit with checkpoint='FILE' goes on from there with resume=True"
AGAIN = (
    "What was trained meanwhile is lost. Start it again, with more memory if that was short, and "
    "call again; or give no client, to train in this process"
)


class Patience:
    """How long a cluster may be without scheduler or workers.

    Parameters
    ----------
    client : Client
    seconds : float
    remedy : str
        What is to be done then.

    Attributes
    ----------
    threads : int
        Of all workers, when it was last looked; 0 if none of them does anything.
    """

    def __init__(self, client: Client, seconds: float, remedy: str = CHECKPOINT):
        self.client, self.seconds, self.remedy = client, seconds, remedy
        self.sound_at = time.monotonic()
        self.looked_at, self.threads = -math.inf, 0

    def check(self) -> None:
        """Look now and then; raise ClusterError where there was nobody for too long."""
        now = time.monotonic()
        if self.client.status in ("closed", "closing"):
            raise lost("the client was closed", self.remedy)
        if now - self.looked_at >= min(LOOK, self.seconds / 2):
            self.looked_at = now
            self.threads = self._count_threads() if self.client.status == "running" else 0
            if self.threads:
                self.sound_at = time.monotonic()
        if now - self.sound_at > self.seconds:
            raise lost(
                f"for {self.seconds:g} seconds there was no scheduler, or no worker, or only such "
                "as are paused for lack of memory",
                self.remedy,
            )

    def _count_threads(self) -> int:
        try:
            return ready_threads(self.client)
        except (OSError, TimeoutError):  # the scheduler went meanwhile
            return 0


def lost(what: str, remedy: str = CHECKPOINT) -> ClusterError:
    """Return what to raise where the cluster is gone."""
    return ClusterError(f"the cluster is lost: {what}. {remedy}")


@contextmanager
def sent_by(client: Client) -> Iterator[None]:
    """Send tasks within this block; raise ClusterError where the client cannot any more."""
    try:
        yield
    except Exception as error:
        if client.status == "running":
            raise
        raise lost(f"the client is {client.status}") from error


def wait_for(
    client: Client, futures: Sequence[Future], seconds: float, deadline: Deadline = NO_LIMIT
) -> None:
    """Wait until all futures are finished, or one of them has failed.

    Raises
    ------
    ClusterError
        Where scheduler or workers are away for so many seconds, or futures are forgotten.
    OutOfTimeError
        At the time limit.
    """
    from distributed import CancelledError, wait

    patience = Patience(client, seconds)
    while True:
        try:
            wait(futures, timeout=TURN)
            return
        except TimeoutError:
            states = {future.status for future in futures}
        except CancelledError:
            states = {"cancelled"}
        if "error" in states:
            return
        if "cancelled" in states:  # what is "lost" with its worker is done again
            raise lost("its scheduler went away, and the tasks with it")
        deadline.check()
        patience.check()
