"""`train`: from a table to a fitted pipeline, with the record of how it came about."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import pyarrow as pa
from sklearn.metrics import accuracy_score, r2_score
from sklearn.pipeline import Pipeline

from ..errors import TableError
from ..estimators import MLPRegressor
from ..estimators.base import BaseMLP
from ..measuring.threads import n_usable_cores
from .arrow import check_missing, numbers_of, texts_of
from .columns import MISSING, Understanding
from .encoding import TableEncoder
from .plans import Wishes, plan, quick_plan
from .reading import Source, open_source
from .records import Options, TrainingRecord
from .searching import Found, Report, Rows, Search
from .splitting import FOLDS, folds, held_out, split
from .understanding import labels_of, understand

LEAST_ROWS = 10
MOST_KEPT = 100_000  # held-out rows whose predictions stay in the record


def train(
    table: object,
    target: str | None = None,
    *,
    quick: bool = False,
    task: str | None = None,
    numeric: Collection[str] = (),
    categorical: Collection[str] = (),
    drop: Collection[str] = (),
    missing: str = "error",
    weight: str | None = None,
    group: str | None = None,
    class_weight: str | None = None,
    hidden: Sequence[int] | None = None,
    lr: float | None = None,
    alpha: float | None = None,
    batch_size: int | None = None,
    epochs: int | None = None,
    time_limit: float | None = None,
    memory: float | None = None,
    seed: int = 0,
    threads: int | None = None,
    checkpoint: str | os.PathLike | None = None,
    resume: bool = False,
    separator: str | None = None,
    encoding: str | None = None,
    decimal: Literal[".", ",", None] = None,
    report: Report | None = None,
    tell: Callable[[Understanding], object] | None = None,
) -> Pipeline:
    """Find and fit a model that predicts one column of a table from the others.

    A fifth of the rows is held out. On the others, by default, some 32 networks and linear models
    are trained on five folds, those of a shape as one fleet; the best six go on for longer, and the
    best of all is fitted to all five folds. Its score on the rows that were held out is that of
    rows it has never seen. With ``quick``, one network is trained.

    Parameters
    ----------
    table : path, DataFrame, Arrow object or Source
        What `fastperc.tables.reading.open_source` takes.
    target : str
        The column to predict.
    quick : bool
        Train one network instead of searching.
    task : {"regression", "binary", "multiclass"}, optional
        By default text, true or false, and whole numbers of few values are classes.
    numeric, categorical, drop : collection of str
        Columns that are numbers, are categories, are left out, whatever they look like.
    missing : {"error", "drop", "mean", "indicator"}
        What to do with inputs that have no value: raise an error, leave the row out, take the mean,
        or that with a column that tells where. A category that is missing is one of its own.
    weight, group : str, optional
        The column of sample weights; of groups whose rows are held out, or not, together.
    class_weight : {"balanced"}, optional
        Let each class count as much as the others, in training and in the score.
    hidden : sequence of int, optional
        Units of each hidden layer, of all networks; none of a linear model.
    lr, alpha, batch_size, epochs : optional
        Learning rate, penalty, samples per step, and how often to go through the rows.
    time_limit : float, optional
        Seconds for training, roughly. What is found by then depends on the machine.
    memory : float, optional
        Bytes. A table that takes more is streamed; by default a quarter of the machine's memory.
    seed : int
        With the same seed, and without a time limit, the result is the same.
    threads : int, optional
        By default all cores that the process may use. The result does not depend on it.
    checkpoint : str or os.PathLike, optional
        A file in which to keep training, and with ``resume`` to go on from it.
    resume : bool
    separator, encoding, decimal : str, optional
        Of text, where they are not what is found out.
    report : callable, optional
        Called with a `Progress` now and then.
    tell : callable, optional
        Called with the `Understanding` before training.

    Returns
    -------
    sklearn.pipeline.Pipeline
        Of a `TableEncoder`, ``"columns"``, and an `MLPClassifier` or `MLPRegressor`,
        ``"model"``, whose `predict` takes tables. Its attribute ``run_`` is the `TrainingRecord`.
        `fastperc.save` keeps both.

    Raises
    ------
    TableError
        If the table, or what is said of it, does not allow it; the message names the place.
    ValueError
        For options that do not fit.
    DivergedError
        If training came to infinite numbers with every candidate.

    Examples
    --------
    >>> import numpy as np
    >>> import pyarrow as pa
    >>> from fastperc.tables import train
    >>> x = np.linspace(-2, 2, 400)
    >>> table = pa.table({"x": x, "side": np.where(x > 0, "right", "left"), "y": np.abs(x)})
    >>> model = train(table, target="y", quick=True)
    >>> model.predict(pa.table({"x": [1.5], "side": ["right"]})).round(1).tolist()
    [1.5]
    >>> model.run_.score_name, bool(model.run_.score > 0.99)
    ('R2', True)
    """
    begin = time.perf_counter()
    options = {name: value for name, value in locals().items()
               if name not in ("table", "report", "tell", "begin")}  # fmt: skip
    _check(missing, class_weight, seed)
    source = open_source(
        table, separator=separator, encoding=encoding, decimal=decimal, numeric=numeric,
        categorical=categorical, drop=drop,
    )  # fmt: skip
    wishes = Wishes(
        None if hidden is None else tuple(hidden), lr, alpha, batch_size, epochs, class_weight
    )
    clock = Clock(begin)
    whole = source.read()
    clock.lap("reading")
    found = understand(
        source, target, task=task, numeric=numeric, categorical=categorical, drop=drop,
        weight=weight, group=group, missing=missing, table=whole,
    )  # fmt: skip
    if tell is not None:
        tell(found)
    rows = usable_rows(source, whole, found)
    clock.lap("understanding")
    parts = Parts.of(whole, found, rows, class_weight, seed)
    n_threads = n_usable_cores() if threads is None else threads
    encoder, model, searched = _fit(
        whole, found, parts, wishes, quick, seed,
        (time_limit, n_threads, report, checkpoint, resume),
    )  # fmt: skip
    clock.lap("training")
    record = _record(whole, found, parts, encoder, model, searched, options)
    record.seconds = clock.all()
    pipeline = Pipeline([("columns", encoder), ("model", model)])
    pipeline.run_ = record
    return pipeline


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


def _check(missing: str, class_weight: str | None, seed: int) -> None:
    for name, value, known in (
        ("missing", missing, MISSING), ("class_weight", class_weight, (None, "balanced")),
    ):  # fmt: skip
        if value not in known:
            some = ", ".join(map(repr, known))
            raise ValueError(f"{name}: found {value!r:.60}, expected one of {some}")
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**32:
        raise ValueError(f"seed: found {seed!r:.60}, expected a whole number from 0 to 2**32 - 1")


# --- rows ----------------------------------------------------------------------------------------


def usable_rows(source: Source, table: pa.Table, found: Understanding) -> np.ndarray:
    """Return the rows that can be learned from, or raise TableError.

    Without those that have no target and, if so wished, those where an input has no value.
    """
    is_usable = ~table[found.target].is_null().to_numpy()
    if found.missing == "error":
        check_missing(table.select(found.inputs), found.inputs, source)
    if found.missing == "drop":
        for name in found.inputs:
            if table[name].null_count:
                is_usable &= ~table[name].is_null().to_numpy()
    told = found.of("weight", "group")
    check_missing(table.select(told), told, source)
    for name in found.of("weight"):
        _check_weights(source, table[name], name)
    rows = np.flatnonzero(is_usable)
    if len(rows) < LEAST_ROWS:
        more = "" if len(rows) == table.num_rows else f" of {table.num_rows:,} that can be used"
        raise TableError(
            f"found {len(rows)} rows{more}, expected at least {LEAST_ROWS} to learn from",
            source.name,
        )
    return rows


def _check_weights(source: Source, column: pa.ChunkedArray, name: str) -> None:
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
        seed: int,
    ) -> Parts:  # fmt: skip
        """Return the parts of a table."""
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
                scored = _balanced(codes, weight)
        name = found.one("group")
        if name is not None:
            groups = _numbered(column(name))
            if groups.max() < 2:
                raise TableError(
                    f"found {groups.max() + 1} groups, expected at least 3", found.table,
                    column=name,
                )  # fmt: skip
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
        return _balanced(self.codes[self.held], weight)

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


def _balanced(codes: np.ndarray, weight: np.ndarray | None) -> np.ndarray:
    """Return weights with which each class counts as much as the others."""
    weight = np.ones(len(codes)) if weight is None else weight
    of_class = np.bincount(codes, weight)[codes]
    return np.divide(weight, of_class, out=np.zeros(len(codes)), where=of_class > 0)


def _numbered(column: pa.ChunkedArray) -> np.ndarray:
    """Return a number for each different cell."""
    return texts_of(column).combine_chunks().dictionary_encode().indices.to_numpy().astype(np.int64)


# --- fitting -------------------------------------------------------------------------------------


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


def encoder_for(found: Understanding, n_rows: int) -> TableEncoder:
    """Return the encoder of what a table was taken for, not fitted."""
    return TableEncoder(
        found.of("number"), found.of("category"), found.of("date"), missing=found.missing,
        min_count=10 if n_rows >= 1000 else 3 if n_rows >= 100 else 1,
    )  # fmt: skip


def _fit(
    table: pa.Table, found: Understanding, parts: Parts, wishes: Wishes, quick: bool, seed: int,
    how: tuple[float | None, int, Report | None, str | os.PathLike | None, bool],
) -> tuple[TableEncoder, BaseMLP, Found]:  # fmt: skip
    """Fit the encoder, search, and return what was fitted."""
    time_limit, threads, report, checkpoint, resume = how
    training = parts.training
    inputs = table.select(found.inputs)
    learned = inputs.take(parts.rows[training])
    encoder = encoder_for(found, len(training))
    X, y = encoder.fit(learned).transform(learned), parts.y[training]
    take = lambda values: None if values is None else values[training]  # noqa: E731
    weight, scale = take(parts.weight), None
    if not found.is_classification:
        scale = Scale.of(y, weight)
        y = ((y - scale.mean) / scale.deviation).astype(X.dtype)
    make = quick_plan if quick else plan
    n_outputs = len(found.classes) if len(found.classes) > 2 else 1
    made = make(found.is_classification, len(y), X.shape[1], n_outputs, wishes, seed)
    search = Search(
        made, Rows(X, y, weight, take(parts.scored)), [] if quick else parts.folds(made.n_rows),
        time_limit, threads, report,
    )  # fmt: skip
    searched = search.run(checkpoint=checkpoint, resume=resume)
    model = searched.model
    if scale is not None:
        assert isinstance(model, MLPRegressor)
        scale.fold_into(model)
    return encoder, model, searched


def _record(
    table: pa.Table, found: Understanding, parts: Parts, encoder: TableEncoder, model: BaseMLP,
    searched: Found, options: Options,
) -> TrainingRecord:  # fmt: skip
    """Score a model on the rows that were held out, and return the record of its training."""
    held = parts.held
    rows = parts.rows[held]
    X = encoder.transform(table.select(found.inputs).take(rows))
    y, prediction = parts.y[held], model.predict(X)
    scored, score_of = parts.held_scored, accuracy_score if found.is_classification else r2_score
    name = "accuracy" if found.is_classification else "R2"
    if options["class_weight"] == "balanced" and found.is_classification:
        name = "balanced accuracy"
    simple = np.full(len(y), _simplest(parts))
    some = slice(0, MOST_KEPT)
    return TrainingRecord(
        found, options, name,
        float(score_of(y, prediction, sample_weight=scored)),
        float(score_of(y, simple, sample_weight=scored)),
        searched.candidates,
        [float(loss) for loss in model.loss_curve_],
        [float(loss) for loss in getattr(model, "validation_loss_curve_", ())],
        len(parts.training), len(held), rows[some], y[some], prediction[some],
        model.predict_proba(X[some]) if found.is_classification else None,
        None if parts.weight is None else parts.weight[held][some],
        stopped=searched.stopped,
    )  # fmt: skip


def _simplest(parts: Parts) -> object:
    """Return what to say without knowing anything: the mean, or the most frequent class."""
    y = parts.y[parts.training]
    weight = None if parts.scored is None else parts.scored[parts.training]
    if parts.codes is None:
        return np.average(y, weights=weight)
    classes, codes = np.unique(y, return_inverse=True)
    return classes[np.argmax(np.bincount(codes, weight))]
