"""Cases of networks at work: one sample, many samples, one update, from Python."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import cast

import numpy as np

from ..comparing.problem import Problem
from ..comparing.runners import Predictor
from ..comparing.variants import VARIANTS
from ..kernels import reference
from ..measuring.clock import Timed
from ..network import Network
from .case import Case, Ways, repeated, require_close

SIZES = (8, 32, 1)
LR = 0.01
LIBRARIES = ("jax", "onnxruntime", "sklearn", "torch")


def network(dtype: str, n_samples: int = 1000) -> tuple[Network, np.ndarray, np.ndarray]:
    """Return a network of sigmoid units, X (n_samples, 8) and Y (n_samples, 1)."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n_samples, SIZES[0])).astype(dtype)
    return Network(SIZES, hidden="sigmoid", seed=0, dtype=dtype), X, np.sin(X[:, :1])


def model_of(net: Network) -> tuple[reference.Model, Callable[[], None]]:
    """Return the NumPy twin of a network, and a function that resets both to the start."""
    names, start = (*net.hidden, net.output), net.theta.copy()
    model = reference.Model.from_theta(start, net.sizes, names, net.loss_name)

    def reset() -> None:
        net.theta[:] = start
        fresh = reference.Model.from_theta(start, net.sizes, names, net.loss_name)
        model.weights, model.biases = fresh.weights, fresh.biases

    return model, reset


def cases() -> Iterator[Case]:
    """Yield predictions of one sample and of many, and one update."""
    for n, unit, name in [
        (1, "call", "one sample"),
        (1000, "sample", "1,000 samples"),
        (100_000, "sample", "100,000 samples"),
    ]:
        yield Case(
            "predicting", f"8-32-1 {name}", unit, ("numpy", "fastperc", *LIBRARIES),
            partial(_predict, n), n < 100_000, work=_work(n) if n > 1 else None,
            refuses=partial(_refuses, _outputs(n)),
        )  # fmt: skip
    yield Case("predicting", "8-32-1 one update", "call", ("numpy", "fastperc"), _learn)


def _outputs(n: int) -> Problem:
    return Problem("forward", SIZES, n_samples=n, batch_size=n)


def _work(n: int) -> tuple[float, float]:
    return _outputs(n).flops_per_sample, _outputs(n).bytes_per_sample


def _refuses(problem: Problem, way: str) -> str:
    return VARIANTS[way].refuses(problem) if way in LIBRARIES else ""


def _predict(n: int) -> Ways:
    problem = _outputs(n)
    net = Network(
        problem.sizes, hidden=problem.hidden, output=problem.output, init=problem.theta,
        dtype=problem.dtype,
    )  # fmt: skip
    X = problem.samples[0]
    (W1, W2), (b1, b2) = problem.start()
    ways: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "numpy": lambda X: (1 / (1 + np.exp(-(X @ W1 + b1)))) @ W2 + b2,
        "fastperc": net.forward,
    }
    for way in LIBRARIES:
        if not _refuses(problem, way):
            ways[way] = cast(Predictor, VARIANTS[way].make(problem)).outputs
    expected = ways["numpy"](X)[:, 0]
    for way, predict in ways.items():
        require_close(np.ravel(predict(X)), expected, 1e-5, way)
    if n == 1:  # it has a way of its own for one
        x = X[0]
        require_close(net.predict_one(x), expected, 1e-5, "predict_one")
        return {
            way: repeated(partial(predict, X)) for way, predict in ways.items()
        } | {"fastperc": repeated(partial(net.predict_one, x))}  # fmt: skip
    return {way: Timed(partial(predict, X), units=n) for way, predict in ways.items()}


def _learn() -> Ways:
    """Prepare `learn_one`, beside a step of the reference's."""
    net, X, Y = network("float64")
    model, reset = model_of(net)
    x, y, rows, targets = X[0], float(Y[0, 0]), X[:1], Y[:1]

    def plain() -> None:
        reference.train_batches(model, rows, targets, LR, 1)

    def compiled() -> None:
        net.learn_one(x, y, lr=LR)

    reset()
    plain()
    compiled()
    require_close(net.theta, model.theta, 1e-12, "learn_one")
    return {"numpy": repeated(plain, reset), "fastperc": repeated(compiled, reset)}
