"""Trains a task's network and its peer on the same splits, and scores both on what was held out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import mean
from typing import Any

import numpy as np

from ..datasets import Dataset, split, standardise
from ..network import Network
from ..training import History
from ..tutorials.timing import timed
from .peers import fit, peer
from .tasks import Task

TEST_FRACTION = 0.2


@dataclass(frozen=True)
class Side:
    """How one contestant did: means over the splits."""

    score: float
    seconds: float


@dataclass(frozen=True)
class Result:
    """Both sides of a contest.

    Attributes
    ----------
    task : Task
    sizes : tuple of int
        Of the network.
    measure : str
        What the scores are: ``"accuracy"``, or ``"R2"`` for a regression.
    n_train, n_test : int
        Samples of a split.
    ours, theirs : Side
    """

    task: Task
    sizes: tuple[int, ...]
    measure: str
    n_train: int
    n_test: int
    ours: Side
    theirs: Side

    @property
    def ratio(self) -> float:
        """How many times as fast our training was."""
        return self.theirs.seconds / self.ours.seconds


def compete(task: Task, dataset: Dataset) -> Result:
    """Train both sides on all splits; the split's number is also the seed of both."""
    ours, theirs = [], []
    for seed in range(task.n_splits):
        parts = prepared(dataset, seed)
        net, estimator = task.network(dataset, seed), peer(task, dataset, seed)
        ours.append(tried(dataset, parts, net, partial(train, net, task)))
        theirs.append(tried(dataset, parts, estimator, partial(fit, estimator)))
    return Result(
        task,
        net.sizes,
        "accuracy" if dataset.has_classes else "R2",
        len(parts[0]),
        len(parts[1]),
        Side(*map(mean, zip(*ours, strict=True))),
        Side(*map(mean, zip(*theirs, strict=True))),
    )


def tried(
    dataset: Dataset, parts: Sequence[np.ndarray], model: Any, train_on: Callable[..., Any]
) -> tuple[float, float]:
    """The score of a model on one split, and the seconds that its training took."""
    X_train, X_test, y_train, y_test = parts
    seconds = timed(lambda: train_on(X_train, y_train))
    return score(dataset, y_test, model.predict(X_test)), seconds


def curves(task: Task, dataset: Dataset, seed: int = 0) -> History:
    """Train once more, looking at the loss on the held-out samples after each epoch."""
    X_train, X_test, y_train, y_test = prepared(dataset, seed)
    net = task.network(dataset, seed)
    return train(net, task, X_train, y_train, validation=(X_test, y_test))


def prepared(dataset: Dataset, seed: int) -> tuple[np.ndarray, ...]:
    """A split, standardised; in a regression the targets too."""
    X_train, X_test, y_train, y_test = split(dataset, TEST_FRACTION, seed)
    X_train, X_test = standardise(X_train, X_test)
    if not dataset.has_classes:
        y_train, y_test = standardise(y_train, y_test)
    return X_train, X_test, y_train, y_test


def train(net: Network, task: Task, X, y, validation=None) -> History:
    """All stages of a task, as one history."""
    whole = History()
    for epochs, lr in task.stages:
        stage = net.train(X, y, epochs=epochs, lr=lr, validation=validation)
        whole.loss += stage.loss
        whole.validation_loss += stage.validation_loss
        whole.seconds += stage.seconds
        whole.stopped = stage.stopped
    return whole


def score(dataset: Dataset, y: np.ndarray, predicted: np.ndarray) -> float:
    """Accuracy for classes, the coefficient of determination R2 otherwise."""
    if dataset.has_classes:
        return float((predicted == y).mean())
    return 1 - float(((y - predicted) ** 2).sum() / ((y - y.mean()) ** 2).sum())
