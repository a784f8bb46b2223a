"""How training ended, of many estimators at once: for tables and warnings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from ...errors import NonFiniteWeightsError
from ..warning import warn
from .outcomes import Outcome


def end_columns(outcomes: Sequence[Outcome]) -> dict[str, np.ndarray]:
    """Return epochs, loss of the last one, why training ended ("" if unknown), and seconds."""
    stopped = ["diverged" if is_diverged(outcome) else outcome.reason for outcome in outcomes]
    return {
        "epochs": np.array([outcome.n_iter for outcome in outcomes]),
        "loss": np.array([outcome.loss for outcome in outcomes]),
        "stopped": np.array(stopped),
        "seconds": np.array([outcome.seconds for outcome in outcomes]),
    }


def is_diverged(outcome: Outcome) -> bool:
    """Return whether there is no estimator because weights became infinite."""
    return isinstance(outcome.error, NonFiniteWeightsError)


def warn_together(outcomes: Sequence[Outcome], of_what: str) -> None:
    """Warn once of each thing that `fit` would have warned of several times."""
    found = Counter(message for outcome in outcomes for message in outcome.warnings)
    for (message, category), count in found.items():
        warn(f"{count} of {len(outcomes)} {of_what}: {message}", category)


def loss_curves(outcomes: Sequence[Outcome]) -> np.ndarray:
    """Return the training losses of each, (n_epochs, n_outcomes), NaN after the end."""
    n_epochs = max((outcome.n_iter for outcome in outcomes), default=0)
    curves = np.full((n_epochs, len(outcomes)), np.nan)
    at: dict[int, list[int]] = {}
    for k, outcome in enumerate(outcomes):
        if outcome.fleet is not None:
            at.setdefault(id(outcome.fleet), []).append(k)
        elif outcome.fitted is not None:
            curve = np.array(outcome.fitted.loss_curve_[:n_epochs])
            curves[: len(curve), k] = curve
    for numbers in at.values():
        fleet = outcomes[numbers[0]].fleet
        assert fleet is not None
        losses = fleet.watcher.losses[:n_epochs, [outcomes[k].place for k in numbers]]
        curves[: len(losses), numbers] = losses
    return curves
