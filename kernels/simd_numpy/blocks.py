"""Square blocks of a matrix, and loops over blocks."""

import numpy as np  # noqa: F401  (for the examples)

from .memory import width


def transpose_block(a, i, stride, rows, columns, b, j, b_stride):
    """Write the transpose of one block of the matrix in ``a`` to ``b``: ``b[k, r] = a[r, k]``.

    A block has `width` rows and columns, of which the first ``rows`` and ``columns`` are there.
    Rows of ``a`` begin at ``i`` and are ``stride`` apart; likewise ``j`` and ``b_stride`` in ``b``.

    Examples
    --------
    >>> a, b = np.arange(6.0), np.zeros(6)
    >>> transpose_block(a, 0, 3, 2, 3, b, 0, 2)
    >>> b
    array([0., 3., 1., 4., 2., 5.])
    """
    for r in range(min(rows, width(a))):
        for k in range(min(columns, width(a))):
            b[j + k * b_stride + r] = a[i + r * stride + k]


def no_unroll():
    """Keep LLVM from unrolling the loop that this stands in.

    Loops over blocks mostly run once or twice; the unrolled copies cost more to enter than they
    save, and twice the compile time.

    Examples
    --------
    >>> i, a = 0, np.ones(20)
    >>> while i < a.size:
    ...     no_unroll()
    ...     i += width(a)
    """
