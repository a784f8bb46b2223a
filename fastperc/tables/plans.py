"""Which networks are tried on a table, and for how long: decided before, from its size alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..estimators import MLPClassifier, MLPRegressor
from ..estimators.base import BaseMLP

# Shapes of networks, and how many of each; without a hidden layer they are linear models.
SHAPES = {(): 4, (32,): 6, (64,): 6, (64, 32): 8, (64, 64): 8}
SMALL_SHAPES = {(): 6, (8,): 6, (16,): 7, (32,): 7, (16, 8): 6}  # for few rows
FEW_ROWS = 2000
QUICK_SHAPE = (64, 32)
RATES, LINEAR_RATES = (2e-3, 2e-2), (3e-3, 3e-2)  # learning rates, of Adam
PENALTIES = (1e-4, 1e-1)
PENALTIES_OF_FEW = (1e-3, 3.0)
N_AGAIN = 6  # candidates that are trained for longer
# Nanoseconds that a sample costs a network of a fleet: by itself, and for each parameter.
PER_SAMPLE, PER_PARAMETER = 60.0, 0.12
BUDGET = 12.0, 10.0  # seconds of one core for the first round, and for the second
LEAST, MOST = (5, 40), (12, 150)  # epochs of each
MOST_ROWS_AGAIN = 2.5e6  # samples that the last fit of a large table takes, at least once each


@dataclass(frozen=True)
class Wishes:
    """What the user says of the networks; None where nothing is said."""

    hidden: tuple[int, ...] | None = None
    lr: float | None = None
    alpha: float | None = None
    batch_size: int | None = None
    epochs: int | None = None
    class_weight: str | None = None


@dataclass(frozen=True)
class Plan:
    """What is tried, and how often it goes through the rows.

    Attributes
    ----------
    specs : tuple of dict
        Parameters of each candidate that it does not share.
    shared : dict
        Those that all have.
    epochs : tuple of int
        Of the first round, in which all are trained, and of the second, for the best.
    n_rows : int
        How many rows the search goes by, at most.
    """

    is_classification: bool
    specs: tuple[dict[str, Any], ...]
    shared: dict[str, Any]
    epochs: tuple[int, int]
    n_rows: int

    def estimator(self, spec: dict[str, Any], epochs: int) -> BaseMLP:
        """Return a candidate that is to be trained for so many epochs."""
        kind = MLPClassifier if self.is_classification else MLPRegressor
        return kind(**spec, **self.shared, max_iter=epochs)


def plan(
    is_classification: bool, n_rows: int, n_inputs: int, n_outputs: int, wishes: Wishes, seed: int
) -> Plan:
    """Return the plan of a search.

    Parameters
    ----------
    n_rows : int
        To learn from.
    n_inputs, n_outputs : int
        Of the networks.
    """
    rng = np.random.default_rng(seed)
    specs = [*_specs(n_rows, wishes, rng, seed)]
    costs = [_cost(spec["hidden_layer_sizes"], n_inputs, n_outputs) for spec in specs]
    of_epoch = 4 * sum(costs) * 1e-9  # seconds for each row: five folds of four fifths
    rows = int(max(2000, min(n_rows, BUDGET[0] / (LEAST[0] * of_epoch))))
    first = _epochs(BUDGET[0] / (of_epoch * rows), LEAST)
    again = 4 * N_AGAIN * float(np.median(costs)) * 2e-9
    second = _epochs(BUDGET[1] / (again * rows), MOST)
    if wishes.epochs is not None:
        first, second = min(first, wishes.epochs), wishes.epochs
    return Plan(
        is_classification, tuple(specs), shared(n_rows, wishes, is_classification),
        (first, max(first, second)), rows,
    )  # fmt: skip


def quick_plan(
    is_classification: bool, n_rows: int, n_inputs: int, n_outputs: int, wishes: Wishes, seed: int
) -> Plan:
    """Return the plan of one network, whose training ends where held-out rows say so."""
    few = n_rows < FEW_ROWS
    shape = QUICK_SHAPE if wishes.hidden is None else wishes.hidden
    spec = {
        "hidden_layer_sizes": shape,
        "learning_rate_init": (3e-3 if few else 6e-3) if wishes.lr is None else wishes.lr,
        "alpha": (0.3 if few else 1e-3) if wishes.alpha is None else wishes.alpha,
        "random_state": seed,
    }
    cost = 3e-9 * _cost(shape, n_inputs, n_outputs)
    epochs = _epochs(1.0 / (cost * n_rows), (8, 100)) if wishes.epochs is None else wishes.epochs
    stops = n_rows >= 200
    more = {"early_stopping": True, "validation_fraction": 0.1} if stops else {}
    options = shared(n_rows, wishes, is_classification) | more
    return Plan(is_classification, (spec,), options, (epochs, epochs), n_rows)


def shared(n_rows: int, wishes: Wishes, is_classification: bool) -> dict[str, Any]:
    """Return the parameters that all candidates have."""
    size = 32 if n_rows < 1000 else 64 if n_rows < 50_000 else 128 if n_rows < 500_000 else 256
    options: dict[str, Any] = {
        "batch_size": size if wishes.batch_size is None else wishes.batch_size,
        "learning_rate": "cosine",
        "n_iter_no_change": 10_000,  # a rate that goes to 0 ends training by itself
        "tol": 0.0,
    }
    options["batch_size"] = min(options["batch_size"], max(1, n_rows // 4))
    if is_classification:
        options["class_weight"] = wishes.class_weight
    return options


def _specs(
    n_rows: int, wishes: Wishes, rng: np.random.Generator, seed: int
) -> Sequence[dict[str, Any]]:
    few = n_rows < FEW_ROWS
    shapes = SMALL_SHAPES if few else SHAPES
    if wishes.hidden is not None:
        shapes = {wishes.hidden: 24, (): 8} if wishes.hidden else {(): 32}
    specs = []
    for shape, n in shapes.items():
        rates = _spread(rng, n, RATES if shape else LINEAR_RATES, wishes.lr)
        penalties = _spread(rng, n, PENALTIES_OF_FEW if few else PENALTIES, wishes.alpha)
        for lr, alpha in zip(rates, rng.permutation(penalties).tolist(), strict=True):
            specs.append({
                "hidden_layer_sizes": shape, "learning_rate_init": lr, "alpha": alpha,
                "random_state": seed,
            })  # fmt: skip
    return specs


def _spread(
    rng: np.random.Generator, n: int, ends: tuple[float, float], wish: float | None
) -> list[float]:
    """Return n numbers that are spread evenly on a logarithmic scale, of two digits."""
    if wish is not None:
        return [wish] * n
    low, high = np.log(ends)
    exponents = low + (high - low) * (np.arange(n) + rng.random(n)) / n
    return [float(f"{number:.1e}") for number in np.exp(exponents)]


def _cost(shape: tuple[int, ...], n_inputs: int, n_outputs: int) -> float:
    """Return the nanoseconds that a sample costs a network in a fleet."""
    sizes = (n_inputs, *shape, n_outputs)
    return PER_SAMPLE + PER_PARAMETER * sum(a * b for a, b in zip(sizes, sizes[1:], strict=False))


def _epochs(number: float, ends: tuple[int, int]) -> int:
    return int(np.clip(number, *ends))


def epochs_of_all(epochs: int, n_searched: int, n_rows: int) -> int:
    """Return how often the chosen network goes through all rows, where the search had fewer."""
    if n_rows <= n_searched:
        return epochs
    return int(np.clip(max(epochs * n_searched, MOST_ROWS_AGAIN) / n_rows, 3, epochs))


def name_of(estimator: BaseMLP) -> str:
    """Return a candidate in words."""
    shape = tuple(estimator.hidden_layer_sizes)
    kind = "-".join(map(str, shape)) if shape else "linear"
    return f"{kind}, rate {estimator.learning_rate_init:g}, alpha {estimator.alpha:g}"


def with_wishes(wishes: Wishes, **changes: Any) -> Wishes:
    """Return wishes that differ in some points."""
    return replace(wishes, **changes)
