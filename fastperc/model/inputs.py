"""What comes in as samples: inputs as an array or a sparse matrix, targets and weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .. import checks
from .dense import Dense
from .losses import check_targets
from .samples import Samples

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


def check_samples(
    model: Dense, X: object, y: object, sample_weight: object = None, weight_is_factor: bool = False
) -> Samples:
    """Return inputs, targets and weights as a network's kernels take them, or raise."""
    X = check_inputs(X, model)
    n = X.shape[0]
    Y = check_targets(y, model.loss, n, model.sizes[-1], model.dtype)
    weight = checks.check_weights(sample_weight, n, model.dtype, only_ratios=not weight_is_factor)
    return Samples(X, Y, weight, weight_is_factor)


def check_inputs(X: object, model: Dense, name: str = "X") -> np.ndarray | csr_matrix:
    """Return a row of inputs for each sample: an array, or of a sparse matrix its rows."""
    if type(X) is np.ndarray or not hasattr(X, "tocsr"):
        return checks.check_array(X, name, dtype=model.dtype, columns=model.sizes[0])
    csr = X.tocsr()
    _check_sparse_shape(csr, name, model.sizes[0])
    try:
        csr.check_format(full_check=True)
    except ValueError as error:
        raise ValueError(
            f"{name}: found a damaged sparse matrix ({error}), expected rows of columns from 0 to "
            f"{csr.shape[1] - 1}. Make it anew from its coordinates"
        ) from None
    with np.errstate(over="ignore"):
        cast = csr.astype(model.dtype, copy=False)
    if not checks.all_finite(cast.data):
        found = csr.data[~np.isfinite(cast.data)][0]
        remedy = (
            f"numbers that {model.dtype} can hold. Scale the data, or use dtype='float64'"
            if np.isfinite(found)
            else "finite numbers. Drop such rows, or fill such cells first"
        )
        raise ValueError(f"{name}: found {found} in a sparse matrix, expected {remedy}")
    return cast


def _check_sparse_shape(X: csr_matrix, name: str, columns: int) -> None:
    if X.dtype.kind not in "fiub":
        raise TypeError(f"{name}: found a sparse matrix of dtype {X.dtype}, expected numbers")
    if X.ndim != 2 or not X.shape[0]:
        raise ValueError(
            f"{name}: found a sparse matrix of shape {X.shape}, expected 2 dimensions: one row per "
            "sample, and at least 1 sample"
        )
    if X.shape[1] != columns:
        raise ValueError(
            f"{name}: found {X.shape[1]} columns, expected {columns}, as many as the network has "
            "inputs"
        )
