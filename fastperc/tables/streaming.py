"""Tables that do not fit into memory: a first pass over the rows, then one for each epoch.

The first pass counts what is missing, lists the classes, and draws two samples: rows to hold out,
and rows to learn the encoding from and to search on. The network that is chosen is then trained on
all the other rows, which come through a window in which they are shuffled.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from sklearn.pipeline import Pipeline

from ..deadline import Deadline
from ..errors import TableError
from ..estimators import MLPClassifier
from ..estimators.base import BaseMLP
from .arrow import first_missing, missing_error, numbers_of, texts_of
from .columns import Understanding
from .encoding import TableEncoder
from .parts import Parts, balanced, simplest, usable
from .plans import Plan
from .preparing import Asked, Clock, prepare
from .reading import Source
from .records import Options
from .scoring import Held, pipeline_of
from .searching import Choice, Found, Meter, fit_partly
from .splitting import HELD_OUT
from .understanding import MOST_LABELS, labels_of, understand

MOST_HELD, LEAST_SAMPLED, MOST_SAMPLED = 100_000, 100, 200_000  # rows
PART_OF_SAMPLE, PART_OF_WINDOW = 0.15, 0.4  # of the memory that may be taken
LEAST_AT_ONCE, MOST_AT_ONCE = 1_000, 65_536  # rows that come out of the window


@dataclass
class Survey:
    """What the first pass over a table has found.

    Attributes
    ----------
    sample, held : pyarrow.Table
        Rows to search on and rows to hold out, without those that have no target.
    held_rows : ndarray of int
        Which rows of the table those are.
    n_rows : int
    n_missing, first_missing : dict of str to int
        By column: cells without a value, and the row of the first.
    labels : list
        The different values of the target, at most a few more than `MOST_LABELS`.
    """

    sample: pa.Table
    held: pa.Table
    held_rows: np.ndarray
    n_rows: int
    n_missing: dict[str, int] = field(default_factory=dict)
    first_missing: dict[str, int] = field(default_factory=dict)
    labels: list[object] = field(default_factory=list)


class Lots:
    """A number from 0 to 1 for each row, the same in each pass; for a group, that of all its rows.

    Rows with the lowest are held out, those with the next ones are the sample.
    """

    def __init__(self, n_rows: int, n_sampled: int, group: str | None, seed: int):
        self.held = min(HELD_OUT, MOST_HELD / n_rows)
        self.sampled = self.held + min(1 - self.held, n_sampled / n_rows)
        self.group, self.seed = group, seed
        self.begin()

    def begin(self) -> None:
        """Begin a pass."""
        self._rng = np.random.default_rng(self.seed)

    def of(self, batch: pa.Table) -> np.ndarray:
        """Return the numbers of the next rows."""
        if self.group is None:
            return self._rng.random(batch.num_rows)
        each = texts_of(batch[self.group]).combine_chunks().dictionary_encode()
        words = [f"{self.seed} {text}".encode() for text in each.dictionary.to_pylist()]
        numbers = np.array([zlib.crc32(word) / 2**32 for word in words])
        return numbers[each.indices.to_numpy()]


def count_rows(source: Source) -> int:
    """Return how many rows a table has, by a pass if need be."""
    if source.n_rows is not None:
        return source.n_rows
    return sum(batch.num_rows for batch in source.batches(source.names[:1]))


def survey(source: Source, target: str | None, lots: Lots, n_rows: int) -> Survey:
    """Make the first pass."""
    lots.begin()
    found = Survey(pa.table({}), pa.table({}), np.arange(0), n_rows,
                   dict.fromkeys(source.names, 0))  # fmt: skip
    sampled, held, rows, labels, first = [], [], [], set[object](), 0
    for batch in source.batches():
        part = pa.Table.from_batches([batch])
        _count_missing(found, part, first)
        lot = lots.of(part)
        has_target = np.ones(len(lot), bool)
        if target in source.names:
            has_target = ~part[target].is_null().to_numpy()
            if len(labels) <= MOST_LABELS:
                labels |= set(pc.unique(part[target]).drop_null().to_pylist())
        is_held = has_target & (lot < lots.held)
        held.append(part.filter(pa.array(is_held)))
        rows.append(first + np.flatnonzero(is_held))
        is_sampled = has_target & (lot >= lots.held) & (lot < lots.sampled)
        sampled.append(part.filter(pa.array(is_sampled)))
        first += part.num_rows
    found.sample, found.held = pa.concat_tables(sampled), pa.concat_tables(held)
    found.held_rows, found.labels = np.concatenate(rows), [*labels]
    return found


def _count_missing(found: Survey, part: pa.Table, first: int) -> None:
    for name in part.column_names:
        n = part[name].null_count
        if n and not found.n_missing[name]:
            found.first_missing[name] = first + first_missing(part[name])
        found.n_missing[name] += n


def check_survey(source: Source, seen: Survey, found: Understanding) -> None:
    """Raise TableError for missing cells that may not be, and for too little that is left."""
    told = found.of("weight", "group")
    for names in (found.inputs if found.missing == "error" else (), told):
        counts = {name: n for name in names if (n := seen.n_missing[name])}
        if counts:
            name = min(counts, key=lambda name: seen.first_missing[name])
            raise missing_error(source, seen.first_missing[name], name, counts)
    if seen.held.num_rows < 2 or seen.sample.num_rows < 10:
        raise TableError(
            "too few rows are left to learn from or to hold out; give more --memory, and if there "
            "are groups, smaller ones",
            source.name,
        )


def labels_in_order(seen: Survey, source: Source, target: str) -> np.ndarray:
    """Return the different labels of a target in ascending order."""
    labels = pa.array(seen.labels, source.schema.field(target).type)
    return np.unique(labels_of(pa.chunked_array([labels])))


def held_of(seen: Survey, found: Understanding, parts: Parts, class_weight: str | None) -> Held:
    """Return the rows that the first pass has held out."""
    is_usable = usable(seen.held, found)
    table, name = seen.held.filter(pa.array(is_usable)), found.one("weight")
    y = targets_of(table, found)
    weight = scored = None if name is None else numbers_of(table[name])
    if found.is_classification and class_weight == "balanced":
        scored = balanced(np.unique(y, return_inverse=True)[1], weight)
    return Held(table, seen.held_rows[is_usable], y, weight, scored, simplest(parts))


@dataclass(frozen=True)
class Stream:
    """The rows of a table to learn from, encoded, in a window that shuffles them.

    Attributes
    ----------
    rows, at_once : int
        Of the window, as many as may be in memory; and how many come out of it at once.
    mean, deviation : float
        Of a regression's targets.
    """

    source: Source
    found: Understanding
    encoder: TableEncoder
    lots: Lots
    rows: int
    at_once: int
    mean: float = 0.0
    deviation: float = 1.0

    def epoch(self, number: int) -> Iterator[tuple[np.ndarray, ...]]:
        """Yield X, y and weights of some thousand rows after the other, all of them once."""
        rng = np.random.default_rng((self.lots.seed, number))
        window: list[np.ndarray] | None = None
        filled = 0
        for new in self._encoded():
            n = len(new[0])
            if window is None:
                window = [np.empty((self.rows, *part.shape[1:]), part.dtype) for part in new]
            put = min(n, self.rows - filled)
            for part, values in zip(window, new, strict=True):
                part[filled : filled + put] = values[:put]
            filled += put
            if put < n:
                at = rng.choice(self.rows, n - put, replace=False)
                yield tuple(part[at] for part in window)
                for part, values in zip(window, new, strict=True):
                    part[at] = values[put:]
        order = rng.permutation(filled)
        for start in range(0, filled, self.at_once):
            at = order[start : start + self.at_once]
            yield tuple(part[at] for part in window or ())

    def _encoded(self) -> Iterator[tuple[np.ndarray, ...]]:
        """Yield the rows in order."""
        parts, n = [], 0
        for part in self._rows():
            parts.append(part)
            n += part.num_rows
            if n >= self.at_once:
                yield self._encode(pa.concat_tables(parts))
                parts, n = [], 0
        if n:
            yield self._encode(pa.concat_tables(parts))

    def _rows(self) -> Iterator[pa.Table]:
        self.lots.begin()
        found, names = self.found, [self.found.target, *self.found.inputs]
        names += found.of("weight", "group")
        for batch in self.source.batches(names, self.at_once):
            part = pa.Table.from_batches([batch])
            is_wanted = (self.lots.of(part) >= self.lots.held) & usable(part, found)
            yield part.filter(pa.array(is_wanted))

    def _encode(self, part: pa.Table) -> tuple[np.ndarray, ...]:
        found, y = self.found, targets_of(part, self.found)
        if not found.is_classification:
            y = ((y - self.mean) / self.deviation).astype(self.encoder.dtype)
        weight = found.one("weight")
        more = () if weight is None else (numbers_of(part[weight]),)
        return (self.encoder.transform(part.select(found.inputs)), y, *more)


def targets_of(table: pa.Table, found: Understanding) -> np.ndarray:
    """Return numbers, or labels as wide as the widest."""
    column = table[found.target]
    if not found.is_classification:
        return numbers_of(column)
    return labels_of(column).astype(np.array(found.classes).dtype)


def fit_stream(
    stream: Stream, plan: Plan, choice: Choice, n_rows: int, deadline: Deadline, meter: Meter
) -> tuple[BaseMLP, str]:
    """Train the network that was chosen on all rows; return it, and how it ended.

    The learning rate goes down from one window's worth to the next.
    """
    calls = choice.epochs * (math.ceil(n_rows / stream.at_once) + 1)
    estimator = plan.estimator(choice.spec, calls)
    estimator.set_params(early_stopping=False)
    classes = np.array(stream.found.classes)
    more = {"classes": classes} if isinstance(estimator, MLPClassifier) else {}
    meter.stage = "fitting"
    for epoch in range(choice.epochs):
        before, n = meter.before, 0
        for X, y, *weight in stream.epoch(epoch):
            fit_partly(estimator, X, y, weight[0] if weight else None, more)
            more, n = {}, n + len(X)
            meter.before = before + min(1.0, n / n_rows) * meter.total / choice.epochs
            meter.tell(estimator.loss_)
            if deadline.is_over:
                return estimator, "time_limit"
    return estimator, "finished"


def train_streamed(
    source: Source, asked: Asked, memory: float, options: Options, clock: Clock
) -> Pipeline:
    """Train on a table that is read again for each epoch."""
    if asked.checkpoint is not None:
        raise ValueError(
            "checkpoint: found one, but this table is larger than memory and streamed, which "
            "cannot go on where it was. Leave it out, or give more memory"
        )
    n_rows = count_rows(source)
    of_row = source.size / n_rows
    n_sampled = min(MOST_SAMPLED, int(PART_OF_SAMPLE * memory / of_row))
    if n_sampled < LEAST_SAMPLED:
        least = LEAST_SAMPLED * of_row / PART_OF_SAMPLE / 1e6
        raise ValueError(
            f"memory: found {memory / 1e6:.3g} MB, expected at least {least:.3g} MB, for "
            f"{LEAST_SAMPLED:,} rows of this table to search on"
        )
    lots = Lots(n_rows, n_sampled, asked.reading["group"], asked.seed)
    seen = survey(source, asked.target, lots, n_rows)
    clock.lap("reading")
    found = understand(
        source, asked.target, **asked.reading, table=seen.sample, n_missing=seen.n_missing
    )
    if found.is_classification:
        found = replace(found, classes=tuple(labels_in_order(seen, source, found.target).tolist()))
    found.stated.append(
        f"Streamed, since it takes about {source.size / 1e9:.2g} GB of memory: searched on "
        f"{seen.sample.num_rows:,} rows, trained on all"
    )
    if asked.tell is not None:
        asked.tell(found)
    check_survey(source, seen, found)
    clock.lap("understanding")
    rows = np.flatnonzero(usable(seen.sample, found))
    parts = Parts.of(
        seen.sample, found, rows, asked.wishes.class_weight, asked.seed, holds_out=False
    )
    n_training = round(n_rows * (1 - lots.held))
    encoder, search, scale = prepare(seen.sample, found, parts, asked, n_training)
    choice = search.choose(n_training)
    width = 4 * encoder.n_outputs_ + 24
    at_once = int(np.clip(n_rows // 50, LEAST_AT_ONCE, MOST_AT_ONCE))
    window = max(2 * at_once, int(min(PART_OF_WINDOW * memory / width, n_training)))
    stream = Stream(source, found, encoder, lots, window, at_once, *(scale or ()))
    model, stopped = fit_stream(stream, search.plan, choice, n_training, search.all, search.meter)
    if scale is not None:
        scale.fold_into(model)
    clock.lap("training")
    held = held_of(seen, found, parts, asked.wishes.class_weight)
    searched = Found(model, choice.candidates, stopped)
    return pipeline_of(found, encoder, searched, held, n_training, options, clock)
