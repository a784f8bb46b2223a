"""Ensemble selection: which members the mean is made of, chosen on samples not trained on."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

TINY = 1e-15  # no probability is taken to be smaller, nor larger than one minus it

Loss = Callable[[np.ndarray, np.ndarray], np.ndarray]  # of outputs and targets, elementwise


def log_loss(P: np.ndarray, Y: np.ndarray) -> np.ndarray:
    """Return ``-y log(p) - (1 - y) log(1 - p)``."""
    P = np.clip(P, TINY, 1 - TINY)
    return -(Y * np.log(P) + (1 - Y) * np.log1p(-P))


def cross_entropy(P: np.ndarray, Y: np.ndarray) -> np.ndarray:
    """Return ``-y log(p)``, for classes that exclude each other."""
    return -Y * np.log(np.maximum(P, TINY))


def hinge(P: np.ndarray, Y: np.ndarray) -> np.ndarray:
    """Return ``max(0, 1 - y p)`` for targets of -1 and 1."""
    return np.maximum(0.0, 1.0 - Y * P)


def squared_error(P: np.ndarray, Y: np.ndarray) -> np.ndarray:
    """Return ``(p - y)**2``."""
    return (P - Y) ** 2


def absolute_error(P: np.ndarray, Y: np.ndarray) -> np.ndarray:
    """Return ``abs(p - y)``."""
    return np.abs(P - Y)


def poisson(P: np.ndarray, Y: np.ndarray) -> np.ndarray:
    """Return ``p - y log(p)``, half the deviance but for a constant."""
    return P - Y * np.log(np.maximum(P, TINY))


def pinball(quantile: float) -> Loss:
    """Return the loss whose smallest mean is that of a quantile."""
    return lambda P, Y: np.maximum(quantile * (Y - P), (quantile - 1) * (Y - P))


def select_greedily(
    outs: np.ndarray,
    Y: np.ndarray,
    loss: Loss,
    n_selected: int,
    weight: np.ndarray | None = None,
) -> np.ndarray:
    """Choose members one after the other, with replacement, so that their mean has the least loss.

    Each step adds the member which makes the mean of those chosen so far best (Caruana,
    Niculescu-Mizil, Crew and Ksikes 2004, "Ensemble selection from libraries of models", ICML).

    Parameters
    ----------
    outs : ndarray of shape (n_members, n_samples, n_outputs)
        Outputs on samples that no member was trained on.
    Y : ndarray of shape (n_samples, n_outputs)
    loss : function of (outputs, targets)
    n_selected : int
        How many to choose.
    weight : ndarray of shape (n_samples,), optional

    Returns
    -------
    ndarray of int of shape (n_members,)
        How often each member was chosen.
    """
    counts, total = np.zeros(len(outs), np.int64), np.zeros(outs.shape[1:])
    for k in range(1, n_selected + 1):
        losses = [
            np.average(loss((total + out) / k, Y).sum(axis=1), weights=weight) for out in outs
        ]
        best = int(np.argmin(losses))
        counts[best] += 1
        total += outs[best]
    return counts
