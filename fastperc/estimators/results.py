"""Tables of what became of networks that were trained together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from ..errors import NonFiniteWeightsError
from .fleets import Outcome
from .warning import warn


def end_columns(outcomes: Sequence[Outcome]) -> dict[str, np.ndarray]:
    """Return how training ended: epochs, loss of the last one, why ("" if unknown), seconds."""
    ended = ["diverged" if is_diverged(outcome) else outcome.reason for outcome in outcomes]
    return {
        "epochs": np.array([outcome.n_iter for outcome in outcomes]),
        "loss": np.array([outcome.loss for outcome in outcomes]),
        "reason": np.array(ended),
        "seconds": np.array([outcome.seconds for outcome in outcomes]),
    }


def warn_together(outcomes: Sequence[Outcome], of_what: str) -> None:
    """Warn once of each thing that `fit` would have warned of several times."""
    found = Counter(message for outcome in outcomes for message in outcome.warnings)
    for (message, category), count in found.items():
        warn(f"{count} of {len(outcomes)} {of_what}: {message}", category)


def is_diverged(outcome: Outcome) -> bool:
    """Return whether there is no estimator because weights became infinite."""
    return isinstance(outcome.error, NonFiniteWeightsError)


def column(values: Sequence[object]) -> np.ndarray:
    """Return values as an array of numbers or of texts, where all are, otherwise of objects."""
    kinds = {type(value) for value in values}
    if kinds <= {int, float} or (len(kinds) == 1 and kinds <= {bool, str, np.float64, np.int64}):
        return np.array(values)
    found = np.empty(len(values), object)
    found[:] = values
    return found


def table(columns: Mapping[str, np.ndarray]) -> np.recarray:
    """Return a record array of columns."""
    found = np.recarray(
        len(next(iter(columns.values()))), [(name, of.dtype) for name, of in columns.items()]
    )
    for name, values in columns.items():
        found[name] = values
    return found
