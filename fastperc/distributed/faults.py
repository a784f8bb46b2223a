"""What can go wrong with a cluster, in words."""

from __future__ import annotations


class ClusterError(RuntimeError):
    """A cluster could not do its work: its scheduler or all of its workers are gone."""


def scheduler_gone(address: str) -> ClusterError:
    """Return what to raise where nobody answers at the scheduler's address."""
    return ClusterError(
        f"cluster: found no scheduler at {address} any more, expected the one that the client was "
        "connected to. What was trained meanwhile is lost; connect to another cluster and call "
        "again"
    )


def no_workers(address: str, seconds: float) -> ClusterError:
    """Return what to raise where a scheduler has had no workers for some time."""
    return ClusterError(
        f"cluster: found no worker at the scheduler {address} for {seconds:.0f} s, expected one or "
        "more. Start workers, or give no client to train in this process"
    )


def workers_killed(items: str) -> ClusterError:
    """Return what to raise where every worker dies that is given the same chunk."""
    return ClusterError(
        f"cluster: found that each worker died which was given {items}, expected one to live long "
        "enough. Look into the workers' logs: too little memory (memory_limit) is the most "
        "frequent reason"
    )
