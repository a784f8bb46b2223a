"""How a function of the user's is called: which arguments it takes by position, which by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import NamedTuple

from .problem import Problem

Function = Callable[..., object]

# Names that arguments go by; of objects, `alpha` is the learning rate where there is no other.
NAMES = {
    "lr": ("lr", "learning_rate", "learning_rate_init", "eta", "eta0", "l_rate", "step_size"),
    "epochs": (
        "epochs", "n_epochs", "n_epoch", "num_epochs", "epoch", "n_iter", "n_iters", "num_iter",
        "iterations", "n_iterations", "num_iterations", "max_iter", "max_epochs",
    ),
    "batch_size": ("batch_size", "mini_batch_size", "minibatch_size", "batchsize"),
    "momentum": ("momentum",),
    "alpha": ("alpha", "l2", "lambda_", "lambd", "lmbda", "reg", "reg_lambda", "weight_decay"),
    "shuffle": ("shuffle",),
}  # fmt: skip
OWN = ("momentum", "alpha")  # defaults that a function may have of these are its own
OF_NAME = {name: meaning for meaning, names in NAMES.items() for name in names}


class Call(NamedTuple):
    """The arguments of a call: names of those by position, values of those by keyword."""

    positional: tuple[str, ...]
    keywords: dict[str, object]


def signature_of(function: Function) -> inspect.Signature | None:
    """Return the signature of a function, of Python or compiled by Numba; None of a builtin."""
    try:
        return inspect.signature(getattr(function, "py_func", function))
    except (ValueError, TypeError):
        return None


def settings(problem: Problem, n_rows: int | None = None) -> dict[str, object]:
    """Return the values of known arguments; of the ``fit`` of an object, for so many rows."""
    size = problem.batch_size if n_rows is None else min(problem.batch_size, n_rows)
    return {
        "lr": float(problem.lr), "epochs": problem.epochs, "batch_size": size,
        "momentum": problem.momentum, "alpha": problem.alpha, "shuffle": False,
    }  # fmt: skip


def meanings(names: Iterable[str]) -> dict[str, str]:
    """Return what each of these names, of arguments or attributes, stands for, if it is known."""
    bare = {name: name.strip("_").lower() for name in names}
    found = {name: OF_NAME.get(word) or OF_NAME.get(f"{word}_") for name, word in bare.items()}
    return {name: meaning for name, meaning in found.items() if meaning}


def call_of(function: Function, problem: Problem) -> Call:
    """Return how to call a function for the problem's task.

    Without biases, it may take them or not. Further arguments of known names, such as ``epochs``,
    are given by keyword.
    """
    names = problem.task.arguments
    signature = signature_of(function)
    if signature is None:
        return Call(names, {})
    if not problem.bias and not _takes_biases(signature, names):
        names = tuple(name for name in names if name != "biases")
    return Call(names, _by_keyword(signature, names, problem))


def _takes_biases(signature: inspect.Signature, names: tuple[str, ...]) -> bool:
    parameters = list(signature.parameters.values())
    place = names.index("biases")
    if len(parameters) > place and parameters[place].name.lower().startswith(("b", "offset")):
        return parameters[place].name.lower() not in OF_NAME
    without = tuple(name for name in names if name != "biases")
    return not _binds(signature, without)


def _binds(signature: inspect.Signature, names: tuple[str, ...]) -> bool:
    try:
        signature.bind(*names)
    except TypeError:
        return False
    return True


def _by_keyword(
    signature: inspect.Signature, names: tuple[str, ...], problem: Problem
) -> dict[str, object]:
    """Return the values of arguments behind those by position."""
    kinds = inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY
    parameters = list(signature.parameters.values())
    if any(p.kind is inspect.Parameter.VAR_POSITIONAL for p in parameters):
        rest = [p for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY]
    else:
        rest = [p for p in parameters[len(names) :] if p.kind in kinds]
    known, given = meanings([p.name for p in rest]), settings(problem)
    wanted = {p.name for p in rest if p.default is inspect.Parameter.empty}
    return {
        name: given[meaning]
        for name, meaning in known.items()
        if meaning not in OWN or given[meaning] or name in wanted
    }


def signature_error(function: Function, problem: Problem) -> str:
    """Return why a function cannot be called for the problem's task, or nothing."""
    signature = signature_of(function)
    if signature is None:
        return ""
    call = call_of(function, problem)
    try:
        signature.bind(*call.positional, **call.keywords)
    except TypeError as error:
        return (
            f"cannot be called: {error}. For {problem.kind} it gets ({', '.join(call.positional)})"
        )
    return ""
