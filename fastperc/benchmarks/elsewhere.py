"""Cases that need a process of their own: import, compilation, memory."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from ..comparing.clock import Timed

if TYPE_CHECKING:
    from .cases import Case, Ways

TRAIN = """
import numpy as np
from fastperc import Network
X = np.random.default_rng(0).standard_normal((100, 8)).astype(np.float32)
Network((8, 32, 1), seed=0).train(X, X[:, 0], epochs=1)
"""
# What a training adds to the memory of a process that holds the samples, in MB.
MEMORY = """
import resource, sys
import numpy as np
from fastperc import Network
net = Network((8, 32, 1), seed=0)
net.train(np.ones((10, 8), np.float32), np.ones(10), epochs=1)
X = np.ones((n, 8), np.float32)
y = np.ones((n, 1), np.float32)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
net.train(X, y, epochs=1, shuffle=False)
unit = 1 if sys.platform == "darwin" else 1024
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * unit / 1e6)
"""


def run_python(code: str, **environment: str) -> str:
    """What a new interpreter prints."""
    outcome = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **environment}, text=True,
        capture_output=True, check=False,
    )  # fmt: skip
    if outcome.returncode:
        raise RuntimeError(f"a new process failed: {outcome.stderr[-300:]}")
    return outcome.stdout


def starting() -> Iterator[Case]:
    """Whole processes, from start to end, beside one that does nothing."""
    from .cases import Case

    def process(name: str, prepare, quick=True, once=False):
        return Case("starting", name, "process", prepare, quick, once=once)

    yield process("import fastperc", partial(_process, "import fastperc"))
    yield process("import NumPy and Numba", partial(_process, "import numpy, numba"), False)
    yield process("first training, machine code on disk", partial(_process, TRAIN))
    yield process("first training, everything compiled", _cold, quick=False, once=True)


def _process(code: str) -> Ways:
    run_python(code)
    return {**_bare(), "fastperc": Timed(lambda: run_python(code), lambda: None, 1, elsewhere=True)}


def _bare() -> Ways:
    return {"bare Python": Timed(lambda: run_python("pass"), lambda: None, 1, elsewhere=True)}


def _cold() -> Ways:
    folder = tempfile.TemporaryDirectory()

    def compile_all() -> None:
        with tempfile.TemporaryDirectory(dir=folder.name) as cache:
            run_python(TRAIN, NUMBA_CACHE_DIR=cache)

    return {**_bare(), "fastperc": Timed(compile_all, lambda: None, 1, elsewhere=True)}


def added_memory(n_samples: int) -> float:
    """How many MB a training of so many samples adds to those that hold them."""
    return float(run_python(f"n = {n_samples}\n{MEMORY}"))
