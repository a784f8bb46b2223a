"""Checks of a network's configuration and of the options of training."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import checks
from ..deadline import Watch
from ..kernels import activations, losses, updates
from ..training.loop import Stopping
from .layout import INITS, n_parameters

MOST_PARAMETERS = 1 << 56  # more than any memory holds, and few enough to be counted in bytes

OPTIMIZERS = ("sgd", "adam", "adamw", "rprop", "lbfgs")
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
    if n_parameters(widths) > MOST_PARAMETERS:
        raise ValueError(
            f"sizes: found {widths!s:.60}, which makes more than {MOST_PARAMETERS:.1e} "
            "parameters, expected a network that fits into memory"
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
    choices = [other for other in activations.CODES if other not in activations.OUTPUT_ONLY]
    if isinstance(name, str) and name in activations.OUTPUT_ONLY:
        raise ValueError(
            f"hidden: found {name!r}, which is for the output layer only. "
            f"Use one of {', '.join(choices)}"
        )
    return checks.check_choice(name, "hidden", choices)


def check_output(output: Any, loss: Any, n_outputs: int) -> tuple[str, str]:
    """Output activation and loss, which have to fit."""
    output = checks.check_choice(output, "output", activations.CODES)
    loss = checks.check_choice(loss, "loss", losses.CODES)
    wanted = losses.OUTPUTS_OF.get(loss)
    codes = [activations.CODES[name] for name in wanted or ()]
    if wanted and activations.CODES[output] not in codes:
        raise ValueError(
            f"output: found {output!r}, expected {' or '.join(map(repr, wanted))} with "
            f"loss={loss!r}: that loss is defined on its outputs. Give output={wanted[0]!r}"
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


RULES = {"adam": updates.ADAM, "adamw": updates.ADAMW, "rprop": updates.RPROP}


def check_rule(
    optimizer: Any,
    momentum: Any,
    nesterov: Any,
    alpha: Any,
    l1: Any,
    clip_norm: Any,
    betas: Any,
    epsilon: Any,
    dtype: np.dtype,
) -> tuple[int, np.ndarray]:
    """The code of the update rule, and its numbers but for the learning rate."""
    checks.check_choice(optimizer, "optimizer", OPTIMIZERS)
    rates = np.zeros(updates.N_SETTINGS)
    rates[updates.MOMENTUM_FACTOR] = _check_fraction(momentum, "momentum")
    nesterov = checks.check_flag(nesterov, "nesterov")
    if optimizer != "sgd" and (momentum != 0 or nesterov):
        raise ValueError(
            f"momentum: found momentum={momentum!r}, nesterov={nesterov!r} with "
            f"optimizer={optimizer!r}, expected 0.0 and False: they belong to 'sgd'"
        )
    if nesterov and momentum == 0:
        raise ValueError("nesterov: found True with momentum=0.0, expected a momentum, such as 0.9")
    rates[updates.L2] = checks.check_number(alpha, "alpha", least=0)
    rates[updates.L1] = checks.check_number(l1, "l1", least=0)
    if clip_norm is not None:
        rates[updates.CLIP] = checks.check_positive(clip_norm, "clip_norm")
    if isinstance(betas, (str, bytes)) or not isinstance(betas, Sequence) or len(betas) != 2:
        raise ValueError(f"betas: found {betas!r:.60}, expected two numbers such as (0.9, 0.999)")
    for index, beta in zip((updates.BETA1, updates.BETA2), betas, strict=True):
        rates[index] = _check_fraction(beta, "betas")
    rates[updates.EPSILON] = checks.check_positive(epsilon, "epsilon")
    if optimizer in ("adam", "adamw"):
        checks.check_rounded(rates[updates.EPSILON], "epsilon", dtype)
    if optimizer == "lbfgs" and (rates[updates.L1] > 0 or rates[updates.CLIP] > 0):
        name = "l1" if rates[updates.L1] > 0 else "clip_norm"
        why = "wants a smooth loss" if name == "l1" else "chooses the length of its steps itself"
        raise ValueError(
            f"{name}: found {l1 if name == 'l1' else clip_norm!r} with optimizer='lbfgs', which "
            f"{why}. Leave {name} out, or use another optimizer"
        )
    rates[updates.EPSILON_SCALED] = 1
    if optimizer in RULES:
        return RULES[optimizer], rates
    if momentum == 0:
        return updates.SGD, rates
    return updates.NESTEROV if nesterov else updates.MOMENTUM, rates


def _check_fraction(value: Any, name: str) -> float:
    number = checks.check_number(value, name, least=0)
    if number >= 1:
        raise ValueError(f"{name}: found {value!r}, expected a number from 0 to below 1")
    return number


def check_penalties(alpha: Any, l1: Any) -> tuple[float, float]:
    """Factors of the penalties, not negative."""
    return checks.check_number(alpha, "alpha", least=0), checks.check_number(l1, "l1", least=0)


def check_init(init: Any, sizes: Sequence[int]) -> str | np.ndarray:
    """The name of start weights, or all parameters in one vector."""
    if init is None or isinstance(init, str):
        return checks.check_choice(init, "init", INITS)
    start = checks.check_array(init, "init", ndim=1)
    if len(start) != n_parameters(sizes):
        raise ValueError(
            f"init: found {len(start)} numbers, expected {n_parameters(sizes)}, as many as a "
            f"network of sizes {tuple(sizes)} has parameters"
        )
    return start


def hinge_labels(y: Any, present: tuple[int, int]) -> tuple[int, int]:
    """Which labels the targets have: -1 and 1, or 0 and 1; targets of 1 only leave it open."""
    least = np.min(np.asarray(y, dtype=np.float64))
    if least < 0:
        return (-1, 1)
    return (0, 1) if least == 0 else present


def check_schedule(lr: Any, dtype: np.dtype) -> Callable[[int], float]:
    """A function from epoch to learning rate."""
    if callable(lr):

        def checked(epoch: int) -> float:
            return checks.check_number(lr(epoch), f"lr({epoch})", least=0)

        checked(1)
        return checked
    rate = checks.check_positive(lr, "lr")
    checks.check_rounded(rate, "lr", dtype)
    return lambda epoch: rate


def check_stopping(patience: Any, tol: Any) -> Stopping:
    """The rules by which training ends early."""
    return Stopping(
        patience=None if patience is None else checks.check_count(patience, "patience"),
        tol=checks.check_number(tol, "tol", least=0),
    )


def check_watch(time_limit: Any) -> Watch:
    """A watch that has begun to run."""
    return Watch(None if time_limit is None else checks.check_positive(time_limit, "time_limit"))


def check_finite_weights(theta: np.ndarray) -> None:
    """Refuse to train from weights that somebody made infinite or NaN."""
    if not checks.all_finite(theta):
        raise ValueError(
            f"theta: found {theta[~np.isfinite(theta)][0]} among the weights, expected finite "
            "numbers to start from. Write others to them, or make a new network"
        )


def check_callback(callback: Any) -> Callable | None:
    """Something to call, or None."""
    if callback is not None and not callable(callback):
        raise TypeError(
            f"callback: found {callback!r:.60}, expected a function of (epoch, history)"
        )
    return callback
