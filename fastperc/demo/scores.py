"""Train an experiment's network and scikit-learn's on the same splits, and score both."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import mean
from typing import Protocol

import numpy as np

from ..comparing.ways.sklearn import ACTIVATIONS, interruptible
from ..datasets import Dataset, split, standardise
from ..measuring.clock import Stopwatch
from ..network import Network
from ..training import History
from .experiments import Experiment

TEST_FRACTION = 0.2
MAX_ITER = 5000  # of scikit-learn: its own stopping rule ends every training before


class Model(Protocol):
    """A network or an estimator."""

    def predict(self, X: np.ndarray) -> np.ndarray: ...


class Estimator(Model, Protocol):
    """An estimator of scikit-learn."""

    def fit(self, X: np.ndarray, y: np.ndarray) -> object: ...


@dataclass(frozen=True)
class Side:
    """The score and the training time of one library, means over the splits."""

    score: float
    seconds: float


@dataclass(frozen=True)
class Outcome:
    """The outcome of an experiment.

    Attributes
    ----------
    experiment : Experiment
    sizes : tuple of int
        Sizes of the network.
    measure : str
        The measure of the scores: ``"accuracy"``, or ``"R2"`` for a regression.
    n_train, n_test : int
        Samples of a split.
    ours, theirs : Side
        fastperc and scikit-learn.
    """

    experiment: Experiment
    sizes: tuple[int, ...]
    measure: str
    n_train: int
    n_test: int
    ours: Side
    theirs: Side

    @property
    def ratio(self) -> float:
        """The training time of scikit-learn divided by that of fastperc."""
        return self.theirs.seconds / self.ours.seconds


def compete(experiment: Experiment, dataset: Dataset) -> Outcome:
    """Train both on all splits; the split's number is also the seed of both."""
    ours, theirs = [], []
    for seed in range(experiment.n_splits):
        parts = prepared(dataset, seed)
        net = experiment.network(dataset, seed)
        estimator = sklearn_estimator(experiment, dataset, seed)
        ours.append(train_and_score(dataset, parts, net, partial(train, net, experiment)))
        theirs.append(train_and_score(dataset, parts, estimator, partial(fit, estimator)))
    return Outcome(
        experiment,
        net.sizes,
        "accuracy" if dataset.has_classes else "R2",
        len(parts[0]),
        len(parts[1]),
        Side(*map(mean, zip(*ours, strict=True))),
        Side(*map(mean, zip(*theirs, strict=True))),
    )


def train_and_score(
    dataset: Dataset, parts: Sequence[np.ndarray], model: Model,
    train_on: Callable[[np.ndarray, np.ndarray], object],
) -> tuple[float, float]:  # fmt: skip
    """Return the score of a model on one split, and the seconds that its training took."""
    X_train, X_test, y_train, y_test = parts
    with Stopwatch() as training:
        train_on(X_train, y_train)
    return score(dataset, y_test, model.predict(X_test)), training.seconds


def curves(experiment: Experiment, dataset: Dataset, seed: int = 0) -> History:
    """Train once more, with the loss on the held-out samples after each epoch."""
    X_train, X_test, y_train, y_test = prepared(dataset, seed)
    net = experiment.network(dataset, seed)
    return train(net, experiment, X_train, y_train, validation=(X_test, y_test))


def prepared(dataset: Dataset, seed: int) -> tuple[np.ndarray, ...]:
    """Return a split, standardised; in a regression the targets too."""
    X_train, X_test, y_train, y_test = split(dataset, TEST_FRACTION, seed)
    X_train, X_test = standardise(X_train, X_test)
    if not dataset.has_classes:
        y_train, y_test = standardise(y_train, y_test)
    return X_train, X_test, y_train, y_test


def train(
    net: Network, experiment: Experiment, X: np.ndarray, y: np.ndarray,
    validation: tuple[np.ndarray, np.ndarray] | None = None,
) -> History:  # fmt: skip
    """Train in all stages of an experiment, and return them as one history."""
    whole = History()
    for epochs, lr in experiment.stages:
        stage = net.train(X, y, epochs=epochs, lr=lr, validation=validation)
        whole.loss += stage.loss
        whole.validation_loss += stage.validation_loss
        whole.seconds += stage.seconds
        whole.stopped = stage.stopped
    return whole


def sklearn_estimator(experiment: Experiment, dataset: Dataset, seed: int) -> Estimator:
    """Return the estimator with the same units and activation, and else default parameters."""
    from sklearn.linear_model import SGDRegressor
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    if not experiment.units:
        return SGDRegressor(random_state=seed)
    kind = MLPClassifier if dataset.has_classes else MLPRegressor
    return kind(
        hidden_layer_sizes=experiment.units,
        activation=ACTIVATIONS[experiment.hidden],
        max_iter=MAX_ITER,
        random_state=seed,
    )


def fit(estimator: Estimator, X: np.ndarray, y: np.ndarray) -> None:
    """Train scikit-learn's estimator; Ctrl-C ends the whole program, not only this."""
    with interruptible():
        estimator.fit(X, y)


def score(dataset: Dataset, y: np.ndarray, predicted: np.ndarray) -> float:
    """Return the accuracy for classes, the coefficient of determination R2 otherwise."""
    if dataset.has_classes:
        return float((predicted == y).mean())
    return 1 - float(((y - predicted) ** 2).sum() / ((y - y.mean()) ** 2).sum())
