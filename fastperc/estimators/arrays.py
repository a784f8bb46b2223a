"""The arrays in ``coefs_`` and ``intercepts_``, which users may replace, as one vector."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np


def parameters_of(
    coefs: Sequence[object], intercepts: Sequence[object], n_inputs: int, n_outputs: int
) -> tuple[list[int], np.ndarray]:
    """Return the network's sizes, and all its parameters in one new vector.

    Raises
    ------
    ValueError
        If the arrays do not make a network of so many inputs and outputs.
    """
    if len(coefs) != len(intercepts) or not len(coefs):
        raise ValueError(
            f"coefs_ holds {len(coefs)} arrays and intercepts_ {len(intercepts)}, expected one of "
            "each for every layer"
        )
    parts, sizes = [], [n_inputs]
    for k, (W, b) in enumerate(zip(coefs, intercepts, strict=True)):
        W, b = real(W, f"coefs_[{k}]", 2), real(b, f"intercepts_[{k}]", 1)
        n_out = n_outputs if k == len(coefs) - 1 else W.shape[1]
        for array, name, shape in (
            (W, "coefs_", (sizes[-1], n_out)),
            (b, "intercepts_", (n_out,)),
        ):
            if array.shape != shape or not n_out:
                raise ValueError(
                    f"{name}[{k}]: found shape {array.shape}, expected {shape}: the model has "
                    f"{n_inputs} inputs and {n_outputs} outputs, and layers have to fit together"
                )
        sizes.append(n_out)
        parts += [W.ravel(), b]
    return sizes, np.concatenate(parts)


def real(value: object, name: str, ndim: int) -> np.ndarray:
    """Return an array of real numbers, float32 or float64."""
    try:
        array = np.asarray(value)
        if array.dtype.kind == "O":
            array = array.astype(np.float64)
            if np.isnan(array).any():
                raise ValueError("not all objects are numbers")
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"{name}: found {value!r:.60}, expected numbers ({error})") from None
    if array.dtype.kind not in "fiub" or array.ndim != ndim:
        raise ValueError(
            f"{name}: found {array.ndim} dimensions of dtype {array.dtype}, expected {ndim} of "
            "real numbers"
        )
    if np.ma.is_masked(value) or not np.isfinite(array).all():
        raise ValueError(f"{name}: found infinite, NaN or masked cells, expected finite numbers")
    narrow = array.dtype.kind == "f" and array.dtype.itemsize == 4
    return array.astype(np.float32 if narrow else np.float64, copy=False)


def unit_of(weight: np.ndarray) -> float:
    """Return the power of two that weights are counted in, so that the largest is about 1."""
    return 2.0 ** (math.frexp(float(weight.max()))[1] - 1)


def check_usable(weight: np.ndarray, name: str) -> np.ndarray:
    """Return weights as they are, if they are finite, not negative, and not all 0."""
    check_each(weight, name)
    if not weight.any():
        raise no_weight(name)
    return weight


def no_weight(name: str) -> ValueError:
    """Return the error of weights that are all 0."""
    return ValueError(
        f"{name} sums to 0, expected a positive sum: there is nothing to learn from samples "
        "without weight. Leave such samples out"
    )


def check_each(weight: np.ndarray, name: str) -> np.ndarray:
    """Return weights as they are, if they are finite and not negative."""
    if not np.isfinite(weight).all() or (weight < 0).any():
        odd = weight[~(np.isfinite(weight) & (weight >= 0))][0]
        raise ValueError(f"{name}: found {odd:g}, expected finite numbers, 0 or greater")
    return weight
