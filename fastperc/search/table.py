"""The table of results: a row for each network that a search trained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ..estimators.fleets import Outcome
from .candidates import Parameters


class Row(NamedTuple):
    """What became of one network."""

    parameters: Parameters
    fold: int
    epochs: int
    loss: float
    test_score: object
    reason: str
    seconds: float

    @classmethod
    def of(
        cls, parameters: Parameters, fold: int, outcome: Outcome, result: dict[str, object]
    ) -> Row:
        """Return the row of an outcome and its scores."""
        reason = type(outcome.error).__name__ if outcome.error is not None else outcome.reason
        if outcome.reason == "diverged":
            reason = "diverged"
        return cls(
            parameters, fold, outcome.n_iter, outcome.loss, result["test_scores"], reason,
            outcome.seconds,
        )  # fmt: skip


def table_of(rows: Sequence[Row]) -> np.recarray:
    """Return rows as one array, a column for each parameter and each number.

    Several scores have a column each, ``test_NAME``; what a candidate does not set is None.
    """
    names = dict.fromkeys(name for row in rows for name in row.parameters)
    columns: dict[str, np.ndarray] = {
        name: column([row.parameters.get(name) for row in rows]) for name in names
    }
    columns["fold"] = np.array([row.fold for row in rows])
    columns["epochs"] = np.array([row.epochs for row in rows])
    columns["loss"] = np.array([row.loss for row in rows])
    columns |= score_columns([row.test_score for row in rows])
    columns["reason"] = np.array([row.reason for row in rows])
    columns["seconds"] = np.array([row.seconds for row in rows])
    dtype = np.dtype([(name, values.dtype) for name, values in columns.items()])
    return np.rec.fromarrays([*columns.values()], dtype=dtype)


def column(values: Sequence[object]) -> np.ndarray:
    """Return values as an array, of numbers or texts where all are."""
    kinds = {type(value) for value in values}
    if len(kinds) == 1 and kinds <= {int, float, bool, str}:
        return np.array(values)
    found = np.empty(len(values), object)
    found[:] = values
    return found


def score_columns(scores: Sequence[object]) -> dict[str, np.ndarray]:
    """Return the column of one score, or those of several."""
    named = next((score for score in scores if isinstance(score, dict)), None)
    if named is None:
        return {"test_score": np.array(scores, np.float64)}
    return {
        f"test_{name}": np.array(
            [score[name] if isinstance(score, dict) else score for score in scores], np.float64
        )
        for name in named
    }
