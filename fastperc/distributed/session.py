"""A cluster at work: `on`, and what lasts from one fleet to the next."""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from time import perf_counter, sleep
from typing import Any

import numpy as np

from ..optional import require
from ..training.elsewhere import trained_by
from .report import Report
from .sizes import TARGET

SCATTERS = 20  # of an array, while workers die
PAUSE = 0.25  # seconds between two of them


class Session:
    """Trains fleets on a cluster, within the block of `on`.

    Attributes
    ----------
    client : distributed.Client
    report : Report
        What the time went to, of all that was trained in the block.
    """

    def __init__(self, client: Any, chunk_seconds: float, progress: bool):
        self.client, self.report = client, Report()
        self.chunk_seconds, self.progress = chunk_seconds, progress
        self._sent: dict[int, tuple[weakref.ref, Any]] = {}

    def fit_fleet(self, run: Any) -> np.ndarray:
        """Train a fleet; see `training.fleets.fit_fleet`."""
        from .chunks import FleetWork
        from .running import Running

        work = FleetWork(run)
        Running(self, work, run.progress).run()
        return work.reasons

    def map(
        self,
        function: Callable[[Any, Any], Any],
        shared: object,
        items: Sequence[Any],
        name: str,
    ) -> list[Any]:
        """Return ``function(shared, item)`` of each item; see `training.elsewhere.Trainer`."""
        from .mapping import MapWork
        from .running import Running

        work = MapWork(function, shared, items, name)
        Running(self, work).run()
        return work.results

    def futures_of(self, arrays: Sequence[np.ndarray]) -> list[Any]:
        """Return arrays as data of the cluster, each sent once while it exists."""
        return [self._future_of(array) for array in arrays]

    def forget(self) -> None:
        """Send all arrays again when they are needed: the cluster has lost some."""
        self._sent.clear()

    def _future_of(self, array: np.ndarray) -> Any:
        key = id(array)
        if key not in self._sent:
            begin = perf_counter()
            future = self._scatter(array)
            self.report.scattering += perf_counter() - begin
            self.report.scattered += array.nbytes
            self._sent[key] = (weakref.ref(array, lambda _: self._sent.pop(key, None)), future)
        return self._sent[key][1]

    def _scatter(self, array: np.ndarray) -> Any:
        """Send an array to all workers, once more where one of them dies meanwhile."""
        for attempt in range(SCATTERS):
            try:
                return self.client.scatter(array, broadcast=True, hash=False)
            except OSError:
                if self.client.status != "running" or attempt == SCATTERS - 1:
                    raise
                sleep(PAUSE)
        raise AssertionError


@contextmanager
def on(
    client: Any = True, *, chunk_seconds: float = TARGET, progress: bool = False
) -> Iterator[Session]:
    """Train the fleets of this block on a Dask cluster.

    That is all that many networks are trained by: `Fleet.train`, and the `fit` of searches,
    ensembles and grouped estimators. Results are those of this process, to the last bit, whatever
    the number of workers and whichever of them die meanwhile.

    Parameters
    ----------
    client : distributed.Client, str, True or None
        A client, or the address of a scheduler. True starts a cluster on this machine, a worker on
        each core, for the length of the block. None trains in this process.
    chunk_seconds : float
        How much work a task should be.
    progress : bool
        Show a bar of networks.

    Yields
    ------
    Session
        Its `report` tells what the time went to.

    Raises
    ------
    ImportError
        Without the extra ``fastperc[dask]``.
    ClusterError
        If there is no scheduler, or no worker for half a minute.

    Notes
    -----
    A program that starts a cluster on its own machine needs ``if __name__ == "__main__":``, as with
    `multiprocessing`: workers import the program.

    Examples
    --------
    >>> import numpy as np
    >>> from fastperc import Fleet, distributed
    >>> X = np.linspace(-1, 1, 100)[:, None]
    >>> fleet = Fleet((1, 8, 1), 50, hidden="tanh", seed=0)
    >>> with distributed.on(None):  # or True, or a Client
    ...     history = fleet.train(X, X**2, epochs=100, lr=0.05)
    >>> history
    FleetHistory(50 networks, up to 100 epochs; ended: 50 epochs)
    """
    with ExitStack() as stack:
        if client is None or client is False:
            stack.enter_context(trained_by(None))
            yield Session(None, chunk_seconds, progress)
            return
        session = Session(stack.enter_context(connected(client)), chunk_seconds, progress)
        stack.enter_context(trained_by(session))
        yield session


@contextmanager
def connected(client: Any) -> Iterator[Any]:
    """Return a client whose workers are ready to train; one that was made here is closed."""
    distributed = require("distributed", extra="dask")
    with ExitStack() as stack:
        if client is True:
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
        from .setup import WorkerSetup

        client.register_plugin(WorkerSetup(), name="fastperc")
        yield client
