"""Blocks of a row's coefficients, dense or of the columns that a row in CSR form names.

What is done to them is then written once, on SIMD lanes. No row names a column twice.
"""

from ..jit import inlined
from ..simd import gather_n, load_n, scatter_n, store_n
from .rows import is_sparse


@inlined
def read(rows, i, begin, end, w, o):
    """Read the coefficients from ``w[o]`` on that a row's values from ``i`` on meet."""
    if is_sparse(rows):
        return gather_n(w, o, rows.columns, i, end - i)
    return load_n(w, o + i - begin, end - i)


@inlined
def write(rows, i, begin, end, w, o, v):
    """Write them."""
    if is_sparse(rows):
        scatter_n(w, o, rows.columns, i, end - i, v)
    else:
        store_n(w, o + i - begin, end - i, v)
