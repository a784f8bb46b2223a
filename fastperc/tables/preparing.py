"""What has to be there before networks are trained on a table: the wishes, encoder, and plan."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import pyarrow as pa

from .columns import Understanding
from .encoding import TableEncoder
from .parts import Parts, Scale
from .plans import Size, Wishes, plan, quick_plan
from .searching import Report, Rows, Search


class Asked(NamedTuple):
    """What `train` was asked for."""

    target: str | None
    reading: dict[str, Any]  # of `understand`
    wishes: Wishes
    quick: bool
    seed: int
    time_limit: float | None
    threads: int
    report: Report | None
    tell: Callable[[Understanding], object] | None
    checkpoint: str | os.PathLike | None
    every: str | int
    resume: bool


class Clock:
    """What took how long."""

    def __init__(self, begin: float):
        self.begin = self.last = begin
        self.laps: dict[str, float] = {}

    def lap(self, name: str) -> None:
        """Take note of the time since the last one."""
        now = time.perf_counter()
        self.laps[name], self.last = now - self.last, now

    def all(self) -> dict[str, float]:
        """Return the seconds of each, and of all."""
        return self.laps | {"all": time.perf_counter() - self.begin}


def encoder_for(found: Understanding, n_rows: int) -> TableEncoder:
    """Return the encoder of what a table was taken for, not fitted."""
    return TableEncoder(
        found.of("number"), found.of("category"), found.of("date"), missing=found.missing,
        min_count=10 if n_rows >= 1000 else 3 if n_rows >= 100 else 1,
    )  # fmt: skip


def prepare(
    table: pa.Table, found: Understanding, parts: Parts, asked: Asked, n_all: int | None = None
) -> tuple[TableEncoder, Search, Scale | None]:
    """Return a fitted encoder, the search that is to be made, and a regression's scaling.

    ``n_all`` says how many rows there are to learn from, if these are not all.
    """
    training = parts.training
    learned = table.select(found.inputs).take(parts.rows[training])
    encoder = encoder_for(found, len(training))
    X, y = encoder.fit(learned).transform(learned), parts.y[training]
    take = lambda values: None if values is None else values[training]  # noqa: E731
    weight, scale = take(parts.weight), None
    if not found.is_classification:
        scale = Scale.of(y, weight)
        y = ((y - scale.mean) / scale.deviation).astype(X.dtype)
    n_outputs = len(found.classes) if len(found.classes) > 2 else 1
    size = Size(len(y), n_all or len(y), X.shape[1], n_outputs)
    make = quick_plan if asked.quick else plan
    made = make(found.is_classification, size, asked.wishes, asked.seed)
    rows = Rows(X, y, weight, take(parts.scored))
    folds = [] if asked.quick else parts.folds(made.n_rows)
    search = Search(made, rows, folds, asked.time_limit, asked.threads, asked.report)
    return encoder, search, scale
