"""The three matrix products of a batch: x W + b, d W', and x' d.

Arrays are as they lie in ``theta`` and in the activations, rows without padding. What is computed
at a time, and stays in registers, is several rows of the result, one or more blocks each, so that
each block that is loaded serves all of these rows; SIMD lanes run along the units of a layer.

- A *strip* of 6 rows by one block is 12 of the 16 registers of AVX2, 24 of the 32 of NEON: the
  shape of the kernels of BLIS and OpenBLAS for such processors. 4 rows where less is left.
- A *tile* of 4 rows by 4 blocks is 16 of the 32 registers of AVX-512; elsewhere it would go to
  memory and back.

A strip reads one block of each row of the right operand. Where that operand is larger than the
first cache, and where a block reaches over the ends of the rows, these blocks are first copied into
a panel, one behind the other, with zeros behind the ends: then no mask is needed in the inner loop,
and each line of memory is fetched once for all strips. (BLIS copies both operands, always; for
8 x 32 weights that costs more than the product.) Strips begin a new sum every `PANEL` rows of the
right operand, with or without copies. Small layers, from 8 x 32 weights and batches of 8 on, come
near the machine's arithmetic peak, which in general BLAS they do not.
"""

from .jit import inlined, outlined, target
from .simd import (
    at,
    full,
    load,
    load_n,
    no_unroll,
    stack,
    store,
    store_n,
    sum_lanes,
    transpose_block,
    width,
)

TILES = "+avx512f" in target()[1]

# Rows of the right operand that a panel has room for: with what a strip reads of the left operand
# meanwhile, two thirds of a cache of 32 KB.
PANEL = 256

# Blocks that copies of the left operand have room for, 48 KB: they stay in the second cache, and
# the stack is large enough for them.
STRIPS = 768
STRIPS_AND_ONE = 769

# Blocks of a transposed left operand, 512 KB, from which on it is copied: a cache is too small then
# to have it read once for each block of the result's rows.
LARGE = 8192

# Rows of the result from which on copying a panel is less than it saves.
ENOUGH_ROWS = 24


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


@(inlined if TILES else outlined)  # inlined, loops of strips are compiled for fewer registers
def _multiply(A, n, row, column, n_sum, B, o, n_out, b, n_bias, adds, s, C, c):
    """Compute ``C[r, k] = b[k] + sum_i A[r, i] * B[i, k]`` for n rows; or add s times that to C.

    A's rows are ``row`` apart, its columns ``column``, so that a transpose is read in place. B
    begins at ``B[o]``, C at ``C[c]``.
    """
    m, j = width(C), 0
    while TILES and n_out - j > 2 * m:
        no_unroll()
        for r in range(0, n, 4):
            no_unroll()
            _tile(A, r, n, row, column, n_sum, B, o, n_out, j, b, n_bias, adds, s, C, c)
        j += 4 * m
    if j < n_out:
        _in_strips(A, n, row, column, n_sum, B, o, n_out, j, b, n_bias, adds, s, C, c)


@inlined
def _in_strips(A, n, row, column, n_sum, B, o, n_out, j, b, n_bias, adds, s, C, c):
    """Compute all rows of C from column j on, in strips."""
    m = width(C)
    panel, strips = stack(C, PANEL), stack(C, STRIPS_AND_ONE)
    is_large = 2 * PANEL * m
    copies_left = row == 1 and column != 1 and n_out - j > 2 * m and n * n_sum > LARGE * m
    copies_right = n > ENOUGH_ROWS and n_sum * n_out > is_large
    for first in range(0, n_sum, PANEL):  # also without copies: n must not change a row's sums
        no_unroll()
        size = min(PANEL, n_sum - first)
        if first > 0 and not adds:  # the first panel's sums are in C
            adds, s, n_bias = True, C.dtype.type(1), 0
        r = 0
        while r < n:
            no_unroll()
            at_A, rows = r * row + first * column, n - r
            left, l, next_row, next_column, next_strip = A, at_A, row, column, 6 * row
            if copies_left and rows >= 6:
                rows = min(rows, STRIPS * m // size) // 6 * 6
                _pack_left(A, at_A, rows, column, size, strips)
                left, l, next_row, next_column, next_strip = strips, 0, 1, 6, 6 * size
            for k in range(j, n_out, m):
                no_unroll()
                P, p, q = B, o + first * n_out + k, n_out
                if copies_right or (n_out - k < m and not TILES):
                    _pack(B, p, n_out, size, n_out - k, panel)
                    P, p, q = panel, 0, m
                start = load_n(b, k, 0 if adds else n_bias - k)
                to, there, done = c + r * n_out + k, l, 0
                while done < rows:
                    no_unroll()
                    some = rows - done
                    if some > 4 and some != 7 and some != 8:
                        _strip(
                            True, left, there, some, next_row, next_column, size, P, p, q, start,
                            C, to, n_out, n_out - k, adds, s,
                        )  # fmt: skip
                        done, to, there = done + 6, to + 6 * n_out, there + next_strip
                    else:  # 7 and 8 are 4 and 4
                        _strip(
                            False, left, there, some, next_row, next_column, size, P, p, q, start,
                            C, to, n_out, n_out - k, adds, s,
                        )  # fmt: skip
                        done, to, there = done + 4, to + 4 * n_out, there + 4 * next_row
            r += rows


@inlined
def _pack_left(A, a, rows, column, size, strips):
    """Copy rows of A, next to each other, six by six: the first column of six rows, and so on.

    With these, ten elements more are copied, which the next column overwrites.
    """
    m, to, end = width(A), 0, A.shape[0]
    for r in range(a, a + rows, 6):
        no_unroll()
        for i in range(r, r + size * column, column):
            no_unroll()
            store(strips, to, load(A, i) if i + m <= end else load_n(A, i, end - i))
            to += 6


@inlined
def _pack(B, p, stride, rows, left, panel):
    """Copy a block of each row of B, and 0 for what is behind a row's end."""
    m = width(panel)
    if left >= m:
        for i in range(rows):
            store(panel, i * m, load(B, p + i * stride))
    else:
        for i in range(rows):
            no_unroll()
            store(panel, i * m, load_n(B, p + i * stride, left))


@inlined
def _strip(six, A, a, n, row, column, size, P, p, q, start, C, c, n_out, left, adds, s):
    """Compute one block of six rows of C, or of four, as a constant says; or of the n there are.

    A's rows begin at ``A[a]``, C's at ``C[c]``. Sums begin with ``start``. What is computed beyond
    the last row is that row again, and not written.
    """
    last = min(n, 6 if six else 4) - 1
    a1, a2, a3 = a + min(1, last) * row, a + min(2, last) * row, a + min(3, last) * row
    a4, a5 = a + min(4, last) * row, a + last * row
    acc0 = acc1 = acc2 = acc3 = acc4 = acc5 = start
    i = 0
    for _ in range(size):
        no_unroll()
        w = load_n(P, p, left) if TILES else load(P, p)
        acc0 += at(A, a + i) * w
        acc1 += at(A, a1 + i) * w
        acc2 += at(A, a2 + i) * w
        acc3 += at(A, a3 + i) * w
        if six:
            acc4 += at(A, a4 + i) * w
            acc5 += at(A, a5 + i) * w
        i += column
        p += q
    _write_block(C, c, left, adds, s, acc0)
    if last >= 1:
        _write_block(C, c + n_out, left, adds, s, acc1)
    if last >= 2:
        _write_block(C, c + 2 * n_out, left, adds, s, acc2)
    if last >= 3:
        _write_block(C, c + 3 * n_out, left, adds, s, acc3)
    if six:
        _write_block(C, c + 4 * n_out, left, adds, s, acc4)
        if last >= 5:
            _write_block(C, c + 5 * n_out, left, adds, s, acc5)


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
    m, left = width(C), n_out - j
    c += r * n_out + j
    _write_block(C, c, left, adds, s, v0)
    _write_block(C, c + m, left - m, adds, s, v1)
    _write_block(C, c + 2 * m, left - 2 * m, adds, s, v2)
    _write_block(C, c + 3 * m, left - 3 * m, adds, s, v3)


@inlined
def _write_block(C, c, left, adds, s, v):
    """Write a block to ``C[c]``, or add s times it, where ``left`` elements are left of the row."""
    store_n(C, c, left, load_n(C, c, left) + s * v if adds else v)


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


@outlined
def transpose(W, o, n_in, n_out, out):
    """Write ``out[k, i] = W[i, k]``; W begins at ``W[o]``."""
    m = width(W)
    for i in range(0, n_in, m):
        no_unroll()
        if n_out == 1:
            store_n(out, i, n_in - i, load_n(W, o + i, n_in - i))
        else:
            for k in range(0, n_out, m):
                no_unroll()
                at_block = o + i * n_out + k
                transpose_block(W, at_block, n_out, n_in - i, n_out - k, out, k * n_in + i, n_in)


@inlined
def add_transposed(W, n_in, n_out, target, o):
    """Add ``W[k, i]`` to ``target[i, k]``, for a few outputs."""
    for i in range(n_in):
        no_unroll()
        for k in range(n_out):
            no_unroll()
            target[o + i * n_out + k] += W[k * n_in + i]
