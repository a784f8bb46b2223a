"""The table of variants: under which name a problem is worked on how."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec

from .. import checks
from ..kernels.predict import CHUNK
from . import c_twin, loops, rivals
from .problem import Problem
from .runners import FunctionRunner, NetworkRunner, Runner


@dataclass(frozen=True)
class Variant:
    """A way of doing what a problem asks for.

    Attributes
    ----------
    name, what : str
    make : callable
        From a problem to its runner.
    refuses : callable
        From a problem to the reason why it cannot be done this way, or nothing.
    """

    name: str
    what: str
    make: Callable[[Problem], Runner]
    refuses: Callable[[Problem], str] = lambda problem: ""


def _python_refuses(problem: Problem) -> str:
    known = all(name in loops.PYTHON_FORWARD for name in problem.activations)
    heads = {("identity", "squared_error"), ("sigmoid", "squared_error"), ("sigmoid", "log_loss")}
    if problem.kind != "online" or not known or (problem.output, problem.loss) not in heads:
        return "the loop in plain Python has only one update per sample, and no such network"
    return ""


def _threads_refuse(problem: Problem) -> str:
    if problem.kind == "gradient":
        return "the gradient alone is computed on one thread"
    enough = problem.batch_size > CHUNK
    return "" if enough else f"threads are used for more than {CHUNK} samples at once"


def _c_refuses(problem: Problem) -> str:
    return c_twin.refuses(problem) if problem.kind == "online" else "the C loop is online only"


def _of_package(package: str, refuses: Callable[[Problem], str]) -> Callable[[Problem], str]:
    def check(problem: Problem) -> str:
        return refuses(problem) if find_spec(package) else f"{package} is not installed"

    return check


VARIANTS = {
    variant.name: variant
    for variant in (
        Variant(
            "python", "plain Python, on lists",
            lambda p: FunctionRunner(p, loops.python_function(p)), _python_refuses,
        ),
        Variant("numpy", "NumPy", lambda p: FunctionRunner(p, loops.numpy_function(p))),
        Variant("fastperc", "fastperc's kernel", NetworkRunner),
        Variant(
            "2 threads", "fastperc's kernel on two threads", partial(NetworkRunner, threads=2),
            _threads_refuse,
        ),
        Variant("c", "C, by the compiler of this machine", c_twin.CRunner, _c_refuses),
        Variant(
            "sklearn", "scikit-learn, partial_fit", rivals.SklearnRunner,
            _of_package("sklearn", rivals.sklearn_refuses),
        ),
        Variant(
            "torch", "PyTorch", rivals.TorchRunner, _of_package("torch", rivals.torch_refuses)
        ),
    )
}  # fmt: skip

DEFAULT = ("numpy", "fastperc", "2 threads", "c")
BASELINE = "numpy"


def choose(names: str | Iterable[str] | None, problem: Problem) -> tuple[list[Variant], list[str]]:
    """The variants to compare, and a line on each that was left out.

    The baseline is always among them. What was not asked for by name and cannot run is left out
    without a word.
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
