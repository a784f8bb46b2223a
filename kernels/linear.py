"""Linear models that learn one row at a time: perceptrons, support vector machines, regressions.

All that stochastic gradient descent on a linear model is, in one loop: a row's score, the loss's
slope, a step along the row. The losses, schedules, penalties and averages are scikit-learn's, in
its order, so that from the same order of rows come the same coefficients; AdaGrad, FTRL-proximal
and softmax stand beside them. With several outputs, one class against the others or softmax, a row
is in the cache while all outputs learn from it.
"""

import numpy as np

from .jit import kernel, rounded
from .linear_parts.ahead import looks_ahead, train_ahead
from .linear_parts.arguments import ADAGRAD, SCALED, SOFTMAX, flat_model, flat_rows
from .linear_parts.losses import loss_and_slope, softmax_slopes
from .linear_parts.penalties import count_step, follow, pay, sizes
from .linear_parts.proximal import move_intercept, step_adagrad, step_ftrl
from .linear_parts.rows import (
    add_in_order,
    add_row,
    dot_in_order,
    dots,
    extent,
    prefetch_row,
    row_of,
    steps_ahead,
)
from .linear_parts.steps import (
    begin_step,
    find_steps,
    is_skipped,
    learning_rate,
    move_intercept_and_squares,
    one_against_rest,
    squares_if_used,
)
from .simd import at, flat, no_unroll


@kernel
def train_linear(samples, model, first, last, scores, outputs):
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
    outputs : float64 array of shape (last - first, n_outputs) or (0, n_outputs)
        Written: the scores of each row before it is learned.
    """
    rows, parts = flat_rows(samples), flat_model(model)
    scores, outputs = flat(scores), flat(outputs)
    record = at(parts.records, 0)
    if first >= last:
        return
    if looks_ahead(record, rows):
        train_ahead(rows, first, last, parts, outputs)
        return
    ahead = steps_ahead(rows)
    for step in range(first, last):
        prefetch_row(rows, step + ahead, last, record.n_features)
        row = row_of(rows, step)
        begin, end = extent(rows, row, record.n_features)
        find_scores(rows, begin, end, parts, scores)
        learn_row(rows, row, begin, end, parts, scores)
        if outputs.shape[0] > 0:
            for k in range(record.n_outputs):
                outputs[(step - first) * record.n_outputs + k] = at(scores, k)


@kernel
def find_slopes(samples, model, scores, slopes):
    """Compute the derivative of each row's loss by its scores.

    Parameters
    ----------
    samples, model, scores
        As for `train_linear`; the samples' weights and order are not looked at.
    slopes : array of shape (n, n_outputs)
        Written.

    Returns
    -------
    float64
        The sum of the losses.
    """
    rows, parts, slopes, scores = flat_rows(samples), flat_model(model), flat(slopes), flat(scores)
    record = at(parts.records, 0)
    n, total = record.n_outputs, 0.0
    for row in range(rows.y.shape[0]):
        begin, end = extent(rows, row, record.n_features)
        y = np.float64(at(rows.y, row))
        find_scores(rows, begin, end, parts, scores)
        if record.loss == SOFTMAX:
            total += softmax_slopes(int(y), scores, n)
        else:
            for k in range(n):
                target = one_against_rest(record.loss, int(y), k) if n > 1 else y
                z = at(scores, k)
                loss, slope = loss_and_slope(record.loss, target, z, record.epsilon, True)
                scores[k] = slope
                total += loss
        for k in range(n):
            slopes[row * n + k] = at(scores, k)
    return total


@rounded
def find_scores(rows, begin, end, parts, scores):
    """Compute the score of each output for a row; the model is only read."""
    record = at(parts.records, 0)
    m, n = record.n_features, record.n_outputs
    if record.in_order == 0:
        dots(rows, begin, end, parts.coef, m, n, scores)
    k = 0
    while k < n:
        no_unroll()
        if record.in_order > 0:
            scores[k] = dot_in_order(rows, begin, end, parts.coef, k * m)
        scores[k] = at(scores, k) * record.scale + at(parts.b, k)
        k += 1


@rounded
def learn_row(rows, row, begin, end, parts, scores):
    """Learn one row, whose scores `find_scores` has left in ``scores``.

    With several outputs, each is of one class against the others, or all are softmax's.
    """
    record = at(parts.records, 0)
    n = record.n_outputs
    k = 0
    while k < n:
        no_unroll()
        record.strange += at(scores, k) * 0.0
        k += 1
    eta, squares = learning_rate(record), squares_if_used(record, rows, begin, end)
    find_steps(record, rows, row, eta, squares, scores)
    if is_skipped(record, squares):
        return
    factor = begin_step(record, eta, parts)
    k = 0
    while k < n:
        no_unroll()
        _move_output(record, rows, begin, end, k, scores, factor, squares, parts)
        k += 1
    k = 0
    while k < n:
        no_unroll()
        _settle_output(record, rows, begin, end, k, at(scores, n + k), parts)
        k += 1
    _end_step(record)


@rounded
def _move_output(record, rows, begin, end, k, scores, factor, squares, parts):
    """Take an output's step."""
    z, step = at(scores, k), at(scores, record.n_outputs + k)
    if step != 0:
        record.updates += 1.0
    if record.rule != SCALED:
        _move_each(record, rows, begin, end, k, step, parts)
        return
    if step == 0:
        return
    move_intercept_and_squares(record, k, z, step, factor, squares, parts)
    o = k * record.n_features
    counted = record.tracks_loss > 0 and record.l1 > 0
    before = sizes(rows, begin, end, parts.coef, o) if counted else (0.0, 0.0)
    if record.in_order > 0:
        add_in_order(rows, begin, end, 1.0, step / record.scale, parts.coef, o)
    else:
        add_row(rows, begin, end, step / record.scale, parts.coef, o)
    if counted:
        after = sizes(rows, begin, end, parts.coef, o)
        record.absolutes_now += record.scale * (after[0] - before[0])
        record.squares_now += record.scale * record.scale * (after[1] - before[1])
        record.absolutes, record.squares = record.absolutes_now, record.squares_now


@rounded
def _move_each(record, rows, begin, end, k, slope, parts):
    """Take AdaGrad's or FTRL's step in an output."""
    o, coef = k * record.n_features, parts.coef
    counted = record.tracks_loss > 0 and record.rule == ADAGRAD
    before = sizes(rows, begin, end, coef, o) if counted else (0.0, 0.0)
    if record.rule == ADAGRAD:
        step_adagrad(record, rows, begin, end, slope, coef, parts.first, o)
    else:
        step_ftrl(record, rows, begin, end, slope, coef, parts.first, parts.second, o)
    if counted:
        after = sizes(rows, begin, end, coef, o)
        record.absolutes += after[0] - before[0]
        record.squares += after[1] - before[1]
    if record.fits_intercept > 0:
        move_intercept(record, slope, parts.b, parts.second_b, k)


@rounded
def _settle_output(record, rows, begin, end, k, step, parts):
    """Renew an output's averages, and let its coefficients pay L1."""
    o = k * record.n_features
    if _averages(record):
        follow(record, rows, begin, end, step, parts.average, o)
        mean = at(parts.second_b, k)
        count = record.t - record.average_from + 1.0
        parts.second_b[k] = mean + (at(parts.b, k) - mean) / count
    if record.l1 > 0 and record.rule == SCALED:
        pay(record, rows, begin, end, parts.coef, parts.first, o)


@rounded
def _averages(record):
    """Return whether this step belongs to the average."""
    return 0 < record.average_from <= record.t


@rounded
def _end_step(record):
    if _averages(record):
        count_step(record, record.t - record.average_from + 1.0)
    record.t += 1.0
