"""A plan computed with NumPy, plainly: the oracle of the exports."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ..kernels.activations import LEAK
from .plan import Decision, Groups, Plan, Probabilities, Stack


class Evaluated(NamedTuple):
    """What a plan makes of inputs.

    Attributes
    ----------
    outputs : ndarray of shape (n_samples, n_outputs)
        Of a fleet (n_networks, n_samples, n_outputs).
    labels : ndarray of shape (n_samples,) or (n_samples, n_outputs), or None
        Of a fleet with the networks in front.
    probabilities : ndarray of shape (n_samples, n_classes), or None
    spread : ndarray of shape (n_samples, n_outputs), or None
        Deviation of an ensemble's members around their mean.
    """

    outputs: np.ndarray
    labels: np.ndarray | None = None
    probabilities: np.ndarray | None = None
    spread: np.ndarray | None = None


def evaluate(plan: Plan, X: np.ndarray, groups: np.ndarray | None = None) -> Evaluated:
    """Compute a plan.

    Parameters
    ----------
    plan : Plan
    X : ndarray of shape (n_samples, n_features)
    groups : ndarray of shape (n_samples,), optional
        Of a plan that has `Groups`.

    Returns
    -------
    Evaluated

    Examples
    --------
    >>> import numpy as np
    >>> from fastperc import Network
    >>> from fastperc.exports.describe import describe
    >>> net = Network((2, 1), init=([[[1.0], [2.0]]], [[0.5]]))
    >>> evaluate(describe(net), np.array([[1.0, 1.0]])).outputs.tolist()
    [[3.5]]
    """
    spread = None
    if plan.groups is not None:
        assert groups is not None
        outputs = outputs_of(plan.stacks[0], X[:, None], networks_of(groups, plan.groups))[:, 0]
    else:
        parts = [outputs_of(stack, X) for stack in plan.stacks]
        numbers = np.concatenate([stack.numbers for stack in plan.stacks])
        outputs = np.concatenate(parts)[np.argsort(numbers)]
    if plan.combine == "single":
        outputs = outputs[0]
    if plan.weights is not None:
        members, w = outputs, plan.weights[:, None, None]
        outputs = (w * members).sum(axis=0)
        spread = np.sqrt((w * (members - outputs) ** 2).sum(axis=0))
    return Evaluated(
        outputs,
        None if plan.decision is None else labels_of(outputs, plan.decision),
        None if plan.probabilities is None else probabilities_of(outputs, plan.probabilities),
        spread,
    )


def networks_of(names: np.ndarray, groups: Groups) -> np.ndarray:
    """Return the network of each row's group; ValueError where there is none."""
    known = {key: k for k, key in enumerate(groups.keys.tolist())}
    found = [known.get(name, groups.unknown) for name in names.tolist()]
    if None in found:
        raise ValueError(f"groups: found {names[found.index(None)]!r}, a group without a network")
    return np.array(found, np.intp)


def outputs_of(stack: Stack, X: np.ndarray, networks: np.ndarray | None = None) -> np.ndarray:
    """Return the outputs of all networks of a stack, or of some, one after the other.

    Parameters
    ----------
    stack : Stack
    X : ndarray of shape (n_samples, n_features) or (n_networks, n_samples, n_features)
    networks : int array of shape (n_networks,), optional

    Returns
    -------
    ndarray of shape (n_networks, n_samples, n_outputs)
    """
    some = slice(None) if networks is None else networks
    x = X.astype(stack.dtype)
    if stack.shift is not None:
        x = x - stack.shift[some][:, None, :]
    for layer in stack.layers:
        x = ACTIVATIONS[layer.activation](x @ layer.W[some] + layer.b[some][:, None, :])
    return x


def labels_of(outputs: np.ndarray, decision: Decision) -> np.ndarray:
    """Return the labels that outputs stand for."""
    if decision.rule == "argmax":
        return decision.classes[outputs.argmax(axis=-1)]
    is_above = outputs > decision.threshold
    if decision.at_threshold:
        is_above |= outputs == decision.threshold
    labels = decision.classes[is_above.astype(np.intp)]
    return labels[..., 0] if labels.shape[-1] == 1 else labels


def probabilities_of(outputs: np.ndarray, how: Probabilities) -> np.ndarray:
    """Return the probabilities that outputs stand for."""
    p = LINKS[how.link](outputs)
    if p.shape[-1] == 1:
        return np.concatenate([1 - p, p], axis=-1)
    if how.is_normalised:
        total = p.sum(axis=-1, keepdims=True)
        return np.where(total > 0, p / np.where(total > 0, total, 1), 1 / p.shape[-1])
    return p


def _sigmoid(z: np.ndarray) -> np.ndarray:
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1 / (1 + e), e / (1 + e))


def _softmax(z: np.ndarray) -> np.ndarray:
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


ACTIVATIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "identity": lambda z: z,
    "sigmoid": _sigmoid,
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0),
    "leaky_relu": lambda z: np.where(z > 0, z, LEAK * z),
    "elu": lambda z: np.where(z > 0, z, np.expm1(np.minimum(z, 0))),
    "softplus": lambda z: np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z))),
    "exp": np.exp,
    "softmax": _softmax,
    "step": lambda z: np.where(z < 0, 0, 1).astype(z.dtype),
    "sign": lambda z: np.where(z < 0, -1, 1).astype(z.dtype),
}
LINKS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "identity": lambda s: s,
    "sigmoid": _sigmoid,
    "softmax": _softmax,
    "clip": lambda s: (np.clip(s, -1, 1) + 1) / 2,
}
