"""Cases of the parts: update rules, elementary functions, the tutorials' loops."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from ..kernels import elementary as functions
from ..kernels import reference, reference_rules
from ..measuring.clock import Timed
from ..tutorials.cases import TutorialCase
from ..tutorials.cases import all_cases as all_tutorials
from .case import Case, Ways, require_close
from .predicting_cases import LR, model_of, network
from .scalar import scalar_loop

N_ELEMENTS = 4096  # arguments and results stay in the first cache

RULES: dict[str, tuple[dict[str, Any], Callable[[float], object]]] = {
    "sgd": ({}, reference_rules.sgd),
    "momentum": ({"momentum": 0.9}, partial(reference_rules.momentum, factor=0.9)),
    "nesterov": (
        {"momentum": 0.9, "nesterov": True},
        partial(reference_rules.momentum, factor=0.9, nesterov=True),
    ),
    "adam": ({"optimizer": "adam"}, reference_rules.adam),
    "adamw": ({"optimizer": "adamw", "alpha": 0.5}, reference_rules.adam),
    "rprop": ({"optimizer": "rprop"}, reference_rules.rprop),
}
FUNCTIONS: dict[str, tuple[int, Callable[[np.ndarray], np.ndarray]]] = {
    "exp": (functions.EXP, np.exp),
    "log": (functions.LOG, np.log),
    "sigmoid": (functions.SIGMOID, lambda x: 1 / (1 + np.exp(-x))),
    "tanh": (functions.TANH, np.tanh),
    "softplus": (
        functions.SOFTPLUS,
        lambda x: np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))),
    ),
}


def updates() -> Iterator[Case]:
    """Yield each rule, one update per sample and per batch of 32; RPROP takes all samples."""
    for rule in RULES:
        for size in (1, 32) if rule != "rprop" else (1000,):
            name = f"{rule} {'one at a time' if size == 1 else f'batch {size:,}'}"
            prepare = partial(_rule, rule, size)
            yield Case("updates", name, "sample", ("numpy", "fastperc"), prepare, size != 32)


def _rule(rule: str, size: int) -> Ways:
    options, step = RULES[rule]
    net, X, Y = network("float64")
    model, reset = model_of(net)
    few = max(16, size)  # the reference takes its time
    decay = LR * options.get("alpha", 0.0)

    def plain() -> None:
        reference.train(model, X[:few], Y[:few], step(LR), batch_size=size, decay=decay)

    def compiled(n: int = len(X)) -> None:
        net.train(X[:n], Y[:n], epochs=1, lr=LR, batch_size=size, shuffle=False, **options)

    reset()
    plain()
    compiled(few)
    require_close(net.theta, model.theta, 1e-9, rule)
    return {"numpy": Timed(plain, reset, few), "fastperc": Timed(compiled, reset, len(X))}


def elementary() -> Iterator[Case]:
    """Yield each elementary function, over arrays that fit into the first cache."""
    for name in FUNCTIONS:
        for dtype in ("float32", "float64"):
            ways = ("numpy", "math loop", "fastperc")
            prepare, quick = partial(_function, name, dtype), dtype == "float32"
            yield Case("elementary", f"{name} {dtype}", "element", ways, prepare, quick)


def _function(name: str, dtype: str) -> Ways:
    code, with_numpy = FUNCTIONS[name]
    x = np.random.default_rng(5).normal(0, 3, N_ELEMENTS).astype(dtype)
    x = np.abs(x) + 1 if name == "log" else x
    out = np.empty_like(x)

    def plain() -> np.ndarray:
        for _ in range(20):
            result = with_numpy(x)
        return result

    def compiled() -> np.ndarray:
        for _ in range(20):
            functions.apply(code, x, out)
        return out

    def one_by_one() -> np.ndarray:
        for _ in range(20):
            scalar_loop(code, x, out)
        return out

    expected, n = plain(), 20 * N_ELEMENTS
    for way in (one_by_one, compiled):
        error = way() / (1 + np.abs(expected)) - expected / (1 + np.abs(expected))
        require_close(error, 0, 8 * float(np.finfo(dtype).eps), name)
    ways = {"numpy": plain, "math loop": one_by_one, "fastperc": compiled}
    return {way: Timed(call, units=n) for way, call in ways.items()}


def tutorials() -> Iterator[Case]:
    """Yield the five from-scratch systems' own loops; the first of each is quick."""
    begun: set[str] = set()
    for case in all_tutorials():

        def prepare(case: TutorialCase = case) -> Ways:
            require_close(case.compiled(), case.loop(), 1e-9, case.name)
            return {"loop": Timed(case.loop), "fastperc": Timed(case.compiled)}

        quick = case.name not in begun and "50,000" not in case.work
        begun.add(case.name)
        name = f"{case.name}, {case.work}"
        yield Case("tutorials", name, "training", ("loop", "fastperc"), prepare, quick)
