"""Waiting for a cluster that works on shards, without hanging."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..deadline import NO_LIMIT, Deadline
from .connecting import ready_threads
from .errors import ClusterError

if TYPE_CHECKING:
    from distributed import Client, Future

TURN = 0.1  # seconds between two looks at Ctrl-C, the time limit and the cluster


class Patience:
    """How long a cluster may be without scheduler or workers.

    Parameters
    ----------
    client : Client
    seconds : float
    """

    def __init__(self, client: Client, seconds: float):
        self.client, self.seconds = client, seconds
        self.sound_at = self.looked_at = time.monotonic()

    def check(self) -> None:
        """Raise ClusterError where there was nobody for too long."""
        now = time.monotonic()
        if self.client.status in ("closed", "closing"):
            raise lost("the client was closed")
        if now - self.looked_at >= min(1.0, self.seconds / 2):
            self.looked_at = now
            if self.client.status == "running" and self._count_threads():
                self.sound_at = time.monotonic()
        if now - self.sound_at > self.seconds:
            raise lost(
                f"for {self.seconds:g} seconds there was no scheduler, or no worker, or only such "
                "as are paused for lack of memory"
            )

    def _count_threads(self) -> int:
        try:
            return ready_threads(self.client)
        except (OSError, TimeoutError):  # the scheduler went meanwhile
            return 0


def lost(what: str) -> ClusterError:
    """Return what to raise where the cluster is gone."""
    return ClusterError(
        f"the cluster is lost: {what}. Start it again; a fit with checkpoint='FILE' goes on from "
        "there with resume=True"
    )


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
