"""What a cluster did with its time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class WorkerTimes:
    """The time of one worker.

    Attributes
    ----------
    tasks : int
    computing : float
        Seconds in which it trained.
    loading : float
        Seconds that machine code took to load.
    moving : float
        Seconds in which it fetched what others had.
    moved : int
        Bytes that it fetched.
    """

    tasks: int = 0
    computing: float = 0.0
    loading: float = 0.0
    moving: float = 0.0
    moved: int = 0


@dataclass
class Report:
    """Where the time of training on a cluster went.

    Attributes
    ----------
    seconds : float
        From the beginning to the end of each run, added up.
    own : float
        Seconds in which this process was busy: cutting, packing and putting together.
    threads : int
        Of all workers, at most.
    sent, received : int
        Bytes of chunks and of results.
    shared : int
        Bytes of arrays that chunks share, which are sent once, and ``sharing`` the seconds that
        took this process.
    workers : dict of str to WorkerTimes
        By address.
    """

    seconds: float = 0.0
    own: float = 0.0
    threads: int = 0
    sent: int = 0
    received: int = 0
    shared: int = 0
    sharing: float = 0.0
    workers: dict[str, WorkerTimes] = field(default_factory=dict)

    @property
    def computing(self) -> float:
        """Seconds in which workers trained, added up."""
        return sum(times.computing for times in self.workers.values())

    @property
    def own_share(self) -> float:
        """Share of the time in which this process was busy."""
        return self.own / self.seconds if self.seconds else 0.0

    @property
    def waiting(self) -> float:
        """Seconds in which workers' threads had nothing to do, or fetched or loaded something."""
        return max(0.0, self.seconds * self.threads - self.computing)

    def of(self, address: str) -> WorkerTimes:
        """Return the times of a worker."""
        return self.workers.setdefault(address, WorkerTimes())

    def add_moves(self, tasks: Iterable[Mapping[str, Any]], keys: set[object]) -> None:
        """Take note of transfers, from the scheduler's record of some tasks."""
        for task in tasks:
            if task["key"] not in keys:
                continue
            times = self.of(task["worker"])
            times.moving += seconds_in([task], "transfer")
            times.moved += sum(int(step.get("nbytes", 0)) for step in steps_of(task, "transfer"))

    def __str__(self) -> str:
        lines = [
            f"{self.seconds:.1f} s on {len(self.workers)} workers; this process was busy "
            f"{100 * self.own_share:.1f} % of it",
            f"sent {_size(self.shared)} once ({self.sharing:.2f} s) and {_size(self.sent)} "
            f"in chunks, received {_size(self.received)}",
        ]
        for address, times in sorted(self.workers.items()):
            lines.append(
                f"{address}: {times.tasks} chunks, computing {times.computing:.1f} s, loading code "
                f"{times.loading:.1f} s, moving {_size(times.moved)} in {times.moving:.2f} s"
            )
        return "\n".join(lines)


def steps_of(task: Mapping[str, Any], action: str) -> list[Mapping[str, Any]]:
    """Return the steps of one kind from the scheduler's record of a task."""
    return [step for step in task.get("startstops") or () if step["action"] == action]


def seconds_in(tasks: Iterable[Mapping[str, Any]], action: str) -> float:
    """Return how long some tasks were in steps of one kind, such as "compute"."""
    return sum(
        float(step["stop"] - step["start"]) for task in tasks for step in steps_of(task, action)
    )


def _size(n: int) -> str:
    for unit in ("B", "kB", "MB"):
        if n < 1000:
            return f"{n:.3g} {unit}"
        n = n / 1000  # type: ignore[assignment]
    return f"{n:.3g} GB"
