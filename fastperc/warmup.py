"""Compile kernels before they are needed, and report how long each took."""

from __future__ import annotations

import math
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .fleet import Fleet
from .kernels import updates
from .measuring import environment
from .measuring.clock import Stopwatch
from .model import options, slices
from .model.linear import Linear
from .model.samples import Samples, no_order, read_only
from .model.shards import ShardGradients
from .network import Network
from .training.linear import Orders, Rows, Stopping, slopes
from .training.linear import train as fit_linear
from .training.linear_row import ALL, LinearRow
from .training.one_sample import SampleBuffer
from .training.rules import Rule

ROWS = 600  # enough for more than one thread


@dataclass(frozen=True)
class WarmupStep:
    """One step of `warmup`.

    Attributes
    ----------
    what : str
        Purpose of the kernel.
    dtype : str
    seconds : float
        Time of its first call.
    source : str
        Origin of its machine code: ``"compiled"``, ``"disk"``, or ``"memory"`` if this process had
        used it before. ``"plain Python"`` where NUMBA_DISABLE_JIT is set.
    """

    what: str
    dtype: str
    seconds: float
    source: str


def warmup(dtypes: Sequence[str] = options.DTYPES) -> Iterator[WarmupStep]:
    """Call every kernel of `Network` and the estimators once, so that later calls need not compile.

    Machine code is stored on disk: once is enough until fastperc, Numba or the processor changes.

    Parameters
    ----------
    dtypes : sequence of {"float32", "float64"}

    Yields
    ------
    WarmupStep
        After each step.

    Examples
    --------
    >>> for step in warmup(["float32"]):
    ...     print(step.what)
    training, one sample at a time
    training, one sample, any rule
    training, mini-batches
    training, batches on threads
    training, large batches
    outputs for many samples
    outputs on threads
    output for one sample
    learning one sample
    learning one sample, any rule
    loss
    gradient
    many networks at once
    outputs of many networks
    losses of many networks
    linear models
    linear models, one row
    scores of a linear model, one row
    gradient of a linear model
    """
    for dtype in map(options.check_dtype, dtypes):
        for what, call in calls(dtype):
            yield timed(what, str(dtype), call)


def calls(dtype: np.dtype | str) -> list[tuple[str, Callable[[], object]]]:
    """List the steps for a dtype: their names, and functions that call kernels."""
    dtype = options.check_dtype(dtype)
    net = Network((2, 2, 1), seed=0, dtype=dtype)
    fleet = Fleet((2, 2, 1), 2, seed=0, dtype=dtype)
    model = options.check_model((2, 2, 1), "relu", "identity", "squared_error", dtype)
    X, y = np.ones((2, 2)), np.ones(2)
    many, targets = np.ones((ROWS, 2)), np.ones(ROWS)

    def train(n: int, **given: Any) -> Callable[[], object]:
        return lambda: net.train(many[:n], targets[:n], **({"epochs": 1} | given))

    def on_threads(call: Callable[[], object]) -> Callable[[], object]:
        """Let threads take part in what is too little work for them."""

        def called() -> None:
            worth, slices.WORTH_THREADS = slices.WORTH_THREADS, 0
            try:
                call()
            finally:
                slices.WORTH_THREADS = worth

        return called

    def in_slices() -> None:
        shards = ShardGradients(model, 2)
        samples = Samples(
            read_only(X, dtype), read_only(X[:, :1], dtype), read_only(X[0], dtype)
        ).arguments(no_order(2))
        shards.weight_sum(samples, 0, 2)
        shards(samples, 0, 2, dtype.type(1))

    def by_rule() -> None:
        settings = np.zeros(updates.N_SETTINGS)
        settings[updates.EPSILON] = 1  # it is divided by
        SampleBuffer(model).learn_by_rule(Rule(updates.ADAM, settings, model))

    line = Linear(1, 2, dtype, {"eta": 0.1, "scale": 1})
    rows = Rows(X.astype(dtype), y.astype(dtype), y[:0].astype(dtype), y[:0])
    row = LinearRow(line)

    def linear() -> None:
        fit_linear(line, rows, Orders(2, 1), Stopping(1, -math.inf, 1))
        fit_linear(line, rows, Orders(2, 1), Stopping(1, -math.inf, 1, score=lambda model: 0.0))

    return [
        ("training, one sample at a time", train(2, epochs=100)),  # of which a kernel draws orders
        ("training, one sample, any rule", train(2, optimizer="adam")),
        ("training, mini-batches", train(2, batch_size=2)),
        ("training, batches on threads", on_threads(train(ROWS, batch_size=ROWS, threads=2))),
        ("training, large batches", in_slices),
        ("outputs for many samples", lambda: net.forward(X)),
        ("outputs on threads", on_threads(lambda: net.forward(many, threads=2))),
        ("output for one sample", lambda: net.predict_one(X[0])),
        ("learning one sample", lambda: net.learn_one(X[0], 1.0)),
        ("learning one sample, any rule", by_rule),
        ("loss", lambda: net.loss(X, y)),
        ("gradient", lambda: net.backward(X, y)),
        ("many networks at once", lambda: fleet.train(X, y, epochs=1)),
        ("outputs of many networks", lambda: fleet.forward(X)),
        ("losses of many networks", lambda: fleet.loss(X, y)),
        ("linear models", linear),
        ("linear models, one row", lambda: row.learn(row.values, ALL, 1.0)),
        ("scores of a linear model, one row", lambda: row.score(row.values, ALL)),
        ("gradient of a linear model", lambda: slopes(line, rows)),
    ]


def timed(what: str, dtype: str, call: Callable[[], object]) -> WarmupStep:
    """Call a function; measure its time, and find the origin of its kernels' machine code."""
    n_before, n_loaded_before = _machine_code()
    with Stopwatch() as first_call:
        call()
    n, n_loaded = _machine_code()
    if not environment.is_compiled():
        source = "plain Python"
    elif n == n_before:
        source = "memory"
    else:
        source = "compiled" if n - n_before > n_loaded - n_loaded_before else "disk"
    return WarmupStep(what, dtype, first_call.seconds, source)


def outcome() -> tuple[bool, str]:
    """Return whether machine code is ready or stored, and the end of a sentence about that."""
    from .kernels import caching, jit

    if not environment.is_compiled():
        return True, ": nothing was compiled, since NUMBA_DISABLE_JIT is set."
    if not jit.cache_is_on():
        return True, f": nothing is kept on disk, since {jit.OFF_SWITCH} is set."
    if caching.is_unkept():
        return False, ", in this process only: not all of it could be kept on disk."
    return True, ". The machine code is kept on disk: later processes load it."


def versions() -> list[tuple[str, str, list[tuple[Any, ...]]]]:
    """List all that this process has compiled or loaded: module, kernel, and its signatures."""
    return [
        (kernel.__module__, kernel.__name__, kernel.signatures)
        for kernel in _kernels()
        if kernel.signatures and getattr(kernel._cache, "folders", None)
    ]


def _machine_code() -> tuple[int, int]:
    """Count the compiled versions of kernels in this process, and those that came from disk."""
    kernels = _kernels()
    return (
        sum(len(kernel.signatures) for kernel in kernels),
        sum(sum(kernel.stats.cache_hits.values()) for kernel in kernels),
    )


def _kernels() -> list[Any]:
    """List the compiled functions of all modules that are loaded."""
    modules = [m for name, m in sys.modules.items() if name.startswith(f"{__package__}.kernels.")]
    values = {id(value): value for module in modules for value in vars(module).values()}.values()
    return [value for value in values if hasattr(value, "signatures")]


def __getattr__(name: str) -> type[WarmupStep]:
    if name == "Warmed":
        warnings.warn(
            "Warmed is WarmupStep now; the old name goes with fastperc 0.3", DeprecationWarning,
            stacklevel=2,
        )  # fmt: skip
        return WarmupStep
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
