"""Data that many tasks need, as the result of a task."""

from __future__ import annotations

import sys
import uuid
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from distributed import Client, Future

RETRIES = 3  # of Dask, where a task raises an error
WARNING = "distributed.admin.large-graph-warning-threshold"  # for data that others could read


def share(client: Client, value: object, name: str, *, retries: int = RETRIES) -> Future:
    """Give a value to the cluster, as the result of a task that returns it.

    Unlike what is scattered, it cannot be lost: where its workers die, Dask does the task again.
    It goes to one worker, and from there to those that need it.
    """
    import dask

    with dask.config.set({WARNING: sys.maxsize}):
        return client.submit(
            same, value, key=f"{name}-{uuid.uuid4().hex}", retries=retries, pure=False
        )


def same(value: object) -> object:
    """Return what is given."""
    return value
