"""Cases that need processes of their own: starting, compilation, memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import cache, partial

from ..measuring.clock import Stopwatch, Timed
from ..model.options import DTYPES
from .case import Case, Measurement, Ways
from .results import Result

TRAIN = """
import numpy as np
from fastperc import Network
X = np.random.default_rng(0).standard_normal((100, 8)).astype(np.float32)
Network((8, 32, 1), seed=0).train(X, X[:, 0], epochs=1)
"""
PREDICT = """
from fastperc import Network
Network((8, 32, 1), seed=0).predict_one([0.0] * 8)
"""
WARM_UP = """
import json
from fastperc.warmup import warmup
print(json.dumps([[step.what, 1e9 * step.seconds] for step in warmup([dtype])]))
"""
# What the samples take, and what Python and NumPy allocate at most while training, in MB.
MEMORY = """
import json, tracemalloc
import numpy as np
from fastperc import Network
X = np.ones((n, 8), np.float32)
y = np.ones((n, 1), np.float32)
added = []
for options in ways:
    net = Network((8, 32, 1), seed=0)
    net.train(X[:600], y[:600], epochs=1, **options)
    tracemalloc.start()
    net.train(X, y, epochs=1, **options)
    added.append(tracemalloc.get_traced_memory()[1] / 1e6)
    tracemalloc.stop()
print(json.dumps([(X.nbytes + y.nbytes) / 1e6, added]))
"""
MEMORY_WAYS = {
    "in order": {"shuffle": False},
    "shuffled": {"shuffle": True},
    "batch 32": {"shuffle": False, "batch_size": 32},
}


def run_python(code: str, *arguments: str, **environment: str) -> str:
    """Return what a new interpreter prints; a folder called fastperc here is not its package."""
    outcome = subprocess.run(
        [sys.executable, "-P", "-c", code, *arguments], env={**os.environ, **environment},
        text=True, capture_output=True, check=False,
    )  # fmt: skip
    if outcome.returncode:
        raise RuntimeError(f"a new process failed: {outcome.stderr[-300:]}")
    return outcome.stdout


def starting() -> Iterator[Case]:
    """Yield whole processes, from start to end, beside one that does nothing."""
    for name, code, quick in [
        ("import fastperc", "import fastperc", True),
        ("import NumPy and Numba", "import numpy, numba", False),
        ("first training, machine code on disk", TRAIN, False),
    ]:
        ways = ("bare Python", "fastperc")
        yield Case("starting", name, "process", ways, partial(_processes, code), quick)


_run_once = cache(run_python)


def _processes(code: str) -> Ways:
    _run_once(code)  # so that machine code is on disk
    codes = {"bare Python": "pass", "fastperc": code}
    return {way: Timed(partial(run_python, code), elsewhere=True) for way, code in codes.items()}


def compiling() -> Iterator[Measurement]:
    """Yield how long machine code takes to make, and to load."""
    yield Measurement("compiling", "first prediction", _first_prediction, quick=True)
    yield Measurement("compiling", "first training", _first_training)
    for dtype in DTYPES:
        yield Measurement("compiling", f"kernels {dtype}", partial(_kernels, dtype))


def _first_prediction() -> list[Result]:
    return [_compiled("first prediction, whole process", *_cold_and_warm(PREDICT))]


def _first_training() -> list[Result]:
    """Return a row for each of the two groups that it belongs to."""
    cold, warm = _cold_and_warm(TRAIN)
    name = "first training, everything compiled"
    return [
        Result("starting", name, "process", {"fastperc": [cold]}),
        _compiled("first training, whole process", cold, warm),
    ]


def _cold_and_warm(code: str) -> tuple[float, float]:
    """Return nanoseconds of a process that finds no machine code on disk, and of the next."""
    nanoseconds = []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(2):
            with Stopwatch() as process:
                run_python(code, NUMBA_CACHE_DIR=folder, FASTPERC_NUMBA_CACHE="only")
            nanoseconds.append(1e9 * process.seconds)
    return nanoseconds[0], nanoseconds[1]


def _kernels(dtype: str) -> list[Result]:
    """Return each step of `fastperc.warmup.warmup`, without and with machine code on disk."""
    code = f"dtype = {dtype!r}\n{WARM_UP}"
    with tempfile.TemporaryDirectory() as folder:
        in_folder = {"NUMBA_CACHE_DIR": folder, "FASTPERC_NUMBA_CACHE": "only"}
        cold, warm = (json.loads(run_python(code, **in_folder)) for _ in range(2))
    return [
        _compiled(f"{what} {dtype}", before, after)
        for (what, before), (_, after) in zip(cold, warm, strict=True)
    ]


def _compiled(name: str, cold: float, warm: float) -> Result:
    ways = {"compiled": [cold], "from disk": [warm]}
    return Result("compiling", name, "kernel", ways)


def memory() -> Iterator[Measurement]:
    """Yield how much a training adds to the memory that its samples take."""
    for n, quick in ((10**5, True), (10**6, True), (10**7, False)):
        yield Measurement("memory", f"{n:,} samples", partial(_memory, n), quick)


def _memory(n: int) -> list[Result]:
    given = f"n, ways = {n}, {[*MEMORY_WAYS.values()]}\n"
    samples, added = json.loads(run_python(given + MEMORY))
    return [
        Result(
            "memory", f"{n:,} samples, {name}", "MB",
            {"samples": [samples], "fastperc adds": [megabytes]}, n,
        )
        for name, megabytes in zip(MEMORY_WAYS, added, strict=True)
    ]  # fmt: skip
