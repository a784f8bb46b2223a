"""One row at a time of a linear model: a microsecond's work, so arguments are few and plain.

A model is two arrays. ``theta``, of shape (1 + n_vectors, n_outputs, n_features), holds
coefficients and memory. ``state`` holds the record, the intercepts twice, and behind them: scores
and steps, 2 n_outputs; what each class counts for, n_outputs + 1, with one output of those of
target -1 or 0 first; target and weight of the row at hand. A row is its values and, unless it has
all of them in order, their columns.
"""

import math

from .jit import inlined, kernel
from .linear import learn_row
from .linear_parts.arguments import N_FIELDS, RECORD, LinearSamples, cut_model
from .linear_parts.rows import dot, squares_of_row
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
    rows.y[0], rows.weight[0] = y, 1.0
    if record.n_outputs == 1:
        rows.weight[0] = at(rows.class_weight, 1 if y > 0 else 0)
    _find_scores(rows, end, parts, scores)
    finite = y + squares_of_row(rows, 0, end)
    for k in range(record.n_outputs):
        finite += at(scores, k)
    if not math.isfinite(finite):
        return math.nan
    record.loss_sum = 0.0
    learn_row(rows, 0, 0, end, parts, scores)
    return record.loss_sum


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
    _find_scores(rows, rows.X.shape[0], parts, scores)
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
def _find_scores(rows, end, parts, scores):
    record = at(parts.records, 0)
    for k in range(record.n_outputs):
        product = dot(rows, 0, end, parts.coef, k * record.n_features)
        scores[k] = product * record.scale + at(parts.b, k)
