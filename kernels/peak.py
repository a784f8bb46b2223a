"""What one core can do at most: multiply-adds in registers, and copies within the first cache.

Both are there to be timed only: kernels are shown as a share of them. SIMD lanes run along blocks
of 64 bytes. Nothing waits: neither for memory nor for another multiply-add, of which as many are
under way as hide the latency of one, 4 cycles in 2 units, and half as many again. A block is one of
32 registers with AVX-512, and two of 16 with AVX2: 12 are used, and one for each constant.
"""

from .jit import inlined, kernel, target
from .simd import load, no_unroll, store, width

WIDE = "+avx512f" in target()[1]
BLOCKS = 12 if WIDE else 6


@kernel(fastmath={"contract"})  # multiply and add in one instruction, and change nothing else
def multiply_add(a, n):
    """Compute ``a[i] = a[i] / 2 + 1/4`` for all i, n times over.

    ``a`` has `BLOCKS` blocks, each read and written once; the numbers approach 1/2. These are 2 n
    operations for each number.
    """
    if WIDE:
        _with_12_registers(a, n, a.dtype.type(0.5), a.dtype.type(0.25))
    else:
        _with_6_blocks(a, n, a.dtype.type(0.5), a.dtype.type(0.25))


@inlined(fastmath={"contract"})
def _with_12_registers(a, n, s, t):
    m = width(a)
    v0, v1, v2, v3 = load(a, 0), load(a, m), load(a, 2 * m), load(a, 3 * m)
    v4, v5, v6, v7 = load(a, 4 * m), load(a, 5 * m), load(a, 6 * m), load(a, 7 * m)
    v8, v9, v10, v11 = load(a, 8 * m), load(a, 9 * m), load(a, 10 * m), load(a, 11 * m)
    for _ in range(n):
        no_unroll()
        v0, v1, v2, v3 = v0 * s + t, v1 * s + t, v2 * s + t, v3 * s + t
        v4, v5, v6, v7 = v4 * s + t, v5 * s + t, v6 * s + t, v7 * s + t
        v8, v9, v10, v11 = v8 * s + t, v9 * s + t, v10 * s + t, v11 * s + t
    _store_4(a, 0, v0, v1, v2, v3)
    _store_4(a, 4 * m, v4, v5, v6, v7)
    _store_4(a, 8 * m, v8, v9, v10, v11)


@inlined(fastmath={"contract"})
def _with_6_blocks(a, n, s, t):
    m = width(a)
    v0, v1, v2 = load(a, 0), load(a, m), load(a, 2 * m)
    v3, v4, v5 = load(a, 3 * m), load(a, 4 * m), load(a, 5 * m)
    for _ in range(n):
        no_unroll()
        v0, v1, v2 = v0 * s + t, v1 * s + t, v2 * s + t
        v3, v4, v5 = v3 * s + t, v4 * s + t, v5 * s + t
    _store_4(a, 0, v0, v1, v2, v3)
    store(a, 4 * m, v4)
    store(a, 5 * m, v5)


@inlined
def _store_4(a, i, v0, v1, v2, v3):
    m = width(a)
    store(a, i, v0)
    store(a, i + m, v1)
    store(a, i + 2 * m, v2)
    store(a, i + 3 * m, v3)


@kernel
def copy(a, b, n):
    """Copy a to b, which are as long, a multiple of 4 blocks, n times over."""
    m = width(a)
    for _ in range(n):
        no_unroll()  # LLVM keeps every copy: it cannot tell that the loop changes nothing
        i = 0
        while i < a.shape[0]:
            no_unroll()
            v0, v1, v2, v3 = load(a, i), load(a, i + m), load(a, i + 2 * m), load(a, i + 3 * m)
            _store_4(b, i, v0, v1, v2, v3)
            i += 4 * m
