"""Checks that several of the systems make, and the layout that their kernels want."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ..checks import check_array
from ..kernels.simd_numpy import BYTES


def check_vector(values: ArrayLike, name: str) -> np.ndarray:
    """Return ``values`` as a read-only float64 array of shape (n,)."""
    return check_array(values, name, ndim=1)


def is_vector(values: ArrayLike) -> bool:
    """Return whether ``values`` has one dimension; a ragged list has not, see `check_array`."""
    try:
        return np.ndim(values) == 1
    except ValueError:
        return False


def check_same_length(**vectors: np.ndarray) -> None:
    """Raise unless all have one entry for each sample; their names are the keywords."""
    if len({len(v) for v in vectors.values()}) > 1:
        found = ", ".join(f"{len(v)} in {name}" for name, v in vectors.items())
        raise ValueError(f"found {found}, expected one entry for each sample in all of them")


def whole_blocks(n: int) -> int:
    """Return ``n`` rounded up to whole SIMD blocks of float64."""
    block = BYTES // 8
    return -(-n // block) * block


def padded_rows(A: np.ndarray) -> np.ndarray:
    """Return the rows of ``A`` in a flat array, each with zeros up to whole blocks."""
    rows = np.zeros((A.shape[0], whole_blocks(A.shape[1])))
    rows[:, : A.shape[1]] = A
    return rows.ravel()
