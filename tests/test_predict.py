"""Forward passes against NumPy: many samples and one."""

import numpy as np
import pytest

from fastperc.kernels import reference, table
from networks import HEADS, HIDDEN, SIZES, problem

TOLERANCE = {"float64": 1e-12, "float32": 2e-5}


def check(p):
    tolerance = TOLERANCE[p.net.dtype.name]
    X = p.X.astype(float)
    wanted = reference.forward(p.model, X)[0][-1]
    many = p.net.forward(p.X)
    assert many.shape == wanted.shape
    assert many.dtype == p.net.dtype
    np.testing.assert_allclose(many, wanted, rtol=tolerance, atol=tolerance)
    for x, row in zip(p.X[:5], wanted, strict=False):
        np.testing.assert_allclose(
            p.net.forward_one(x), row.squeeze(), rtol=tolerance, atol=tolerance
        )


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_any_depth_and_width(sizes, dtype):
    check(problem(sizes, dtype=dtype))


@pytest.mark.parametrize("head", HEADS, ids="-".join)
@pytest.mark.parametrize("hidden", HIDDEN)
def test_any_activation(hidden, head):
    check(problem((6, 20, 3), hidden=hidden, head=head))


@pytest.mark.parametrize("head", HEADS, ids="-".join)
@pytest.mark.parametrize("sizes", SIZES, ids=str)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_what_an_earlier_call_left_in_the_scratch_does_not_matter(sizes, head, dtype):
    p = problem(
        (*sizes[:-1], 3 if head[0] == "softmax" else sizes[-1]), head=head, dtype=dtype, n=40
    )
    wanted = p.net.forward(p.X)
    (scratch,) = p.net._scratch
    for n in (40, 7, 1):
        scratch[:] = np.nan
        np.testing.assert_array_equal(p.net.forward(p.X[:n]), wanted[:n])
    assert len(p.net._scratch) == 1


@pytest.mark.parametrize("n", [1, table.CHUNK, table.CHUNK + 1, 5 * table.CHUNK - 1])
def test_any_number_of_samples(n):
    check(problem((6, 20, 3), head=("softmax", "cross_entropy"), n=n))


def test_rows_do_not_depend_on_each_other():
    p = problem((6, 20, 3), head=("softmax", "cross_entropy"), n=300, dtype="float32")
    order = np.random.default_rng(0).permutation(300)
    np.testing.assert_allclose(p.net.forward(p.X)[order], p.net.forward(p.X[order]), rtol=1e-5)
