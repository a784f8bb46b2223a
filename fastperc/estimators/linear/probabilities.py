"""From scores to probabilities."""

from __future__ import annotations

import numpy as np

from ...kernels.linear_parts.arguments import LOG_LOSS, SOFTMAX


def probabilities(found: np.ndarray, loss: int) -> np.ndarray:
    """Turn scores of shape (n, n_outputs) into probabilities of shape (n, n_classes)."""
    if loss == SOFTMAX:
        powers = np.exp(found - found.max(axis=1, keepdims=True))
        return powers / powers.sum(axis=1, keepdims=True)
    if loss == LOG_LOSS:
        with np.errstate(over="ignore"):  # exp of a large number is infinite: the sigmoid is 0
            each = 1.0 / (1.0 + np.exp(-found))
    else:
        each = (np.clip(found, -1, 1) + 1) / 2
    if each.shape[1] == 1:
        return np.hstack([1 - each, each])
    each[each.sum(axis=1) == 0] = 1.0
    return each / each.sum(axis=1, keepdims=True)
