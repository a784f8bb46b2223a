"""One row at a time of a linear model: a microsecond's work, so arguments are few and plain.

A model is two arrays. ``theta``, of shape (1 + n_vectors, n_outputs, n_features), holds
coefficients and memory. ``state`` holds the record, the intercepts twice, and behind them: scores
and steps, 2 n_outputs; what each class counts for, n_outputs + 1, with one output of those of
target -1 or 0 first; target and weight of the row at hand. A row is its values and, unless it has
all of them in order, their columns.
"""

import math

from .jit import inlined, kernel, outlined
from .linear import learn_row
from .linear_parts.arguments import N_FIELDS, RECORD, LinearSamples, cut_model, flat_rows
from .linear_parts.rows import dot, extent, squares_of_row
from .linear_parts.steps import first_largest
from .simd import at, flat, records, view


def room(n_outputs):
    """Return how many numbers a state has behind the record."""
    return 5 * n_outputs + 3


@kernel
def learn_linear(values, columns, y, theta, state):
    """Take one step on one row.

    Parameters
    ----------
    values : array of shape (n_features,) or (n_stored,)
        Of theta's dtype.
    columns : int32 array of shape (0,) or (n_stored,)
        No column comes twice.
    y : float
        The target, or with several outputs the number of the class.
    theta, state : arrays
        Read and written.

    Returns
    -------
    float64
        The loss before the step, where the record says that losses are added up, else 0; NaN, and
        all as it was, if score, loss or step are not finite.
    """
    parts, rows, scores = _cut(values, columns, theta, state)
    record, end = at(parts.records, 0), rows.X.shape[0]
    if not _begin(rows, 0, end, y, parts, scores):
        return math.nan
    record.loss_sum = 0.0
    _learn_alone(rows, 0, 0, end, parts, scores)
    return record.loss_sum


@kernel
def learn_linear_rows(samples, theta, state, outputs):
    """Learn rows in the order in which they come, each to the last bit as `learn_linear` does.

    Parameters
    ----------
    samples : LinearSamples
        With y of float64; without weights and order.
    theta, state : arrays
        Read and written.
    outputs : float64 array of shape (n, n_outputs) or (0, n_outputs)
        Written: the scores of each row before it is learned.

    Returns
    -------
    int
        The number of rows that were learned: all, or those before one whose scores are not finite.
    """
    rows, outputs = flat_rows(samples), flat(outputs)
    parts, one, scores = _cut(rows.X, rows.columns, theta, state)
    rows = LinearSamples(
        rows.X, rows.columns, rows.starts, one.y, one.weight, one.class_weight, rows.order
    )
    y, n = flat(samples.y), at(parts.records, 0).n_outputs
    for row in range(y.shape[0]):
        begin, end = extent(rows, row, at(parts.records, 0).n_features)
        if not _begin(rows, begin, end, at(y, row), parts, scores):
            return row
        if outputs.shape[0] > 0:
            for k in range(n):
                outputs[row * n + k] = at(scores, k)
        _learn_alone(rows, 0, begin, end, parts, scores)
    return y.shape[0]


@outlined
def _learn_alone(rows, row, begin, end, parts, scores):
    """Learn one row: the same code for one and for many, so that they agree to the last bit."""
    learn_row(rows, row, begin, end, parts, scores)


@inlined
def _begin(rows, begin, end, y, parts, scores):
    """Compute a row's scores and note its target; return whether all numbers are finite."""
    record = at(parts.records, 0)
    rows.y[0], rows.weight[0] = y, 1.0
    if record.n_outputs == 1:
        rows.weight[0] = at(rows.class_weight, 1 if y > 0 else 0)
    _find_scores(rows, begin, end, parts, scores)
    finite = y + squares_of_row(rows, begin, end)
    for k in range(record.n_outputs):
        finite += at(scores, k)
    return math.isfinite(finite)


@kernel
def score_linear(values, columns, theta, state):
    """Write the scores of one row to ``state[N_FIELDS + 2 * n_outputs:]``.

    Returns
    -------
    score : float64
        The first output's; not finite if the row is not.
    best : int
        The number of the output with the largest.
    """
    parts, rows, scores = _cut(values, columns, theta, state)
    _find_scores(rows, 0, rows.X.shape[0], parts, scores)
    return at(scores, 0), first_largest(scores, at(parts.records, 0).n_outputs)


@inlined
def _cut(values, columns, theta, state):
    """Return the model's parts, the row as the only one of samples, and room for its scores."""
    theta, state = flat(theta), flat(state)
    n = at(records(view(state, 0, N_FIELDS), RECORD), 0).n_outputs
    size = n * at(records(view(state, 0, N_FIELDS), RECORD), 0).n_features
    o = N_FIELDS + 2 * n
    columns = flat(columns)
    samples = LinearSamples(
        flat(values), columns, view(columns, 0, 0), view(state, o + 3 * n + 1, 1),
        view(state, o + 3 * n + 2, 1), view(state, o + 2 * n, n + 1), view(columns, 0, 0),
    )  # fmt: skip
    parts = cut_model(view(theta, 0, size), view(theta, size, theta.shape[0] - size), state)
    return parts, samples, view(state, o, 2 * n)


@inlined
def _find_scores(rows, begin, end, parts, scores):
    record = at(parts.records, 0)
    for k in range(record.n_outputs):
        product = dot(rows, begin, end, parts.coef, k * record.n_features)
        scores[k] = product * record.scale + at(parts.b, k)
