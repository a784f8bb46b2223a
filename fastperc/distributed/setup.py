"""What workers need before they train: the same library, and its machine code."""

from __future__ import annotations

import os
import sys
from typing import Any

from distributed import WorkerPlugin

from .. import __version__

OURS = ("NUMBA_", "FASTPERC_")  # settings that decide which machine code is loaded, and from where


class WorkerSetup(WorkerPlugin):
    """A plugin of Dask's workers, also of those that come later.

    Workers have this process's settings of Numba and fastperc, where they have none of their own
    and have not loaded kernels yet; so that those on this machine use the same cache.
    """

    def __init__(self) -> None:
        self.version = __version__
        self.settings = {key: value for key, value in os.environ.items() if key.startswith(OURS)}

    def setup(self, worker: Any) -> None:
        """Prepare a worker; raises RuntimeError if it has another version of fastperc."""
        if self.version != __version__:
            raise RuntimeError(
                f"fastperc: found version {__version__} on the worker {worker.address}, expected "
                f"{self.version}, the client's. Install the same version on all machines"
            )
        if "fastperc.kernels.jit" not in sys.modules:
            for key, value in self.settings.items():
                os.environ.setdefault(key, value)
