"""The table of results: a row for each network that a search trained."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np

from ..estimators.fleets import Outcome
from ..estimators.fleets.endings import end_columns, loss_curves
from ..results import ResultsTable
from .candidates import Parameters

OWN = ("fold", "epochs", "loss", "stopped", "seconds")  # columns that no parameter may have


class Rows(NamedTuple):
    """What became of some networks.

    Attributes
    ----------
    parameters : list of dict
        Of each network's candidate.
    scores : list of float or dict
    numbers : dict of str to ndarray
        Which fold each was fitted to, and how training ended.
    curves : ndarray of shape (n_epochs, n_networks)
        Losses in training.
    """

    parameters: list[Parameters]
    scores: list[object]
    numbers: dict[str, np.ndarray]
    curves: np.ndarray

    @classmethod
    def of(
        cls,
        parameters: Iterable[Parameters],
        folds: Sequence[int],
        outcomes: Sequence[Outcome],
        scores: Iterable[object],
    ) -> Rows:
        """Return the rows of outcomes."""
        numbers = {"fold": np.array(folds), **end_columns(outcomes)}
        return cls([*parameters], [*scores], numbers, loss_curves(outcomes))


def table_of(parts: Sequence[Rows], refit: object) -> ResultsTable:
    """Return rows as one table, a column for each parameter and each number.

    Several scores have a column each, ``test_NAME``, that of ``refit`` being the one that counts;
    what a candidate does not set is None.
    """
    parameters = [*chain.from_iterable(part.parameters for part in parts)]
    names = dict.fromkeys(chain.from_iterable(parameters))
    shown = {f"param_{name}" if name in OWN else name: name for name in names}
    columns: dict[str, Sequence[object] | np.ndarray] = {
        column: [given.get(name) for given in parameters] for column, name in shown.items()
    }
    numbers = {name: np.concatenate([part.numbers[name] for part in parts]) for name in OWN}
    scores = score_columns([*chain.from_iterable(part.scores for part in parts)])
    at_end = {name: numbers.pop(name) for name in ("stopped", "seconds")}
    return ResultsTable(
        {**columns, **numbers, **scores, **at_end},
        {"loss": beside([part.curves for part in parts])},
        score=f"test_{refit}" if f"test_{refit}" in scores else next(iter(scores)),
        parameters=[*shown],
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


def beside(curves: Sequence[np.ndarray]) -> np.ndarray:
    """Return curves of different lengths side by side, filled up with NaN."""
    n_epochs = max(len(some) for some in curves)
    room = [np.full((n_epochs - len(some), some.shape[1]), np.nan) for some in curves]
    return np.hstack([np.vstack(pair) for pair in zip(curves, room, strict=True)])
