"""The same loop in C, compiled where there is a compiler: what "the speed of C" means here."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from time import perf_counter

import numpy as np

from .code import count_packed_fma
from .problem import Problem
from .runners import blocks_of

CODES = {"identity": 0, "sigmoid": 1, "logistic": 1, "tanh": 2, "relu": 3}
FLAGS = ("-O3", "-march=native", "-ffast-math", "-fPIC")
REALS = {"float32": ("float", ctypes.c_float), "float64": ("double", ctypes.c_double)}


def compiler() -> str | None:
    """The C compiler that ``CC`` names, or cc, gcc or clang."""
    names = (os.environ.get("CC", ""), "cc", "gcc", "clang")
    return next((path for name in names if name and (path := shutil.which(name))), None)


def refuses(problem: Problem) -> str:
    """Why the C loop cannot train this here."""
    if compiler() is None:
        return "there is no C compiler"
    if any(name not in CODES for name in problem.activations):
        return "the C loop has no such activation"
    heads = {("identity", "squared_error"), ("sigmoid", "squared_error"), ("sigmoid", "log_loss")}
    return "" if (problem.output, problem.loss) in heads else "the C loop has no such loss"


def _run(*arguments: str) -> None:
    """Call the compiler."""
    command = [str(compiler()), *arguments]
    outcome = subprocess.run(command, capture_output=True, text=True, check=False)
    if outcome.returncode:
        raise RuntimeError(f"the C compiler failed: {outcome.stderr:.300}")


def build(dtype: str) -> tuple[ctypes.CDLL, str]:
    """Compile ``twin.c`` and load it; also its assembly. The files are gone afterwards."""
    real = REALS[dtype][0]
    with tempfile.TemporaryDirectory() as folder:
        library, assembly = Path(folder) / "twin.so", Path(folder) / "twin.s"
        source = Path(__file__).with_name("twin.c")
        _run(*FLAGS, f"-DREAL={real}", "-S", str(source), "-o", str(assembly))
        # Linked apart, without -ffast-math: with it, loading the library would make the whole
        # process flush subnormal numbers to zero.
        _run("-shared", str(assembly), "-o", str(library), "-lm")
        return ctypes.CDLL(str(library)), assembly.read_text(encoding="utf-8")


class CRunner:
    """The C loop, called through ctypes."""

    def __init__(self, problem: Problem):
        self.problem = problem
        self.real = REALS[problem.dtype][1]
        begin = perf_counter()
        library, assembly = build(problem.dtype)
        self.compile_seconds = perf_counter() - begin
        self.packed_fma = count_packed_fma(assembly)
        self.epoch = library.epoch
        self.epoch.restype = None
        self.theta = problem.theta.copy()
        self.arrays = self._arrays()  # kept: C has their addresses only
        # Taken once: `ndarray.ctypes` leaves garbage that only the collector finds, and it is off.
        self.at = {name: ctypes.c_void_p(a.ctypes.data) for name, a in self.arrays.items()}

    def _arrays(self) -> dict[str, np.ndarray]:
        problem = self.problem
        X, Y = problem.samples
        outputs, deltas = np.zeros((2, sum(problem.sizes)), problem.dtype)
        return {
            "X": X, "Y": Y, "theta": self.theta, "outputs": outputs, "deltas": deltas,
            "sizes": np.array(problem.sizes, np.dtype(ctypes.c_long)),
            "codes": np.array([CODES[name] for name in problem.activations], np.intc),
        }  # fmt: skip

    def reset(self) -> None:
        self.theta[:] = self.problem.theta

    def train(self, n_rows: int) -> None:
        at = self.at
        self.epoch(
            at["X"], at["Y"], ctypes.c_long(n_rows), at["sizes"], len(self.problem.activations),
            at["codes"], int(self.problem.loss == "log_loss"), at["theta"],
            self.real(self.problem.lr), at["outputs"], at["deltas"],
        )  # fmt: skip

    def parameters(self) -> list[np.ndarray]:
        return blocks_of(self.theta, self.problem)
