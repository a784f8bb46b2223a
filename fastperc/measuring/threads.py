"""Keep other libraries to one thread, as fastperc is, and threads to one core."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
}


def pin_threads() -> None:
    """Set the environment variables that keep libraries to one thread, unless they are set.

    The libraries read them when they are loaded, so this has to come before.
    """
    for name, value in ONE_THREAD.items():
        os.environ.setdefault(name, value)


def cores() -> list[int]:
    """Return the cores that this thread may use; none where the system does not say."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


def n_usable_cores() -> int:
    """Return how many cores this process may use; all where the system does not say."""
    return len(cores()) or os.cpu_count() or 1


def pin_to_core(core: int) -> None:
    """Keep this thread, and those that it starts from now on, on one core."""
    os.sched_setaffinity(0, [core])


@contextmanager
def on_one_core(core: int | None = None) -> Iterator[None]:
    """Keep to a core within a block, by default the first, where the system can do that."""
    allowed = cores()
    if allowed:
        pin_to_core(allowed[0] if core is None else core)
    try:
        yield
    finally:
        if allowed:
            os.sched_setaffinity(0, allowed)
