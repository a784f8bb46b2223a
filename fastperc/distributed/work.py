"""Tasks over shards, and sums of their results whose bits do not depend on the workers.

Tasks are pure functions, so that Dask may run them again wherever a worker dies or loses what it
held. What all tasks of a round share, such as the weights, is the result of a task itself.
"""

from __future__ import annotations

import itertools
import time
import uuid
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .. import __version__
from ..deadline import NO_LIMIT, Deadline
from .errors import ShardError
from .report import seconds_in
from .shards import Shard
from .sharing import share
from .versions import by_version
from .waiting import lost, sent_by, wait_for

if TYPE_CHECKING:
    from distributed import Client, Future
    from tqdm.auto import tqdm

FAN_IN = 16  # results that one task adds
STEPS = {"computing": "compute", "moving": "transfer"}  # what Dask calls them


class Part(NamedTuple):
    """What a task found in a shard, to be added to that of the others.

    Attributes
    ----------
    numbers : ndarray of float64
    vector : ndarray
    """

    numbers: np.ndarray
    vector: np.ndarray


class Work:
    """Shards, and the cluster that works on them.

    Parameters
    ----------
    client : Client
    shards : list of Shard
    retries : int
        How often Dask tries a task again that raised.
    timeout : float
        Seconds that the cluster may be without scheduler or workers.

    Attributes
    ----------
    bytes_out, bytes_back : int
        Given to the tasks of shards and returned by them: the same for any number of workers.
    seconds_waiting : float
    bar : tqdm or None
        Shows rounds, where it was asked for.
    """

    def __init__(self, client: Client, shards: Sequence[Shard], retries: int, timeout: float):
        self.client, self.names = client, [shard.name for shard in shards]
        self.inputs: list[Any] = [shard.rows for shard in shards]
        self.retries, self.timeout = retries, timeout
        self.token, self.rounds = uuid.uuid4().hex, itertools.count()
        self.bytes_out = self.bytes_back = 0
        self.seconds_waiting = 0.0
        self.bar: tqdm | None = None
        with sent_by(client):
            client.get_task_stream(count=1)  # from now on, the scheduler remembers
        self.begin = time.time()

    def __len__(self) -> int:
        return len(self.inputs)

    def report(self) -> dict[str, float]:
        """Return what was moved, and how long the client waited."""
        names = ("bytes_out", "bytes_back", "seconds_waiting")
        return {name: getattr(self, name) for name in names}

    def seconds_of_workers(self) -> dict[str, float]:
        """Return the seconds of all workers in computing and in moving data, as Dask noted them."""
        with sent_by(self.client):
            tasks = self.client.get_task_stream(start=self.begin)
        ours = [task for task in tasks if self.token in str(task["key"])]
        return {f"seconds_{what}": seconds_in(ours, step) for what, step in STEPS.items()}

    def tick(self, loss: float) -> None:
        """Show on the bar that a round is over."""
        if self.bar is not None:
            self.bar.set_postfix_str(f"loss {loss:.4g}")
            self.bar.update()

    def share(self, value: object, what: str = "shared") -> Future:
        """Return a value as the result of a task, which is done again where it is lost."""
        with sent_by(self.client):
            return share(self.client, value, f"fastperc-{what}", retries=self.retries)

    def each(self, what: str, function: Callable[..., Any], *shared: object) -> list[Any]:
        """Return ``function(rows, *shared)`` of each shard."""
        futures = self._start(what, function, shared)
        self._wait(futures, futures, NO_LIMIT)
        return self._results(futures)

    def total(
        self,
        what: str,
        function: Callable[..., Part],
        *shared: object,
        numbered: bool = False,
        deadline: Deadline = NO_LIMIT,
    ) -> Part:
        """Return the sum of ``function(rows, *shared)``: in the order of shards, 16 at a time.

        With ``numbered``, the function is given the number of the shard besides.
        """
        futures = parts = self._start(what, function, shared, numbered)
        tree: list[list[Future]] = []  # holds the futures between, until all is done
        while len(parts) > 1 or not tree:
            groups = [parts[k : k + FAN_IN] for k in range(0, len(parts), FAN_IN)]
            parts = [self._submit("add", add_in_order, group) for group in groups]
            tree.append(parts)
        self._wait(futures, parts, deadline)
        total = Part(*map(np.array, self._results(parts)[0]))  # which may be read-only
        self.bytes_back += len(self) * (total.numbers.nbytes + total.vector.nbytes)
        return total

    def keep(self, what: str, function: Callable[..., Any], *shared: object) -> None:
        """Let ``function(rows, *shared)`` take the place of the rows, computed once and held."""
        futures = self._start(what, function, shared)
        self._wait(futures, futures, NO_LIMIT)
        self.inputs = list(futures)

    def put_before(self, function: Callable[..., Any], *shared: object) -> None:
        """Let it take their place, computed by each task anew."""
        from dask.delayed import delayed

        self.inputs = [delayed(function, pure=True)(rows, *shared) for rows in self.inputs]

    def leave_out(self, is_out: Sequence[bool]) -> None:
        """Forget some of the shards."""
        kept = [k for k, out in enumerate(is_out) if not out]
        self.names = [self.names[k] for k in kept]
        self.inputs = [self.inputs[k] for k in kept]

    def take_last(self) -> tuple[str, Any]:
        """Remove the last shard; returns its name and its rows."""
        name, rows = self.names.pop(), self.inputs.pop()
        future = self.client.compute(rows) if hasattr(rows, "dask") else rows
        wait_for(self.client, [future], self.timeout)
        return name, self._results([future])[0]

    def _key(self, what: str) -> str:
        return f"fastperc-{what}-{self.token}-{next(self.rounds)}"

    def _start(
        self,
        what: str,
        function: Callable[..., Any],
        shared: Sequence[object],
        numbered: bool = False,
    ) -> list[Future]:
        from dask.delayed import delayed

        placed = [
            value if hasattr(value, "key") else self.share(value, f"{what}-shared")
            for value in shared
        ]
        key = self._key(what)
        tasks = [
            delayed(by_version)(
                __version__, function, rows, *placed, *[k][:numbered], dask_key_name=f"{key}-{k}"
            )
            for k, rows in enumerate(self.inputs)
        ]
        with sent_by(self.client):
            found: list[Future] = self.client.compute(tasks, retries=self.retries)
        return found

    def _submit(self, what: str, function: Callable[..., Any], value: object) -> Future:
        with sent_by(self.client):
            return self.client.submit(
                function, value, key=self._key(what), retries=self.retries, pure=False
            )

    def _wait(self, tasks: list[Future], ends: list[Future], deadline: Deadline) -> None:
        """Wait for what the tasks of the shards lead to; say which of them failed."""
        begin = time.perf_counter()
        wait_for(self.client, ends, self.timeout, deadline)
        self.seconds_waiting += time.perf_counter() - begin
        if any(end.status == "error" for end in ends):
            wait_for(self.client, tasks, self.timeout, deadline)
        for name, future in zip(self.names, tasks, strict=True):
            if future.status == "error":
                error = future.exception()
                raise ShardError(name, f"{type(error).__name__}: {error}") from error

    def _results(self, futures: list[Future]) -> list[Any]:
        from distributed import CancelledError

        try:
            found: list[Any] = self.client.gather(futures)
        except (CancelledError, OSError, TimeoutError) as error:
            raise lost(f"results could not be fetched ({error!r:.80})") from error
        return found


def add_in_order(parts: Sequence[Part]) -> Part:
    """Return the sum of what tasks have found, from the first to the last."""
    numbers, vector = parts[0].numbers.copy(), parts[0].vector.copy()
    for part in parts[1:]:
        numbers += part.numbers
        vector += part.vector
    return Part(numbers, vector)
