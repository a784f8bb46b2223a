"""The rows of a table that can be learned from: targets, weights, groups, and what is held out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from ..errors import TableError
from ..estimators.base import BaseMLP
from .arrow import check_missing, numbers_of, texts_of
from .columns import Understanding
from .reading import Source
from .splitting import FOLDS, folds, held_out, split
from .understanding import labels_of

LEAST_ROWS = 10


def usable(table: pa.Table, found: Understanding) -> np.ndarray:
    """Return which rows have a target, a weight, and, if so wished, values in all inputs."""
    names = [found.target, *(found.inputs if found.missing == "drop" else ())]
    is_usable = np.ones(table.num_rows, bool)
    for name in names:
        if table[name].null_count:
            is_usable &= ~table[name].is_null().to_numpy()
    for name in found.of("weight"):
        is_usable &= numbers_of(table[name]) > 0
    return is_usable


def usable_rows(source: Source, table: pa.Table, found: Understanding) -> np.ndarray:
    """Return the rows that can be learned from, or raise TableError.

    Without those that have no target, whose weight is 0 and, if so wished, those where an input has
    no value.
    """
    if found.missing == "error":
        check_missing(table.select(found.inputs), found.inputs, source)
    told = found.of("weight", "group")
    check_missing(table.select(told), told, source)
    for name in found.of("weight"):
        check_weights(source, table[name], name)
    rows = np.flatnonzero(usable(table, found))
    if len(rows) < LEAST_ROWS:
        more = "" if len(rows) == table.num_rows else f" of {table.num_rows:,} that can be used"
        raise TableError(
            f"found {len(rows)} rows{more}, expected at least {LEAST_ROWS} to learn from",
            source.name,
        )
    return rows


def check_weights(source: Source, column: pa.ChunkedArray, name: str) -> None:
    """Raise TableError for a column that does not have weights."""
    if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
        raise source.error(f"expected numbers as weights, found {column.type}", 0, name)
    weights = numbers_of(column)
    if (weights < 0).any():
        row = int(np.argmax(weights < 0))
        raise source.error("found {text}, expected a weight of at least 0", row, name,
                           str(column[row].as_py()))  # fmt: skip
    if not weights.any():
        raise source.error("all weights are 0", None, name)


@dataclass(frozen=True)
class Parts:
    """Targets, weights and groups of the usable rows, and which of these are held out.

    Attributes
    ----------
    rows : ndarray of int of shape (n,)
        Of the table.
    y : ndarray of shape (n,)
    weight, scored : ndarray of float of shape (n,), or None
        See `searching.Rows`.
    codes, groups : ndarray of int of shape (n,), or None
        Numbers of classes and of groups.
    training, held : ndarray of int
        Places in ``rows``.
    rng : numpy.random.Generator
    """

    rows: np.ndarray
    y: np.ndarray
    weight: np.ndarray | None
    scored: np.ndarray | None
    codes: np.ndarray | None
    groups: np.ndarray | None
    training: np.ndarray
    held: np.ndarray
    rng: np.random.Generator

    @classmethod
    def of(
        cls, table: pa.Table, found: Understanding, rows: np.ndarray, class_weight: str | None,
        seed: int, holds_out: bool = True,
    ) -> Parts:  # fmt: skip
        """Return the parts of a table; all rows are to be learned from where none is held out."""
        column = lambda name: table[name].take(rows)  # noqa: E731
        rng, codes, groups = np.random.default_rng(seed), None, None
        target = column(found.target)
        y = labels_of(target) if found.is_classification else numbers_of(target)
        name = found.one("weight")
        weight = scored = None if name is None else numbers_of(column(name))
        if found.is_classification:
            classes, codes = np.unique(y, return_inverse=True)
            if len(classes) < 2:
                raise TableError(f"in the rows that can be used, the target is always {classes[0]}",
                                 found.table, column=found.target)  # fmt: skip
            if class_weight == "balanced":
                scored = balanced(codes, weight)
        name = found.one("group")
        if name is not None:
            groups = _numbered(column(name))
            if groups.max() < 2:
                raise TableError(
                    f"found {groups.max() + 1} groups, expected at least 3", found.table,
                    column=name,
                )  # fmt: skip
        training, held = np.arange(len(rows)), np.arange(0)
        if holds_out:
            training, held = held_out(len(rows), rng, codes, groups)
        return cls(rows, y, weight, scored, codes, groups, training, held, rng)

    @property
    def held_scored(self) -> np.ndarray | None:
        """What each of the held-out rows counts in the score."""
        if self.scored is None:
            return None
        if self.scored is self.weight or self.codes is None:
            return self.scored[self.held]
        weight = None if self.weight is None else self.weight[self.held]
        return balanced(self.codes[self.held], weight)

    def folds(self, most: int) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return the folds of the training rows, or of as many of them; places in these."""
        some = np.arange(len(self.training))
        if len(some) > most:
            some = np.sort(self.rng.choice(some, most, replace=False))
        at = self.training[some]
        take = lambda values: None if values is None else values[at]  # noqa: E731
        groups, n = take(self.groups), min(FOLDS, len(at) // 2)
        if groups is not None:
            groups = np.unique(groups, return_inverse=True)[1]
            n = min(n, groups.max() + 1)
        parts = folds(split(len(at), n, self.rng, take(self.codes), groups))
        return [(some[one], some[other]) for one, other in parts]


def balanced(codes: np.ndarray, weight: np.ndarray | None) -> np.ndarray:
    """Return weights with which each class counts as much as the others."""
    weight = np.ones(len(codes)) if weight is None else weight
    of_class = np.bincount(codes, weight)[codes]
    return np.divide(weight, of_class, out=np.zeros(len(codes)), where=of_class > 0)


def _numbered(column: pa.ChunkedArray) -> np.ndarray:
    """Return a number for each different cell."""
    return texts_of(column).combine_chunks().dictionary_encode().indices.to_numpy().astype(np.int64)


class Scale(NamedTuple):
    """How the targets of a regression were brought to mean 0 and deviation 1."""

    mean: float
    deviation: float

    @classmethod
    def of(cls, y: np.ndarray, weight: np.ndarray | None) -> Scale:
        """Return that of targets."""
        mean = np.average(y, weights=weight)
        deviation = float(np.sqrt(np.average((y - mean) ** 2, weights=weight)))
        return cls(float(mean), deviation if deviation > 0 else 1.0)

    def fold_into(self, model: BaseMLP) -> None:
        """Let a network whose output is linear give numbers in the targets' unit."""
        W, b = model.coefs_[-1], model.intercepts_[-1]
        W *= self.deviation
        b *= self.deviation
        b += self.mean


def simplest(parts: Parts) -> object:
    """Return what to say without knowing anything: the mean, or the most frequent class."""
    y = parts.y[parts.training]
    weight = None if parts.scored is None else parts.scored[parts.training]
    if parts.codes is None:
        return np.average(y, weights=weight)
    classes, codes = np.unique(y, return_inverse=True)
    return classes[np.argmax(np.bincount(codes, weight))]
