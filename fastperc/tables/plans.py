"""Which networks are tried on a table, and for how long: decided before, from its size alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from ..estimators import MLPClassifier, MLPRegressor
from ..estimators.base import BaseMLP

Spec = dict[str, Any]  # parameters of an estimator, by name

# Shapes of networks, and how many of each: at most as many as a SIMD value has lanes. Without a
# hidden layer they are linear models.
SHAPES = {(): 4, (32,): 12, (64, 32): 16}
SMALL_SHAPES = {(): 6, (8,): 10, (32,): 16}  # for few rows
FEW_ROWS = 2000
QUICK_SHAPE = (64, 32)
RATES, LINEAR_RATES = (2e-3, 2e-2), (3e-3, 3e-2)  # learning rates, of Adam
PENALTIES = (1e-4, 1e-1)
PENALTIES_OF_FEW = (1e-3, 3.0)
N_AGAIN, N_OTHERS, N_WIDER = 8, 4, 4  # of the best shape, of others, and of twice the width
# Nanoseconds that a sample costs a network: by itself, and for each parameter.
IN_FLEET, ALONE = (25.0, 0.1), (500.0, 0.05)
BUDGET = 6.0, 11.0  # seconds of a core that each round is to take
LIMIT = 15.0  # for the least epochs of the first round: of larger tables, fewer rows are searched
LEAST, MOST = (5, 40), (10, 150)  # epochs of each
SAMPLES_OF_ALL = 2_500_000  # that the last fit of a large table takes, if it can


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
    may_widen : bool
        Whether wider networks than these may be tried.
    """

    is_classification: bool
    specs: tuple[Spec, ...]
    shared: Spec
    epochs: tuple[int, int]
    n_rows: int
    may_widen: bool = False

    def estimator(self, spec: Spec, epochs: int) -> BaseMLP:
        """Return a candidate that is to be trained for so many epochs."""
        kind = MLPClassifier if self.is_classification else MLPRegressor
        return kind(**spec, **self.shared, max_iter=epochs)


@dataclass(frozen=True)
class Size:
    """What a plan goes by.

    Attributes
    ----------
    n_rows, n_all : int
        To search on, and to learn from in the end.
    n_inputs, n_outputs : int
        Of the networks.
    """

    n_rows: int
    n_all: int
    n_inputs: int
    n_outputs: int


def plan(is_classification: bool, size: Size, wishes: Wishes, seed: int) -> Plan:
    """Return the plan of a search."""
    n_rows, n_inputs, n_outputs = size.n_rows, size.n_inputs, size.n_outputs
    specs = _specs(size.n_all, wishes, np.random.default_rng(seed), seed)
    cost = partial(cost_of, n_inputs=n_inputs, n_outputs=n_outputs)
    shapes = [spec["hidden_layer_sizes"] for spec in specs]
    of_row = 4e-9 * sum(cost(shape) for shape in shapes)  # five folds, of four fifths
    rows = int(max(FEW_ROWS, min(n_rows, LIMIT / (LEAST[0] * of_row))))
    first = _epochs(BUDGET[0] / (of_row * rows), LEAST)
    again = 4e-9 * (16 * cost(shapes[-1]) + N_WIDER * cost(wider(shapes[-1]), alone=True))
    second = _epochs(BUDGET[1] / (again * rows), MOST)
    if wishes.epochs is not None:
        first, second = min(first, wishes.epochs), wishes.epochs
    return Plan(
        is_classification, tuple(specs), shared(size.n_all, wishes, is_classification),
        (first, max(first, second)), rows, wishes.hidden is None,
    )  # fmt: skip


def second_round(plan: Plan, best: Sequence[Spec]) -> list[Spec]:
    """Return the candidates that are trained for longer, of those there are, the best first.

    Some of the best shape, which cost hardly more than one; the best of others; and if there is no
    larger shape, networks of twice its width.
    """
    shape = best[0]["hidden_layer_sizes"]
    same = [spec for spec in best if spec["hidden_layer_sizes"] == shape][:N_AGAIN]
    others = [spec for spec in best[:N_OTHERS] if spec["hidden_layer_sizes"] != shape]
    largest = max(plan.specs, key=lambda spec: sum(spec["hidden_layer_sizes"]))
    if plan.may_widen and shape == largest["hidden_layer_sizes"]:
        others += [{**spec, "hidden_layer_sizes": wider(shape)} for spec in same[:N_WIDER]]
    return [*same, *others]


def wider(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return a shape of twice the width."""
    return tuple(2 * width for width in shape)


def quick_plan(is_classification: bool, size: Size, wishes: Wishes, seed: int) -> Plan:
    """Return the plan of one network, whose training ends where held-out rows say so."""
    n_rows, few = size.n_all, size.n_all < FEW_ROWS
    shape = QUICK_SHAPE if wishes.hidden is None else wishes.hidden
    spec = {
        "hidden_layer_sizes": shape,
        "learning_rate_init": (3e-3 if few else 6e-3) if wishes.lr is None else wishes.lr,
        "alpha": (0.1 if few else 1e-3) if wishes.alpha is None else wishes.alpha,
        "random_state": seed,
    }
    cost = 1e-9 * cost_of(shape, size.n_inputs, size.n_outputs, alone=True)
    epochs = _epochs(0.6 / (cost * n_rows), (8, 100)) if wishes.epochs is None else wishes.epochs
    stops = n_rows >= 200
    more = {"early_stopping": True, "validation_fraction": 0.1} if stops else {}
    options = shared(n_rows, wishes, is_classification) | more
    return Plan(is_classification, (spec,), options, (epochs, epochs), n_rows)


def shared(n_rows: int, wishes: Wishes, is_classification: bool) -> Spec:
    """Return the parameters that all candidates have."""
    size = 32 if n_rows < 1000 else 64 if n_rows < 50_000 else 128 if n_rows < 500_000 else 256
    options: Spec = {
        "batch_size": size if wishes.batch_size is None else wishes.batch_size,
        "learning_rate": "cosine",
        "n_iter_no_change": 10_000,  # a rate that goes to 0 ends training by itself
        "tol": 0.0,
    }
    options["batch_size"] = min(options["batch_size"], max(1, n_rows // 4))
    if is_classification:
        options["class_weight"] = wishes.class_weight
    return options


def _specs(n_rows: int, wishes: Wishes, rng: np.random.Generator, seed: int) -> list[Spec]:
    few = n_rows < FEW_ROWS
    shapes = SMALL_SHAPES if few else SHAPES
    if wishes.hidden is not None:
        shapes = {wishes.hidden: 16}
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


def cost_of(shape: tuple[int, ...], n_inputs: int, n_outputs: int, alone: bool = False) -> float:
    """Return the nanoseconds that a sample costs a network, alone or in a full fleet."""
    sizes = (n_inputs, *shape, n_outputs)
    n = sum(a * b for a, b in pairwise(sizes))
    by_itself, of_parameter = ALONE if alone else IN_FLEET
    return by_itself + of_parameter * n


def _epochs(number: float, ends: tuple[int, int]) -> int:
    return int(np.clip(number, *ends))


def epochs_of_all(epochs: int, n_searched: int, n_rows: int) -> int:
    """Return how often the chosen network goes through all rows, where the search had fewer."""
    if n_rows <= n_searched:
        return epochs
    return int(np.clip(max(epochs * n_searched, SAMPLES_OF_ALL) / n_rows, 3, epochs))


def name_of(estimator: BaseMLP) -> str:
    """Return a candidate in words."""
    shape = estimator.hidden_layer_sizes
    assert isinstance(shape, tuple)
    kind = "-".join(map(str, shape)) if shape else "linear"
    return f"{kind}, rate {estimator.learning_rate_init:g}, alpha {estimator.alpha:g}"
