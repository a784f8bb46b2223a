"""The trainings that `timing` runs as a tutorial's Python and NumPy loop, and compiled."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from copy import deepcopy
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..kernels.tutorials import reference as loops
from .linear_unit import train_model
from .mlp import MLP
from .neural_net import NeuralNet
from .published import LAYERS_RUNS, UNIT_RUNS, UnitRun
from .regression import TwoLayerRegression
from .sigmoid_units import train_perceptron, train_two_layer


@dataclass(frozen=True)
class TutorialCase:
    """A training as the tutorial's Python and NumPy loop, and compiled.

    Attributes
    ----------
    name, work : str
        The compiled function, and the amount of its work.
    loop, compiled : callable
        Functions that return the array of their results.
    target : float
        Speed-up that the compiled one is meant to have.
    baseline : str
        What the loop is written in: ``NumPy``, or ``Python``, number by number.
    """

    name: str
    work: str
    loop: Callable[[], np.ndarray]
    compiled: Callable[[], np.ndarray]
    target: float
    baseline: str = "NumPy"


def all_cases() -> list[TutorialCase]:
    """Return the trainings to time, on data of the sizes that the tutorials have."""
    return [
        linear_unit_case(as_published=False),
        linear_unit_case(as_published=True),
        mlp_case(),
        *map(unit_case, UNIT_RUNS[1:]),
        four_samples_case(),
        layers_case(),
        regression_case(as_published=False),
        regression_case(as_published=True),
        neural_net_case(),
    ]


def linear_unit_case(as_published: bool, n_samples: int = 100, epochs: int = 100) -> TutorialCase:
    """Return `train_model` in either form, at a learning rate at which both are stable."""
    random = np.random.RandomState(0)
    X1, X2, Y = random.rand(n_samples), random.rand(n_samples), -2 - random.rand(n_samples)
    arguments = (X1, X2, Y, epochs, 1e-4)
    return TutorialCase(
        "train_model",
        f"{n_samples} samples, {epochs} epochs" + ", as published" * as_published,
        lambda: loops.train_linear_unit(*arguments, as_published=as_published)[0],
        lambda: train_model(*arguments, as_published=as_published),
        target=100,
        baseline="Python",
    )


def mlp_case(epochs: int = 1000) -> TutorialCase:
    """Return `MLP` on the tutorial's sample."""
    X, y = [(2, 2)], [17]

    def compiled() -> np.ndarray:
        model = MLP(X, y)
        model.train(epochs)
        return model.trace

    return TutorialCase(
        "MLP.train",
        f"1 sample, {epochs} epochs, with trace",
        lambda: loops.train_chain(X, np.array(y), epochs),
        compiled,
        target=100,
        baseline="Python",
    )


def perceptron_case(
    work: str, X: ArrayLike, y: ArrayLike, start: ArrayLike, rounds: int = 1000
) -> TutorialCase:
    """Return `train_perceptron` from given weights."""
    X, y, start = np.array(X, float), np.array(y, float), np.array(start)
    return TutorialCase(
        "train_perceptron",
        f"{work}, {rounds} rounds",
        lambda: loops.train_sigmoid_unit(X, y[:, None], start[:, None], rounds)[0][:, 0],
        lambda: train_perceptron(X, y, start, rounds)[0],
        target=50,
    )


def unit_case(run: UnitRun) -> TutorialCase:
    """Return a printed run of a single unit."""
    return perceptron_case(run.name, run.X, [1], run.start)


def four_samples_case() -> TutorialCase:
    """Return a unit on the tutorial's four samples, whose target is the first input."""
    X = [(0, 0, 1), (1, 1, 1), (1, 0, 1), (0, 1, 1)]
    return perceptron_case("four samples", X, [0, 1, 1, 0], [0.1, -0.4, 0.7])


def layers_case() -> TutorialCase:
    """Return the printed run of the two-layer network on four samples."""
    run = LAYERS_RUNS[1]
    X, y = np.array(run.X, float), np.array(run.y, float)
    weights1, weights2 = np.array(run.weights1), np.array(run.weights2)

    def loop() -> np.ndarray:
        start = weights1, weights2[:, None]
        *_, outputs = loops.train_sigmoid_layers(X, y[:, None], *start, run.rounds)
        column: np.ndarray = outputs[:, 0]
        return column

    return TutorialCase(
        "train_two_layer",
        f"four samples, {run.rounds:,} rounds",
        loop,
        lambda: train_two_layer(X, y, weights1, weights2, run.rounds)[2],
        target=50,
    )


def regression_case(as_published: bool, n_samples: int = 1600, n_hidden: int = 16) -> TutorialCase:
    """Return `TwoLayerRegression` on 8 inputs in batches of 32, one epoch."""
    random = np.random.RandomState(0)
    X, y = random.randn(n_samples, 8), random.randn(n_samples, 1)
    lr = 0.0003 if as_published else 0.01

    start = TwoLayerRegression(8, n_hidden, 1, lr=lr, seed=0, as_published=as_published)
    params = start.w1, start.b1, start.w2, start.b2

    def loop() -> np.ndarray:
        return in_one(loops.train_regression(X, y, params, lr, 1, 32, as_published))

    def compiled() -> np.ndarray:
        model = deepcopy(start).fit(X, y, epochs=1, batch_size=32)
        return in_one((model.w1, model.b1, model.w2, model.b2))

    return TutorialCase(
        "TwoLayerRegression",
        f"{n_samples} samples, batch 32" + ", as published" * as_published,
        loop,
        compiled,
        target=5,
    )


def neural_net_case(iterations: int = 200) -> TutorialCase:
    """Return `NeuralNet` with 13-8-1 units on as many samples as the heart disease data have."""
    random = np.random.RandomState(0)
    X, y = random.randn(270, 13), (random.rand(270, 1) < 0.5).astype(float)

    def net() -> NeuralNet:
        return NeuralNet([13, 8, 1], learning_rate=0.1, iterations=iterations)

    def loop() -> np.ndarray:
        start = net()
        start.init_weights()
        params, _losses = loops.train_classifier(X, y, start.params.values(), 0.1, iterations)
        return in_one(params)

    return TutorialCase(
        "NeuralNet.fit",
        f"270 samples, {iterations} full-batch steps",
        loop,
        lambda: in_one(net().fit(X, y).params.values()),
        target=5,
    )


def in_one(arrays: Iterable[np.ndarray]) -> np.ndarray:
    """Return all values of several arrays in one vector."""
    return np.concatenate([a.ravel() for a in arrays])
