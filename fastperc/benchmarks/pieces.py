"""Cases beside plain training: update rules, predictions, elementary functions, the tutorials."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from ..comparing.clock import Timed
from ..kernels import elementary as functions
from ..kernels import reference
from ..network import Network

if TYPE_CHECKING:
    from .cases import Case, Ways

N_ELEMENTS = 4096  # arguments and results stay in the first cache
SIZES = (8, 32, 1)
LR = 0.01

RULES: dict[str, tuple[dict, Callable]] = {
    "sgd": ({}, reference.sgd),
    "momentum": ({"momentum": 0.9}, partial(reference.momentum, friction=0.9)),
    "nesterov": (
        {"momentum": 0.9, "nesterov": True},
        partial(reference.momentum, friction=0.9, nesterov=True),
    ),
    "adam": ({"optimizer": "adam"}, reference.adam),
}
FUNCTIONS: dict[str, tuple[int, Callable]] = {
    "exp": (functions.EXP, np.exp),
    "log": (functions.LOG, np.log),
    "sigmoid": (functions.SIGMOID, lambda x: 1 / (1 + np.exp(-x))),
    "tanh": (functions.TANH, np.tanh),
    "softplus": (
        functions.SOFTPLUS,
        lambda x: np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))),
    ),
}


def nothing() -> None:
    """No setup."""


def same(found, expected, tolerance: float, name: str) -> None:
    """Refuse to time what does not agree."""
    difference = float(np.abs(np.asarray(found) - expected).max())
    if not difference <= tolerance:
        raise ArithmeticError(f"{name}: the ways differ by {difference:g}, allowed {tolerance:g}")


def _network(dtype: str = "float32") -> tuple[Network, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((1000, SIZES[0])).astype(dtype)
    return Network(SIZES, hidden="sigmoid", seed=0, dtype=dtype), X, np.sin(X[:, :1])


def _model(net: Network) -> reference.Model:
    names = (*net.hidden, net.output)
    return reference.Model.from_theta(net.theta, net.sizes, names, net.loss_name)


def updates() -> Iterator[Case]:
    """Each rule, one update per sample and per batch of 32."""
    from .cases import Case

    for rule in RULES:
        for size in (1, 32):
            name = f"{rule} {'one at a time' if size == 1 else f'batch {size}'}"
            yield Case("updates", name, "sample", partial(_rule, rule, size), size == 1)


def _rule(rule: str, size: int) -> Ways:
    options, step = RULES[rule]
    net, X, Y = _network("float64")
    start = net.theta.copy()
    few = 64  # the reference takes its time
    model = _model(net)

    def reset() -> None:
        net.theta[:] = start
        model.weights, model.biases = _model(net).weights, _model(net).biases

    def plain() -> None:
        reference.train(model, X[:few], Y[:few], step(LR), batch_size=size)

    def compiled(n: int = len(X)) -> None:
        net.train(X[:n], Y[:n], epochs=1, lr=LR, batch_size=size, shuffle=False, **options)

    reset()
    plain()
    compiled(few)
    same(net.theta, model.theta, 1e-9, rule)
    return {"numpy": Timed(plain, reset, few), "fastperc": Timed(compiled, reset, len(X))}


def predicting() -> Iterator[Case]:
    """One sample, and many."""
    from .cases import Case

    yield Case("predicting", "8-32-1 one sample", "call", _predict_one)
    yield Case("predicting", "8-32-1 1,000 samples", "sample", _predict_many)


def _predict_one() -> Ways:
    net, X, _ = _network()
    x = X[0]
    (W1, W2), (b1, b2) = net.weights, net.biases
    repeats = 200

    def plain() -> np.ndarray:
        for _ in range(repeats):
            p = (1 / (1 + np.exp(-(x @ W1 + b1)))) @ W2 + b2
        return p

    def compiled() -> object:
        for _ in range(repeats):
            p = net.predict_one(x)
        return p

    same(compiled(), plain(), 1e-5, "predict_one")
    return {"numpy": Timed(plain, nothing, repeats), "fastperc": Timed(compiled, nothing, repeats)}


def _predict_many() -> Ways:
    net, X, _ = _network()
    (W1, W2), (b1, b2) = net.weights, net.biases

    def plain() -> np.ndarray:
        return (1 / (1 + np.exp(-(X @ W1 + b1)))) @ W2 + b2

    def compiled() -> np.ndarray:
        return net.forward(X)

    same(compiled(), plain(), 1e-5, "forward")
    return {"numpy": Timed(plain, nothing, len(X)), "fastperc": Timed(compiled, nothing, len(X))}


def elementary() -> Iterator[Case]:
    """Over arrays that fit into the first cache."""
    from .cases import Case

    for name in FUNCTIONS:
        for dtype in ("float32", "float64"):
            prepare = partial(_function, name, dtype)
            yield Case("elementary", f"{name} {dtype}", "element", prepare, dtype == "float32")


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

    scale = 1 + np.abs(plain())
    same(compiled() / scale, plain() / scale, 8 * float(np.finfo(dtype).eps), name)
    n = 20 * N_ELEMENTS
    return {"numpy": Timed(plain, nothing, n), "fastperc": Timed(compiled, nothing, n)}


def tutorials() -> Iterator[Case]:
    """The five from-scratch systems' own loops."""
    from ..tutorials.cases import all_cases
    from .cases import Case

    for case in all_cases():

        def prepare(case=case) -> Ways:
            same(case.compiled(), case.loop(), 1e-9, case.name)
            return {
                "loop": Timed(case.loop, nothing, 1),
                "fastperc": Timed(case.compiled, nothing, 1),
            }

        quick = "50,000" not in case.work
        yield Case("tutorials", f"{case.name}, {case.work}", "training", prepare, quick)
