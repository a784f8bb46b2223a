"""The table of results: a row for each network that a search trained."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np

from ..estimators.fleets import Outcome
from ..estimators.fleets.endings import end_columns
from ..results import ResultsTable
from .candidates import Parameters


class Rows(NamedTuple):
    """What became of some networks.

    Attributes
    ----------
    parameters : list of dict
        Of each network's candidate.
    scores : list of float or dict
    numbers : dict of str to ndarray
        Which fold each was fitted to, and how training ended.
    """

    parameters: list[Parameters]
    scores: list[object]
    numbers: dict[str, np.ndarray]

    @classmethod
    def of(
        cls,
        parameters: Iterable[Parameters],
        folds: Sequence[int],
        outcomes: Sequence[Outcome],
        scores: Iterable[object],
    ) -> Rows:
        """Return the rows of outcomes."""
        return cls([*parameters], [*scores], {"fold": np.array(folds), **end_columns(outcomes)})


def table_of(parts: Sequence[Rows]) -> ResultsTable:
    """Return rows as one table, a column for each parameter and each number.

    Several scores have a column each, ``test_NAME``; what a candidate does not set is None.
    """
    parameters = [*chain.from_iterable(part.parameters for part in parts)]
    names = dict.fromkeys(chain.from_iterable(parameters))
    columns = {name: [given.get(name) for given in parameters] for name in names}
    numbers = {
        name: np.concatenate([part.numbers[name] for part in parts]) for name in parts[0].numbers
    }
    scores = score_columns([*chain.from_iterable(part.scores for part in parts)])
    at_end = {name: numbers.pop(name) for name in ("stopped", "seconds")}
    return ResultsTable(
        {**columns, **numbers, **scores, **at_end}, score=next(iter(scores)), parameters=[*names]
    )


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
