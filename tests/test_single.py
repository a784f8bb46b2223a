"""Networks inside a user's own compiled code."""

import numba
import numpy as np
import pytest

from fastperc.kernels import table
from fastperc.kernels.single import learn_one, predict_one
from networks import HEADS, SIZES, problem

compiled_only = pytest.mark.skipif(
    numba.config.DISABLE_JIT, reason="the compiler is off: NUMBA_DISABLE_JIT=1"
)


@numba.njit
def predict_all(X, theta, layers, out, work):
    outputs = np.empty((len(X), len(out)), X.dtype)
    for i in range(len(X)):
        predict_one(X[i], theta, layers, out, work)
        outputs[i] = out
    return outputs


@numba.njit
def learn_all(X, Y, theta, layers, loss, lr, work):
    total = 0.0
    for i in range(len(X)):
        total += learn_one(X[i], Y[i], theta, layers, loss, lr, work)
    return total


@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_predicting_inside_compiled_code(sizes):
    p = problem(sizes)
    net = p.net.arrays()
    outputs = predict_all(p.X, net.theta, net.layers, net.out, net.work)
    np.testing.assert_allclose(outputs, p.net.forward(p.X), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("head", HEADS, ids="-".join)
def test_learning_inside_compiled_code(head):
    p, q = problem((4, 9, 3), head=head), problem((4, 9, 3), head=head)
    net = p.net.arrays()
    total = learn_all(p.X, p.Y, net.theta, net.layers, net.loss, 0.01, net.work)
    y = q.y.argmax(axis=1) if head[1] == "cross_entropy" else q.y
    history = q.net.train(q.X, y, epochs=1, lr=0.01, shuffle=False)
    np.testing.assert_allclose(p.net.theta, q.net.theta, rtol=1e-13)
    assert total / len(p.X) == pytest.approx(history.loss[0], rel=1e-13)


def test_divergence_leaves_theta_alone():
    p = problem((4, 9, 1), hidden="relu")
    net, before = p.net.arrays(), p.net.theta.copy()
    x = np.full(4, 1e300)
    assert np.isnan(learn_one(x, np.ones(1), net.theta, net.layers, net.loss, 1.0, net.work))
    assert np.array_equal(p.net.theta, before)


def test_arrays_and_ints_only():
    net = problem((4, 9, 1)).net
    handed = net.arrays()
    assert np.shares_memory(handed.theta, net.theta)
    assert all(isinstance(part, (np.ndarray, int)) for part in handed)


def test_code_compiled_for_another_layout_of_the_table_says_so():
    """A user's cached function may hold an older version's machine code."""
    net = problem((4, 9, 1)).net
    before = net.theta.copy()
    c = net.arrays()
    other = c.layers.copy()
    table.as_records(other)["version"] += 1
    x = np.ones(4)
    assert predict_one(x, c.theta, c.layers, c.out, c.work)
    out = c.out.copy()
    assert not predict_one(2 * x, c.theta, other, c.out, c.work)
    assert np.array_equal(c.out, out)
    assert np.isnan(learn_one(x, np.ones(1), c.theta, other, c.loss, 0.1, c.work))
    assert np.array_equal(net.theta, before)


def test_the_number_of_the_layout_stands_first_and_changes_with_the_fields():
    assert table.LAYER.names == (
        "version", "n_in", "n_out", "activation", "offset", "wide", "direct", "rows", "units",
        "padded", "chunk", "has_bias", "trains_weights", "trains_bias",
    )  # fmt: skip
    assert table.LAYER.itemsize == 8 * table.COLUMNS
    assert table.LAYOUT == 3, "another layout wants another number, and this test its fields"


@pytest.mark.parametrize("sizes", [(9, 2, 5), (2, 9, 1)])
def test_what_compiled_code_gets_has_room_for_the_outputs(sizes):
    net = problem(sizes).net
    c = net.arrays()
    assert c.out.shape == (sizes[-1],)
    assert predict_one(np.ones(sizes[0]), c.theta, c.layers, c.out, c.work)
    np.testing.assert_allclose(c.out, net.forward(np.ones((1, sizes[0])))[0], rtol=1e-12)
