"""Matrix products: tiles where registers are large and many, strips elsewhere; both are tested."""

import numpy as np
import pytest
from numba.core import config
from test_batch import check_gradient

from fastperc.kernels import matmul as products
from fastperc.kernels.jit import kernel
from fastperc.kernels.matmul import PANEL, _in_strips, _tile
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
    """The same in strips of 6 or 4 rows and one block."""
    _in_strips(A, n, n_sum, 1, n_sum, B, 0, n_out, 0, b, len(b), adds, s, C, 0)


@kernel
def transposed_by_strips(A, n, n_sum, B, n_out, adds, s, C):
    """``C += s A' B`` in strips: columns of A are read as rows."""
    _in_strips(A, n, 1, n, n_sum, B, 0, n_out, 0, B[:0], 0, adds, s, C, 0)


def factors(n, n_sum, n_out, adds, dtype):
    """A, B, b, s and C of a product, its arrays flat, and what it comes to in float64."""
    rng = np.random.default_rng(0)
    A, B, C = (rng.standard_normal(shape) for shape in ((n, n_sum), (n_sum, n_out), (n, n_out)))
    b, s = rng.standard_normal(0 if adds else n_out), 0.5
    expected = C + s * (A @ B) if adds else A @ B + b
    A, B, b, C = (M.ravel().astype(dtype) for M in (A, B, b, C))
    return A, B, b, C.dtype.type(s), C, expected


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("n", "n_sum", "n_out"), [(1, 1, 1), (7, 5, 70), (8, 33, 64), (5, 3, 17)])
@pytest.mark.parametrize("adds", [False, True])
def test_tiles_and_strips_multiply_alike(n, n_sum, n_out, adds, dtype):
    found = []
    for multiply in (by_tiles, by_strips):
        A, B, b, s, C, expected = factors(n, n_sum, n_out, adds, dtype)
        multiply(A, n, n_sum, B, n_out, b, adds, s, C)
        found.append(C)
    np.testing.assert_array_equal(*found)
    tolerance = 1e-12 if dtype == "float64" else 1e-5
    np.testing.assert_allclose(found[0].reshape(n, n_out), expected, atol=tolerance)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n", range(1, 15))
def test_any_number_of_rows_in_strips(n, dtype):
    """Each row is computed once, and as if it were alone: no neighbour is overwritten."""
    A, B, b, s, C, expected = factors(n, 9, 21, False, dtype)
    beyond = np.concatenate([C, np.full(64, 7, dtype)])
    by_strips(A, n, 9, B, 21, b, False, s, beyond)
    np.testing.assert_allclose(beyond[: n * 21].reshape(n, 21), expected, rtol=1e-4, atol=1e-5)
    assert (beyond[n * 21 :] == 7).all()
    for r in range(n):
        alone = np.zeros(21, dtype)
        by_strips(A[r * 9 : r * 9 + 9].copy(), 1, 9, B, 21, b, False, s, alone)
        np.testing.assert_array_equal(alone, beyond[r * 21 : r * 21 + 21])


@pytest.mark.parametrize("adds", [False, True])
@pytest.mark.parametrize("n_sum", [PANEL - 1, PANEL, PANEL + 1, 2 * PANEL + 3])
def test_long_sums_in_panels(n_sum, adds):
    """With enough rows they are copied, with few they are not: the same sums, to the last bit."""
    n, n_out = 30, 40
    A, B, b, s, C, expected = factors(n, n_sum, n_out, adds, "float64")
    few = C[: 3 * n_out].copy()
    by_strips(A, n, n_sum, B, n_out, b, adds, s, C)
    np.testing.assert_allclose(C.reshape(n, n_out), expected, atol=1e-11)
    by_strips(A[: 3 * n_sum].copy(), 3, n_sum, B, n_out, b, adds, s, few)
    np.testing.assert_array_equal(few, C[: 3 * n_out])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n", [5, 6, 97, 190, 200])
def test_a_large_transposed_factor_is_copied(n, dtype):
    n_sum, n_out = 90, 70
    A, B, _, s, C, _ = factors(n, n_sum, n_out, True, dtype)
    turned = A.reshape(n, n_sum).T.ravel().copy()
    expected = C.copy()
    by_strips(A, n, n_sum, B, n_out, C[:0], True, s, expected)
    transposed_by_strips(turned, n, n_sum, B, n_out, True, s, C)
    np.testing.assert_array_equal(C, expected)


@pytest.mark.skipif(not config.DISABLE_JIT, reason="compiled code has what suits the processor")
@pytest.mark.parametrize("tiles", [True, False])
def test_gradients_are_right_with_tiles_and_with_strips(tiles, monkeypatch):
    monkeypatch.setattr(products, "TILES", tiles)
    check_gradient(problem((6, 70, 35, 3), hidden="tanh", head=("softmax", "cross_entropy")))
