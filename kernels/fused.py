"""The loops of `dense`, fused with the update of plain gradient descent.

Each weight is read once and written once, where forward, backward and update one after the other
would pass over W three times:

=======================  ======================  ========================
fused loop               wide: rows of n_out     narrow: rows of n_in
=======================  ======================  ========================
backward, update         `backward_update_wide`  `backward_update_narrow`
update, next forward     `update_forward_wide`   `update_forward_narrow`
all of it                                        `one_output`
=======================  ======================  ========================
"""

from .activations import activate, activate_layer, times_slope
from .jit import inlined, target
from .losses import elementwise, loss_cap
from .simd import at, first_n, full, insert_lane, load, no_unroll, store, sum_lanes, view, width

# Four blocks and what is added to them, held over a loop, are all 32 registers of NEON, where a
# block is four: they would go to memory and back in every turn.
HOLDS_FOUR = "+avx" in target()[1]


@inlined(fastmath=False)
def rounded(s, v):
    """Return ``s * v``, not fused with what it is added to: a step of b is rounded as one of W."""
    return s * v


@inlined
def step_row(W, r, step, d, n):
    """Step ``W[r:r + n] -= step * d``: a bias row."""
    j = 0
    while j < n:
        no_unroll()
        store(W, r + j, load(W, r + j) - step * load(d, j))
        j += width(W)


@inlined
def backward_update_wide(W, n_in, q, step, step_b, a, d, code, g):
    """Backward and update, wide, in one sweep over W; b has a step of its own.

    For each input i, in this order: ``g[i] = W[i] . d``, then ``W[i] -= step * a[i] * d``. ``g`` is
    multiplied with the slope of the layer below, whose outputs ``a`` are.
    """
    m = width(d)
    first, r = 0, 0
    while first < n_in:
        no_unroll()
        block = full(d, 0.0)
        n = min(n_in - first, m)
        for i in range(n):
            no_unroll()
            s = step * at(a, first + i)
            acc = full(d, 0.0)
            j = 0
            while j + 4 * m <= q:
                no_unroll()
                w0, w1 = load(W, r + j), load(W, r + j + m)
                w2, w3 = load(W, r + j + 2 * m), load(W, r + j + 3 * m)
                d0, d1 = load(d, j), load(d, j + m)
                d2, d3 = load(d, j + 2 * m), load(d, j + 3 * m)
                acc += (w0 * d0 + w1 * d1) + (w2 * d2 + w3 * d3)
                store(W, r + j, w0 - s * d0)
                store(W, r + j + m, w1 - s * d1)
                store(W, r + j + 2 * m, w2 - s * d2)
                store(W, r + j + 3 * m, w3 - s * d3)
                j += 4 * m
            while j < q:
                no_unroll()
                w, dj = load(W, r + j), load(d, j)
                acc += w * dj
                store(W, r + j, w - s * dj)
                j += m
            block = insert_lane(block, i, sum_lanes(acc))
            r += q
        store(g, first, times_slope(code, load(a, first), block))
        first += m
    step_row(W, n_in * q, step_b, d, q)


@inlined
def backward_update_narrow(W, n_out, p, step, step_b, a, d, code, g):
    """Backward and update, narrow: ``g = sum_k d[k] * W[k]``, ``W[k] -= step * d[k] * a``."""
    m = width(d)
    j = 0
    while HOLDS_FOUR and j + 4 * m <= p:
        no_unroll()
        a0, a1, a2, a3 = load(a, j), load(a, j + m), load(a, j + 2 * m), load(a, j + 3 * m)
        acc0 = acc1 = acc2 = acc3 = full(d, 0.0)
        r = j
        for k in range(n_out):
            no_unroll()
            dk = at(d, k)
            s = step * dk
            w0, w1, w2, w3 = load(W, r), load(W, r + m), load(W, r + 2 * m), load(W, r + 3 * m)
            acc0 += dk * w0
            acc1 += dk * w1
            acc2 += dk * w2
            acc3 += dk * w3
            store(W, r, w0 - s * a0)
            store(W, r + m, w1 - s * a1)
            store(W, r + 2 * m, w2 - s * a2)
            store(W, r + 3 * m, w3 - s * a3)
            r += p
        store(g, j, times_slope(code, a0, acc0))
        store(g, j + m, times_slope(code, a1, acc1))
        store(g, j + 2 * m, times_slope(code, a2, acc2))
        store(g, j + 3 * m, times_slope(code, a3, acc3))
        j += 4 * m
    while j < p:
        no_unroll()
        aj = load(a, j)
        acc = full(d, 0.0)
        r = j
        for k in range(n_out):
            no_unroll()
            w, dk = load(W, r), at(d, k)
            acc += dk * w
            store(W, r, w - (step * dk) * aj)
            r += p
        store(g, j, times_slope(code, aj, acc))
        j += m
    step_row(W, n_out * p, step_b, d, n_out)


@inlined
def update_forward_wide(W, n_in, q, step, step_b, x, d, x_next, code, n, z):
    """First layer, wide: update with this sample, and the next one's n outputs, in one sweep.

    Plainly: ``W -= step * outer(x, d); b -= step_b * d; z = activate(x_next @ W + b)``.
    """
    m = width(d)
    j = 0
    while HOLDS_FOUR and j + 4 * m <= q:
        no_unroll()
        s0, s1 = step * load(d, j), step * load(d, j + m)
        s2, s3 = step * load(d, j + 2 * m), step * load(d, j + 3 * m)
        b = n_in * q + j
        z0 = load(W, b) - rounded(step_b, load(d, j))
        z1 = load(W, b + m) - rounded(step_b, load(d, j + m))
        z2 = load(W, b + 2 * m) - rounded(step_b, load(d, j + 2 * m))
        z3 = load(W, b + 3 * m) - rounded(step_b, load(d, j + 3 * m))
        store(W, b, z0)
        store(W, b + m, z1)
        store(W, b + 2 * m, z2)
        store(W, b + 3 * m, z3)
        r = j
        for i in range(n_in):
            no_unroll()
            xi, yi = at(x, i), at(x_next, i)
            w0, w1 = load(W, r) - xi * s0, load(W, r + m) - xi * s1
            w2, w3 = load(W, r + 2 * m) - xi * s2, load(W, r + 3 * m) - xi * s3
            store(W, r, w0)
            store(W, r + m, w1)
            store(W, r + 2 * m, w2)
            store(W, r + 3 * m, w3)
            z0 += yi * w0
            z1 += yi * w1
            z2 += yi * w2
            z3 += yi * w3
            r += q
        store(z, j, z0)
        store(z, j + m, z1)
        store(z, j + 2 * m, z2)
        store(z, j + 3 * m, z3)
        activate_layer(code, view(z, j, 4 * m), n - j if n - j < 4 * m else 4 * m)
        j += 4 * m
    while j < q:
        no_unroll()
        s = step * load(d, j)
        even, odd = load(W, n_in * q + j) - rounded(step_b, load(d, j)), full(d, 0.0)
        store(W, n_in * q + j, even)
        r, i = j, 0
        while i + 2 <= n_in:
            no_unroll()
            w0 = load(W, r) - at(x, i) * s
            w1 = load(W, r + q) - at(x, i + 1) * s
            store(W, r, w0)
            store(W, r + q, w1)
            even += at(x_next, i) * w0
            odd += at(x_next, i + 1) * w1
            r += 2 * q
            i += 2
        if i < n_in:
            w0 = load(W, r) - at(x, i) * s
            store(W, r, w0)
            even += at(x_next, i) * w0
        store(z, j, first_n(activate(code, even + odd), n - j))
        j += m


@inlined
def one_output(loss, activation, W, p, x, y, step, step_b, code, g):
    """Do all that a layer of one unit does for a sample, and return the loss; W is its row, then b.

    Plainly: ``z = W . x + b``, the output, its loss and delta ``d``, then ``g = d * W`` times the
    slope of the layer below, ``W -= step * d * x``, ``b -= step_b * d``. All of z, the output and d
    is the same number in every lane, so that it needs not pass through memory.
    """
    m = width(x)
    acc = load(W, 0) * load(x, 0)
    j = m
    while j < p:
        no_unroll()
        acc += load(W, j) * load(x, j)
        j += m
    z = full(x, sum_lanes(acc) + at(W, p))
    _, d, e = elementwise(loss, activation, z, full(x, y), loss_cap(loss, x))
    s = step * d
    j = 0
    while j < p:
        no_unroll()
        w, xj = load(W, j), load(x, j)
        store(g, j, times_slope(code, xj, d * w))
        store(W, j, w - s * xj)
        j += m
    store(W, p, load(W, p) - first_n(step_b * d, 1))
    return float(sum_lanes(first_n(e, 1)))


@inlined
def update_forward_narrow(W, n_out, p, step, step_b, x, d, x_next, z):
    """First layer, narrow: `update_forward_wide`; ``x``, ``x_next`` are padded, as rows are."""
    m = width(d)
    b = n_out * p
    step_row(W, b, step_b, d, n_out)
    first, r = 0, 0
    while first < n_out:
        no_unroll()
        sums = load(W, b + first)
        n = min(n_out - first, m)
        for k in range(n):
            no_unroll()
            s = step * at(d, first + k)
            acc = full(d, 0.0)
            j = 0
            while j < p:
                no_unroll()
                w = load(W, r + j) - s * load(x, j)
                store(W, r + j, w)
                acc += w * load(x_next, j)
                j += m
            sums += insert_lane(full(d, 0.0), k, sum_lanes(acc))
            r += p
        store(z, first, sums)
        first += m
