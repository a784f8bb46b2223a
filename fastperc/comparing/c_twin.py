"""The same loop in C, compiled where there is a compiler: what "the speed of C" means here."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from ..layout import views
from .problem import Problem

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


def build(dtype: str) -> ctypes.CDLL:
    """Compile ``twin.c`` and load it. The file it was loaded from is gone afterwards."""
    real = REALS[dtype][0]
    with tempfile.TemporaryDirectory() as folder:
        library, compiled = Path(folder) / "twin.so", Path(folder) / "twin.o"
        source = Path(__file__).with_name("twin.c")
        _run(*FLAGS, f"-DREAL={real}", "-c", str(source), "-o", str(compiled))
        # Linked apart, without -ffast-math: with it, loading the library would make the whole
        # process flush subnormal numbers to zero.
        _run("-shared", str(compiled), "-o", str(library), "-lm")
        return ctypes.CDLL(str(library))


class CRunner:
    """The C loop, called through ctypes."""

    def __init__(self, problem: Problem):
        self.problem = problem
        self.real = REALS[problem.dtype][1]
        self.epoch = build(problem.dtype).epoch
        self.epoch.restype = None
        self.X, self.Y = problem.samples
        self.sizes = np.array(problem.sizes, np.dtype(ctypes.c_long))
        self.codes = np.array([CODES[name] for name in problem.activations], np.intc)
        self.outputs, self.deltas = np.zeros((2, sum(problem.sizes)), problem.dtype)
        self.reset()

    def reset(self) -> None:
        self.theta = self.problem.theta.copy()

    def train(self, n_rows: int) -> None:
        pointer = ctypes.c_void_p
        self.epoch(
            pointer(self.X.ctypes.data), pointer(self.Y.ctypes.data), ctypes.c_long(n_rows),
            pointer(self.sizes.ctypes.data), len(self.codes), pointer(self.codes.ctypes.data),
            int(self.problem.loss == "log_loss"), pointer(self.theta.ctypes.data),
            self.real(self.problem.lr), pointer(self.outputs.ctypes.data),
            pointer(self.deltas.ctypes.data),
        )  # fmt: skip

    def parameters(self) -> list[np.ndarray]:
        pairs = zip(*views(self.theta, self.problem.sizes), strict=True)
        return [array.copy() for pair in pairs for array in pair]
