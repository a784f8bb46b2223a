"""Work on a cluster: chunks are sent, results put together."""

from __future__ import annotations

import pickle
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
from distributed import KilledWorker, get_worker, wait

from .. import __version__
from .errors import workers_killed
from .payload import Arrays, loads
from .sharing import RETRIES
from .sizes import ChunkSizes
from .versions import by_version
from .waiting import AGAIN, LOOK, TURN, Patience, lost

if TYPE_CHECKING:
    from tqdm.auto import tqdm

    from .session import Session

AHEAD = 2  # chunks for each thread of the cluster: one that it works on, and the next
PATIENCE = 30.0  # seconds without any worker

Load = Callable[[], Any]  # of a chunk, anew each time


class Work(Protocol):
    """Something to be done to many items, each by itself.

    Attributes
    ----------
    name : str
        What the dashboard calls its tasks.
    unit : str
        What the items are called in messages and on progress bars.
    n : int
        How many there are.
    seconds : float
        A guess of what one takes.
    n_bytes : int
        About what is sent for one, but for large arrays that chunks share.
    lanes : int
        How many are worth no more time than one.
    """

    name: str
    unit: str
    n: int
    seconds: float
    n_bytes: int
    lanes: int

    @property
    def function(self) -> Callable[[Load], tuple[Any, float]]:
        """What workers do: a function of a module, from a chunk to its result.

        It returns besides how many seconds machine code took to load.
        """

    def shared(self) -> object:
        """Return what has the large arrays that chunks share."""

    def cut(self, numbers: np.ndarray) -> object:
        """Return the chunk of some items: all that the function needs."""

    def put(self, numbers: np.ndarray, result: Any) -> None:
        """Put the result of a chunk to its place; chunks come in any order."""

    def finish(self) -> None:
        """Do what is left when all chunks are done, or those that came before an error."""


class Answer(NamedTuple):
    """What a worker says of a chunk."""

    address: str
    seconds: float
    loading: float
    result: bytes


class Running:
    """Work that is done on the cluster of a session.

    Parameters
    ----------
    session : Session
    work : Work
    progress : bool
        Show a bar.
    """

    def __init__(self, session: Session, work: Work, progress: bool = False):
        self.session, self.client, self.report = session, session.client, session.report
        self.work, self.progress = work, progress or session.progress
        self.address = self.client.scheduler.address
        self.name = f"{work.name}-{uuid.uuid4().hex}"
        self.sizes = ChunkSizes(
            work.n, work.seconds, work.n_bytes, work.lanes, session.chunk_seconds
        )
        self.sent: dict[Any, np.ndarray] = {}  # futures of chunks, and their numbers
        self.keys: set[object] = set()
        self.next, self.n_tasks = 0, 0
        self.patience = Patience(self.client, PATIENCE, AGAIN)

    # --- the loop --------------------------------------------------------------------------------

    def run(self) -> None:
        """Do all of the work."""
        begin, self.waited = perf_counter(), 0.0
        try:
            self.client.get_task_stream(count=1)  # from now on, the scheduler remembers
            since = time.time()
            self._loop()
            tasks = self.client.get_task_stream(start=since)
        except (OSError, CancelledError) as error:
            if self.client.status == "running" and not isinstance(error, CancelledError):
                raise
            raise lost(f"there is no scheduler at {self.address} any more", AGAIN) from error
        self.report.add_moves(tasks, self.keys)
        self.report.seconds += perf_counter() - begin
        self.report.own += perf_counter() - begin - self.waited

    def _loop(self) -> None:
        with _bar(self.work, self.progress) as bar:
            try:
                self.arrays = Arrays(self.work.shared())
                while self.next < self.work.n or self.sent:
                    self.patience.check()
                    self.report.threads = max(self.report.threads, self.patience.threads)
                    self._send()
                    for future in self._wait():
                        n = self._receive(future)
                        if bar is not None:
                            bar.update(n)
            finally:
                self._abandon()
                self.work.finish()

    def _send(self) -> None:
        """Send chunks until every thread has some."""
        while self.next < self.work.n and len(self.sent) < AHEAD * self.patience.threads:
            size = self.sizes.next(self.patience.threads)
            numbers = np.arange(self.next, self.next + size)
            self.next += size
            payload, arrays = self.arrays.dumps(self.work.cut(numbers))
            self._submit(numbers, payload, arrays)

    def _submit(self, numbers: np.ndarray, payload: bytes, arrays: Sequence[np.ndarray]) -> None:
        data = self.session.futures_of(arrays)
        self.n_tasks += 1
        key = self.name, self._name_of(numbers), self.n_tasks
        future = self.client.submit(
            by_version, __version__, do_chunk, self.work.function, payload, data,
            key=key, retries=RETRIES, pure=False,
        )  # fmt: skip
        self.keys.add(key)
        self.report.sent += len(payload)
        self.sent[future] = numbers

    def _name_of(self, numbers: np.ndarray) -> str:
        return f"{self.work.unit}s {numbers[0]} to {numbers[-1]}"

    def _wait(self) -> list[Any]:
        """Return chunks that are done, or no more to be had; none after some seconds."""
        begin = perf_counter()
        try:
            if not self.sent:  # for want of workers
                time.sleep(TURN)
            wait([*self.sent], timeout=LOOK, return_when="FIRST_COMPLETED")
        except TimeoutError:  # then it is looked at the cluster
            pass
        except CancelledError:  # of some of them: `_answer` tells of it
            pass
        self.waited += perf_counter() - begin
        return [future for future in self.sent if future.done()]

    # --- results ---------------------------------------------------------------------------------

    def _receive(self, future: Any) -> int:
        """Put the result of a chunk to its place; returns how many items it has.

        None, where it was lost with its worker: then Dask works at it again.
        """
        answer = self._answer(future)
        if answer is None:
            return 0
        numbers = self.sent.pop(future)
        self.work.put(numbers, pickle.loads(answer.result))
        self.sizes.learn(len(numbers), answer.seconds)
        self.report.received += len(answer.result)
        times = self.report.of(answer.address)
        times.tasks += 1
        times.computing += answer.seconds
        times.loading += answer.loading
        return len(numbers)

    def _answer(self, future: Any) -> Answer | None:
        """Return what a worker has answered; None where it could not be fetched yet."""
        if future.status == "error":
            error = future.exception()
            if isinstance(error, KilledWorker):
                raise workers_killed(self._name_of(self.sent[future])) from error
            raise error
        begin = perf_counter()
        try:
            return Answer(*future.result(timeout=LOOK))
        except TimeoutError:
            return None
        finally:
            self.waited += perf_counter() - begin

    def _abandon(self) -> None:
        """Let the cluster drop what is still on its way: after an error, or Ctrl-C."""
        if self.sent and self.client.status == "running":
            self.client.cancel([*self.sent], force=True)
        self.sent.clear()


def do_chunk(
    function: Callable[[Load], tuple[Any, float]], payload: bytes, arrays: list[np.ndarray]
) -> tuple[object, ...]:
    """Do the work of a chunk: the same bytes give the same result, wherever and however often.

    Returns
    -------
    tuple
        An `Answer`, as plain objects.
    """
    begin = perf_counter()
    result, loading = function(lambda: loads(payload, arrays))
    answer = pickle.dumps(result, protocol=5)
    return get_worker().address, perf_counter() - begin - loading, loading, answer


@contextmanager
def _bar(work: Work, is_shown: bool) -> Iterator[tqdm | None]:
    """Show a bar of items."""
    if not is_shown:
        yield None
        return
    from tqdm.auto import tqdm

    with tqdm(total=work.n, unit=work.unit, desc=work.name) as bar:
        yield bar
