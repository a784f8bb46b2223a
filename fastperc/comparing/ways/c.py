"""Each task in C, compiled where there is a compiler: what "the speed of C" means here."""

from __future__ import annotations

import ctypes
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import numpy as np

from ...measuring.clock import Stopwatch
from ...measuring.compilers import compiler
from ..code import count_packed_fma
from ..problem import Problem
from ..runners import blocks_of

CODES = {"identity": 0, "sigmoid": 1, "logistic": 1, "tanh": 2, "relu": 3}
FLAGS = ("-O3", "-march=native", "-ffast-math", "-fPIC")
# The function in ``loops.c`` for each task, and its arguments.
_BATCHES = ("batches", "net X Y n size theta lr results outputs deltas")
FUNCTIONS = {
    "online": ("epoch", "net X Y n theta lr outputs deltas"),
    "batches": _BATCHES,
    "full": _BATCHES,
    "forward": ("forward", "net X n theta results outputs"),
    "gradient": ("gradient", "net X Y n theta results outputs deltas"),
}
REALS = {"float32": ("float", ctypes.c_float), "float64": ("double", ctypes.c_double)}


def c_refuses(problem: Problem) -> str:
    """Return why the C loop cannot do this here, or nothing."""
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


@cache
def build(dtype: str) -> tuple[ctypes.CDLL, str, float]:
    """Compile ``loops.c`` and load it, once in a process; its files are removed.

    Returns
    -------
    library : ctypes.CDLL
    assembly : str
    seconds : float
        How long that took.
    """
    real, source = REALS[dtype][0], Path(__file__).with_name("loops.c")
    with Stopwatch() as compiling, tempfile.TemporaryDirectory() as folder:
        library, assembly = Path(folder) / "loops.so", Path(folder) / "loops.s"
        _run(*FLAGS, f"-DREAL={real}", "-S", str(source), "-o", str(assembly))
        # Linked separately, without -ffast-math: with it, loading the library would make the whole
        # process flush subnormal numbers to zero.
        _run("-shared", str(assembly), "-o", str(library), "-lm")
        code, text = ctypes.CDLL(str(library)), assembly.read_text(encoding="utf-8")
    return code, text, compiling.seconds


class _Network(ctypes.Structure):
    """The struct that ``loops.c`` calls a network."""

    _fields_ = [
        ("n_layers", ctypes.c_long),
        ("sizes", ctypes.c_void_p),
        ("codes", ctypes.c_void_p),
        ("matched", ctypes.c_int),
    ]


class CRunner:
    """The loops in C, called through ctypes."""

    def __init__(self, problem: Problem):
        self.problem = problem
        library, assembly, self.compile_seconds = build(problem.dtype)
        self.packed_fma = count_packed_fma(assembly)
        name, arguments = FUNCTIONS[problem.kind]
        self.function, self.arguments = getattr(library, name), arguments.split()
        self.function.restype = None
        self.theta = problem.theta.copy()
        self.results = np.zeros(self._n_results(), problem.dtype)
        self.arrays = self._arrays()  # kept: C has their addresses only
        # Taken once: `ndarray.ctypes` leaves garbage that only the collector finds, and it is off.
        at = {name: ctypes.c_void_p(a.ctypes.data) for name, a in self.arrays.items()}
        n_layers, matched = len(problem.activations), int(problem.loss == "log_loss")
        self.net = _Network(n_layers, at["sizes"], at["codes"], matched)
        self.at = {
            **at, "net": ctypes.byref(self.net), "size": ctypes.c_long(problem.batch_size),
            "lr": REALS[problem.dtype][1](problem.lr),
        }  # fmt: skip

    def _n_results(self) -> int:
        """Return the number of elements of the gradient, or of all outputs."""
        p = self.problem
        return p.n_samples * p.sizes[-1] if p.kind == "forward" else len(self.theta)

    def _arrays(self) -> dict[str, np.ndarray]:
        problem = self.problem
        X, Y = problem.samples
        outputs, deltas = np.zeros((2, sum(problem.sizes)), problem.dtype)
        return {
            "X": X, "Y": Y, "theta": self.theta, "results": self.results, "outputs": outputs,
            "deltas": deltas, "sizes": np.array(problem.sizes, np.dtype(ctypes.c_long)),
            "codes": np.array([CODES[name] for name in problem.activations], np.intc),
        }  # fmt: skip

    def reset(self) -> None:
        self.theta[:] = self.problem.theta

    def train(self, n_rows: int) -> None:
        self.n_rows = n_rows
        given = {**self.at, "n": ctypes.c_long(n_rows)}
        self.function(*(given[name] for name in self.arguments))

    def parameters(self) -> list[np.ndarray]:
        if self.problem.kind == "forward":
            n_outputs = self.problem.sizes[-1]
            return [self.results[: self.n_rows * n_outputs].reshape(-1, n_outputs).copy()]
        return blocks_of(self.theta if self.problem.task.trains else self.results, self.problem)
