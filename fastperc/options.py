"""Checks of a network's configuration and of the options of training."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from . import checks
from .kernels import activations, losses
from .training import Stopping

OPTIMIZERS = ("sgd",)
DTYPES = ("float32", "float64")


def check_sizes(sizes: Any) -> tuple[int, ...]:
    """Inputs, hidden units, outputs: at least two whole numbers."""
    if isinstance(sizes, (str, bytes)) or not isinstance(sizes, (Sequence, np.ndarray)):
        raise TypeError(
            f"sizes: found {sizes!r:.60}, expected a sequence of whole numbers such as (8, 32, 1)"
        )
    widths = tuple(checks.check_count(n, f"sizes[{i}]") for i, n in enumerate(sizes))
    if len(widths) < 2:
        raise ValueError(
            f"sizes: found {widths}, expected at least 2 numbers: inputs and outputs, with hidden "
            "layers between them"
        )
    return widths


def check_hidden(hidden: Any, n_hidden: int) -> tuple[str, ...]:
    """One activation name per hidden layer, from one name for all or a sequence."""
    names = (hidden,) * n_hidden if isinstance(hidden, str) else hidden
    if isinstance(hidden, str) or not isinstance(hidden, (Sequence, np.ndarray)):
        _check_hidden_name(hidden)
    if len(names) != n_hidden:
        raise ValueError(
            f"hidden: found {len(names)} activations, expected one name, or {n_hidden}, one for "
            "each hidden layer"
        )
    return tuple(_check_hidden_name(name) for name in names)


def _check_hidden_name(name: Any) -> str:
    choices = [other for other in activations.CODES if other != "softmax"]
    if name == "softmax":
        raise ValueError(
            "hidden: found 'softmax', which is for the output layer only. "
            f"Use one of {', '.join(choices)}"
        )
    return checks.check_choice(name, "hidden", choices)


def check_output(output: Any, loss: Any, n_outputs: int) -> tuple[str, str]:
    """Output activation and loss, which have to fit."""
    output = checks.check_choice(output, "output", activations.CODES)
    loss = checks.check_choice(loss, "loss", losses.CODES)
    wanted = losses.OUTPUT_OF.get(loss)
    if wanted and activations.CODES[output] != activations.CODES[wanted]:
        raise ValueError(
            f"output: found {output!r}, expected {wanted!r} with loss={loss!r}: that loss is "
            f"defined on its outputs. Give output={wanted!r}"
        )
    if output == "softmax" and loss != "cross_entropy":
        raise ValueError(
            f"loss: found {loss!r}, expected 'cross_entropy' with output='softmax'. "
            "Give loss='cross_entropy'"
        )
    if loss == "cross_entropy" and n_outputs == 1:
        raise ValueError(
            "sizes: found 1 output, expected at least 2 with loss='cross_entropy', one for each "
            "class. Two classes are also served by 1 output, 'sigmoid' and 'log_loss'"
        )
    return output, loss


def check_dtype(dtype: Any) -> np.dtype:
    """float32 or float64."""
    try:
        found = np.dtype(dtype)
    except TypeError:
        raise TypeError(f"dtype: found {dtype!r:.60}, expected 'float32' or 'float64'") from None
    if found.name not in DTYPES or dtype is None:
        raise ValueError(f"dtype: found {dtype!r:.60}, expected 'float32' or 'float64'")
    return np.dtype(found.name)  # in the machine's byte order


def check_seed(seed: Any) -> np.random.Generator:
    """A generator, from a whole number, a generator or None."""
    if isinstance(seed, np.random.Generator):
        return seed
    if seed is not None:
        seed = checks.check_count(seed, "seed", least=0)
    return np.random.default_rng(seed)


def check_unbuilt(optimizer: Any, momentum: Any, nesterov: Any, alpha: Any, threads: Any) -> None:
    """Options that only have their neutral value so far."""
    checks.check_choice(optimizer, "optimizer", OPTIMIZERS)
    if checks.check_number(momentum, "momentum") != 0:
        raise ValueError(f"momentum: found {momentum!r}, expected 0.0; there is no other yet")
    if checks.check_flag(nesterov, "nesterov"):
        raise ValueError("nesterov: found True, expected False; there is no momentum yet")
    if checks.check_number(alpha, "alpha") != 0:
        raise ValueError(f"alpha: found {alpha!r}, expected 0.0; there is no penalty yet")
    if checks.check_count(threads, "threads") != 1:
        raise ValueError(
            f"threads: found {threads}, expected 1: there is no parallel kernel yet"
        )


def check_stopping(patience: Any, tol: Any, time_limit: Any) -> Stopping:
    """The rules by which training ends early."""
    return Stopping(
        patience=None if patience is None else checks.check_count(patience, "patience"),
        tol=checks.check_number(tol, "tol", least=0),
        time_limit=None if time_limit is None else checks.check_positive(time_limit, "time_limit"),
    )


def check_callback(callback: Any) -> Callable | None:
    """Something to call, or None."""
    if callback is not None and not callable(callback):
        raise TypeError(
            f"callback: found {callback!r:.60}, expected a function of (epoch, history)"
        )
    return callback
