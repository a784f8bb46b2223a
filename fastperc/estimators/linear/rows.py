"""Rows that were checked, as kernels and products take them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

MOST = np.iinfo(np.int32).max


def canonical(X: Any) -> csr_matrix:
    """Return a matrix in CSR form in which no row names a column twice, with short indices.

    Duplicates are added up: the kernels write each column of a row once.
    """
    if not X.has_canonical_format:
        X = X.copy()
        X.sum_duplicates()
    if X.indices.dtype != np.int32 and max(X.nnz, X.shape[1]) <= MOST:
        short = X.indices.astype(np.int32), X.indptr.astype(np.int32)
        X = sparse.csr_matrix((X.data, *short), X.shape)
        X.has_canonical_format = True
    return X
