"""How far rounding may take the outputs of a plan from their exact values."""

from __future__ import annotations

import numpy as np

from .evaluate import ACTIVATIONS
from .plan import Plan, Stack

PER_OPERATION = 4.0  # units of the last place


def bounds(plan: Plan, X: np.ndarray, network: np.ndarray) -> np.ndarray:
    """Return how far each output may be from the exact one, if each operation is off a little.

    Each sum, product and activation by `PER_OPERATION` units of the last place; errors go through
    the layers with the absolute values of weights and the slopes of activations.

    Parameters
    ----------
    plan : Plan
    X : ndarray of shape (n_samples, n_features)
    network : int array of shape (n_samples,)
        Which network each sample goes to, of plans for whose networks that is chosen.

    Returns
    -------
    ndarray of shape (n_samples, n_outputs)
    """
    X = X.astype(plan.dtype).astype(np.float64)
    if plan.weights is None:
        places = [place_of(plan, number) for number in network]
        return np.stack([_of_network(*place, x) for place, x in zip(places, X, strict=True)])
    found = np.zeros((len(X), plan.n_outputs))
    for stack in plan.stacks:
        for i, number in enumerate(stack.numbers):
            found += plan.weights[number] * np.stack([_of_network(stack, i, x) for x in X])
    return found * 2


def place_of(plan: Plan, number: int) -> tuple[Stack, int]:
    """Return the stack of a network, and its place there."""
    for stack in plan.stacks:
        for i in np.flatnonzero(stack.numbers == number):
            return stack, int(i)
    raise ValueError(f"network: found {number}, expected less than {plan.n_networks}")


def _of_network(stack: Stack, i: int, x: np.ndarray) -> np.ndarray:
    """Return the bound of one network's outputs for one sample."""
    unit = PER_OPERATION * float(np.finfo(stack.dtype).eps) / 2
    a, error = x, np.zeros_like(x)
    if stack.shift is not None:
        a = x - stack.shift[i]
        error = unit * np.abs(a)
    for layer in stack.layers:
        W, b = layer.W[i].astype(np.float64), layer.b[i].astype(np.float64)
        terms = np.abs(a) @ np.abs(W) + np.abs(b)
        z_error = error @ np.abs(W) + unit * (np.sqrt(len(a)) + 2) * terms
        z = a @ W + b
        a = ACTIVATIONS[layer.activation](z)
        error = _through(layer.activation, z, a, z_error) + unit * np.abs(a)
    return error


def _through(activation: str, z: np.ndarray, a: np.ndarray, error: np.ndarray) -> np.ndarray:
    """Return what becomes of errors of the weighted sums."""
    if activation == "softmax":
        return a * (2 * error.max() + error.max() * len(a) * 1e-6)
    if activation in ("step", "sign"):
        return np.where(np.abs(z) <= error, 2.0, 0.0)
    with np.errstate(over="ignore"):
        above = ACTIVATIONS[activation](z + error) - a
        below = a - ACTIVATIONS[activation](z - error)
    return np.maximum(np.abs(above), np.abs(below))
