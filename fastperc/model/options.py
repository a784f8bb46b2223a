"""Checks of what a network is made from: sizes, activations, loss, dtype, seed, start weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from .. import checks
from ..kernels import activations
from .dense import Dense
from .layout import INITS, n_parameters
from .losses import LOSSES, Loss

MOST_PARAMETERS = 1 << 56  # more than any memory holds, and few enough to be counted in bytes

DTYPES = ("float32", "float64")


def check_sizes(sizes: object) -> tuple[int, ...]:
    """Return numbers of inputs, hidden units and outputs: at least two whole numbers."""
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
    if n_parameters(widths) > MOST_PARAMETERS:
        raise ValueError(
            f"sizes: found {widths!s:.60}, which makes more than {MOST_PARAMETERS:.1e} "
            "parameters, expected a network that fits into memory"
        )
    return widths


def check_hidden(hidden: Any, n_hidden: int) -> tuple[str, ...]:
    """Return one activation name per hidden layer, from one name for all or a sequence."""
    names = (hidden,) * n_hidden if isinstance(hidden, str) else hidden
    if isinstance(hidden, str) or not isinstance(hidden, (Sequence, np.ndarray)):
        _check_hidden_name(hidden)
    if len(names) != n_hidden:
        raise ValueError(
            f"hidden: found {len(names)} activations, expected one name, or {n_hidden}, one for "
            "each hidden layer"
        )
    return tuple(_check_hidden_name(name) for name in names)


def _check_hidden_name(name: object) -> str:
    choices = [other for other in activations.CODES if other not in activations.OUTPUT_ONLY]
    if isinstance(name, str) and name in activations.OUTPUT_ONLY:
        raise ValueError(
            f"hidden: found {name!r}, which is for the output layer only. "
            f"Use one of {', '.join(choices)}"
        )
    return checks.check_choice(name, "hidden", choices)


def check_output(output: object, loss: object, n_outputs: int) -> tuple[str, Loss]:
    """Return output activation and loss, which have to fit."""
    output = checks.check_choice(output, "output", activations.CODES)
    record = LOSSES[checks.check_choice(loss, "loss", LOSSES)]
    codes = [activations.CODES[name] for name in record.outputs]
    if codes and activations.CODES[output] not in codes:
        raise ValueError(
            f"output: found {output!r}, expected {' or '.join(map(repr, record.outputs))} with "
            f"loss={loss!r}: that loss is defined on its outputs. Give output={record.outputs[0]!r}"
        )
    if output == "softmax" and not codes:
        raise ValueError(
            f"loss: found {loss!r}, expected 'cross_entropy' with output='softmax'. "
            "Give loss='cross_entropy'"
        )
    if record.is_of_classes and n_outputs == 1:
        raise ValueError(
            f"sizes: found 1 output, expected at least 2 with loss={loss!r}, one for each "
            "class. Two classes are also served by 1 output, 'sigmoid' and 'log_loss'"
        )
    return output, record


def check_dtype(dtype: Any) -> np.dtype:
    """Return the dtype float32 or float64."""
    try:
        found = np.dtype(dtype)
    except TypeError:
        raise TypeError(f"dtype: found {dtype!r:.60}, expected 'float32' or 'float64'") from None
    if found.name not in DTYPES or dtype is None:
        raise ValueError(f"dtype: found {dtype!r:.60}, expected 'float32' or 'float64'")
    return np.dtype(found.name)  # in the machine's byte order


def check_seed(seed: object) -> np.random.Generator:
    """Return a generator, from a whole number, a generator or None."""
    if isinstance(seed, np.random.Generator):
        return seed
    if seed is not None:
        seed = checks.check_count(seed, "seed", least=0)
    return np.random.default_rng(seed)


def check_model(
    sizes: object, hidden: object, output: object, loss: object, dtype: DTypeLike
) -> Dense:
    """Return a network of a configuration given in names, all weights 0."""
    sizes = check_sizes(sizes)
    names = check_hidden(hidden, len(sizes) - 2)
    output, record = check_output(output, loss, sizes[-1])
    return Dense.zeros(sizes, names, output, record, check_dtype(dtype))


def check_init(init: object, sizes: Sequence[int]) -> str | np.ndarray:
    """Return the name of start weights, or all parameters in one vector."""
    if init is None or isinstance(init, str):
        return checks.check_choice(init, "init", INITS)
    start = checks.check_array(init, "init", ndim=1)
    if len(start) != n_parameters(sizes):
        raise ValueError(
            f"init: found {len(start)} numbers, expected {n_parameters(sizes)}, as many as a "
            f"network of sizes {tuple(sizes)} has parameters"
        )
    return start
