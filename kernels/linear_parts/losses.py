"""Losses of a linear model's score: what a row costs, and the slope by which it is corrected.

With the score z and the target y, of -1 or 1, of 0 or 1 for log loss, or any number::

    HINGE                       max(0, epsilon - y z): 1 of a support vector machine, 0 of a
                                perceptron, which learns from y z <= 0 (equality too)
    SQUARED_HINGE               max(0, 1 - y z)**2
    MODIFIED_HUBER              max(0, 1 - y z)**2 for y z >= -1, -4 y z below
    LOG_LOSS                    log(1 + exp(-(2 y - 1) z))
    SQUARED_ERROR               (z - y)**2 / 2
    HUBER                       (z - y)**2 / 2 up to epsilon, then a straight line
    EPSILON_INSENSITIVE         max(0, abs(y - z) - epsilon)
    SQUARED_EPSILON_INSENSITIVE its square

They are scikit-learn's, see its user guide on stochastic gradient descent. All is float64: a number
per row and output.
"""

import math

from ..jit import rounded
from ..simd import at
from .arguments import (
    EPSILON_INSENSITIVE,
    HINGE,
    HUBER,
    LOG_LOSS,
    MODIFIED_HUBER,
    SQUARED_ERROR,
    SQUARED_HINGE,
)

MOST = 1e12  # a slope beyond it is cut, as scikit-learn does


@rounded
def loss_and_slope(code, y, z, epsilon, wants_loss):
    """Return the loss of a score, and its derivative by the score.

    The loss of `LOG_LOSS` is 0 unless it is wanted: its logarithm costs as much as all the rest.
    """
    if code == LOG_LOSS:
        return log_loss(y, z, wants_loss)
    if code <= MODIFIED_HUBER:
        loss, slope = _of_margin(code, y, z, epsilon)
    else:
        loss, slope = _of_residual(code, z - y, epsilon)
    return loss, min(max(slope, -MOST), MOST)


@rounded
def log_loss(y, z, wants_loss):
    """Return log loss and its slope, by scikit-learn's formulas: neither overflows."""
    if z > -37.0:
        e = math.exp(-z)
        slope = ((1.0 - y) - y * e) / (1.0 + e)
    else:
        slope = math.exp(z) - y
    return _log1p_of_exp(z) - y * z if wants_loss else 0.0, slope


@rounded
def _log1p_of_exp(z):
    """Return ``log(1 + exp(z))`` (Maechler 2012, "Accurately computing log(1 - exp(-abs(a)))")."""
    if z <= -37.0:
        return math.exp(z)
    if z <= -2.0:
        return math.log1p(math.exp(z))
    if z <= 18.0:
        return math.log(1.0 + math.exp(z))
    return z + math.exp(-z) if z <= 33.3 else z


@rounded
def _of_margin(code, y, z, epsilon):
    """Return loss and slope of what depends on ``y z``."""
    margin = y * z
    if code == HINGE:
        if margin <= epsilon:
            return epsilon - margin, -y
        return 0.0, 0.0
    short = 1.0 - margin
    if short <= 0.0:
        return 0.0, 0.0
    if code == SQUARED_HINGE or margin >= -1.0:
        return short * short, -2.0 * y * short
    return -4.0 * margin, -4.0 * y


@rounded
def _of_residual(code, residual, epsilon):
    """Return loss and slope of what depends on ``z - y``."""
    if code == SQUARED_ERROR:
        return 0.5 * residual * residual, residual
    size = abs(residual)
    sign = math.copysign(1.0, residual)
    if code == HUBER:
        if size <= epsilon:
            return 0.5 * residual * residual, residual
        return epsilon * (size - 0.5 * epsilon), epsilon * sign
    beyond = size - epsilon
    if beyond <= 0.0:
        return 0.0, 0.0
    if code == EPSILON_INSENSITIVE:
        return beyond, sign
    return beyond * beyond, 2.0 * beyond * sign


@rounded
def softmax_slopes(y, scores, n):
    """Turn scores into ``softmax(scores) - onehot(y)``; return ``-log(softmax(scores)[y])``."""
    most = at(scores, 0)
    for k in range(1, n):
        most = max(most, at(scores, k))
    total, own = 0.0, at(scores, y) - most
    for k in range(n):
        scores[k] = math.exp(at(scores, k) - most)
        total += scores[k]
    for k in range(n):
        scores[k] /= total
    scores[y] -= 1.0
    return math.log(total) - own
