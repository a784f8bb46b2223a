"""Which columns a model goes by: what its score loses when the cells of one are shuffled."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from sklearn.inspection import permutation_importance
from sklearn.metrics import accuracy_score, r2_score
from sklearn.pipeline import Pipeline

from ..estimators.base import BaseMLP
from ..plots.predictions import evenly
from .encoding import TableEncoder
from .parts import balanced
from .reading import Source
from .records import TrainingRecord

MOST_ROWS = 2000
REPEATS = 5


class Importance(NamedTuple):
    """What the score loses when a column is shuffled: mean and deviation of five times."""

    name: str
    mean: float
    spread: float


def importances(pipeline: Pipeline, source: Source, most_rows: int = MOST_ROWS) -> list[Importance]:
    """Return the permutation importance of each column, the greatest first.

    Parameters
    ----------
    pipeline : Pipeline
        What `train` returned.
    source : Source
        The table that it was given.
    most_rows : int
        How many of the held-out rows are looked at; spread evenly.

    Returns
    -------
    list of Importance
        Loss of R^2, or of accuracy. Columns that say the same share what they are worth, and each
        may seem to be worth little.
    """
    run, encoder, model = pipeline.run_, pipeline["columns"], pipeline["model"]
    n = len(run.held_rows)
    if n < 2:
        return []
    places = evenly(n, most_rows)
    table = rows_of(source, run.understanding.inputs, run.held_rows[places])
    X = encoder.transform(table)
    rows = np.repeat(np.arange(len(X))[:, None], len(encoder.encodings_), axis=1)
    found = permutation_importance(
        _OfRows(model, encoder, X), rows, run.held_target[places], scoring=_scorer(run, places),
        n_repeats=REPEATS, random_state=0,
    )  # fmt: skip
    names = [encoding.name for encoding in encoder.encodings_]
    some = map(Importance, names, found.importances_mean, found.importances_std)
    return sorted(some, key=lambda importance: -importance.mean)


class _OfRows:
    """Predicts from rows whose numbers are given column by column as places in a matrix.

    So that a column is encoded once, however often its cells are shuffled.
    """

    def __init__(self, model: BaseMLP, encoder: TableEncoder, X: np.ndarray):
        ends = np.cumsum([encoding.width for encoding in encoder.encodings_])[:-1]
        self.model, self.parts = model, np.split(X, ends, axis=1)

    def fit(self, X: object, y: object = None) -> None:
        """Refuse: scikit-learn asks for the method, and does not call it."""
        raise NotImplementedError

    def predict(self, rows: np.ndarray) -> np.ndarray:
        columns = zip(self.parts, rows.T, strict=True)
        return self.model.predict(np.hstack([part[where] for part, where in columns]))


Scorer = Callable[[_OfRows, np.ndarray, np.ndarray], float]


def _scorer(run: TrainingRecord, places: np.ndarray) -> Scorer:
    score = accuracy_score if run.understanding.is_classification else r2_score
    weight = None if run.held_weight is None else run.held_weight[places]
    if run.score_name == "balanced accuracy":
        _, codes = np.unique(run.held_target[places], return_inverse=True)
        weight = balanced(codes, weight)
    return lambda model, X, y: float(score(y, model.predict(X), sample_weight=weight))


def rows_of(source: Source, columns: tuple[str, ...], rows: np.ndarray) -> pa.Table:
    """Return some rows, whose numbers ascend, without having the whole table in memory."""
    found, first = [], 0
    for batch in source.batches(columns):
        begin, end = np.searchsorted(rows, [first, first + batch.num_rows])
        if end > begin:
            found.append(batch.take(pa.array(rows[begin:end] - first)))
        first += batch.num_rows
    if len(rows) and rows[-1] >= first:
        raise source.error(f"found {first:,} rows, expected more: it is not the table of before")
    return pa.Table.from_batches(found)
