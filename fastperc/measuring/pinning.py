"""Keeps other libraries to one thread, as fastperc is; to be called before they are loaded."""

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
    """Set what they read from the environment, but for what somebody has set already."""
    for name, value in ONE_THREAD.items():
        os.environ.setdefault(name, value)


def cores() -> list[int]:
    """Those that this thread may use; none where the system does not say."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


def stay_on(core: int) -> None:
    """Let this thread, and those that it starts from now on, use one core only."""
    os.sched_setaffinity(0, [core])


@contextmanager
def on_one_core(core: int | None = None) -> Iterator[None]:
    """Within it, `stay_on` a core, the first unless told; where the system can do that."""
    allowed = cores()
    if allowed:
        stay_on(allowed[0] if core is None else core)
    try:
        yield
    finally:
        if allowed:
            os.sched_setaffinity(0, allowed)
