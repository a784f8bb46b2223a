"""The record of a training as what JSON can hold."""

from __future__ import annotations

import math
from dataclasses import asdict

import numpy as np

from ... import __version__
from ...plots.predictions import confusion
from ..records import TrainingRecord

Json = dict[str, object]


def as_json(record: TrainingRecord) -> Json:
    """Return what a training came to as dicts, lists, texts and numbers.

    Held-out rows are not in it, but what they come to. The keys stay; new ones may be added.

    Parameters
    ----------
    record : TrainingRecord
        ``pipeline.run_``.

    Returns
    -------
    dict
        What `json.dumps` takes with ``allow_nan=False``: what is no finite number is None.

    Examples
    --------
    >>> import numpy as np
    >>> from fastperc.tables import train
    >>> import pyarrow as pa
    >>> x = np.linspace(-2, 2, 400)
    >>> found = as_json(train(pa.table({"x": x, "y": np.abs(x)}), target="y", quick=True).run_)
    >>> found["task"], found["score_name"], found["rows"], found["candidates"][0]["ended"]
    ('regression', 'R2', 400, 'chosen')
    """
    found = record.understanding
    summary = {
        "fastperc": __version__,
        "table": found.table,
        "rows": found.n_rows,
        "target": found.target,
        "task": found.task,
        "classes": [*found.classes],
        "class_counts": [*found.class_counts],
        "columns": [asdict(column) for column in found.columns],
        "stated": [*found.stated],
        "warnings": found.warnings,
        "options": record.options,
        "rows_trained": record.n_training,
        "rows_held_out": record.n_held,
        "score_name": record.score_name,
        "score": record.score,
        "baseline": record.baseline,
        "errors": _errors(record),
        "candidates": [asdict(candidate) for candidate in record.candidates],
        "loss_curve": record.loss_curve,
        "validation_curve": record.validation_curve,
        "seconds": record.seconds,
        "stopped": record.stopped,
    }
    return {key: _plain(value) for key, value in summary.items()}


def _errors(record: TrainingRecord) -> Json:
    """Return how far predictions are off, or which classes are taken for which."""
    if not len(record.held_target):
        return {}
    if record.understanding.is_classification:
        counts, classes = confusion(
            record.held_target, record.held_prediction, record.understanding.classes
        )
        return {"classes": classes, "confusion": counts}
    residuals = record.held_target - record.held_prediction
    return {
        "mean_absolute": np.abs(residuals).mean(),
        "root_mean_square": np.sqrt((residuals**2).mean()),
        "quantiles": dict(zip(
            ("0.05", "0.25", "0.5", "0.75", "0.95"),
            np.quantile(residuals, [0.05, 0.25, 0.5, 0.75, 0.95]), strict=True,
        )),
    }  # fmt: skip


def _plain(value: object) -> object:
    """Return a value of Python's own that JSON has."""
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, set | frozenset):
        return sorted(map(str, value))
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if isinstance(value, bool | int | str | None) else str(value)
