"""A record per loss: its code in the kernels, the outputs and targets that it takes, its labels.

Formulas and codes are in `kernels.losses`. To add a loss: a code, a name and a branch there, and a
record here.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ..checks import as_numbers, check_array, extent
from ..kernels import activations
from ..kernels import losses as kernels

Labels = tuple[int, int]  # what two classes are called, the one with the smaller output first
Check = Callable[[np.ndarray, str], np.ndarray]


@dataclass(frozen=True)
class Loss:
    """What a network has to know of its loss.

    Attributes
    ----------
    name : str
        What users call it.
    code : int
        See `kernels.losses`.
    check : function of (targets, name of the argument)
        Raises ValueError for targets that the loss is not defined for; may translate them.
    outputs : tuple of str
        Output activations that the loss is defined with; none named means any but those that belong
        to another loss.
    hidden_layers : bool
        Whether there may be hidden layers.
    bounds : tuple of float
        Between which a single target needs no further check.
    values : mapping of float to float
        What single targets stand for where the loss is defined for a few numbers only.
    is_of_classes : bool
        Whether one label per sample, 0 to n_outputs - 1, stands for a row of targets.
    labels_of : function of (outputs, labels), optional
        The labels that outputs of any shape stand for; none for a regression.
    label_of : function of (output, labels), optional
        The label that one number stands for.
    labels_in : function of (targets, present labels)
        Which two labels the targets have.
    """

    name: str
    code: int
    check: Check
    outputs: tuple[str, ...] = ()
    bounds: tuple[float, float] = (1.0, 0.0)
    values: Mapping[float, float] = field(default_factory=dict)
    is_of_classes: bool = False
    hidden_layers: bool = True
    labels_of: Callable[[np.ndarray, Labels], np.ndarray] | None = None
    label_of: Callable[[float, Labels], int] | None = None
    labels_in: Callable[[Any, Labels], Labels] = lambda y, present: present

    def __repr__(self) -> str:
        return self.name


# --- targets: each function raises ValueError for those that a loss is not defined for ------------


def _any_number(targets: np.ndarray, name: str) -> np.ndarray:
    return targets


def _counts(targets: np.ndarray, name: str) -> np.ndarray:
    if targets.min() < 0:
        raise ValueError(
            f"{name}: found {targets[targets < 0][0]:g}, expected no negative number for "
            "loss='poisson', which is for counts. Use another loss"
        )
    return targets


def _probabilities(loss: str) -> Check:
    def check(targets: np.ndarray, name: str) -> np.ndarray:
        least, most = extent(targets)
        if least < 0 or most > 1:
            odd = targets[(targets < 0) | (targets > 1)][0]
            raise ValueError(
                f"{name}: found {odd:g}, expected 0 or 1 for loss={loss!r}. "
                "Number the classes, or use another loss"
            )
        return targets

    return check


def _distributions(targets: np.ndarray, name: str) -> np.ndarray:
    """Check rows of probabilities, which sum to 1."""
    _probabilities("cross_entropy")(targets, name)
    sums = targets.sum(axis=1)
    if not np.allclose(sums, 1, atol=1e-3):
        row = int(np.argmax(np.abs(sums - 1)))
        raise ValueError(
            f"{name}: found a row ({row}) that sums to {sums[row]:g}, expected probabilities "
            "that sum to 1. Labels that do not exclude each other want loss='log_loss'"
        )
    return targets


def _signs(targets: np.ndarray, name: str) -> np.ndarray:
    """Return -1 and 1, also for 0 and 1."""
    found = set(np.unique(targets).tolist())
    if not (found <= {-1.0, 1.0} or found <= {0.0, 1.0}):
        odd = next(iter(sorted(found - {-1.0, 0.0, 1.0}) or sorted(found)))
        raise ValueError(
            f"{name}: found {odd:g}, expected labels -1 and 1, or 0 and 1, for loss='hinge'"
        )
    signs = np.where(targets > 0, 1, -1).astype(targets.dtype)
    signs.flags.writeable = False
    return signs


def _outputs_of(output: str, low: float) -> Check:
    def check(targets: np.ndarray, name: str) -> np.ndarray:
        odd = (targets != low) & (targets != 1)
        if odd.any():
            raise ValueError(
                f"{name}: found {targets[odd][0]:g}, expected {low:g} and 1, the outputs of "
                f"output={output!r}, for loss='perceptron'. Labels 0 and 1 want output='step', -1 "
                "and 1 output='sign'"
            )
        return targets

    return check


def _sign_labels(y: object, present: Labels) -> Labels:
    """Return -1 and 1, or 0 and 1; targets of 1 only leave it open."""
    least = y if isinstance(y, (float, int)) else np.min(np.asarray(y, dtype=np.float64))
    if least < 0:
        return (-1, 1)
    return (0, 1) if least == 0 else present


# --- the records ----------------------------------------------------------------------------------

EVERYTHING = (-math.inf, math.inf)

LOSSES: Mapping[str, Loss] = {
    loss.name: loss
    for loss in (
        Loss("squared_error", kernels.SQUARED_ERROR, _any_number, bounds=EVERYTHING),
        Loss("absolute_error", kernels.ABSOLUTE_ERROR, _any_number, bounds=EVERYTHING),
        Loss("huber", kernels.HUBER, _any_number, bounds=EVERYTHING),
        Loss("poisson", kernels.POISSON, _counts, ("exp", "softplus"), (0.0, math.inf)),
        Loss(
            "log_loss", kernels.LOG_LOSS, _probabilities("log_loss"), ("sigmoid",), (0.0, 1.0),
            labels_of=lambda out, labels: (out >= 0.5).astype(np.int64),
            label_of=lambda out, labels: int(out >= 0.5),
        ),
        Loss(
            "cross_entropy", kernels.CROSS_ENTROPY, _distributions, ("softmax",),
            is_of_classes=True, labels_of=lambda out, labels: out.argmax(axis=-1),
        ),
        Loss(
            "hinge", kernels.HINGE, _signs, values={-1: -1, 0: -1, 1: 1},
            labels_of=lambda out, labels: np.where(out > 0, labels[1], labels[0]),
            label_of=lambda out, labels: labels[out > 0],
            labels_in=_sign_labels,
        ),
        Loss(
            "perceptron", kernels.PERCEPTRON, _outputs_of("step", 0), ("step", "sign"),
            values={0: 0, 1: 1}, hidden_layers=False,
            labels_of=lambda out, labels: out.astype(np.int64),
            label_of=lambda out, labels: int(out),
        ),
    )
}  # fmt: skip


def loss_of(name: str, output: str) -> Loss:
    """Return the record of a loss with an output activation: what perceptrons learn, they say."""
    loss = LOSSES[name]
    is_of_signs = name == "perceptron" and output == "sign"
    if not is_of_signs:
        return loss
    return replace(loss, check=_outputs_of("sign", -1), values={-1: -1, 1: 1})


def capped(loss: Loss) -> Loss:
    """Return log_loss or cross_entropy that counts no output as closer to 0 or 1 than epsilon.

    The gradient is the same. Learning curves of probabilities are often drawn so.
    """
    codes = {
        kernels.LOG_LOSS: kernels.CAPPED_LOG_LOSS,
        kernels.CROSS_ENTROPY: kernels.CAPPED_CROSS_ENTROPY,
    }
    return replace(loss, code=codes[loss.code])


def quantile(level: float) -> Loss:
    """Return the loss whose minimum is at a quantile, ``0 < level < 1``."""
    return replace(LOSSES["absolute_error"], code=kernels.quantile_code(level))


def check_targets(
    y: object, loss: Loss, n_samples: int, n_outputs: int, dtype: DTypeLike, name: str = "y"
) -> np.ndarray:
    """Turn targets into the array of shape (n_samples, n_outputs) that kernels read.

    For ``cross_entropy``, labels 0 to n_outputs - 1, or one row of probabilities per sample; for
    ``log_loss``, 0 and 1 (or probabilities), one column per output; for ``hinge``, -1 and 1 or 0
    and 1; for ``poisson``, no negative numbers; otherwise numbers.

    Raises
    ------
    TypeError, ValueError
        For anything else.
    """
    raw = as_numbers(y, name)
    if raw.ndim == 0 or raw.shape[0] != n_samples:
        found = "a single number" if raw.ndim == 0 else f"{raw.shape[0]} targets"
        raise ValueError(f"{name}: found {found}, expected {n_samples}, one for each row of X")
    if loss.is_of_classes and (raw.ndim == 1 or raw.shape[1:] == (1,)):
        return _one_hot(check_array(raw.ravel(), name, ndim=1), n_outputs, dtype, name)
    if raw.ndim == 1 and n_outputs == 1:
        raw = raw.reshape(-1, 1)
    if raw.ndim != 2:
        raise ValueError(
            f"{name}: found shape {raw.shape}, expected ({n_samples}, {n_outputs}): "
            "one column per output"
        )
    return loss.check(check_array(raw, name, dtype=dtype, columns=n_outputs), name)


def check_target(y: object, loss: Loss, n_outputs: int, dtype: DTypeLike) -> np.ndarray:
    """Turn the target of one sample into an array of shape (n_outputs,), as `check_targets`."""
    target = as_numbers(y, "y")
    one_label = loss.is_of_classes and target.size == 1
    target = target.reshape(1) if one_label else target.reshape(1, -1)
    return check_targets(target, loss, 1, n_outputs, dtype)[0]


def _one_hot(labels: np.ndarray, n_classes: int, dtype: DTypeLike, name: str) -> np.ndarray:
    odd = (labels != np.rint(labels)) | (labels < 0) | (labels >= n_classes)
    if odd.any():
        raise ValueError(
            f"{name}: found the label {labels[odd][0]:g}, expected whole numbers from 0 to "
            f"{n_classes - 1}, since the network has {n_classes} outputs"
        )
    targets = np.zeros((len(labels), n_classes), dtype)
    targets[np.arange(len(labels)), labels.astype(np.intp)] = 1
    targets.flags.writeable = False
    return targets


def warn_out_of_reach(Y: np.ndarray, output: str, stacklevel: int) -> bool:
    """Warn of targets of a regression that the output activation cannot reach; return if so."""
    if output not in activations.RANGES:
        return False
    low, high = activations.RANGES[output]
    least, most = extent(Y)
    is_out = least < low or most > high
    if is_out:
        found = least if least < low else most
        warnings.warn(
            f"y: found {found:g}, and outputs of {output!r} lie between {low:g} and {high:g}: they "
            "cannot come closer. Scale the targets, or use output='identity'",
            stacklevel=stacklevel + 1,
        )
    return is_out
