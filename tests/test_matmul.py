"""Matrix products: tiles where registers are large and many, strips elsewhere; both are tested."""

import numpy as np
import pytest
from numba.core import config
from test_batch import check_gradient

from fastperc.kernels import matmul as products
from fastperc.kernels.jit import kernel
from fastperc.kernels.matmul import _strip, _tile
from fastperc.kernels.simd import width
from networks import problem


@kernel
def by_tiles(A, n, n_sum, B, n_out, b, adds, s, C):
    """``C = A B + b``, or ``C += s A B``, in tiles of 4 rows and 4 blocks."""
    for r in range(0, n, 4):
        for j in range(0, n_out, 4 * width(C)):
            _tile(A, r, n, n_sum, 1, n_sum, B, 0, n_out, j, b, len(b), adds, s, C, 0)


@kernel
def by_strips(A, n, n_sum, B, n_out, b, adds, s, C):
    """The same in strips of 4 rows and one block."""
    for r in range(0, n, 4):
        for j in range(0, n_out, width(C)):
            _strip(A, r, n, n_sum, 1, n_sum, B, 0, n_out, j, b, len(b), adds, s, C, 0)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("n", "n_sum", "n_out"), [(1, 1, 1), (7, 5, 70), (8, 33, 64), (5, 3, 17)])
@pytest.mark.parametrize("adds", [False, True])
def test_tiles_and_strips_multiply_alike(n, n_sum, n_out, adds, dtype):
    rng = np.random.default_rng(0)
    A, B, C = (rng.standard_normal(shape) for shape in ((n, n_sum), (n_sum, n_out), (n, n_out)))
    b, s = rng.standard_normal(0 if adds else n_out), 0.5
    expected = C + s * (A @ B) if adds else A @ B + b
    found = []
    for multiply in (by_tiles, by_strips):
        left, right, bias, out = (M.ravel().astype(dtype) for M in (A, B, b, C))
        multiply(left, n, n_sum, right, n_out, bias, adds, out.dtype.type(s), out)
        found.append(out)
    np.testing.assert_array_equal(*found)
    tolerance = 1e-12 if dtype == "float64" else 1e-5
    np.testing.assert_allclose(found[0].reshape(n, n_out), expected, atol=tolerance)


@pytest.mark.skipif(not config.DISABLE_JIT, reason="compiled code has what suits the processor")
@pytest.mark.parametrize("tiles", [True, False])
def test_gradients_are_right_with_tiles_and_with_strips(tiles, monkeypatch):
    monkeypatch.setattr(products, "TILES", tiles)
    check_gradient(problem((6, 70, 35, 3), hidden="tanh", head=("softmax", "cross_entropy")))
