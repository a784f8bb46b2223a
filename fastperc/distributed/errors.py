"""What goes wrong in a cluster, in words, and what is warned of."""

from __future__ import annotations


class ClusterError(RuntimeError):
    """A cluster could not do its work: its scheduler or all of its workers are gone.

    A checkpoint, where there is one, has the state of the last round that was due to be written.
    """


class ShardError(RuntimeError):
    """A shard whose task raised, or ended each worker that tried it.

    Attributes
    ----------
    shard : str
        Its name, such as ``"shard 3"`` or ``"part-2.parquet, row group 0"``.
    reason : str
        What its task raised, which also is the cause of this error.
    """

    def __init__(self, shard: str, reason: str):
        super().__init__(shard, reason)
        self.shard, self.reason = shard, reason

    def __str__(self) -> str:
        return f"{self.shard}: {self.reason}"


class ShardSkewWarning(UserWarning):
    """Shards differ in their targets, as they do where rows are sorted by these."""


def workers_killed(items: str) -> ClusterError:
    """Return what to raise where every worker dies that is given the same chunk."""
    return ClusterError(
        f"cluster: found that each worker died which was given {items}, expected one to live long "
        "enough. Look into the workers' logs: too little memory (memory_limit) is the most "
        "frequent reason"
    )
