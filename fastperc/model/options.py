"""Checks of what a network is made from: sizes, activations, loss, dtype, seed, start weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import DTypeLike

from .. import checks
from ..kernels import activations
from .dense import Dense
from .layout import INITS, n_parameters, views, write_arrays
from .losses import LOSSES, Loss, loss_of

MOST_PARAMETERS = 1 << 56  # more than any memory holds, and few enough to be counted in bytes

DTYPES = ("float32", "float64")

Parts = list[object] | tuple[object, ...]  # arrays, or lists of them


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


# Losses of regression that softmax outputs, each by itself, may have too.
OF_SHARES = ("squared_error", "absolute_error", "huber")


def check_output(output: object, loss: object, sizes: Sequence[int]) -> tuple[str, Loss]:
    """Return output activation and loss, which have to fit."""
    output = checks.check_choice(output, "output", activations.CODES)
    record = loss_of(checks.check_choice(loss, "loss", LOSSES), output)
    codes = [activations.CODES[name] for name in record.outputs]
    if codes and activations.CODES[output] not in codes:
        raise ValueError(
            f"output: found {output!r}, expected {' or '.join(map(repr, record.outputs))} with "
            f"loss={loss!r}: that loss is defined on its outputs. Give output={record.outputs[0]!r}"
        )
    if output in ("step", "sign") and not codes:
        raise ValueError(
            f"loss: found {loss!r}, expected 'perceptron' with output={output!r}, which has no "
            "slope. Give loss='perceptron'"
        )
    if output == "softmax" and not codes and record.name not in OF_SHARES:
        raise ValueError(
            f"loss: found {loss!r}, expected 'cross_entropy' (or {', '.join(OF_SHARES)}) with "
            "output='softmax'. Give loss='cross_entropy'"
        )
    if output == "softmax" and sizes[-1] == 1:
        raise ValueError(
            f"sizes: found 1 output, expected at least 2 with output={output!r}, one for each "
            "class. Two classes are also served by 1 output, 'sigmoid' and 'log_loss'"
        )
    if len(sizes) > 2 and not record.hidden_layers:
        raise ValueError(
            f"sizes: found {tuple(sizes)}, expected one layer, such as {sizes[0], sizes[-1]}, with "
            f"loss={loss!r}: its rule is for one. Hidden layers are learned with 'sigmoid' and "
            "'log_loss'"
        )
    return output, record


def check_bias(bias: object, n_layers: int) -> tuple[bool, ...]:
    """Return whether each layer has biases, from one value for all or a sequence."""
    if isinstance(bias, (bool, np.bool_)):
        return (bool(bias),) * n_layers
    if isinstance(bias, str) or not isinstance(bias, (Sequence, np.ndarray)):
        raise TypeError(
            f"bias: found {bias!r:.60}, expected True or False, or one of them for each layer"
        )
    if len(bias) != n_layers:
        raise ValueError(
            f"bias: found {len(bias)} values, expected True or False, or {n_layers}, one for each "
            "layer"
        )
    return tuple(checks.check_flag(has, f"bias[{k}]") for k, has in enumerate(bias))


def check_frozen(frozen: object, model: Dense) -> frozenset[str]:
    """Return the names of parameters that training shall leave as they are."""
    if frozen == ():
        return frozenset()
    names = (frozen,) if isinstance(frozen, str) else frozen
    if not isinstance(names, (Sequence, set, frozenset)):
        raise TypeError(
            f"frozen: found {frozen!r:.60}, expected names of parameters such as ('W1', 'b1')"
        )
    found = frozenset(checks.check_choice(name, "frozen", model.parameter_names) for name in names)
    if len(found) == len(model.parameter_names):
        raise ValueError(
            f"frozen: found all of {', '.join(model.parameter_names)}, expected some that are left "
            "to train"
        )
    return found


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
    sizes: object,
    hidden: object,
    output: object,
    loss: object,
    dtype: DTypeLike,
    bias: object = True,
) -> Dense:
    """Return a network of a configuration given in names, all weights 0."""
    sizes = check_sizes(sizes)
    names = check_hidden(hidden, len(sizes) - 2)
    output, record = check_output(output, loss, sizes)
    has_bias = check_bias(bias, len(sizes) - 1)
    return Dense.zeros(sizes, names, output, record, check_dtype(dtype), has_bias)


def check_init(init: object, model: Dense) -> str | np.ndarray:
    """Return the name of start weights, or all parameters in one vector laid out as ``theta``.

    They may be given as such a vector; as ``(weights, biases)``, a list of arrays each; as a list
    of pairs ``(W, b)``; or, for a network without biases, as a list of its weights.
    """
    if init is None or isinstance(init, str):
        return checks.check_choice(init, "init", INITS)
    n = len(model.sizes) - 1
    if _is_list(init) and any(_depth(item) > 0 for item in init):
        weights, biases = _arrays_of(init, n, any(model.bias))
        start = np.zeros_like(model.theta)
        arrays = views(start, model.sizes, model.bias)
        write_arrays(arrays[0], weights, "init: weights")
        write_arrays(arrays[1], biases, "init: biases")
        return start
    start = checks.check_array(init, "init", ndim=1)
    if len(start) != len(model.theta):
        raise ValueError(
            f"init: found {len(start)} numbers, expected {len(model.theta)}, as many as a "
            f"network of sizes {model.sizes} has parameters"
        )
    return start


def _is_list(value: object) -> TypeGuard[Parts]:
    return isinstance(value, (list, tuple))


def _arrays_of(init: Parts, n_layers: int, has_biases: bool) -> tuple[Parts, Parts]:
    """Return weights and biases, a list each, of what `check_init` takes."""
    parts = [part for part in init if _is_list(part)]
    are_two = len(init) == len(parts) == 2 and len(parts[0]) == len(parts[1]) == n_layers
    if are_two and _are_matrices(parts[0]):
        return parts[0], parts[1]
    if len(init) == len(parts) == n_layers and all(len(pair) == 2 for pair in parts):
        weights, biases = zip(*parts, strict=True)
        if _are_matrices(weights):
            return weights, biases
    if n_layers == 1 and [_depth(part) for part in init] == [2, 1]:
        return init[:1], init[1:]
    if not has_biases and len(init) == n_layers and _are_matrices(init):
        return init, [None] * n_layers
    raise ValueError(
        f"init: found a {type(init).__name__} of {len(init)}, expected (weights, biases) with "
        f"{n_layers} arrays each, or {n_layers} pairs (W, b): W of shape (n_in, n_out), b of shape "
        "(n_out,)"
    )


def _are_matrices(arrays: Parts) -> bool:
    return all(_depth(W) == 2 for W in arrays)


def _depth(value: object) -> int:
    """Return the number of dimensions of an array or of nested lists, ragged ones too."""
    if isinstance(value, (list, tuple)):
        return 1 + (_depth(value[0]) if value else 0)
    return value.ndim if isinstance(value, np.ndarray) else 0
