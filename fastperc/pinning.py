"""Keeps other libraries to one thread, as fastperc is; to be called before they are loaded."""

import os

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
