"""What the demo trains beside its networks: scikit-learn's estimators of the same kind and size."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from sklearn.linear_model import SGDRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from threadpoolctl import threadpool_limits

from ..datasets import Dataset
from .tasks import Task

# Enough that its own rule for stopping ends every training of the demo.
MAX_ITER = 5000


def peer(task: Task, dataset: Dataset, seed: int) -> Any:
    """The estimator with as many units and the same activation, otherwise as it comes."""
    if not task.units:
        return SGDRegressor(random_state=seed)
    estimator = MLPClassifier if dataset.has_classes else MLPRegressor
    return estimator(
        hidden_layer_sizes=task.units,
        activation="logistic" if task.hidden == "sigmoid" else task.hidden,
        max_iter=MAX_ITER,
        random_state=seed,
    )


def one_thread() -> AbstractContextManager:
    """Matrix products on one thread, so that all contestants have the same means."""
    return threadpool_limits(1)
