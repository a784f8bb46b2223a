"""Which step a row asks for: the learning rate, the loss's slope, what is counted on the way."""

import math

import numpy as np

from ..jit import inlined
from ..simd import at, no_unroll, view
from .arguments import FTRL, INVSCALING, LOG_LOSS, OPTIMAL, PA1, PA2, SCALED, SOFTMAX
from .losses import loss_and_slope, softmax_slopes
from .penalties import shrink
from .rows import squares_of_row


@inlined
def one_if(is_so):
    return 1.0 if is_so else 0.0


@inlined
def weight_of(rows, row):
    return np.float64(at(rows.weight, row)) if rows.weight.shape[0] > 0 else 1.0


@inlined
def squares_if_used(record, rows, begin, end):
    """Return the sum of a row's squares where a step or the objective asks for it, otherwise 0."""
    if record.schedule >= PA1 or (record.tracks_loss > 0 and record.l2 > 0):
        return squares_of_row(rows, begin, end)
    return 0.0


@inlined
def learning_rate(record):
    if record.rule != SCALED:
        return -1.0  # the rule's own affair: what is handed on as a step is the slope
    if record.schedule == OPTIMAL:
        return 1.0 / (record.alpha * (record.t0 + record.t - 1.0))
    if record.schedule == INVSCALING:
        return record.eta0 / record.t**record.power_t
    return record.eta


@inlined
def loss_and_step(record, y, z, weight, eta, squares):
    """Return the loss of a score, and what the row is multiplied by before it is added."""
    loss, slope = loss_and_slope(record.loss, y, z, record.epsilon, record.tracks_loss > 0)
    if record.schedule == PA1:
        return loss, -slope * min(record.eta0, loss / squares) * weight
    if record.schedule == PA2:
        return loss, -slope * loss / (squares + 0.5 / record.eta0) * weight
    return loss, -eta * weight * slope


@inlined
def find_step(record, rows, row, z, eta, squares):
    """Return the step of the only output with the score z; count what it costs and teaches."""
    y = np.float64(at(rows.y, row))
    if record.loss <= LOG_LOSS:
        record.mistakes += one_if(z * math.copysign(1.0, y - 0.5) <= 0)
    loss, step = loss_and_step(record, y, z, weight_of(rows, row), eta, squares)
    count_loss(record, loss)
    return step


@inlined
def find_steps(record, rows, row, eta, squares, scores):
    """Write the outputs' steps behind their scores; count what the row costs and teaches."""
    n = record.n_outputs
    if n == 1:
        scores[1] = find_step(record, rows, row, at(scores, 0), eta, squares)
        return
    label = int(at(rows.y, row))
    record.mistakes += one_if(first_largest(scores, n) != label)
    weight = weight_of(rows, row)
    own = at(rows.class_weight, label) if rows.class_weight.shape[0] > 0 else 1.0
    if record.loss == SOFTMAX:
        count_loss(record, _find_softmax_steps(label, -eta * weight * own, n, scores))
        return
    total = 0.0
    k = 0
    while k < n:
        no_unroll()
        y = one_against_rest(record.loss, label, k)
        factor = weight * own if k == label else weight
        loss, step = loss_and_step(record, y, at(scores, k), factor, eta, squares)
        scores[n + k] = step
        total += loss
        k += 1
    count_loss(record, total)


@inlined
def _find_softmax_steps(label, factor, n, scores):
    for k in range(n):
        scores[n + k] = at(scores, k)
    loss = softmax_slopes(label, view(scores, n, n), n)
    for k in range(n):
        scores[n + k] *= factor
    return loss


@inlined
def one_against_rest(loss, label, k):
    """Return the target of output k for a row of a class."""
    if k == label:
        return 1.0
    return 0.0 if loss == LOG_LOSS else -1.0


@inlined
def first_largest(scores, n):
    """Return the number of the largest score, of several the first."""
    best = 0
    for k in range(1, n):
        if at(scores, k) > at(scores, best):
            best = k
    return best


@inlined
def count_loss(record, loss):
    """Add the loss of a row, and the penalties of this step, to their sums."""
    if record.tracks_loss > 0:
        record.loss_sum += loss
        if record.schedule < PA1 and record.rule != FTRL:
            record.penalty_sum += 0.5 * record.l2 * record.squares + record.l1 * record.absolutes


@inlined
def is_skipped(record, squares):
    """Return whether no step is counted: PA-I can do nothing with a row of zeros."""
    return record.schedule == PA1 and squares == 0


@inlined
def begin_step(record, eta, parts):
    """Let the penalties of a step fall due; return the factor by which coefficients shrank."""
    if record.rule != SCALED:
        return 1.0
    record.owed += record.l1 * eta
    if record.l2 > 0:
        factor = max(0.0, 1.0 - record.l2 * eta)
        shrink(record, factor, parts.coef, parts.average)
        return factor
    return 1.0


@inlined
def move_intercept_and_squares(record, k, z, step, factor, squares, parts):
    """Add an output's step to its intercept, and without L1 its part to the sum of squares."""
    if record.tracks_loss > 0 and record.l2 > 0 and record.l1 == 0:
        product = (z - at(parts.b, k)) * factor
        record.squares += 2.0 * step * product + step * step * squares
    if record.fits_intercept > 0:
        parts.b[k] = plus_product(at(parts.b, k), step, record.intercept_decay)


@inlined(fastmath=False)
def plus_product(b, step, factor):
    """Return ``b + step * factor``, the product rounded: an intercept decides on ties."""
    return b + step * factor
