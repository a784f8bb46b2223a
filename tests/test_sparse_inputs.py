"""Networks on sparse matrices."""

import numpy as np
import pytest
from scipy import sparse

from fastperc import Network
from fastperc.model import samples
from fastperc.training import steps

RNG = np.random.default_rng(0)
DENSE = RNG.standard_normal((30, 8)) * (RNG.random((30, 8)) < 0.3)
Y = RNG.standard_normal(30)
FORMATS = ["csr_matrix", "csr_array", "csc_matrix", "coo_array", "lil_matrix"]


def network(seed=0):
    return Network((8, 5, 1), hidden="tanh", seed=seed, dtype="float64")


@pytest.fixture(autouse=True)
def few_rows_at_a_time(monkeypatch):
    for module in (samples, steps):
        monkeypatch.setattr(module, "WINDOW", 8 * 3)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize(
    "options",
    [
        {}, {"batch_size": 4}, {"optimizer": "adam"}, {"optimizer": "lbfgs"},
        {"optimizer": "rprop"},
        {"validation": 0.3}, {"order": [[3, 3, 29, 0], [1, 2, 3, 4]], "batch_size": 3},
        {"sample_weight": RNG.uniform(0, 1, 30)}, {"drop_last": True, "batch_size": 8},
    ],
)  # fmt: skip
def test_training_on_a_sparse_matrix_is_training_on_its_array(form, options):
    net, twin, X = network(), network(), getattr(sparse, form)(DENSE)
    history = net.train(X, Y, epochs=2, **options)
    expected = twin.train(DENSE, Y, epochs=2, **options)
    np.testing.assert_allclose(net.theta, twin.theta, rtol=1e-9)
    np.testing.assert_allclose(history.loss, expected.loss, rtol=1e-9)
    np.testing.assert_allclose(history.validation_loss, expected.validation_loss, rtol=1e-9)


@pytest.mark.parametrize("form", FORMATS)
def test_outputs_loss_and_gradient(form):
    net, X = network(), getattr(sparse, form)(DENSE)
    np.testing.assert_allclose(net.forward(X), net.forward(DENSE), rtol=1e-12)
    np.testing.assert_allclose(net.predict(X), net.predict(DENSE), rtol=1e-12)
    assert net.loss(X, Y) == pytest.approx(net.loss(DENSE, Y), rel=1e-12)
    np.testing.assert_allclose(net.backward(X, Y), net.backward(DENSE, Y), rtol=1e-9)


def damaged():
    X = sparse.csr_matrix(DENSE)
    X.indices[0] = 10**6
    return X


@pytest.mark.parametrize(
    ("X", "error", "text"),
    [
        (sparse.csr_matrix(DENSE[:, :3]), ValueError, "found 3 columns, expected 8"),
        (sparse.csr_matrix((0, 8)), ValueError, "found a sparse matrix of shape"),
        (sparse.csr_matrix(DENSE * 1j), TypeError, "found a sparse matrix of dtype complex"),
        (sparse.csr_matrix(np.where(DENSE, np.nan, 0)), ValueError, "found nan in a sparse matrix"),
        (damaged(), ValueError, "found a damaged sparse matrix"),
    ],
)
def test_what_is_wrong_with_a_sparse_matrix(X, error, text):
    net = network()
    for use in (net.forward, net.predict, lambda x: net.train(x, Y), lambda x: net.loss(x, Y)):
        with pytest.raises(error, match=f"X: {text}"):
            use(X)
    assert net.history is None


def test_numbers_beyond_float32():
    net = Network((8, 1))
    with pytest.raises(ValueError, match=r"X: found 1e.300 in a sparse matrix, expected num"):
        net.forward(sparse.csr_matrix(np.full((1, 8), 1e300)))
