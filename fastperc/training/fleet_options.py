"""Checks of what a fleet is given: numbers, targets, weights and orders, for all or for each."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from .. import checks
from ..kernels.updates import L1, L2
from ..model.dense import Dense
from ..model.dense_fleet import FleetSamples
from ..model.inputs import check_inputs
from ..model.losses import check_targets
from ..model.samples import read_only
from .options import check_schedule
from .rules import RuleOptions, check_rule


def of_each(value: object, n: int, name: str, check: Callable[[object, str], float]) -> np.ndarray:
    """Return one number for each of ``n`` networks, given one for all or one for each.

    ``check`` is applied to each number, and raises for what is none in its range.
    """
    if np.ndim(value) == 0:  # type: ignore[arg-type]
        return np.full(n, check(value, name))
    numbers = checks.check_array(value, name, ndim=1)
    if len(numbers) != n:
        raise ValueError(
            f"{name}: found {len(numbers)} numbers, expected one for all, or {n}: one for each "
            "network of the fleet"
        )
    for k in {int(np.argmin(numbers)), int(np.argmax(numbers))}:
        check(float(numbers[k]), f"{name}[{k}]")
    return numbers


def check_at_least_0(value: object, name: str) -> float:
    """Return a finite number that is not negative."""
    return checks.check_number(value, name, least=0)


def check_rates(lr: object, n: int, dtype: np.dtype) -> Callable[[int], np.ndarray]:
    """Return the function from epoch to learning rates, one for each network."""
    if callable(lr):

        def rates_of(epoch: int) -> np.ndarray:
            return of_each(lr(epoch), n, f"lr({epoch})", check_at_least_0)

        rates_of(1)
        return rates_of
    if np.ndim(lr) == 0:  # type: ignore[arg-type]
        rate = check_schedule(lr, dtype)(1)
        return lambda epoch: np.full(n, rate)
    rates = of_each(lr, n, "lr", checks.check_positive)
    checks.check_rounded(float(rates.min()), "lr", dtype)
    checks.check_rounded(float(rates.max()), "lr", dtype)
    return lambda epoch: rates


class Penalties(NamedTuple):
    """Factors of the penalties, one of each for each network."""

    alpha: np.ndarray
    l1: np.ndarray


def check_fleet_rule(
    options: RuleOptions, n: int, dtype: np.dtype
) -> tuple[str, int, np.ndarray, Penalties]:
    """Return name, code, settings (n, N_SETTINGS) and penalties; alpha and l1 may be of each."""
    penalties = Penalties(
        of_each(options.alpha, n, "alpha", check_at_least_0),
        of_each(options.l1, n, "l1", check_at_least_0),
    )
    if options.optimizer == "lbfgs":
        raise ValueError(
            "optimizer: found 'lbfgs', expected one that takes steps along the gradient, such as "
            "'adam': lbfgs trains one network at a time. Use fleet[i].train(..., "
            "optimizer='lbfgs'), whose weights are the fleet's"
        )
    name, code, common = check_rule(options._replace(alpha=0.0, l1=0.0), dtype)
    settings = np.tile(common, (n, 1))
    settings[:, L2], settings[:, L1] = penalties
    return name, code, settings, penalties


def check_patience(patience: object, n: int) -> np.ndarray | None:
    """Return how many epochs each network waits, or None."""
    if patience is None:
        return None
    if np.ndim(patience) == 0:  # type: ignore[arg-type]
        return np.full(n, checks.check_count(patience, "patience"))
    numbers = of_each(patience, n, "patience", checks.check_positive)
    if (numbers != np.rint(numbers)).any():
        raise TypeError(
            f"patience: found {numbers[numbers != np.rint(numbers)][0]:g}, expected whole numbers"
        )
    return numbers.astype(np.int64)


def check_fleet_samples(
    model: Dense, n: int, X: object, y: object, sample_weight: object, weight_is_factor: bool
) -> FleetSamples:
    """Return samples for ``n`` networks: targets and weights for all, or for each network."""
    inputs = check_inputs(X, model)
    if not isinstance(inputs, np.ndarray):
        raise TypeError("X: found a sparse matrix, expected an array. Use X.toarray()")
    return FleetSamples(
        inputs,
        _check_fleet_targets(y, model, n, len(inputs)),
        _check_fleet_weights(sample_weight, model, n, len(inputs), weight_is_factor),
        weight_is_factor,
    )


def _check_fleet_targets(y: object, model: Dense, n: int, n_samples: int) -> np.ndarray:
    """Return targets (n_samples, n_outputs), or (n, n_samples, n_outputs) where they differ."""
    raw, n_outputs = checks.as_numbers(y, "y"), model.sizes[-1]
    is_shared = raw.ndim < 2 or (raw.ndim == 2 and len(raw) == n_samples)
    if is_shared:
        return check_targets(raw, model.loss, n_samples, n_outputs, model.dtype)
    if raw.shape[:2] != (n, n_samples):
        raise ValueError(
            f"y: found shape {raw.shape}, expected targets for {n_samples} samples: ({n_samples}, "
            f"{n_outputs}) for all networks, or ({n}, {n_samples}, {n_outputs}), those of each"
        )
    flat = raw.reshape(n * n_samples, *raw.shape[2:])
    Y = check_targets(flat, model.loss, n * n_samples, n_outputs, model.dtype)
    return read_only(Y.reshape(n, n_samples, n_outputs))


def _check_fleet_weights(
    weight: object, model: Dense, n: int, n_samples: int, is_factor: bool
) -> np.ndarray:
    """Return weights: none (0,), (n_samples,), or (n, n_samples) where they differ."""
    if weight is None or np.ndim(weight) != 2:  # type: ignore[arg-type]
        return checks.check_weights(weight, n_samples, model.dtype, only_ratios=not is_factor)
    weights = checks.check_array(weight, "sample_weight")
    if weights.shape != (n, n_samples):
        raise ValueError(
            f"sample_weight: found shape {weights.shape}, expected ({n_samples},) for all "
            f"networks, or ({n}, {n_samples}), those of each"
        )
    if weights.min() < 0:
        raise ValueError(f"sample_weight: found {weights.min():g}, expected no negative weight")
    largest = weights.max(axis=1, keepdims=True)
    if not largest.all():
        raise ValueError(
            f"sample_weight: found only zeros for network {int(np.argmin(largest))}, expected a "
            "positive weight somewhere"
        )
    if not is_factor:
        weights = np.ldexp(weights, -np.frexp(largest)[1])
    else:
        checks.check_rounded(float(largest.max()), "sample_weight", model.dtype)
    return read_only(weights, model.dtype)


def split_fleet_samples(
    samples: FleetSamples, kept: np.ndarray, held: np.ndarray
) -> tuple[FleetSamples, FleetSamples]:
    """Return the samples of some rows, and those of others."""
    return _take(samples, kept), _take(samples, held)


def _take(samples: FleetSamples, rows: np.ndarray) -> FleetSamples:
    weight = samples.weight
    return dataclasses.replace(
        samples,
        X=read_only(samples.X[rows]),
        Y=read_only(samples.Y[..., rows, :]),
        weight=read_only(weight[..., rows]) if weight.size else weight,
    )


def check_finite_fleet(theta: np.ndarray, numbers: np.ndarray) -> None:
    """Refuse to train from infinite or NaN weights; ``numbers`` are those of the networks."""
    is_odd = ~np.isfinite(theta).all(axis=1)
    if is_odd.any():
        k = int(np.argmax(is_odd))
        found = theta[k][~np.isfinite(theta[k])][0]
        raise ValueError(
            f"theta: found {found} among the weights of network {numbers[k]}, expected finite "
            "numbers to start from. Write others to them, or leave such networks out: "
            "fleet[numpy.isfinite(fleet.theta).all(axis=1)]"
        )
