"""Steps of the plain kind on dense rows, each sum over the features known before it is asked for.

From row to row, a step waits for the sum over its features, that for the coefficients, these for
the step before: for short rows, most of the time. But the product of a row with the coefficients of
one step earlier lacks only that step times the product of the two rows, which is known as well::

    w' = w + c x                    w' . x' = w . x' + c (x . x')

The pass over the features that adds one step computes both products for the row after next: one
pass per step instead of two, and nothing to wait for but the loss's slope.
"""

from typing import NamedTuple

import numpy as np

from ..jit import inlined, rounded
from ..simd import at, full, load, load_n, no_unroll, store, store_n, sum_lanes, width
from .arguments import SCALED
from .rows import prefetch_row, row_of, steps_ahead
from .steps import (
    begin_step,
    find_step,
    is_skipped,
    learning_rate,
    move_intercept_and_squares,
)

SHORT = 1024  # bytes; with longer rows, memory is what steps wait for


class Ahead(NamedTuple):
    """Sums over the features of a row: its products with w and with the row before, its squares."""

    with_w: float
    with_row: float
    squares: float


@inlined
def looks_ahead(record, rows):
    """Return whether steps are of the plain kind: dense rows, one output, at most L2."""
    short = record.n_features * rows.X.itemsize <= SHORT and rows.starts.shape[0] == 0
    plain = record.rule == SCALED and record.l1 == 0 and record.average_from == 0
    return short and plain and record.n_outputs == 1 and record.in_order == 0


@rounded
def train_ahead(rows, first, last, parts, outputs):
    """Take the steps ``first <= step < last``; see `linear.train_linear`."""
    record = at(parts.records, 0)
    X, coef, m = rows.X, parts.coef, record.n_features
    row, after = row_of(rows, first), row_of(rows, min(first + 1, last - 1))
    none, ahead = coef.dtype.type(0), steps_ahead(rows)
    here = step_and_sums(X, row * m, row * m, row * m, m, coef, none)
    there = step_and_sums(X, row * m, row * m, after * m, m, coef, none)
    for step in range(first, last):
        prefetch_row(rows, step + ahead, last, m)
        c = none
        z = here.with_w * record.scale + at(parts.b, 0)
        record.strange += z * 0.0
        if outputs.shape[0] > 0:
            outputs[step - first] = z
        eta = learning_rate(record)
        moved = find_step(record, rows, row, z, eta, here.squares)
        with_w = there.with_w
        if not is_skipped(record, here.squares):
            scale = record.scale
            factor = begin_step(record, eta, parts)
            if record.scale != scale * factor:  # it was multiplied out, and so is what it scaled
                with_w *= scale * factor
            record.updates += 1.0 if moved != 0 else 0.0
            move_intercept_and_squares(record, 0, z, moved, factor, here.squares, parts)
            c = coef.dtype.type(moved * (1.0 / record.scale))  # the quotient waits for nothing
            record.t += 1.0
        later = row_of(rows, min(step + 2, last - 1))
        here = Ahead(with_w + c * there.with_row, there.with_row, there.squares)
        there = step_and_sums(X, row * m, after * m, later * m, m, coef, c)
        row, after = after, later


@inlined
def step_and_sums(X, i, before, later, m, w, c):
    """Add ``c`` times a row to w; return the sums of a later row.

    ``before`` is the row before that. Rows are told by where they begin in X.
    """
    L = width(w)
    product, cross, squares = full(w, 0.0), full(w, 0.0), full(w, 0.0)
    product2, cross2, squares2 = full(w, 0.0), full(w, 0.0), full(w, 0.0)
    j = 0
    while j + 2 * L <= m:
        no_unroll()
        x, v = load(X, later + j), load(w, j) + c * load(X, i + j)
        y, u = load(X, later + j + L), load(w, j + L) + c * load(X, i + j + L)
        store(w, j, v)
        store(w, j + L, u)
        product += v * x
        product2 += u * y
        cross += load(X, before + j) * x
        cross2 += load(X, before + j + L) * y
        squares += x * x
        squares2 += y * y
        j += 2 * L
    while j < m:
        no_unroll()
        n = m - j
        x, v = load_n(X, later + j, n), load_n(w, j, n) + c * load_n(X, i + j, n)
        store_n(w, j, n, v)
        product += v * x
        cross += load_n(X, before + j, n) * x
        squares += x * x
        j += L
    return Ahead(
        np.float64(sum_lanes(product + product2)),
        np.float64(sum_lanes(cross + cross2)),
        np.float64(sum_lanes(squares + squares2)),
    )
