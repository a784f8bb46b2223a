"""What goes wrong in a cluster, and what is warned of."""

from __future__ import annotations

from .faults import ClusterError


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


class ClusterLostError(ClusterError):
    """The scheduler is gone, or all workers are.

    A checkpoint, where there is one, has the state of the last round that was due to be written.
    """


class ShardSkewWarning(UserWarning):
    """Shards differ in their targets, as they do where rows are sorted by these."""
