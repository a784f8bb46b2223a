"""L2 by one number for all coefficients, L1 by what each still owes, and averages over the steps.

* L2 shrinks every coefficient by one factor at each step: they are kept as ``scale * coef``, and
  only ``scale`` shrinks (Shalev-Shwartz, Singer, Srebro 2007).
* L1 is paid by the columns of the row at hand only: ``owed`` is what each coefficient should have
  paid by now, ``paid`` what it has; crossing 0 ends at 0 (Tsuruoka, Tsujii, Ananiadou 2009).
* The average over the steps changes, at each, in the row's columns only: it is
  ``(average + average_a * coef) / average_b`` (Xu 2011; Bottou 2012).
"""

import numpy as np

from ..jit import outlined, rounded
from ..simd import (
    absolute,
    full,
    maximum,
    minimum,
    no_unroll,
    sum_lanes,
    where_greater,
    width,
)
from .blocks import read, write
from .rows import add_in_order, add_row

# A smaller scale is multiplied out, before coefficients overflow: scikit-learn's bounds.
LEAST_SCALE_32, LEAST_SCALE_64 = 1e-6, 1e-9


@rounded
def shrink(record, factor, coef, average):
    """Multiply all coefficients by a factor."""
    record.scale *= factor
    record.squares *= factor * factor
    record.squares_now *= factor * factor
    record.absolutes *= factor
    record.absolutes_now *= factor
    if record.scale < (LEAST_SCALE_32 if coef.itemsize == 4 else LEAST_SCALE_64):
        fold(record, coef, average)


@outlined
def fold(record, coef, average):
    """Multiply the scale out, and bring the average up to date."""
    a, b, scale = record.average_a, 1.0 / record.average_b, record.scale
    for j in range(average.shape[0]):
        average[j] = (average[j] + a * coef[j]) * b
    for j in range(coef.shape[0]):
        coef[j] *= scale
    record.average_a, record.average_b, record.scale = 0.0, 1.0, 1.0


# --- averages --------------------------------------------------------------------------------


@rounded
def follow(record, rows, begin, end, step, average, o):
    """Keep an output's average as it was while the coefficients take a step on a row."""
    if step != 0 and record.in_order > 0:
        add_in_order(rows, begin, end, record.average_a, -step / record.scale, average, o)
    elif step != 0:
        add_row(rows, begin, end, -record.average_a * step / record.scale, average, o)


@rounded
def count_step(record, n):
    """Let the average take the coefficients of the n-th step in."""
    mu = 1.0 / n
    if n > 1:
        record.average_b /= 1.0 - mu
    record.average_a += mu * record.average_b * record.scale


# --- L1 --------------------------------------------------------------------------------------


@rounded
def pay(record, rows, begin, end, coef, paid, o):
    """Let the coefficients of a row's columns pay what they owe, until they are 0.

    The average is not told, as in scikit-learn: it is that of the steps before L1 is paid.
    """
    owed, scale = coef.dtype.type(record.owed), coef.dtype.type(record.scale)
    gone, gone_squares = full(coef, 0.0), full(coef, 0.0)
    i = begin
    while i < end:
        no_unroll()
        w, q = read(rows, i, begin, end, coef, o), read(rows, i, begin, end, paid, o)
        above = maximum(w - (q + owed) / scale, 0.0)
        below = minimum(w + (full(coef, owed) - q) / scale, 0.0)
        new = where_greater(w, 0.0, above, where_greater(full(coef, 0.0) - w, 0.0, below, w))
        write(rows, i, begin, end, paid, o, q + scale * (new - w))
        write(rows, i, begin, end, coef, o, new)
        gone += absolute(w) - absolute(new)
        gone_squares += w * w - new * new
        i += width(coef)
    record.absolutes_now -= record.scale * sum_lanes(gone)
    record.squares_now -= record.scale * record.scale * sum_lanes(gone_squares)


# --- what the objective adds up ---------------------------------------------------------------


@rounded
def sizes(rows, begin, end, coef, o):
    """Return the sums of absolute values and of squares of the coefficients of a row's columns."""
    a, s = full(coef, 0.0), full(coef, 0.0)
    i = begin
    while i < end:
        no_unroll()
        w = read(rows, i, begin, end, coef, o)
        a += absolute(w)
        s += w * w
        i += width(coef)
    return np.float64(sum_lanes(a)), np.float64(sum_lanes(s))
