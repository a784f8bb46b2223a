"""From scores to probabilities."""

from __future__ import annotations

import math
import sys

import numpy as np
from scipy.special import expit, softmax

from ...kernels.linear_parts.arguments import LOG_LOSS, SOFTMAX

LOWEST = -math.log(sys.float_info.max)


def probabilities(found: np.ndarray, loss: int) -> np.ndarray:
    """Turn scores of shape (n, n_outputs) into probabilities of shape (n, n_classes)."""
    if loss == SOFTMAX:
        return softmax(found, axis=1)
    each = expit(found) if loss == LOG_LOSS else (np.clip(found, -1, 1) + 1) / 2
    if each.shape[1] == 1:
        return np.hstack([1 - each, each])
    each[each.sum(axis=1) == 0] = 1.0
    return each / each.sum(axis=1, keepdims=True)


def probabilities_of_one(scores: list[float], loss: int) -> list[float]:
    """Return the same of one row, without the price of an array for each step."""
    if loss == SOFTMAX:
        highest = max(scores)
        each = [math.exp(score - highest) for score in scores]
    elif loss == LOG_LOSS:
        each = [sigmoid(score) for score in scores]
    else:
        each = [(min(max(score, -1.0), 1.0) + 1) / 2 for score in scores]
    if len(each) == 1:
        return [1 - each[0], each[0]]
    total = sum(each)
    return [share / total for share in each] if total else [1 / len(each)] * len(each)


def sigmoid(score: float) -> float:
    """Return ``1 / (1 + exp(-score))``, 0 where the power is too large for a float."""
    return 1 / (1 + math.exp(-score)) if score > LOWEST else 0.0
