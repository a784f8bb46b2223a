"""`predict`: a model of tables applied to one, batch by batch."""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import IO, NamedTuple, TypeAlias

import numpy as np
import pyarrow as pa
from sklearn.pipeline import Pipeline

from ..errors import DataError, ModelFileError, TableError
from ..files.atomic import replacing
from .arrow import first_missing
from .encoding import Notes, TableEncoder
from .reading import Source, open_source
from .reading.source import check_there
from .records import TrainingRecord
from .writing import ending_of, writer_for

Model: TypeAlias = Pipeline | str | os.PathLike


def predict(
    model: Model,
    table: object,
    out: str | os.PathLike | IO[bytes] | None = None,
    *,
    proba: bool = False,
    interval: bool = False,
    coverage: float = 0.9,
    keep: Collection[str] = (),
    spreadsheet_safe: bool = False,
    separator: str | None = None,
    encoding: str | None = None,
    decimal: str | None = None,
    tell: Callable[[Notes], None] | None = None,
) -> pa.Table | None:
    """Predict the target for each row of a table, which need not fit into memory.

    Columns are found by name, in any order; more than the model knows are ignored. A category that
    was not there in training counts as a rare one.

    Parameters
    ----------
    model : Pipeline, str or os.PathLike
        What `train` returned, or the file where it is saved.
    table : path, DataFrame, Arrow object or Source
        What `fastperc.tables.reading.open_source` takes.
    out : str, os.PathLike or file object, optional
        A file whose name ends with .csv, .parquet or .feather, which appears once it is complete;
        or an open file of bytes that CSV is written to. By default a table is returned.
    proba : bool
        Add a column for the probability of each class, called ``<target>_<class>``.
    interval : bool
        Add ``<target>_low`` and ``<target>_high``, between which a new value lies with the
        probability ``coverage``, as far as the rows are like those of training. They are the
        prediction minus and plus a quantile of the absolute errors on the rows that were held out:
        split conformal prediction (Lei et al. 2018).
    coverage : float
    keep : collection of str
        Columns of the table to put in front of the prediction, such as identifiers.
    spreadsheet_safe : bool
        In CSV, put an apostrophe in front of text that a spreadsheet would take for a formula.
    separator, encoding, decimal : str, optional
        Of text. By default they are found out.
    tell : callable, optional
        Called at the end with the `Notes`: what was ignored, unseen and missing.

    Returns
    -------
    pyarrow.Table or None
        None if the predictions were written to ``out``. The column is called as the target is; or,
        if that is kept too, ``<target>_predicted``. Rows that lack a value are left without a
        prediction where the model was trained with ``missing="drop"``.

    Raises
    ------
    TableError
        If the table lacks a column, or a value where the model knows no missing ones, or cannot be
        read.
    ModelFileError
        If the file is no model of tables.
    ValueError
        For options that do not fit the model.

    Examples
    --------
    >>> import numpy as np
    >>> import pyarrow as pa
    >>> from fastperc.tables import predict, train
    >>> x = np.linspace(-2, 2, 400)
    >>> model = train(pa.table({"x": x, "y": np.sin(x)}), target="y", quick=True)
    >>> new = pa.table({"name": ["a", "b"], "x": [-1.5, 1.5]})
    >>> table = predict(model, new, keep=["name"], interval=True)
    >>> table.column_names
    ['name', 'y', 'y_low', 'y_high']
    >>> np.round(table["y"].to_numpy()).tolist()
    [-1.0, 1.0]
    """
    stream = Stream.of(
        model, table, keep, separator=separator, encoding=encoding, decimal=decimal
    )  # fmt: skip
    shape = Shape(stream, proba, coverage if interval else None, tuple(keep))
    batches = (shape.batch(*part) for part in stream)
    if out is None:
        result = pa.Table.from_batches(batches, shape.schema)
    else:
        result = None
        ending = ending_of(out) if isinstance(out, (str, os.PathLike)) else ".csv"
        with _opened(out) as file:
            writer = writer_for(ending, file, shape.schema, spreadsheet_safe)
            for batch in batches:
                writer.write(batch)
            writer.close()
    if tell is not None:
        tell(stream.notes)
    return result


@contextlib.contextmanager
def _opened(out: str | os.PathLike | IO[bytes]) -> Iterator[IO[bytes]]:
    if not isinstance(out, (str, os.PathLike)):
        yield out
        return
    with replacing(os.fspath(out)) as file:
        yield file


def model_of(model: Model) -> Pipeline:
    """Return a pipeline that `train` made, read from its file if need be."""
    from ..saving import load
    from ..saving.tables import is_of_table

    found = load(model) if isinstance(model, (str, os.PathLike)) else model
    if is_of_table(found):
        return found
    message = f"found {type(found).__name__}, expected a model that fastperc train has made"
    if found is model:
        raise TypeError(f"model: {message}")
    raise ModelFileError(f"{os.fspath(model)}: {message}")


def without_advice(error: TableError) -> TableError:
    """Return an error without the advice to read a column otherwise: the model is made."""
    message = error.message.partition("; correct it, or leave it empty if it is missing")[0]
    if message == error.message:
        return error
    return TableError(
        f"{message}; correct the cell: the model was trained on a column without such",
        error.file, error.line, error.column, error.text, error.row,
    )  # fmt: skip


class Part(NamedTuple):
    """Some rows of a table, and what the network says of them.

    Attributes
    ----------
    batch : pyarrow.RecordBatch
        What was read: the inputs and whatever else was asked for.
    outputs : ndarray of shape (n,) or (n, n_classes)
        Numbers, or probabilities; NaN in rows that lack a value.
    is_there : ndarray of bool of shape (n,), or None
        Which rows have a prediction; None if all do.
    """

    batch: pa.RecordBatch
    outputs: np.ndarray
    is_there: np.ndarray | None


class Stream:
    """The rows of a table in parts, with what the network says of them.

    Attributes
    ----------
    source : Source
    encoder : TableEncoder
    network : MLPClassifier or MLPRegressor
    record : TrainingRecord or None
    """

    def __init__(self, model: Pipeline, source: Source, others: Collection[str]):
        self.source = source
        self.encoder: TableEncoder = model["columns"]
        self.network = model["model"]
        self.record: TrainingRecord | None = getattr(model, "run_", None)
        self.inputs = [str(name) for name in self.encoder.feature_names_in_]
        self.columns = [*dict.fromkeys([*self.inputs, *others])]
        check_there(self.columns, source.names, source.name)
        used = {*self.columns}
        self._ignored = tuple(name for name in source.names if name not in used)
        self._unseen: Counter[str] = Counter()
        self._missing: Counter[str] = Counter()

    @classmethod
    def of(
        cls, model: Model, table: object, others: Collection[str], *,
        numeric: Sequence[str] = (), categorical: Sequence[str] = (), used: Sequence[str] = (),
        separator: str | None = None, encoding: str | None = None,
        decimal: str | None = None,
    ) -> Stream:  # fmt: skip
        """Open a table as a model needs it, with other columns than its inputs.

        Parameters
        ----------
        numeric, categorical, used : sequence of str
            Others that are numbers, that are text, and that are what they look like; in a file of
            text, the rest of them stays text.
        """
        model = model_of(model)
        options = model["columns"].reading_options
        inputs = [str(name) for name in model["columns"].feature_names_in_]
        try:
            source = open_source(
                table, numeric=[*options["numeric"], *numeric],
                categorical=[*options["categorical"], *categorical],
                used=[*inputs, *numeric, *categorical, *used],
                separator=separator, encoding=encoding, decimal=decimal,
            )  # fmt: skip
        except TableError as error:
            raise without_advice(error) from error
        return cls(model, source, others)

    @property
    def is_classification(self) -> bool:
        """Whether the outputs are probabilities."""
        return hasattr(self.network, "classes_")

    @property
    def target(self) -> str:
        """What is predicted."""
        return "prediction" if self.record is None else self.record.understanding.target

    @property
    def notes(self) -> Notes:
        """What was met so far."""
        return Notes(self._ignored, dict(self._unseen), dict(self._missing))

    def __iter__(self) -> Iterator[Part]:
        first = 0
        for batch in self.source.batches(self.columns):
            yield self._part(batch, first)
            first += batch.num_rows

    def _part(self, batch: pa.RecordBatch, first: int) -> Part:
        inputs = pa.Table.from_batches([batch]).select(self.inputs)
        is_there = None
        lacking = [name for name in self.inputs if inputs[name].null_count]
        if lacking and self.encoder.missing == "error":
            raise self._lacks(inputs, lacking, first)
        if lacking and self.encoder.missing == "drop":
            is_there = ~np.any([inputs[name].is_null().to_numpy() for name in lacking], axis=0)
            self._missing.update({name: inputs[name].null_count for name in lacking})
            inputs = inputs.filter(pa.array(is_there))
        self.encoder.check(inputs, self.source, first)
        outputs = self._outputs(inputs)
        if is_there is not None:
            whole = np.full((batch.num_rows, *outputs.shape[1:]), np.nan, outputs.dtype)
            whole[is_there] = outputs
            outputs = whole
        return Part(batch, outputs, is_there)

    def _outputs(self, inputs: pa.Table) -> np.ndarray:
        if not inputs.num_rows:
            shape = (0, len(self.network.classes_)) if self.is_classification else (0,)
            return np.empty(shape, self.encoder.dtype)
        X = self.encoder.transform(inputs)
        self._unseen.update(self.encoder.notes_.unseen)
        self._missing.update(self.encoder.notes_.missing)
        return self.network.predict_proba(X) if self.is_classification else self.network.predict(X)

    def _lacks(self, inputs: pa.Table, lacking: list[str], first: int) -> Exception:
        rows = {name: first_missing(inputs[name]) for name in lacking}
        name = min(lacking, key=lambda name: rows[name])
        return self.source.error(
            "this cell has no value, and the model was trained without such; complete it, or train "
            "with --missing indicator",
            first + rows[name],
            name,
        )


class Shape:
    """What the columns of the predictions are."""

    def __init__(self, stream: Stream, proba: bool, coverage: float | None, keep: tuple[str, ...]):
        self._stream, self._proba, self._keep = stream, proba, keep
        target = stream.target
        fields = [stream.source.schema.field(name) for name in keep]
        own = f"{target}_predicted" if target in keep else target
        self._half = None
        if stream.is_classification:
            if coverage is not None:
                raise ValueError("an interval is for numbers; for classes, ask for probabilities")
            self._labels = pa.array(stream.network.classes_.tolist())
            fields.append(pa.field(own, self._labels.type))
            if proba:
                fields += [pa.field(f"{target}_{label}", pa.float32()) for label in self._labels]
        else:
            if proba:
                raise ValueError("probabilities are of classes; for a number, ask for an interval")
            fields.append(pa.field(own, pa.from_numpy_dtype(stream.encoder.dtype)))
            if coverage is not None:
                self._half = half_width(stream.record, coverage)
                fields += [pa.field(f"{target}_{end}", fields[-1].type) for end in ("low", "high")]
        names = [field.name for field in fields]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two columns would be called {name!r}: keep another one")
        self.schema = pa.schema(fields)

    def batch(
        self, batch: pa.RecordBatch, outputs: np.ndarray, is_there: np.ndarray | None
    ) -> pa.RecordBatch:
        """Return the columns of some rows."""
        lacks = None if is_there is None else ~is_there
        columns = [batch.column(name) for name in self._keep]
        if self._stream.is_classification:
            codes = places(outputs).astype(np.int32)
            columns.append(self._labels.take(pa.array(codes, mask=lacks)))
            if self._proba:
                columns += [pa.array(p, mask=lacks) for p in np.ascontiguousarray(outputs.T)]
        else:
            columns.append(pa.array(outputs, mask=lacks))
            if self._half is not None:
                half = outputs.dtype.type(self._half)
                columns += [pa.array(ends, mask=lacks) for ends in (outputs - half, outputs + half)]
        columns = [c.cast(f.type) for c, f in zip(columns, self.schema, strict=True)]
        return pa.RecordBatch.from_arrays(columns, schema=self.schema)


def places(probabilities: np.ndarray) -> np.ndarray:
    """Return the place of the class that is predicted, as the classifier's `predict` takes it."""
    if probabilities.shape[1] == 2:
        return probabilities[:, 1] > 0.5
    return probabilities.argmax(axis=1)


def half_width(record: TrainingRecord | None, coverage: float) -> float:
    """Return half the width of the interval that holds a new value with a probability.

    The k-th smallest of n absolute errors on rows that were held out, ``k = ceil((n + 1)
    coverage)``: whatever the distribution, with that probability a further one is no larger.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> errors = np.arange(1.0, 20.0)
    >>> record = SimpleNamespace(held_target=errors, held_prediction=np.zeros(19))
    >>> half_width(record, 0.9)
    18.0
    """
    if not 0 < coverage < 1:
        raise ValueError(f"coverage: found {coverage!r:.40}, expected a number between 0 and 1")
    if record is None:
        raise DataError("the model has no record of its training, which an interval needs")
    errors = np.sort(np.abs(np.asarray(record.held_target, float) - record.held_prediction))
    k = int(np.ceil((len(errors) + 1) * coverage - 1e-9))
    if k > len(errors):
        least = int(np.ceil(coverage / (1 - coverage) - 1e-6))
        raise DataError(
            f"an interval of {coverage:.4g} needs at least {least:,} rows that were held out in "
            f"training; this model has {len(errors):,}: take a lower coverage"
        )
    return float(errors[k - 1])
