"""How good a model is on the rows that were held out, and the record of its training."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from sklearn.metrics import accuracy_score, r2_score
from sklearn.pipeline import Pipeline

from .columns import Understanding
from .encoding import TableEncoder
from .parts import Parts, simplest
from .preparing import Clock
from .records import Options, TrainingRecord
from .searching import Found

MOST_KEPT = 100_000  # held-out rows whose predictions stay in the record


@dataclass(frozen=True)
class Held:
    """Rows that were held out.

    Attributes
    ----------
    table : pyarrow.Table
    rows : ndarray of int of shape (n,)
        Which rows of the whole table they are.
    y : ndarray of shape (n,)
    weight, scored : ndarray of float of shape (n,), or None
        Their weights, and what they count in the score.
    simple : object
        What to say without knowing anything.
    """

    table: pa.Table
    rows: np.ndarray
    y: np.ndarray
    weight: np.ndarray | None
    scored: np.ndarray | None
    simple: object

    @classmethod
    def of(cls, table: pa.Table, parts: Parts) -> Held:
        """Return those of a table in memory."""
        held, weight = parts.held, parts.weight
        rows = parts.rows[held]
        return cls(
            table.take(rows), rows, parts.y[held], None if weight is None else weight[held],
            parts.held_scored, simplest(parts),
        )  # fmt: skip


def pipeline_of(
    found: Understanding, encoder: TableEncoder, searched: Found, held: Held, n_training: int,
    options: Options, clock: Clock,
) -> Pipeline:  # fmt: skip
    """Return encoder and model as a pipeline, scored, with the record of its training."""
    model, y, scored = searched.model, held.y, held.scored
    X = encoder.transform(held.table.select(found.inputs))
    prediction = model.predict(X)
    score_of = accuracy_score if found.is_classification else r2_score
    name = "accuracy" if found.is_classification else "R2"
    if found.is_classification and options["class_weight"] == "balanced":
        name = "balanced accuracy"
    some = slice(0, MOST_KEPT)
    pipeline = Pipeline([("columns", encoder), ("model", model)])
    pipeline.run_ = TrainingRecord(
        found, options, name,
        float(score_of(y, prediction, sample_weight=scored)),
        float(score_of(y, np.full(len(y), held.simple), sample_weight=scored)),
        searched.candidates,
        [float(loss) for loss in model.loss_curve_],
        [float(loss) for loss in getattr(model, "validation_loss_curve_", ())],
        n_training, len(y), held.rows[some], y[some], prediction[some],
        model.predict_proba(X[some]) if found.is_classification else None,
        None if held.weight is None else held.weight[some],
        stopped=searched.stopped,
    )  # fmt: skip
    pipeline.run_.seconds = clock.all()
    return pipeline
