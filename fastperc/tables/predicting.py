"""Predictions for the rows of a table, batch by batch."""

from __future__ import annotations

import math
import queue
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..errors import DataError, TableError, shown
from .arrow import first_missing
from .reading import Source, open_source
from .reading.source import missing_column

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

    from .encoding import TableEncoder
    from .records import TrainingRecord

COVERAGE = 0.9
READ_AHEAD = 2  # batches
LISTED = 8


def predict(
    model: Pipeline,
    table: object,
    *,
    proba: bool = False,
    coverage: float | None = None,
    keep: Sequence[str] = (),
    missing: Literal["error", "empty"] = "error",
) -> pa.Table:
    """Predict a table's rows, and return these predictions as a table.

    Parameters
    ----------
    model : sklearn.pipeline.Pipeline
        What `fastperc.tables.train` returned.
    table : path, DataFrame, Arrow object or Source
        Its columns are found by their names. More than the model knows are ignored.
    proba : bool
        Add the probability of each class.
    coverage : float, optional
        Add the ends of an interval that holds the number itself in so many cases: see `half_width`.
    keep : sequence of str
        Columns of the table that go before the predictions.
    missing : {"error", "empty"}
        For models that were trained on tables without missing cells: what to do where there is
        one. With "empty" such a row has no prediction.

    Returns
    -------
    pyarrow.Table
        With a row for each of the table's, and the columns ``"prediction"``,
        ``"probability_CLASS"``, ``"lower"`` and ``"upper"``.

    Raises
    ------
    TableError
        If a column is not there, or is not as in training; the message names the place.
    DataError
        If the model does not give what is asked for.

    Examples
    --------
    >>> import numpy as np
    >>> import pyarrow as pa
    >>> from fastperc.tables import predict, train
    >>> x = np.linspace(-2, 2, 400)
    >>> model = train(pa.table({"x": x, "y": x**2}), target="y", quick=True)
    >>> found = predict(model, pa.table({"x": [0.5, 1.5]}), coverage=0.9)
    >>> found.column_names
    ['prediction', 'lower', 'upper']
    >>> bool(np.abs(found["prediction"].to_numpy() - [0.25, 2.25]).max() < 0.2)
    True
    """
    predictor = Predictor(
        model, open_for(model, table), proba=proba, coverage=coverage, keep=keep, missing=missing
    )
    return pa.Table.from_batches(predictor.batches(), predictor.schema)


def open_for(
    model: Pipeline,
    table: object,
    *,
    separator: str | None = None,
    encoding: str | None = None,
    decimal: Literal[".", ",", None] = None,
) -> Source:
    """Open a table as a model needs it: numbers as numbers, codes as text."""
    options = encoder_of(model).reading_options
    try:
        return open_source(
            table, separator=separator, encoding=encoding, decimal=decimal, **options
        )
    except TableError as error:  # the model is made: what is its number is not to be text now
        advice = "; correct it, or leave it empty if it is missing, or --categorical"
        if advice not in error.message:
            raise
        error.message = f"{error.message.partition(advice)[0]}; the model takes it for a number"
        raise


def encoder_of(model: Pipeline) -> TableEncoder:
    """Return the step of a model that makes numbers of columns; DataError if it has none."""
    from .encoding import TableEncoder

    encoder = getattr(model, "named_steps", {}).get("columns")
    if not isinstance(encoder, TableEncoder):
        raise DataError(
            f"found a {type(model).__name__}, expected the model of a table, as `fastperc train` "
            "saves it. In Python, fastperc.load(path).predict(X) predicts with any model"
        )
    return encoder


def record_of(model: Pipeline) -> TrainingRecord:
    """Return the record of a model's training; DataError if there is none."""
    record: TrainingRecord | None = getattr(model, "run_", None)
    if record is None:
        raise DataError("the model comes without the record of its training: train it anew")
    return record


def half_width(record: TrainingRecord, coverage: float = COVERAGE) -> float:
    """Return how far from a prediction the number itself is, at most, in a share of all cases.

    It is the ``ceil((n + 1) * coverage)``-th smallest of the errors on the n rows that were held
    out (split conformal prediction: Papadopoulos et al. 2002; Lei et al. 2018): for new rows that
    are drawn like these, an interval of twice that width holds the number with a probability of at
    least ``coverage``, whatever the model is worth.

    Raises
    ------
    DataError
        If labels are predicted, or too few rows were held out.
    """
    if record.understanding.is_classification:
        raise DataError(
            "intervals are for numbers, and this model predicts labels: --proba tells how likely "
            "each is"
        )
    if not 0 < coverage < 1:
        raise DataError(f"coverage: found {coverage!r}, expected a number between 0 and 1")
    errors = np.abs(np.asarray(record.held_target, float) - record.held_prediction)
    k = math.ceil((len(errors) + 1) * coverage * (1 - 1e-12))  # 0.9 is a bit more than 9/10
    if k > len(errors):
        least = math.ceil(coverage / (1 - coverage) * (1 - 1e-12))
        raise DataError(
            f"{len(errors):,} rows were held out in training, and an interval of {coverage:.3g} "
            f"needs at least {least:,}: ask for less by --coverage, or train on more rows"
        )
    return float(np.partition(errors, k - 1)[k - 1])


class Predictor:
    """Predicts the rows of a source, and counts what it met.

    Parameters
    ----------
    model, proba, coverage, keep, missing
        As for `predict`.
    source : Source
        Opened by `open_for`.

    Attributes
    ----------
    schema : pyarrow.Schema
        Of what `batches` yields.
    n_rows, n_without : int
        Rows that were predicted, and those of them that have no prediction.
    unseen : Counter
        By column, cells with a category that was not there in training.
    """

    def __init__(
        self,
        model: Pipeline,
        source: Source,
        *,
        proba: bool = False,
        coverage: float | None = None,
        keep: Sequence[str] = (),
        missing: Literal["error", "empty"] = "error",
    ):
        self.encoder, self.model, self.source = encoder_of(model), model[-1], source
        self.record = getattr(model, "run_", None)
        self.keep, self.missing = [*dict.fromkeys(keep)], missing
        self.inputs = [str(name) for name in self.encoder.feature_names_in_]
        for name in (*self.inputs, *self.keep):
            if name not in source.names:
                raise missing_column(name, source.names, source.name)
        self.is_classification = hasattr(self.model, "classes_")
        self.half_width = None if coverage is None else half_width(record_of(model), coverage)
        self.proba = proba
        if proba and not self.is_classification:
            raise DataError(
                "probabilities are for labels, and this model predicts numbers: --interval tells "
                "how far off they may be"
            )
        self.labels = pa.array(self.model.classes_.tolist()) if self.is_classification else None
        self.schema = self._schema()
        self.n_rows = self.n_without = 0
        self.unseen: Counter[str] = Counter()

    def _schema(self) -> pa.Schema:
        number = pa.from_numpy_dtype(self.model.coefs_[0].dtype)
        kind = number if self.labels is None else self.labels.type
        added = [pa.field("prediction", kind)]
        if self.proba and self.labels is not None:
            added += [pa.field(f"probability_{label}", number) for label in self.labels.to_pylist()]
        if self.half_width is not None:
            added += [pa.field(name, number) for name in ("lower", "upper")]
        kept = [self.source.schema.field(name) for name in self.keep]
        for field in added:
            if field.name in self.keep:
                raise TableError(
                    "this is the name of a column of predictions; leave it out of --keep, or "
                    "rename it",
                    self.source.name,
                    column=field.name,
                )
        return pa.schema([*kept, *added])

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the columns to keep, and the predictions."""
        names = [*dict.fromkeys((*self.inputs, *self.keep))]
        for batch in ahead(self.source.batches(names)):
            predicted = self._predicted(batch)
            self.n_rows += batch.num_rows
            yield predicted

    def _predicted(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        table = pa.Table.from_batches([batch]).select(self.inputs)
        there = self._complete(table)
        if there is not None:
            table = table.filter(there)
            self.n_without += batch.num_rows - len(table)
        self.encoder.check(table, self.source, self.n_rows)
        columns = self._columns(table)
        if there is not None:  # nulls where there is no prediction
            places = pc.subtract(pc.cumulative_sum(there.cast(pa.int64())), 1)
            columns = [column.take(pc.if_else(there, places, None)) for column in columns]
        kept = [batch.column(name) for name in self.keep]
        return pa.RecordBatch.from_arrays([*kept, *columns], schema=self.schema)

    def _complete(self, table: pa.Table) -> pa.Array | None:
        """Return which rows have all that the model needs; None for all."""
        if self.encoder.missing not in ("error", "drop"):
            return None
        gaps = [name for name in self.inputs if table[name].null_count]
        if not gaps:
            return None
        if self.missing == "error":
            places = {name: first_missing(table[name]) for name in gaps}
            name = min(gaps, key=lambda name: places[name])
            raise self.source.error(
                "the cell has no value, and the model was trained on rows without such cells: "
                "--missing empty leaves the prediction empty; train with --missing indicator, or "
                "mean, for a model that does without",
                self.n_rows + places[name],
                name,
            )
        there = pc.is_valid(table[gaps[0]])
        for name in gaps[1:]:
            there = pc.and_(there, pc.is_valid(table[name]))
        return there.combine_chunks()

    def _columns(self, table: pa.Table) -> list[pa.Array]:
        """Return the predictions for rows that are complete."""
        if not len(table):
            return [pa.array([], field.type) for field in [*self.schema][len(self.keep) :]]
        X = self.encoder.transform(table)
        self.unseen.update(self.encoder.notes_.unseen)
        if self.labels is None:
            y = self.model.predict(X)
            ends = [] if self.half_width is None else [y - self.half_width, y + self.half_width]
            return [pa.array(numbers.astype(y.dtype)) for numbers in (y, *ends)]
        P = self.model.predict_proba(X)
        columns = [self.labels.take(pa.array(P.argmax(axis=1)))]
        return columns + ([pa.array(p) for p in P.T.copy()] if self.proba else [])

    @property
    def ignored(self) -> list[str]:
        """The columns of the table that are neither inputs nor kept, nor the target."""
        found = self.record and self.record.understanding
        known = {
            *self.inputs,
            *self.keep,
            *(found.of("target", "weight", "group") if found else ()),
        }
        return [name for name in self.source.names if name not in known]

    def sentences(self) -> Iterator[str]:
        """Yield what the user should know of the rows that were predicted."""
        if self.ignored:
            n = len(self.ignored)
            words = "columns are" if n > 1 else "column is"
            yield f"{n:,} {words} none of the model's, and ignored: {listed(self.ignored)}"
        if self.unseen:
            n = sum(self.unseen.values())
            some = [f"{shown(name, 40)} ({count:,})" for name, count in self.unseen.most_common()]
            yield (
                f"{n:,} cell{'s' * (n > 1)} of a category that was not there in training, in "
                f"{listed(some)}"
            )
        if self.n_without:
            yield f"{self.n_without:,} of {self.n_rows:,} rows lack a value, and have no prediction"


def listed(names: Sequence[str]) -> str:
    """Return names with commas between; of many, the first, and how many more there are."""
    some = ", ".join(names[:LISTED])
    return some if len(names) <= LISTED else f"{some} and {len(names) - LISTED:,} more"


def ahead(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Yield batches that another thread reads meanwhile, a few of them in advance."""
    read: queue.Queue[pa.RecordBatch | BaseException | None] = queue.Queue(READ_AHEAD)
    is_over = threading.Event()

    def put(item: pa.RecordBatch | BaseException | None) -> None:
        while not is_over.is_set():
            try:
                return read.put(item, timeout=0.1)
            except queue.Full:
                continue

    def fill() -> None:
        try:
            for batch in batches:
                put(batch)
                if is_over.is_set():
                    return
        except BaseException as error:  # raised again where the batches are used
            put(error)
        put(None)

    thread = threading.Thread(target=fill, daemon=True)
    thread.start()
    try:
        while (item := read.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        is_over.set()
        thread.join()
