"""`evaluate`: how good a model of tables is on one, and on which of its rows it is not."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import asdict, dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..errors import TableError, shown
from .arrow import numbers_of, role_of_type, texts_of
from .bootstrap import Score
from .encoding import Notes
from .parts import check_weights
from .predicting import Model, Stream, model_of
from .scores import classification, regression
from .slicing import slices_of


@dataclass(frozen=True)
class Slice:
    """Some of the rows, and how good the predictions for them are.

    Attributes
    ----------
    column, value : str
        Which rows: those where the column has the value, or lies in the range.
    n_rows : int
    scores : list of Score
    """

    column: str
    value: str
    n_rows: int
    scores: list[Score]


@dataclass(frozen=True)
class Evaluation:
    """What `evaluate` found.

    Attributes
    ----------
    table, target, task : str
    n_rows : int
        Those that were scored.
    n_without : int
        Rows that were left out, as they have no target, no weight or, for want of an input, no
        prediction.
    scores : list of Score
    slices : list of Slice
    notes : Notes
        What of the table was ignored, unseen and missing.
    """

    table: str
    target: str
    task: str
    n_rows: int
    n_without: int
    scores: list[Score]
    slices: list[Slice]
    notes: Notes

    def as_dict(self) -> dict[str, object]:
        """Return this as dictionaries and lists, None for what is not defined: as JSON takes it."""
        return _plain(asdict(self))  # type: ignore[return-value]


def evaluate(
    model: Model,
    table: object,
    *,
    by: Collection[str] = (),
    weight: str | None = None,
    strip_labels: str = "",
    seed: int = 0,
    separator: str | None = None,
    encoding: str | None = None,
    decimal: str | None = None,
) -> Evaluation:
    """Score the predictions of a model for a table that has the target too.

    The scores are R^2 and the mean absolute and root mean squared error, or accuracy, balanced
    accuracy, log loss and, of two classes, the area under the ROC curve: as scikit-learn has them,
    with 95 % intervals by the bootstrap.

    Parameters
    ----------
    model : Pipeline, str or os.PathLike
        What `train` returned, or the file where it is saved.
    table : path, DataFrame, Arrow object or Source
    by : collection of str
        Columns whose values are looked at one by one: up to 20 different values, the quartiles of
        other numbers and dates, the 20 most frequent texts.
    weight : str, optional
        The column of sample weights.
    strip_labels : str
        Letters that do not count at the end of labels, such as a full stop.
    seed : int
        Of the resamples.
    separator, encoding, decimal : str, optional
        Of text. By default they are found out.

    Returns
    -------
    Evaluation

    Raises
    ------
    TableError
        As `predict` does; and for labels that the model does not know.
    ModelFileError
        If the file is no model of tables.

    Examples
    --------
    >>> import numpy as np
    >>> import pyarrow as pa
    >>> from fastperc.tables import evaluate, train
    >>> x = np.linspace(-2, 2, 400)
    >>> table = pa.table({"x": x, "side": np.where(x > 0, "right", "left"), "y": np.sin(x)})
    >>> found = evaluate(train(table, target="y", quick=True), table, by=["side"])
    >>> [score.name for score in found.scores]
    ['R2', 'MAE', 'RMSE']
    >>> bool(found.scores[0].low > 0.98), [(part.value, part.n_rows) for part in found.slices]
    (True, [('left', 200), ('right', 200)])
    """
    rows = Rows.read(
        model, table, by, weight, strip_labels, separator=separator, encoding=encoding,
        decimal=decimal,
    )  # fmt: skip
    slices = []
    for name in by:
        for value, chosen in slices_of(rows.columns[name]):
            slices.append(Slice(name, value, len(chosen), rows.scores(seed, chosen)))
    return Evaluation(
        rows.table, rows.target, rows.task, len(rows.truth), rows.n_without, rows.scores(seed),
        slices, rows.notes,
    )  # fmt: skip


@dataclass(frozen=True)
class Rows:
    """Targets and predictions of the rows that have both.

    Attributes
    ----------
    truth : ndarray of shape (n,)
        Numbers, or places of classes.
    outputs : ndarray of shape (n,) or (n, n_classes)
    weight : ndarray of float of shape (n,), or None
    columns : dict of str to pyarrow.ChunkedArray
        Those to slice by.
    """

    table: str
    target: str
    task: str
    truth: np.ndarray
    outputs: np.ndarray
    weight: np.ndarray | None
    columns: dict[str, pa.ChunkedArray]
    n_without: int
    notes: Notes

    @classmethod
    def read(
        cls, model: Model, table: object, by: Collection[str], weight: str | None, strip: str, *,
        separator: str | None, encoding: str | None, decimal: str | None,
    ) -> Rows:  # fmt: skip
        """Predict for all rows of a table."""
        model = model_of(model)
        if not hasattr(model, "run_"):
            raise ValueError("the model has no record of its training, which names the target")
        target = model.run_.understanding.target
        classes = getattr(model["model"], "classes_", None)
        is_number = classes is None
        is_text = classes is not None and classes.dtype.kind in "UO"
        weights = [] if weight is None else [weight]
        others = [*dict.fromkeys([target, *weights, *by])]
        stream = Stream.of(
            model, table, others,
            numeric=[target] * is_number + weights, categorical=[target] * is_text,
            used=others, separator=separator, encoding=encoding, decimal=decimal,
        )  # fmt: skip
        kept, outputs, usable = [], [], []
        for batch, out, is_there in stream:
            is_usable = np.ones(len(out), bool)
            for name in (target, *weights):
                is_usable &= ~batch.column(name).is_null().to_numpy(zero_copy_only=False)
            if is_there is not None:
                is_usable &= is_there
            kept.append(batch.select(others))
            outputs.append(out)
            usable.append(is_usable)
        is_usable, found = np.concatenate(usable), pa.Table.from_batches(kept)
        for name in weights:
            check_weights(stream.source, found[name], name)
            is_usable &= numbers_of(found[name]) != 0
        if not is_usable.any():
            raise TableError("no row has a target and a prediction", stream.source.name,
                             column=target)  # fmt: skip
        source_rows = np.flatnonzero(is_usable)
        found = found.filter(pa.array(is_usable))
        if is_number:
            truth = _numbers(stream, found[target])
        else:
            truth = codes_of(stream, found[target], source_rows, strip)
        return cls(
            stream.source.name, target, model.run_.understanding.task, truth,
            np.concatenate(outputs)[is_usable], numbers_of(found[weight]) if weight else None,
            {name: found[name] for name in by}, len(is_usable) - len(truth), stream.notes,
        )  # fmt: skip

    def scores(self, seed: int, chosen: np.ndarray | None = None) -> list[Score]:
        """Return the scores of all rows, or of some."""
        truth, outputs, weight = self.truth, self.outputs, self.weight
        if chosen is not None:
            truth, outputs = truth[chosen], outputs[chosen]
            weight = None if weight is None else weight[chosen]
        make = regression if self.task == "regression" else classification
        terms, functions = make(truth, outputs, weight)
        return terms.scores(functions, seed)


def _numbers(stream: Stream, column: pa.ChunkedArray) -> np.ndarray:
    if role_of_type(column.type) != "number":
        text = str(column[0].as_py())
        raise TableError("found {text}, expected numbers, as in training", stream.source.name,
                         column=stream.target, text=text)  # fmt: skip
    return numbers_of(column)


# --- labels --------------------------------------------------------------------------------------


def codes_of(
    stream: Stream, column: pa.ChunkedArray, rows: np.ndarray, strip: str = ""
) -> np.ndarray:
    """Return the places of labels among the classes, or raise TableError if some are not there.

    Parameters
    ----------
    rows : ndarray of int
        Which rows of the source these are.
    """
    classes = texts_of(pa.chunked_array([pa.array(stream.network.classes_.tolist())]))
    texts = texts_of(column)
    if strip:
        texts, classes = pc.utf8_rtrim(texts, strip), pc.utf8_rtrim(classes, strip)
    codes = pc.fill_null(pc.index_in(texts, value_set=classes), -1).to_numpy().astype(np.int64)
    if (codes >= 0).all():
        return codes
    first = int(np.argmax(codes < 0))
    unknown = texts.filter(pa.array(codes < 0)).unique().to_pylist()
    raise stream.source.error(
        _of_unknown(unknown, classes.to_pylist()), int(rows[first]), stream.target
    )


def _of_unknown(unknown: list[str], classes: list[str]) -> str:
    """Return what to say of labels that are no classes, in one line."""
    listed = ", ".join(shown(text, 30) for text in unknown[:4])
    more = f" and {len(unknown) - 4:,} more" if len(unknown) > 4 else ""
    known = ", ".join(shown(text, 30) for text in classes[:4])
    rest = f" and {len(classes) - 4:,} more" if len(classes) > 4 else ""
    said = (
        f"the model does not know the label{'s' * (len(unknown) > 1)} {listed}{more}; its classes "
        f"are {known}{rest}"
    )
    if {text.rstrip(".") for text in unknown} <= {*classes}:
        said += ". Without the full stop at their end, they are the same: add --strip-labels ."
    return said.replace("{text}", "{ text}")


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
