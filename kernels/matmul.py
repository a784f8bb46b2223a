"""The three matrix products of a batch: x W + b, d W', and x' d.

Arrays are as they lie in ``theta`` and in the activations, rows without padding: masked loads and
stores take care of the ends. Where a block is one of 32 registers (AVX-512), a tile of 4 rows by 4
blocks stays in them, so that each loaded block is used four times; elsewhere (AVX2 has 16 of half
the size) it would go to memory and back, and a strip of 4 rows by one block is twice as fast. SIMD
lanes run along the units of a layer. Small layers, from 8 x 32 weights and batches of 8 on, come
near the machine's arithmetic peak, which in general BLAS they do not, and tiles and strips add in
the same order.
"""

from .jit import inlined, outlined, target
from .simd import at, full, load_n, no_unroll, store_n, sum_lanes, transpose_block, width

TILES = "+avx512f" in target()[1]


@inlined
def product(x, rows, n_in, W, o, n_out, b, n_bias, z):
    """Compute ``z[r, k] = b[k] + sum_i x[r, i] * W[i, k]``; W begins at ``W[o]``, b at ``b[0]``.

    ``n_bias`` is n_out, or 0 where there is no b.
    """
    _multiply(x, rows, n_in, 1, n_in, W, o, n_out, b, n_bias, False, z.dtype.type(1), z, 0)


@inlined
def add_outer(x, d, rows, n_in, n_out, s, target, o):
    """Add ``s * sum_r x[r, i] * d[r, k]`` to ``target[i, k]``; it begins at ``target[o]``."""
    _multiply(x, n_in, 1, n_in, rows, d, 0, n_out, target, 0, True, s, target, o)


@inlined
def _multiply(A, n, row, column, n_sum, B, o, n_out, b, n_bias, adds, s, C, c):
    """Compute ``C[r, k] = b[k] + sum_i A[r, i] * B[i, k]`` for n rows; or add s times that to C.

    A's rows are ``row`` apart, its columns ``column``, so that a transpose is read in place. B
    begins at ``B[o]``, C at ``C[c]``.
    """
    m = width(C)
    j = 0
    while j < n_out:
        no_unroll()
        # One tile of 4 blocks where more than 2 are left, otherwise one block.
        several = TILES and n_out - j > 2 * m
        r = 0
        while r < n:
            no_unroll()
            if several:
                _tile(A, r, n, row, column, n_sum, B, o, n_out, j, b, n_bias, adds, s, C, c)
            else:
                _strip(A, r, n, row, column, n_sum, B, o, n_out, j, b, n_bias, adds, s, C, c)
            r += 4
        j += 4 * m if several else m


@outlined  # inlined, it is compiled for fewer registers
def _tile(A, r, n, row, column, n_sum, B, o, n_out, j, b, n_bias, adds, s, C, c):
    """Compute four rows of C, four blocks each. Rows behind the last are the last, not written."""
    m, left = width(C), n_out - j
    r1, r2, r3 = min(r + 1, n - 1), min(r + 2, n - 1), min(r + 3, n - 1)
    a0, a1, a2, a3 = r * row, r1 * row, r2 * row, r3 * row
    acc00 = acc10 = acc20 = acc30 = load_n(b, j, n_bias - j)
    acc01 = acc11 = acc21 = acc31 = load_n(b, j + m, n_bias - j - m)
    acc02 = acc12 = acc22 = acc32 = load_n(b, j + 2 * m, n_bias - j - 2 * m)
    acc03 = acc13 = acc23 = acc33 = load_n(b, j + 3 * m, n_bias - j - 3 * m)
    i, w = 0, o + j
    for _ in range(n_sum):
        no_unroll()
        w0, w1 = load_n(B, w, left), load_n(B, w + m, left - m)
        w2, w3 = load_n(B, w + 2 * m, left - 2 * m), load_n(B, w + 3 * m, left - 3 * m)
        v = at(A, a0 + i)
        acc00 += v * w0
        acc01 += v * w1
        acc02 += v * w2
        acc03 += v * w3
        v = at(A, a1 + i)
        acc10 += v * w0
        acc11 += v * w1
        acc12 += v * w2
        acc13 += v * w3
        v = at(A, a2 + i)
        acc20 += v * w0
        acc21 += v * w1
        acc22 += v * w2
        acc23 += v * w3
        v = at(A, a3 + i)
        acc30 += v * w0
        acc31 += v * w1
        acc32 += v * w2
        acc33 += v * w3
        i += column
        w += n_out
    _write(C, c, n_out, r, j, adds, s, acc00, acc01, acc02, acc03)
    if r1 > r:
        _write(C, c, n_out, r1, j, adds, s, acc10, acc11, acc12, acc13)
    if r2 > r1:
        _write(C, c, n_out, r2, j, adds, s, acc20, acc21, acc22, acc23)
    if r3 > r2:
        _write(C, c, n_out, r3, j, adds, s, acc30, acc31, acc32, acc33)


@inlined
def _write(C, c, n_out, r, j, adds, s, v0, v1, v2, v3):
    m = width(C)
    _write_block(C, c, n_out, r, j, adds, s, v0)
    _write_block(C, c, n_out, r, j + m, adds, s, v1)
    _write_block(C, c, n_out, r, j + 2 * m, adds, s, v2)
    _write_block(C, c, n_out, r, j + 3 * m, adds, s, v3)


@inlined
def _write_block(C, c, n_out, r, j, adds, s, v):
    c += r * n_out + j
    store_n(C, c, n_out - j, load_n(C, c, n_out - j) + s * v if adds else v)


@inlined
def _strip(A, r, n, row, column, n_sum, B, o, n_out, j, b, n_bias, adds, s, C, c):
    """Compute four rows of C, one block each: as `_tile`."""
    r1, r2, r3 = min(r + 1, n - 1), min(r + 2, n - 1), min(r + 3, n - 1)
    a0, a1, a2, a3 = r * row, r1 * row, r2 * row, r3 * row
    acc0 = acc1 = acc2 = acc3 = load_n(b, j, n_bias - j)
    i, w = 0, o + j
    for _ in range(n_sum):
        no_unroll()
        wi = load_n(B, w, n_out - j)
        acc0 += at(A, a0 + i) * wi
        acc1 += at(A, a1 + i) * wi
        acc2 += at(A, a2 + i) * wi
        acc3 += at(A, a3 + i) * wi
        i += column
        w += n_out
    _write_block(C, c, n_out, r, j, adds, s, acc0)
    if r1 > r:
        _write_block(C, c, n_out, r1, j, adds, s, acc1)
    if r2 > r1:
        _write_block(C, c, n_out, r2, j, adds, s, acc2)
    if r3 > r2:
        _write_block(C, c, n_out, r3, j, adds, s, acc3)


@inlined
def product_column(x, rows, n_in, W, o, b, n_bias, z):
    """Compute `product` for one output: ``z[r] = b[0] + x[r] . W``, lanes along the inputs."""
    m = width(z)
    b0 = at(b, 0) if n_bias > 0 else z.dtype.type(0)
    r = 0
    while r < rows:
        no_unroll()
        r1, r2, r3 = min(r + 1, rows - 1), min(r + 2, rows - 1), min(r + 3, rows - 1)
        x0, x1, x2, x3 = r * n_in, r1 * n_in, r2 * n_in, r3 * n_in
        acc0 = acc1 = acc2 = acc3 = full(z, 0.0)
        i = 0
        while i < n_in:
            no_unroll()
            n = n_in - i
            w = load_n(W, o + i, n)
            acc0 += w * load_n(x, x0 + i, n)
            acc1 += w * load_n(x, x1 + i, n)
            acc2 += w * load_n(x, x2 + i, n)
            acc3 += w * load_n(x, x3 + i, n)
            i += m
        z[r], z[r1] = b0 + sum_lanes(acc0), b0 + sum_lanes(acc1)
        z[r2], z[r3] = b0 + sum_lanes(acc2), b0 + sum_lanes(acc3)
        r += 4


@inlined
def add_column_sums(d, rows, n_out, s, target, o):
    """Add ``s * sum_r d[r, k]`` to ``target[k]``; the target begins at ``target[o]``."""
    m = width(target)
    if n_out == 1:  # lanes along the rows
        even = full(target, 0.0)
        for r in range(0, rows, m):
            no_unroll()
            even += load_n(d, r, rows - r)
        target[o] += s * sum_lanes(even)
        return
    j = 0
    while j < n_out:
        no_unroll()
        even, odd = full(target, 0.0), full(target, 0.0)
        r = 0
        while r < rows:
            no_unroll()
            even += load_n(d, r * n_out + j, n_out - j)
            odd += load_n(d, (r + 1) * n_out + j, n_out - j if r + 1 < rows else 0)
            r += 2
        store_n(target, o + j, n_out - j, load_n(target, o + j, n_out - j) + s * (even + odd))
        j += m


@inlined
def transpose(W, o, n_in, n_out, out):
    """Write ``out[k, i] = W[i, k]``; W begins at ``W[o]``."""
    m = width(W)
    i = 0
    while i < n_in:
        no_unroll()
        k = 0
        while k < n_out:
            no_unroll()
            at_block = o + i * n_out + k
            transpose_block(W, at_block, n_out, n_in - i, n_out - k, out, k * n_in + i, n_in)
            k += m
        i += m


@inlined
def add_transposed(W, n_in, n_out, target, o):
    """Add ``W[k, i]`` to ``target[i, k]``, for a few outputs."""
    for i in range(n_in):
        no_unroll()
        for k in range(n_out):
            no_unroll()
            target[o + i * n_out + k] += W[k * n_in + i]
