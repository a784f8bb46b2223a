"""The three matrix products of a batch: x W + b, d W', and x' d.

Arrays are as they lie in ``theta`` and in the activations, rows without padding: masked loads and
stores take care of the ends. A tile of 4 rows by 4 blocks stays in registers, so that each loaded
block is used four times. SIMD lanes run along the units of a layer. These reach the machine's
arithmetic peak from 8 x 32 weights and batches of 8 on, which general BLAS does not, and they
always add in the same order.
"""

from .jit import apart, piece
from .lanes import at, fill, load_part, rolled, store_part, total, transpose_block, width


@piece
def product(x, rows, n_in, W, o, n_out, b, n_bias, z):
    """``z[r, k] = b[k] + sum_i x[r, i] * W[i, k]``; W begins at ``W[o]``, b at ``b[0]``.

    ``n_bias`` is n_out, or 0 where there is no b.
    """
    m = width(z)
    j = 0
    while j < n_out:
        rolled()
        # One tile of 4 blocks where more than 2 are left, otherwise one block. Rows behind the last
        # are the last again: computed twice, stored twice, and no remainder needed.
        several = n_out - j > 2 * m
        r = 0
        while r < rows:
            rolled()
            if several:
                _product_tile(x, r, rows, n_in, W, o, n_out, b, n_bias, z, j)
            else:
                _product_strip(x, r, rows, n_in, W, o, n_out, b, n_bias, z, j)
            r += 4
        j += 4 * m if several else m


@apart
def _product_tile(x, r, rows, n_in, W, o, n_out, b, n_bias, z, j):
    m, n = width(z), n_out - j
    r1, r2, r3 = min(r + 1, rows - 1), min(r + 2, rows - 1), min(r + 3, rows - 1)
    x0, x1, x2, x3 = r * n_in, r1 * n_in, r2 * n_in, r3 * n_in
    p0 = q0 = s0 = t0 = load_part(b, j, n_bias - j)
    p1 = q1 = s1 = t1 = load_part(b, j + m, n_bias - j - m)
    p2 = q2 = s2 = t2 = load_part(b, j + 2 * m, n_bias - j - 2 * m)
    p3 = q3 = s3 = t3 = load_part(b, j + 3 * m, n_bias - j - 3 * m)
    w, i = o + j, 0
    while i < n_in:
        rolled()
        w0, w1 = load_part(W, w, n), load_part(W, w + m, n - m)
        w2, w3 = load_part(W, w + 2 * m, n - 2 * m), load_part(W, w + 3 * m, n - 3 * m)
        v = at(x, x0 + i)
        p0 += v * w0
        p1 += v * w1
        p2 += v * w2
        p3 += v * w3
        v = at(x, x1 + i)
        q0 += v * w0
        q1 += v * w1
        q2 += v * w2
        q3 += v * w3
        v = at(x, x2 + i)
        s0 += v * w0
        s1 += v * w1
        s2 += v * w2
        s3 += v * w3
        v = at(x, x3 + i)
        t0 += v * w0
        t1 += v * w1
        t2 += v * w2
        t3 += v * w3
        w += n_out
        i += 1
    _write(z, r * n_out + j, n, p0, p1, p2, p3)
    _write(z, r1 * n_out + j, n, q0, q1, q2, q3)
    _write(z, r2 * n_out + j, n, s0, s1, s2, s3)
    _write(z, r3 * n_out + j, n, t0, t1, t2, t3)


@piece
def _write(z, o, n, v0, v1, v2, v3):
    m = width(z)
    store_part(z, o, n, v0)
    store_part(z, o + m, n - m, v1)
    store_part(z, o + 2 * m, n - 2 * m, v2)
    store_part(z, o + 3 * m, n - 3 * m, v3)


@piece
def _product_strip(x, r, rows, n_in, W, o, n_out, b, n_bias, z, j):
    n = n_out - j
    r1, r2, r3 = min(r + 1, rows - 1), min(r + 2, rows - 1), min(r + 3, rows - 1)
    x0, x1, x2, x3 = r * n_in, r1 * n_in, r2 * n_in, r3 * n_in
    p = q = s = t = load_part(b, j, n_bias - j)
    w, i = o + j, 0
    while i < n_in:
        rolled()
        wi = load_part(W, w, n)
        p += at(x, x0 + i) * wi
        q += at(x, x1 + i) * wi
        s += at(x, x2 + i) * wi
        t += at(x, x3 + i) * wi
        w += n_out
        i += 1
    store_part(z, r * n_out + j, n, p)
    store_part(z, r1 * n_out + j, n, q)
    store_part(z, r2 * n_out + j, n, s)
    store_part(z, r3 * n_out + j, n, t)


@piece
def product_column(x, rows, n_in, W, o, b, z):
    """`product` for one output: ``z[r] = b[0] + x[r] . W``, lanes along the inputs."""
    m = width(z)
    r = 0
    while r < rows:
        rolled()
        r1, r2, r3 = min(r + 1, rows - 1), min(r + 2, rows - 1), min(r + 3, rows - 1)
        x0, x1, x2, x3 = r * n_in, r1 * n_in, r2 * n_in, r3 * n_in
        p = q = s = t = fill(z, 0.0)
        i = 0
        while i < n_in:
            rolled()
            n = n_in - i
            w = load_part(W, o + i, n)
            p += w * load_part(x, x0 + i, n)
            q += w * load_part(x, x1 + i, n)
            s += w * load_part(x, x2 + i, n)
            t += w * load_part(x, x3 + i, n)
            i += m
        z[r], z[r1] = b[0] + total(p), b[0] + total(q)
        z[r2], z[r3] = b[0] + total(s), b[0] + total(t)
        r += 4


@piece
def add_outer(x, d, rows, n_in, n_out, s, target, o):
    """``target[i, k] += s * sum_r x[r, i] * d[r, k]``; the target begins at ``target[o]``."""
    m = width(target)
    j = 0
    while j < n_out:
        rolled()
        several = n_out - j > 2 * m
        i = 0
        while i < n_in:
            rolled()
            if several:
                _outer_tile(x, i, d, rows, n_in, n_out, s, target, o, j)
            else:
                _outer_strip(x, i, d, rows, n_in, n_out, s, target, o, j)
            i += 4
        j += 4 * m if several else m


@apart
def _outer_tile(x, i, d, rows, n_in, n_out, s, target, o, j):
    m, n = width(target), n_out - j
    i1, i2, i3 = min(i + 1, n_in - 1), min(i + 2, n_in - 1), min(i + 3, n_in - 1)
    p0 = p1 = p2 = p3 = q0 = q1 = q2 = q3 = fill(target, 0.0)
    u0 = u1 = u2 = u3 = t0 = t1 = t2 = t3 = fill(target, 0.0)
    c, e = 0, j
    for _ in range(rows):
        rolled()
        d0, d1 = load_part(d, e, n), load_part(d, e + m, n - m)
        d2, d3 = load_part(d, e + 2 * m, n - 2 * m), load_part(d, e + 3 * m, n - 3 * m)
        v = at(x, c + i)
        p0 += v * d0
        p1 += v * d1
        p2 += v * d2
        p3 += v * d3
        v = at(x, c + i1)
        q0 += v * d0
        q1 += v * d1
        q2 += v * d2
        q3 += v * d3
        v = at(x, c + i2)
        u0 += v * d0
        u1 += v * d1
        u2 += v * d2
        u3 += v * d3
        v = at(x, c + i3)
        t0 += v * d0
        t1 += v * d1
        t2 += v * d2
        t3 += v * d3
        c += n_in
        e += n_out
    _add(target, o + i * n_out + j, n, s, p0, p1, p2, p3)
    if i1 > i:  # a row that is there only once must not be added twice
        _add(target, o + i1 * n_out + j, n, s, q0, q1, q2, q3)
    if i2 > i1:
        _add(target, o + i2 * n_out + j, n, s, u0, u1, u2, u3)
    if i3 > i2:
        _add(target, o + i3 * n_out + j, n, s, t0, t1, t2, t3)


@piece
def _add(target, o, n, s, v0, v1, v2, v3):
    m = width(target)
    _add_block(target, o, n, s, v0)
    _add_block(target, o + m, n - m, s, v1)
    _add_block(target, o + 2 * m, n - 2 * m, s, v2)
    _add_block(target, o + 3 * m, n - 3 * m, s, v3)


@piece
def _add_block(target, o, n, s, v):
    store_part(target, o, n, load_part(target, o, n) + s * v)


@piece
def _outer_strip(x, i, d, rows, n_in, n_out, s, target, o, j):
    n = n_out - j
    i1, i2, i3 = min(i + 1, n_in - 1), min(i + 2, n_in - 1), min(i + 3, n_in - 1)
    p = q = u = t = fill(target, 0.0)
    c, e = 0, j
    for _ in range(rows):
        rolled()
        dr = load_part(d, e, n)
        p += at(x, c + i) * dr
        q += at(x, c + i1) * dr
        u += at(x, c + i2) * dr
        t += at(x, c + i3) * dr
        c += n_in
        e += n_out
    _add_block(target, o + i * n_out + j, n, s, p)
    if i1 > i:
        _add_block(target, o + i1 * n_out + j, n, s, q)
    if i2 > i1:
        _add_block(target, o + i2 * n_out + j, n, s, u)
    if i3 > i2:
        _add_block(target, o + i3 * n_out + j, n, s, t)


@piece
def add_column_sums(d, rows, n_out, s, target, o):
    """``target[k] += s * sum_r d[r, k]``; the target begins at ``target[o]``."""
    m = width(target)
    if n_out == 1:  # lanes along the rows
        even = fill(target, 0.0)
        for r in range(0, rows, m):
            rolled()
            even += load_part(d, r, rows - r)
        target[o] += s * total(even)
        return
    j = 0
    while j < n_out:
        rolled()
        even, odd = fill(target, 0.0), fill(target, 0.0)
        r = 0
        while r < rows:
            rolled()
            even += load_part(d, r * n_out + j, n_out - j)
            odd += load_part(d, (r + 1) * n_out + j, n_out - j if r + 1 < rows else 0)
            r += 2
        _add_block(target, o + j, n_out - j, s, even + odd)
        j += m


@piece
def transpose(W, o, n_in, n_out, out):
    """``out[k, i] = W[i, k]``; W begins at ``W[o]``."""
    m = width(W)
    i = 0
    while i < n_in:
        rolled()
        k = 0
        while k < n_out:
            rolled()
            at_block = o + i * n_out + k
            transpose_block(W, at_block, n_out, n_in - i, n_out - k, out, k * n_in + i, n_in)
            k += m
        i += m


@piece
def add_transposed(W, n_in, n_out, target, o):
    """``target[i, k] += W[k, i]``, for a few outputs."""
    for i in range(n_in):
        rolled()
        for k in range(n_out):
            rolled()
            target[o + i * n_out + k] += W[k * n_in + i]
