"""What rounding the weights of a model does to its outputs on given samples."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .evaluate import evaluate, labels_of, outputs_of
from .plan import Plan


class Effect(NamedTuple):
    """How far outputs move, and how many labels change.

    Attributes
    ----------
    largest, mean : float
        Absolute deviations of outputs.
    changed, n_labels : int
        Labels that change, of how many; 0 of 0 for a regression.
    """

    largest: float
    mean: float
    changed: int
    n_labels: int


def effect(plan: Plan, rounded: Plan, X: np.ndarray) -> Effect:
    """Compare two plans of the same shape on samples; where there are many networks, in each."""
    before, after = _outputs(plan, X), _outputs(rounded, X)
    off = np.abs(after.astype(np.float64) - before)
    if plan.decision is None:
        return Effect(float(off.max()), float(off.mean()), 0, 0)
    labels, others = (labels_of(out, plan.decision) for out in (before, after))
    changed = int(np.count_nonzero(labels != others))
    return Effect(float(off.max()), float(off.mean()), changed, labels.size)


def _outputs(plan: Plan, X: np.ndarray) -> np.ndarray:
    """Return the outputs of the model, or of each of its networks."""
    if plan.combine in ("single", "mean"):
        return evaluate(plan, X).outputs
    return np.concatenate([outputs_of(stack, X) for stack in plan.stacks])
