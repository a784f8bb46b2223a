"""One row at a time of a linear model: a microsecond's work, so arguments are few and plain.

A model is two arrays. ``theta``, of shape (1 + n_vectors, n_outputs, n_features), holds
coefficients and memory. ``state`` holds the record, the intercepts twice, and behind them: scores
and steps, 2 n_outputs; what each class counts for, n_outputs + 1, with one output of those of
target -1 or 0 first; target and weight of the row at hand. A row is its values and, unless it has
all of them in order, their columns.
"""

import math

from .jit import inlined, kernel
from .linear import find_scores, learn_row
from .linear_parts.arguments import N_FIELDS, RECORD, LinearSamples, cut_model
from .linear_parts.rows import extent, squares_of_row
from .linear_parts.steps import first_largest
from .simd import at, flat, records, view


def room(n_outputs):
    """Return how many numbers a state has behind the record."""
    return 5 * n_outputs + 3


@kernel
def learn_linear(values, columns, starts, targets, theta, state):
    """Learn rows one after another, in the order in which they come.

    The same code learns one row and many, so that they agree to the last bit.

    Parameters
    ----------
    values : array of shape (n, n_features) or (n_stored,)
        Of theta's dtype.
    columns : int32 array of shape (0,) or (n_stored,)
        No row names a column twice.
    starts : int32 array of shape (0,) or (n + 1,)
        Where each row's values begin. One row needs none.
    targets : float64 array of shape (n * (2 + n_outputs),)
        For each row, first the target, or with several outputs the number of the class; written
        behind it: the loss before the step, and the scores.
    theta, state : arrays
        Read and written.

    Returns
    -------
    float64
        The loss of the last row; NaN where the numbers of a row, or its scores, are not finite:
        then it has learned nothing, rows behind it neither, and no loss of theirs is written.
    """
    parts, rows, scores = _cut(values, columns, starts, theta, state)
    targets = flat(targets)  # a row of numbers for each row of X
    record = at(parts.records, 0)
    n, loss = record.n_outputs, 0.0
    for row in range(targets.shape[0] // (2 + n)):
        begin, end = 0, rows.X.shape[0]  # of the only row, which may be sparse and empty
        if targets.shape[0] > 2 + n:
            begin, end = extent(rows, row, record.n_features)
        o = row * (2 + n)
        y = at(targets, o)
        rows.y[0], rows.weight[0] = y, 1.0
        if n == 1:
            rows.weight[0] = at(rows.class_weight, 1 if y > 0 else 0)
        find_scores(rows, begin, end, parts, scores)
        finite = y + squares_of_row(rows, begin, end)
        for k in range(n):
            finite += at(scores, k)
            targets[o + 2 + k] = at(scores, k)
        if not math.isfinite(finite):
            return math.nan
        record.loss_sum = 0.0
        learn_row(rows, 0, begin, end, parts, scores)
        loss = record.loss_sum
        targets[o + 1] = loss
    return loss


@kernel
def score_linear(values, columns, theta, state, scores):
    """Compute the scores of one row.

    Parameters
    ----------
    values, columns, theta, state
        As for `learn_linear`; nothing is written to them.
    scores : float64 array of shape (n_outputs,)
        Written.

    Returns
    -------
    float64
        The score, if there is one output; otherwise the number of the output with the largest. NaN
        if a score is not finite.
    """
    parts, rows, _ = _cut(values, columns, columns, theta, state)
    scores, n = flat(scores), at(parts.records, 0).n_outputs
    find_scores(rows, 0, rows.X.shape[0], parts, scores)
    total = 0.0
    for k in range(n):
        total += at(scores, k)
    if not math.isfinite(total):
        return math.nan
    return at(scores, 0) if n == 1 else float(first_largest(scores, n))


@inlined
def _cut(values, columns, starts, theta, state):
    """Return the model's parts, the row as the only one of samples, and room for its scores."""
    theta, state = flat(theta), flat(state)
    n = at(records(view(state, 0, N_FIELDS), RECORD), 0).n_outputs
    size = n * at(records(view(state, 0, N_FIELDS), RECORD), 0).n_features
    o = N_FIELDS + 2 * n
    columns = flat(columns)
    samples = LinearSamples(
        flat(values), columns, flat(starts), view(state, o + 3 * n + 1, 1),
        view(state, o + 3 * n + 2, 1), view(state, o + 2 * n, n + 1), view(columns, 0, 0),
    )  # fmt: skip
    parts = cut_model(view(theta, 0, size), view(theta, size, theta.shape[0] - size), state)
    return parts, samples, view(state, o, 2 * n)
