"""The cluster that is meant by a ``client``."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from ..optional import require

WAIT = {"distributed.comm.timeouts.connect": "5s"}  # of a worker for another that has just died


@contextmanager
def connected(client: Any) -> Iterator[Any]:
    """Give a client of the cluster that is meant; one that was made here is closed.

    Parameters
    ----------
    client : distributed.Client, str, True or None
        A client; the address of a scheduler; True for a cluster on this machine, which has a worker
        of one thread on each core; None for the client of this process, or else such a cluster.

    Raises
    ------
    ImportError
        Without the extra ``fastperc[dask]``.
    TypeError
        If it is something else.
    """
    distributed = require("distributed", extra="dask")
    if client is None:
        try:
            client = distributed.get_client()
        except ValueError:  # there is none
            client = True
    with ExitStack() as stack:
        if client is True:
            import dask

            with dask.config.set(WAIT):
                cluster = distributed.LocalCluster(
                    n_workers=os.cpu_count(), threads_per_worker=1, dashboard_address="127.0.0.1:0"
                )
            client = stack.enter_context(distributed.Client(stack.enter_context(cluster)))
        elif isinstance(client, str):
            client = stack.enter_context(distributed.Client(client))
        elif not isinstance(client, distributed.Client):
            raise TypeError(
                f"client: found {client!r:.60}, expected a distributed.Client, the address of a "
                "scheduler, True for a cluster on this machine, or None"
            )
        yield client


def ready_threads(client: Any) -> int:
    """Return how many threads the workers have, or 0 where none of them takes or does a task.

    Dask lets a worker that is short of memory pause; where all have, and none computes, nothing is
    to be expected.
    """
    threads = sum(client.nthreads().values())
    workers = client.scheduler_info()["workers"].values()
    if all(_stands_still(worker) for worker in workers):
        return 0
    return int(threads)


def _stands_still(worker: Any) -> bool:
    return worker.get("status") == "paused" and not worker["metrics"].get("executing")
