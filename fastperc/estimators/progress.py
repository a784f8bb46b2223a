"""Learning curves, and when to stop: after too many epochs in a row that brought nothing.

Curves and counts are attributes of the estimator, under scikit-learn's names.
"""

from __future__ import annotations

import math
from typing import Any

from .optimizer import Optimizer


def begin_curves(estimator: Any) -> None:
    """Empty curves and counts, for a model whose weights were just drawn."""
    estimator.loss_curve_ = []
    estimator._no_improvement_count = 0
    stops = estimator.early_stopping
    estimator.validation_scores_ = [] if stops else None
    estimator.best_validation_score_ = -math.inf if stops else None
    estimator.best_loss_ = None if stops else math.inf


def complete_curves(estimator: Any) -> None:
    """Begin what belongs to one `fit`, and what a model lacks that was trained in another way."""
    if not hasattr(estimator, "_no_improvement_count"):
        begin_curves(estimator)
    if estimator.early_stopping:  # the best of another fit says nothing of these data
        estimator.best_validation_score_, estimator._no_improvement_count = -math.inf, 0
        if estimator.validation_scores_ is None:
            estimator.validation_scores_ = []
    elif estimator.best_loss_ is None:
        estimator.best_loss_ = math.inf


def record(estimator: Any, loss: float, epoch: int) -> None:
    """The training loss of an epoch."""
    estimator.n_iter_ = epoch
    estimator.loss_ = loss
    estimator.loss_curve_.append(loss)
    if estimator.verbose:
        print(f"Iteration {epoch}, loss = {loss:.8f}")


def idle(estimator: Any, loss: float) -> None:
    """Count the epochs in a row that brought nothing, by their training loss."""
    stalls = loss > estimator.best_loss_ - estimator.tol
    estimator.best_loss_ = min(loss, estimator.best_loss_)
    estimator._no_improvement_count = estimator._no_improvement_count + 1 if stalls else 0


def is_best(estimator: Any, score: float) -> bool:
    """Count such epochs by their validation score; returns whether it is the best of this fit."""
    estimator.validation_scores_.append(score)
    if estimator.verbose:
        print(f"Validation score: {score:f}")
    best = estimator.best_validation_score_
    stalls = score < best + estimator.tol
    estimator._no_improvement_count = estimator._no_improvement_count + 1 if stalls else 0
    estimator.best_validation_score_ = score if score > best else best
    return score > best


def lacks_progress(estimator: Any, optimizer: Optimizer) -> bool:
    """Whether there were too many such epochs; with 'adaptive', the learning rate falls first."""
    if estimator._no_improvement_count <= estimator.n_iter_no_change:
        return False
    what = "Validation score" if estimator.early_stopping else "Training loss"
    message = (
        f"{what} did not improve more than tol={estimator.tol:f} for "
        f"{estimator.n_iter_no_change:.0f} consecutive epochs."
    )
    if optimizer.stops(message, estimator.verbose):
        return True
    estimator._no_improvement_count = 0
    return False
