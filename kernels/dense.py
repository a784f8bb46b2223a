"""The loops that a dense layer is made of: z = x W + b, g = W d, and the outer product of x and d.

On rows of whole SIMD blocks (see `table`): a *wide* layer has one row per input, a *narrow* one a
row per output. What is "add up scaled rows" for the one is "multiply rows with a vector" for the
other. SIMD lanes run along a row. ``q`` is the padded length of a wide row, ``p`` that of a narrow
one. `fused` has the same loops, fused with the update.
"""

from .activations import times_slope
from .jit import inlined
from .simd import at, full, insert_lane, load, no_unroll, store, sum_lanes, width


@inlined
def add_rows(W, n_in, q, x, z):
    """Forward, wide: compute ``z = b + sum_i x[i] * W[i]``; b is the row after the last.

    Four blocks of z at a time stay in registers, then one at a time.
    """
    m = width(z)
    j = 0
    while j + 4 * m <= q:
        no_unroll()
        b = n_in * q + j
        z0, z1, z2, z3 = load(W, b), load(W, b + m), load(W, b + 2 * m), load(W, b + 3 * m)
        r = j
        for i in range(n_in):
            no_unroll()
            xi = at(x, i)
            z0 += xi * load(W, r)
            z1 += xi * load(W, r + m)
            z2 += xi * load(W, r + 2 * m)
            z3 += xi * load(W, r + 3 * m)
            r += q
        store(z, j, z0)
        store(z, j + m, z1)
        store(z, j + 2 * m, z2)
        store(z, j + 3 * m, z3)
        j += 4 * m
    while j < q:
        no_unroll()
        even, odd = load(W, n_in * q + j), full(z, 0.0)
        r, i = j, 0
        while i + 2 <= n_in:  # two sums at a time: each addition waits for the one before
            no_unroll()
            even += at(x, i) * load(W, r)
            odd += at(x, i + 1) * load(W, r + q)
            r += 2 * q
            i += 2
        if i < n_in:
            even += at(x, i) * load(W, r)
        store(z, j, even + odd)
        j += m


@inlined
def dot_rows(W, n_out, p, x, z):
    """Forward, narrow: compute ``z[k] = b[k] + W[k] . x``, four rows at a time."""
    m = width(z)
    b = n_out * p
    first = 0
    while first < n_out:
        no_unroll()
        sums = load(W, b + first)
        n = min(n_out - first, m)
        r, k = first * p, 0
        while k + 4 <= n:
            no_unroll()
            xj = load(x, 0)
            acc0, acc1, acc2, acc3 = (
                load(W, r) * xj,
                load(W, r + p) * xj,
                load(W, r + 2 * p) * xj,
                load(W, r + 3 * p) * xj,
            )
            j = m
            while j < p:
                no_unroll()
                xj = load(x, j)
                acc0 += load(W, r + j) * xj
                acc1 += load(W, r + p + j) * xj
                acc2 += load(W, r + 2 * p + j) * xj
                acc3 += load(W, r + 3 * p + j) * xj
                j += m
            four = insert_lane(
                insert_lane(full(z, 0.0), k, sum_lanes(acc0)), k + 1, sum_lanes(acc1)
            )
            sums += insert_lane(insert_lane(four, k + 2, sum_lanes(acc2)), k + 3, sum_lanes(acc3))
            k += 4
            r += 4 * p
        while k < n:
            no_unroll()
            acc = load(W, r) * load(x, 0)
            j = m
            while j < p:
                no_unroll()
                acc += load(W, r + j) * load(x, j)
                j += m
            sums += insert_lane(full(z, 0.0), k, sum_lanes(acc))
            k += 1
            r += p
        store(z, first, sums)
        first += m


@inlined
def backward_wide(W, n_in, q, a, d, code, g):
    """Backward, wide: compute ``g[i] = W[i] . d`` times the slope at the outputs ``a`` below."""
    m = width(d)
    first, r = 0, 0
    while first < n_in:
        no_unroll()
        block = full(d, 0.0)
        for i in range(min(n_in - first, m)):
            no_unroll()
            acc = full(d, 0.0)
            j = 0
            while j < q:
                no_unroll()
                acc += load(W, r + j) * load(d, j)
                j += m
            block = insert_lane(block, i, sum_lanes(acc))
            r += q
        store(g, first, times_slope(code, load(a, first), block))
        first += m


@inlined
def backward_narrow(W, n_out, p, a, d, code, g):
    """Backward, narrow: compute ``g = sum_k d[k] * W[k]`` times the slope at ``a``."""
    m = width(d)
    j = 0
    while j < p:
        no_unroll()
        even, odd = full(d, 0.0), full(d, 0.0)
        r, k = j, 0
        while k + 2 <= n_out:
            no_unroll()
            even += at(d, k) * load(W, r)
            odd += at(d, k + 1) * load(W, r + p)
            r += 2 * p
            k += 2
        if k < n_out:
            even += at(d, k) * load(W, r)
        store(g, j, times_slope(code, load(a, j), even + odd))
        j += m


@inlined
def outer_rows(s, u, n, v, q, G, r):
    """Write ``G[r + i * q:] = s * u[i] * v`` for n rows of length q: a layer's gradient by W."""
    for i in range(n):
        no_unroll()
        scaled_row(s * at(u, i), v, q, G, r)
        r += q


@inlined
def scaled_row(s, v, q, G, r):
    """Write ``G[r:r + q] = s * v``: a layer's gradient by b."""
    j = 0
    while j < q:
        no_unroll()
        store(G, r + j, s * load(v, j))
        j += width(G)
