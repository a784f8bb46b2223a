"""Rows of X, dense or in CSR form: their products with coefficients, and adding them to these.

A row is where its values begin and end in the flat array X. Of dense rows, SIMD lanes run along the
features; in CSR form each value names its column. Which it is, is asked once per row.
"""

import numpy as np

from ..jit import inlined, rounded
from ..simd import (
    at,
    full,
    load,
    load_n,
    no_unroll,
    prefetch,
    put,
    store,
    store_n,
    sum_lanes,
    width,
)

# A row is fetched so many bytes before it is wanted: main memory takes that long to answer.
AHEAD_BYTES = 4096
MOST_AHEAD = 32  # steps


@inlined
def is_sparse(rows):
    """Return whether values name their columns."""
    return rows.columns.shape[0] > 0


@inlined
def row_of(rows, step):
    """Return which row a step takes."""
    return int(at(rows.order, step)) if rows.order.shape[0] > 0 else step


@inlined
def extent(rows, row, n_features):
    """Return where the values of a row begin and end."""
    if rows.starts.shape[0] > 0:
        return int(at(rows.starts, row)), int(at(rows.starts, row + 1))
    return row * n_features, (row + 1) * n_features


@inlined
def steps_ahead(rows):
    """Return how many steps before its own a row is fetched."""
    length = rows.X.shape[0] // rows.y.shape[0] + 1
    return min(1 + AHEAD_BYTES // (length * rows.X.itemsize), MOST_AHEAD)


@inlined
def prefetch_row(rows, step, last, n_features):
    """Begin to load the row of a step to come: shuffled ones come from anywhere in memory."""
    if rows.order.shape[0] > 0 and step < last:
        row = row_of(rows, step)
        begin, end = extent(rows, row, n_features)
        prefetch(rows.y, row)
        j = begin
        while j < end:
            no_unroll()
            prefetch(rows.X, j)
            if is_sparse(rows):
                prefetch(rows.columns, j)
            j += width(rows.X)
        prefetch(rows.X, end - 1)


# --- products --------------------------------------------------------------------------------


@inlined
def dot(rows, begin, end, w, o):
    """Return the product of a row with the coefficients that begin at ``w[o]``."""
    if is_sparse(rows):
        return _sparse_dot(rows.X, rows.columns, begin, end, w, o)
    return _dense_dot(rows.X, begin, end, w, o)


@inlined
def dots(rows, begin, end, w, m, n, products):
    """Write the products of a row with the coefficients of each of n outputs."""
    k = 0
    if not is_sparse(rows):
        while k + 4 <= n:
            no_unroll()
            _dense_dot_4(rows.X, begin, end, w, k * m, m, products, k)
            k += 4
    while k < n:
        no_unroll()
        products[k] = dot(rows, begin, end, w, k * m)
        k += 1


@inlined
def _dense_dot_4(X, i, end, w, o, stride, products, k):
    """Compute four outputs' products at once: the row is read once for all of them."""
    m = width(X)
    a, b, c, d = full(X, 0.0), full(X, 0.0), full(X, 0.0), full(X, 0.0)
    o -= i
    while i + m <= end:
        no_unroll()
        x = load(X, i)
        a += x * load(w, o + i)
        b += x * load(w, o + i + stride)
        c += x * load(w, o + i + 2 * stride)
        d += x * load(w, o + i + 3 * stride)
        i += m
    if i < end:
        r = end - i
        x = load_n(X, i, r)
        a += x * load_n(w, o + i, r)
        b += x * load_n(w, o + i + stride, r)
        c += x * load_n(w, o + i + 2 * stride, r)
        d += x * load_n(w, o + i + 3 * stride, r)
    products[k], products[k + 1] = sum_lanes(a), sum_lanes(b)
    products[k + 2], products[k + 3] = sum_lanes(c), sum_lanes(d)


@inlined
def _dense_dot(X, i, end, w, o):
    m = width(X)
    a, b = full(X, 0.0), full(X, 0.0)
    c, d = full(X, 0.0), full(X, 0.0)
    o -= i
    while i + 4 * m <= end:
        no_unroll()
        a += load(X, i) * load(w, o + i)
        b += load(X, i + m) * load(w, o + i + m)
        c += load(X, i + 2 * m) * load(w, o + i + 2 * m)
        d += load(X, i + 3 * m) * load(w, o + i + 3 * m)
        i += 4 * m
    while i + m <= end:
        no_unroll()
        a += load(X, i) * load(w, o + i)
        i += m
    if i < end:
        b += load_n(X, i, end - i) * load_n(w, o + i, end - i)
    return np.float64(sum_lanes((a + b) + (c + d)))


@inlined
def _sparse_dot(X, columns, i, end, w, o):
    a, b, c, d = 0.0, 0.0, 0.0, 0.0
    while i + 4 <= end:
        no_unroll()
        a += np.float64(at(X, i)) * at(w, o + at(columns, i))
        b += np.float64(at(X, i + 1)) * at(w, o + at(columns, i + 1))
        c += np.float64(at(X, i + 2)) * at(w, o + at(columns, i + 2))
        d += np.float64(at(X, i + 3)) * at(w, o + at(columns, i + 3))
        i += 4
    while i < end:
        no_unroll()
        a += np.float64(at(X, i)) * at(w, o + at(columns, i))
        i += 1
    return (a + b) + (c + d)


@inlined
def squares_of_row(rows, i, end):
    """Return the sum of the squares of a row."""
    X, m = rows.X, width(rows.X)
    a, b = full(X, 0.0), full(X, 0.0)
    while i + 2 * m <= end:
        no_unroll()
        x, z = load(X, i), load(X, i + m)
        a += x * x
        b += z * z
        i += 2 * m
    while i < end:
        no_unroll()
        x = load_n(X, i, end - i)
        a += x * x
        i += m
    return np.float64(sum_lanes(a + b))


# --- sums ------------------------------------------------------------------------------------


@inlined
def add_row(rows, begin, end, factor, w, o):
    """Add ``factor`` times a row to the coefficients that begin at ``w[o]``."""
    factor = w.dtype.type(factor)
    if is_sparse(rows):
        _sparse_add(rows.X, rows.columns, begin, end, factor, w, o)
    else:
        _dense_add(rows.X, begin, end, factor, w, o)


@inlined
def _dense_add(X, i, end, factor, w, o):
    m = width(X)
    o -= i
    while i + m <= end:
        no_unroll()
        store(w, o + i, load(w, o + i) + factor * load(X, i))
        i += m
    if i < end:
        n = end - i
        store_n(w, o + i, n, load_n(w, o + i, n) + factor * load_n(X, i, n))


@inlined
def _sparse_add(X, columns, i, end, factor, w, o):
    while i + 4 <= end:  # no row names a column twice, so that all four may be read at once
        no_unroll()
        j, k = o + at(columns, i), o + at(columns, i + 1)
        p, q = o + at(columns, i + 2), o + at(columns, i + 3)
        a, b = at(w, j) + factor * at(X, i), at(w, k) + factor * at(X, i + 1)
        c, d = at(w, p) + factor * at(X, i + 2), at(w, q) + factor * at(X, i + 3)
        put(w, j, a)
        put(w, k, b)
        put(w, p, c)
        put(w, q, d)
        i += 4
    while i < end:
        no_unroll()
        j = o + at(columns, i)
        put(w, j, at(w, j) + factor * at(X, i))
        i += 1


# --- one feature after the other ---------------------------------------------------------------


@rounded
def dot_in_order(rows, begin, end, w, o):
    """Return the same as `dot`, to the bit what a loop over the features gives."""
    total = 0.0
    for i in range(begin, end):
        no_unroll()
        j = o + (at(rows.columns, i) if is_sparse(rows) else i - begin)
        total += at(w, j) * at(rows.X, i)
    return total


@rounded
def squares_in_order(rows, begin, end):
    """Return the same as `squares_of_row`."""
    total = 0.0
    for i in range(begin, end):
        no_unroll()
        total += at(rows.X, i) * at(rows.X, i)
    return total


@rounded
def add_in_order(rows, begin, end, share, factor, w, o):
    """Add ``share * x * factor`` for each value x, multiplied in this order."""
    share, factor = w.dtype.type(share), w.dtype.type(factor)
    for i in range(begin, end):
        no_unroll()
        j = o + (at(rows.columns, i) if is_sparse(rows) else i - begin)
        put(w, j, at(w, j) + share * at(rows.X, i) * factor)
