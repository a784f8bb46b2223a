"""Factors by which a step may be too long, and what each means."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import combinations
from typing import NamedTuple

from .problem import Problem


class Step(NamedTuple):
    """What a factor may depend on.

    ``rows``: of this step; ``given``: of the call; ``batch``: of a full batch; ``number``: of the
    step, from 1.
    """

    rows: int
    given: int
    batch: int
    n_outputs: int
    lr: float

    @classmethod
    def of(cls, problem: Problem, rows: int, given: int | None = None) -> Step:
        """Return the step of a problem that takes so many rows of those given."""
        batch = problem.batch_size if problem.task.trains and problem.kind != "full" else rows
        given = rows if given is None else given
        return cls(rows, given, batch, problem.sizes[-1], problem.lr)


# By name: the value, the cause it is a sign of (or none of its own), what it is called.
VALUES = {
    "-1": lambda s: -1.0,
    "n": lambda s: float(s.rows),
    "1/n": lambda s: 1 / s.rows,
    "rows/batch": lambda s: s.rows / s.batch,
    "n/given": lambda s: s.rows / s.given,
    "given": lambda s: float(s.given),
    "1/given": lambda s: 1 / s.given,
    "1/outputs": lambda s: 1 / s.n_outputs,
    "2": lambda s: 2.0,
    "1/2": lambda s: 0.5,
    "lr": lambda s: s.lr,
    "1/lr": lambda s: 1 / s.lr,
    "0": lambda s: 0.0,
}
CAUSE_OF = {
    "-1": "wrong_sign",
    "n": "sum_for_mean",
    "given": "sum_for_mean",
    "1/n": "mean_for_sum",
    "1/given": "mean_for_sum",
    "n/given": "mean_for_sum",
    "rows/batch": "last_batch_full_size",
    "1/outputs": "mean_over_outputs",
    "2": "factor_two",
    "1/2": "factor_half",
    "lr": "learning_rate_twice",
    "1/lr": "learning_rate_missing",
}
# Those that go into a product, the one that gives the product its name first.
IN_STEP = ("rows/batch", "-1", "lr", "1/lr", "n", "1/n", "1/outputs", "2", "1/2")
OPPOSITES = ({"lr", "1/lr"}, {"n", "1/n"}, {"2", "1/2"}, {"n", "rows/batch"}, {"1/n", "rows/batch"})
WITHIN = 1e-6  # a factor that was measured better than this is the one meant


def scale(names: Iterable[str], step: Step) -> float:
    """Return the product of factors."""
    return math.prod(VALUES[name](step) for name in names)


class Factor(NamedTuple):
    """A product of known factors, and how far-fetched it is."""

    names: tuple[str, ...]
    cost: float

    @property
    def cause(self) -> str:
        """The name of the mistake."""
        return CAUSE_OF[self.names[0]]


@lru_cache
def products() -> list[Factor]:
    """Return all products of up to three factors, simple ones first."""
    found = []
    for size in (1, 2, 3):
        for names in combinations(IN_STEP, size):
            if not any(pair <= set(names) for pair in OPPOSITES):
                found.append(Factor(names, cost_of(names)))
    return sorted(found, key=lambda factor: factor.cost)


def cost_of(names: tuple[str, ...]) -> float:
    """Return how far-fetched a product is: 1 for a single factor.

    The mean square over outputs has a factor 2 as well, and is as common as anything.
    """
    rest = [name for name in names if name not in ("2", "1/outputs")]
    pair = 1.0 if {"2", "1/outputs"} <= set(names) else 0.6 * (len(names) - len(rest))
    extra = pair if rest else max(pair, 1.0) * bool(pair)
    return len(rest) + (0.6 * extra if rest else extra) + 0.01 * len(names)


def meanings(value: float, step: Step, precision: float = WITHIN) -> list[Factor]:
    """Return the products of factors that have this value here, simple ones first."""
    if not math.isfinite(value) or value == 0:
        return []
    found = []
    for factor in products():
        if _says_something(factor, step) and abs(scale(factor.names, step) / value - 1) < precision:
            found.append(factor)
    return found


def _says_something(factor: Factor, step: Step) -> bool:
    """Return whether no factor of a product is 1 here, or cannot be meant."""
    if "rows/batch" in factor.names and step.rows == step.batch:
        return False
    return all(VALUES[name](step) != 1 for name in factor.names)


def times(factor: float) -> str:
    """Return a factor with four digits; one of thousands as a whole number."""
    return f"{factor:.4g}" if abs(factor) < 1e4 else f"{factor:,.0f}"


def in_words(names: Sequence[str], step: Step) -> str:
    """Return a product of factors in words, its value first."""
    return f"{times(scale(names, step))} times: {called(names, step)}"


def called(names: Sequence[str], step: Step) -> str:
    """Return a product of factors in words."""
    words = {
        "-1": "-1", "n": _rows(step), "1/n": f"1/{step.rows}",
        "rows/batch": f"last batch: {step.rows} of {step.batch} rows",
        "n/given": f"{step.rows} of {step.given} rows", "given": f"{step.given} rows",
        "1/given": f"1/{step.given}", "1/outputs": f"1/outputs, 1/{step.n_outputs}",
        "2": "a factor 2", "1/2": "1/2", "lr": f"the learning rate {step.lr:g}",
        "1/lr": f"1/lr, 1/{step.lr:g}",
    }  # fmt: skip
    if set(names) == {"2", "1/outputs"}:
        return f"2/outputs, 2/{step.n_outputs}"
    return ", and ".join(words[name] for name in names)


def _rows(step: Step) -> str:
    if step.rows < step.batch:
        return f"the {step.rows} rows of the last batch"
    return f"the number of rows, {step.rows}"
