"""What a solver remembers, as scikit-learn's optimizers keep it: a list of arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.neural_network._stochastic_optimizers import AdamOptimizer, SGDOptimizer

from ...kernels import updates
from ...model.dense import Dense
from ...model.layout import views
from ..optimizer import Optimizer
from ..settings import SolverSettings

WITH_VELOCITY = (updates.MOMENTUM, updates.NESTEROV)


def as_sklearns(ours: Optimizer, model: Dense) -> AdamOptimizer | SGDOptimizer | None:
    """Return scikit-learn's optimizer with the memory of ours; None where it has no such rule."""
    rule, params = ours.rule, [*model.weights, *model.biases]
    numbers = rule.settings
    if rule.code == updates.ADAM:
        adam = AdamOptimizer(
            params, ours.learning_rate_init, float(numbers[updates.BETA1]),
            float(numbers[updates.BETA2]), float(numbers[updates.EPSILON]),
        )  # fmt: skip
        adam.t = int(rule.step_state[0])
        adam.ms, adam.vs = (_arrays(part, model) for part in np.split(rule.state, 2))
        return adam
    if rule.code not in (updates.SGD, *WITH_VELOCITY):
        return None
    sgd = SGDOptimizer(
        params, ours.learning_rate_init, ours.kind if isinstance(ours.kind, str) else "constant",
        float(numbers[updates.MOMENTUM_FACTOR]), rule.code == updates.NESTEROV, ours.power_t,
    )  # fmt: skip
    sgd.learning_rate = ours.learning_rate
    if rule.code in WITH_VELOCITY:
        sgd.velocities = _arrays(rule.state, model)
    return sgd


def as_ours(theirs: Any, max_iter: int, epochs: int, model: Dense) -> Optimizer:
    """Return our optimizer with the memory of scikit-learn's."""
    rate, is_adam = float(theirs.learning_rate_init), isinstance(theirs, AdamOptimizer)
    ours = Optimizer(
        SolverSettings(
            solver="adam" if is_adam else "sgd",
            learning_rate="constant" if is_adam else theirs.lr_schedule,
            learning_rate_init=rate,
            power_t=getattr(theirs, "power_t", 0.5),
            max_iter=max_iter,
            momentum=getattr(theirs, "momentum", 0.0),
            nesterovs_momentum=getattr(theirs, "nesterov", False),
            beta_1=getattr(theirs, "beta_1", 0.9),
            beta_2=getattr(theirs, "beta_2", 0.999),
            epsilon=getattr(theirs, "epsilon", 1e-8),
        ),
        model,
    )
    ours.epoch, rule = epochs, ours.rule
    if is_adam:
        t = theirs.t
        rule.step_state[:] = t, theirs.beta_1**t, theirs.beta_2**t
        for part, arrays in zip(np.split(rule.state, 2), (theirs.ms, theirs.vs), strict=True):
            _write(part, arrays, model)
    else:
        ours.learning_rate = float(theirs.learning_rate)
        if rule.code in WITH_VELOCITY:
            _write(rule.state, theirs.velocities, model)
    return ours


def _arrays(vector: np.ndarray, model: Dense) -> list[np.ndarray]:
    """Return copies of the parts of a vector laid out as theta: first all W, then all b."""
    weights, biases = views(vector, model.sizes, model.bias)
    return [array.copy() for array in (*weights, *biases)]


def _write(vector: np.ndarray, arrays: list[np.ndarray], model: Dense) -> None:
    """Write such arrays into a vector laid out as theta."""
    weights, biases = views(vector, model.sizes, model.bias)
    for place, array in zip((*weights, *biases), arrays, strict=True):
        place[...] = array
