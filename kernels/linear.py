"""Linear models that learn one row at a time: perceptrons, support vector machines, regressions.

All that stochastic gradient descent on a linear model is, in one loop: a row's score, the loss's
slope, a step along the row. The losses, schedules, penalties and averages are scikit-learn's, in
its order, so that from the same order of rows come the same coefficients; AdaGrad, FTRL-proximal
and softmax stand beside them. With several outputs, one class against the others or softmax, a row
is in the cache while all outputs learn from it.
"""

from typing import NamedTuple

import numpy as np

from .jit import inlined, kernel
from .linear_parts.arguments import (
    ADAGRAD,
    FTRL,
    INVSCALING,
    LOG_LOSS,
    N_FIELDS,
    OPTIMAL,
    PA1,
    PA2,
    RECORD,
    SCALED,
    SOFTMAX,
    flat_rows,
)
from .linear_parts.losses import cut, loss_and_slope, softmax_slopes
from .linear_parts.penalties import count_step, follow, pay, shrink, sizes
from .linear_parts.proximal import move_intercept, step_adagrad, step_ftrl
from .linear_parts.rows import add_row, dot, extent, prefetch_row, row_of, squares_of_row
from .simd import at, flat, no_unroll, records, view


@kernel
def train_linear(samples, model, first, last, scores):
    """Take the steps ``first <= step < last``.

    Parameters
    ----------
    samples : LinearSamples
    model : LinearModel
        Read and written; see `linear_parts.arguments` for both.
    first, last : int
        Which steps: step s is on row ``order[s]``.
    scores : float64 array of shape (2 * n_outputs,)
        Scratch.
    """
    rows, scores = flat_rows(samples), flat(scores)
    parts = _parts(model)
    record = at(parts.records, 0)
    for step in range(first, last):
        prefetch_row(rows, step, last, record.n_features)
        _step(record, rows, row_of(rows, step), parts, scores)


class _Parts(NamedTuple):
    """A model as flat views; see `linear_parts.arguments`."""

    records: np.ndarray  # (1,)
    coef: np.ndarray
    average: np.ndarray  # (0,) where there is none
    first: np.ndarray  # AdaGrad's sums, FTRL's z, or the L1 that was paid
    second: np.ndarray  # FTRL's n
    b: np.ndarray
    second_b: np.ndarray  # the intercepts' averages, or what AdaGrad and FTRL remember of them


@inlined
def _parts(model):
    coef, memory, state = flat(model.coef), flat(model.memory), flat(model.state)
    record = records(view(state, 0, N_FIELDS), RECORD)
    size, n = coef.shape[0], at(record, 0).n_outputs
    averaged = size if at(record, 0).average_from > 0 else 0
    return _Parts(
        record, coef, view(memory, 0, averaged), view(memory, averaged, size),
        view(memory, averaged + size, size), view(state, N_FIELDS, n), view(state, N_FIELDS + n, n),
    )  # fmt: skip


@inlined
def _step(record, rows, row, parts, scores):
    """Learn one row."""
    m, n = record.n_features, record.n_outputs
    begin, end = extent(rows, row, m)
    k = 0
    while k < n:
        no_unroll()
        scores[k] = dot(rows, begin, end, parts.coef, k * m) * record.scale + at(parts.b, k)
        k += 1
    by_row, tracks = record.schedule >= PA1, record.tracks_loss > 0
    squares = 0.0
    if by_row or (tracks and record.l2 > 0):
        squares = squares_of_row(rows, begin, end)
    eta = learning_rate(record)
    found = find_steps(record, rows, row, eta, squares, scores)
    if tracks:
        record.loss_sum += found
        if not by_row and record.rule != FTRL:
            record.penalty_sum += 0.5 * record.l2 * record.squares + record.l1 * record.absolutes
    if record.schedule == PA1 and squares == 0:
        return
    if record.rule == SCALED:
        _move(record, rows, begin, end, eta, squares, parts, scores)
    else:
        _move_each(record, rows, begin, end, parts, scores)
    record.t += 1.0


# --- which step -------------------------------------------------------------------------------


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
def find_steps(record, rows, row, eta, squares, scores):
    """Write each output's step behind the scores, and count a mistake; return the row's loss.

    A step is what the row is multiplied by before it is added to the coefficients; with ``eta``
    -1, it is the slope.
    """
    n, y = record.n_outputs, float(at(rows.y, row))
    weight = float(at(rows.weight, row)) if rows.weight.shape[0] > 0 else 1.0
    own = 1.0  # what the row's class counts for
    label = 0
    if n > 1:
        label = int(y)
        own = at(rows.class_weight, label) if rows.class_weight.shape[0] > 0 else 1.0
        record.mistakes += first_largest(scores, n) != label
    elif record.loss <= LOG_LOSS:
        record.mistakes += at(scores, 0) <= 0 if y > 0 else at(scores, 0) >= 0
    if record.loss == SOFTMAX:
        return _find_softmax_steps(label, eta, weight * own, n, scores)
    total = 0.0
    k = 0
    while k < n:
        no_unroll()
        target, factor = y, weight
        if n > 1:
            target = 1.0 if k == label else (0.0 if record.loss == LOG_LOSS else -1.0)
            factor = weight * own if k == label else weight
        wants = record.tracks_loss > 0
        loss, slope = loss_and_slope(record.loss, target, at(scores, k), record.epsilon, wants)
        if record.schedule == PA1 and record.rule == SCALED:
            step = -slope * min(record.eta0, loss / squares)
        elif record.schedule == PA2 and record.rule == SCALED:
            step = -slope * loss / (squares + 0.5 / record.eta0)
        else:
            step = -eta * cut(slope)
        scores[n + k] = step * factor
        total += loss
        k += 1
    return total


@inlined
def _find_softmax_steps(label, eta, factor, n, scores):
    for k in range(n):
        scores[n + k] = at(scores, k)
    loss = softmax_slopes(label, view(scores, n, n), n)
    for k in range(n):
        scores[n + k] *= -eta * factor
    return loss


@inlined
def first_largest(scores, n):
    """Return the number of the largest score, of several the first."""
    best = 0
    for k in range(1, n):
        if at(scores, k) > at(scores, best):
            best = k
    return best


# --- taking it --------------------------------------------------------------------------------


@inlined
def _move(record, rows, begin, end, eta, squares, parts, scores):
    """Shrink all coefficients, add the steps, renew the averages, let L1 be paid."""
    m, n = record.n_features, record.n_outputs
    coef, b = parts.coef, parts.b
    factor = max(0.0, 1.0 - record.l2 * eta)
    if record.l2 > 0:
        shrink(record, factor, coef, parts.average)
    moved = 0
    k = 0
    while k < n:
        no_unroll()
        step = at(scores, n + k)
        if step != 0:
            moved += 1
            if record.tracks_loss > 0:
                product = (at(scores, k) - at(b, k)) * factor
                record.squares += 2.0 * step * product + step * step * squares
            _add_counted(record, rows, begin, end, step, coef, k * m)
            if record.fits_intercept > 0:
                b[k] += step * record.intercept_decay
        k += 1
    record.updates += moved
    if moved > 0:
        record.absolutes = record.absolutes_now
    if 0 < record.average_from <= record.t:
        _average(record, rows, begin, end, parts, scores)
    if record.l1 > 0:
        record.owed += record.l1 * eta
        for k in range(n):
            pay(record, rows, begin, end, coef, parts.first, k * m)


@inlined
def _add_counted(record, rows, begin, end, step, coef, o):
    """Add a step, and keep the sum of absolute values up to date where it is asked for."""
    counted = record.tracks_loss > 0 and record.l1 > 0
    before = sizes(rows, begin, end, coef, o)[0] if counted else 0.0
    add_row(rows, begin, end, step / record.scale, coef, o)
    if counted:
        after = sizes(rows, begin, end, coef, o)[0]
        record.absolutes_now += record.scale * (after - before)


@inlined
def _average(record, rows, begin, end, parts, scores):
    """Take coefficients and intercepts into their averages."""
    n, count = record.n_outputs, record.t - record.average_from + 1.0
    for k in range(n):
        o = k * record.n_features
        follow(record, rows, begin, end, at(scores, n + k), parts.average, o)
        mean = at(parts.second_b, k)
        parts.second_b[k] = mean + (at(parts.b, k) - mean) / count
    count_step(record, count)


@inlined
def _move_each(record, rows, begin, end, parts, scores):
    """Take AdaGrad's or FTRL's step in each output."""
    n = record.n_outputs
    counted = record.tracks_loss > 0 and record.rule == ADAGRAD
    for k in range(n):
        o, slope = k * record.n_features, at(scores, n + k)
        record.updates += slope != 0
        before = sizes(rows, begin, end, parts.coef, o) if counted else (0.0, 0.0)
        if record.rule == ADAGRAD:
            step_adagrad(record, rows, begin, end, slope, parts.coef, parts.first, o)
        else:
            step_ftrl(record, rows, begin, end, slope, parts.coef, parts.first, parts.second, o)
        if counted:
            after = sizes(rows, begin, end, parts.coef, o)
            record.absolutes += after[0] - before[0]
            record.squares += after[1] - before[1]
        if record.fits_intercept > 0:
            move_intercept(record, slope, parts.b, parts.second_b, k)
