"""From a fitted model to its `Plan`."""

from __future__ import annotations

import numpy as np

from .. import __version__
from ..fleet import Fleet
from ..model.dense import Dense
from ..network import Network
from .folding import Scaled, stacks_of
from .plan import Decision, Plan


def describe(model: object) -> Plan:
    """Return what a fitted model computes.

    Parameters
    ----------
    model : Network, Fleet or fitted estimator
        Any of this library; linear models of named or numbered features, not of hashed ones.

    Returns
    -------
    Plan

    Raises
    ------
    TypeError
        For anything else.
    ValueError
        For a model that cannot be described; `sklearn.exceptions.NotFittedError` is one.

    Examples
    --------
    >>> from fastperc import Network
    >>> plan = describe(Network((2, 4, 1), hidden="tanh", output="sigmoid", loss="log_loss"))
    >>> [(layer.W.shape, layer.activation) for layer in plan.stacks[0].layers]
    [((1, 2, 4), 'tanh'), ((1, 4, 1), 'sigmoid')]
    >>> plan.decision
    Decision(rule='threshold', classes=array([0, 1]), threshold=0.5, at_threshold=True)
    """
    if isinstance(model, Network):
        dense = model._model
        return _of_networks(model, [dense], "single", model.labels, model.lr)
    if isinstance(model, Fleet):
        found = {
            int(number): shape.dense.member(row)
            for shape in model._shapes
            for row, number in enumerate(shape.numbers)
        }
        members = [found[i] for i in range(len(model))]
        return _of_networks(model, members, "each", model.labels, None)
    from .of_estimators import describe_estimator

    return describe_estimator(model)


def _of_networks(
    model: Network | Fleet, members: list[Dense], combine: str, labels: tuple[int, int],
    lr: float | None,
) -> Plan:  # fmt: skip
    like = members[0]
    return Plan(
        kind=type(model).__name__,
        version=__version__,
        dtype=like.dtype,
        n_features=like.sizes[0],
        n_outputs=like.sizes[-1],
        feature_names=None,
        stacks=stacks_of([Scaled(member) for member in members]),
        combine="single" if combine == "single" else "each",
        decision=_decision(like, labels),
        method="forward",
        loss=like.loss.name,
        lr=lr,
    )


def _decision(model: Dense, labels: tuple[int, int]) -> Decision | None:
    """Return which labels `Network.predict` gives."""
    name = model.loss.name
    if name == "log_loss":
        return Decision("threshold", np.array([0, 1]), 0.5, at_threshold=True)
    if name == "cross_entropy":
        return Decision("argmax", np.arange(model.sizes[-1]))
    if name == "hinge":
        return Decision("threshold", np.array(labels))
    if name == "perceptron":
        low = 0 if model.output == "step" else -1
        return Decision("threshold", np.array([low, 1]))
    return None
