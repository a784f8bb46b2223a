"""What several of the systems ask of their data, and the layout that their kernels want."""

import numpy as np

from ..checks import check_array
from ..kernels.simd_numpy import BYTES


def check_vector(values, name):
    """``values`` as a read-only float64 array of shape (n,)."""
    return check_array(values, name, ndim=1)


def is_vector(values):
    """Whether ``values`` has one dimension. A ragged list has not; `check_array` then says why."""
    try:
        return np.ndim(values) == 1
    except ValueError:
        return False


def check_same_length(**vectors):
    """Raise unless all have one entry for each sample; their names are the keywords."""
    if len({len(v) for v in vectors.values()}) > 1:
        found = ", ".join(f"{len(v)} in {name}" for name, v in vectors.items())
        raise ValueError(f"found {found}, expected one entry for each sample in all of them")


def whole_blocks(n):
    """``n`` rounded up to whole SIMD blocks of float64."""
    block = BYTES // 8
    return -(-n // block) * block


def padded_rows(A):
    """The rows of ``A`` one after another, each with zeros up to whole blocks: a flat array."""
    rows = np.zeros((A.shape[0], whole_blocks(A.shape[1])))
    rows[:, : A.shape[1]] = A
    return rows.ravel()
