"""A cluster at work: `on`, and what lasts from one fleet to the next."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from time import perf_counter
from typing import Any

import numpy as np

from ..training.elsewhere import trained_by
from .connecting import connected
from .report import Report
from .sizes import TARGET


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

    def _future_of(self, array: np.ndarray) -> Any:
        from .sharing import share

        key = id(array)
        if key not in self._sent:
            begin = perf_counter()
            future = share(self.client, array, "fastperc-data")
            self.report.sharing += perf_counter() - begin
            self.report.shared += array.nbytes
            self._sent[key] = (weakref.ref(array, lambda _: self._sent.pop(key, None)), future)
        return self._sent[key][1]


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
