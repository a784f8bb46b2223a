"""Learning curves, and when to stop: after too many epochs in a row that brought nothing.

Curves and counts are attributes of the estimator, under scikit-learn's names.
"""

from __future__ import annotations

import math
from typing import Any

from ..network import Network
from .optimizer import Optimizer
from .validation import Validation


def begin_curves(estimator: Any) -> None:
    """Empty curves and counts, for a model whose weights were just drawn."""
    estimator.loss_curve_ = []
    estimator._no_improvement_count = 0
    stops = estimator.early_stopping
    estimator.validation_scores_ = [] if stops else None
    estimator.best_validation_score_ = -math.inf if stops else None
    estimator.best_loss_ = None if stops else math.inf


def complete_curves(estimator: Any) -> None:
    """Make the attributes that a model lacks which was trained in another way before."""
    if not hasattr(estimator, "_no_improvement_count"):
        begin_curves(estimator)
    if estimator.early_stopping and estimator.best_validation_score_ is None:
        estimator.best_validation_score_, estimator.validation_scores_ = -math.inf, []
    if not estimator.early_stopping and estimator.best_loss_ is None:
        estimator.best_loss_ = math.inf


def record(estimator: Any, loss: float, epoch: int) -> None:
    """The training loss of an epoch."""
    estimator.n_iter_ = epoch
    estimator.loss_ = loss
    estimator.loss_curve_.append(loss)
    if estimator.verbose:
        print(f"Iteration {epoch}, loss = {loss:.8f}")


def progress(estimator: Any, net: Network | None, validation: Validation | None) -> None:
    """Count the epochs in a row that brought nothing, by validation score or training loss."""
    if validation is not None and net is not None and estimator.early_stopping:
        score = validation.score()
        estimator.validation_scores_.append(score)
        if estimator.verbose:
            print(f"Validation score: {score:f}")
        stalls = score < estimator.best_validation_score_ + estimator.tol
        if score > estimator.best_validation_score_:
            estimator.best_validation_score_ = score
            estimator._best_theta = net.theta.copy()
    else:
        loss = estimator.loss_curve_[-1]
        stalls = loss > estimator.best_loss_ - estimator.tol
        estimator.best_loss_ = min(loss, estimator.best_loss_)
    estimator._no_improvement_count = estimator._no_improvement_count + 1 if stalls else 0


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
