"""The table of variants: the name of each way of solving a problem."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec

from .. import checks
from ..kernels.table import CHUNK
from ..model.layout import n_parameters
from ..model.slices import threads_for
from .problem import Problem
from .runners import FunctionRunner, Runner
from .ways.c import CRunner, c_refuses
from .ways.jax import JaxRunner, jax_refuses
from .ways.network import NetworkRunner
from .ways.numpy import numpy_function
from .ways.onnx import OnnxRunner, onnx_refuses
from .ways.python import python_function, python_refuses
from .ways.sklearn import SklearnRunner, sklearn_refuses
from .ways.torch import TorchRunner, torch_refuses


@dataclass(frozen=True)
class Variant:
    """A way of solving a problem.

    Attributes
    ----------
    name, what : str
    make : callable
        Function from a problem to its runner.
    refuses : callable
        Function from a problem to the reason why it cannot be solved this way, or nothing.
    """

    name: str
    what: str
    make: Callable[[Problem], Runner]
    refuses: Callable[[Problem], str] = lambda problem: ""


def _threads_refuse(problem: Problem) -> str:
    if problem.kind == "gradient":
        return "the gradient alone is computed on one thread"
    if problem.batch_size <= CHUNK:
        return f"threads are used for more than {CHUNK} samples at once"
    if threads_for(problem.batch_size * n_parameters(problem.sizes), 2) == 1:
        return "so little work at once is done sooner than a second thread begins"
    return ""


def _plain(refuses: Callable[[Problem], str]) -> Callable[[Problem], str]:
    """Return a function that also refuses whatever is more than steps of gradient descent."""

    def check(problem: Problem) -> str:
        if not problem.bias:
            return "it has biases in every layer"
        trains = problem.task.trains
        if problem.alpha and problem.kind != "forward":
            return "it has no penalty"
        if problem.momentum and trains:
            return "it has no momentum"
        return (
            "it trains one epoch in a call" if problem.epochs > 1 and trains else refuses(problem)
        )

    return check


def _of_packages(refuses: Callable[[Problem], str], *packages: str) -> Callable[[Problem], str]:
    """Return a function that also refuses everything where a package is missing."""

    def check(problem: Problem) -> str:
        absent = [package for package in packages if find_spec(package) is None]
        verb = "are" if len(absent) > 1 else "is"
        return f"{' and '.join(absent)} {verb} not installed" if absent else refuses(problem)

    return check


VARIANTS = {
    variant.name: variant
    for variant in (
        Variant(
            "python", "plain Python, on lists",
            lambda p: FunctionRunner(p, python_function(p)), _plain(python_refuses),
        ),
        Variant("numpy", "NumPy", lambda p: FunctionRunner(p, numpy_function(p))),
        Variant("fastperc", "fastperc's kernel", NetworkRunner),
        Variant(
            "2 threads", "fastperc's kernel on two threads", partial(NetworkRunner, threads=2),
            _threads_refuse,
        ),
        Variant("c", "C, by the compiler of this machine", CRunner, _plain(c_refuses)),
        Variant(
            "jax", "JAX, compiled whole", JaxRunner, _of_packages(_plain(jax_refuses), "jax")
        ),
        Variant(
            "onnxruntime", "ONNX Runtime", OnnxRunner,
            _of_packages(_plain(onnx_refuses), "onnxruntime", "onnx"),
        ),
        Variant(
            "sklearn", "scikit-learn, partial_fit", SklearnRunner,
            _of_packages(_plain(sklearn_refuses), "sklearn"),
        ),
        Variant("torch", "PyTorch", TorchRunner, _of_packages(_plain(torch_refuses), "torch")),
    )
}  # fmt: skip

DEFAULT = ("numpy", "fastperc", "2 threads", "c")
BASELINE = "numpy"


def choose(names: str | Iterable[str] | None, problem: Problem) -> tuple[list[Variant], list[str]]:
    """Return the variants to compare, and a line on each that was left out.

    The baseline is always among them. What was not asked for by name and cannot run is left out
    silently.
    """
    if isinstance(names, str):
        names = [name.strip() for name in names.split(",")]
    asked = [checks.check_choice(name, "variants", [*VARIANTS, "all"]) for name in names or ()]
    wanted = VARIANTS if "all" in asked else asked or DEFAULT
    reasons = {name: VARIANTS[name].refuses(problem) for name in VARIANTS}
    chosen = [v for v in VARIANTS.values() if v.name in {BASELINE, *wanted} and not reasons[v.name]]
    left_out = [
        f"{name} is left out: {reasons[name]}" for name in wanted if reasons[name] and asked
    ]
    return chosen, left_out
