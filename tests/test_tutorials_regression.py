import gzip

import numpy as np
import pytest
from finite_differences import numeric_gradient, relative_error

from fastperc import DivergedError
from fastperc.kernels.tutorials import reference
from fastperc.tutorials import TwoLayerRegression


def draw(seed=0, n=70, d=5, k=1):
    random = np.random.default_rng(seed)
    return random.normal(size=(n, d)), random.normal(size=(n, k))


def parameters(model):
    return [p.copy() for p in (model.w1, model.b1, model.w2, model.b2)]


def network(as_published=False, lr=0.05, k=1):
    """A model away from its start, where biases are 0."""
    model = TwoLayerRegression(5, 6, k, lr=lr, seed=3, as_published=as_published)
    model.b1 += 0.3
    model.b2 -= 0.2
    return model


@pytest.fixture
def true_gradient():
    X, Y = draw(k=2)

    def loss(w1, b1, w2, b2):
        p = reference.sigmoid(X @ w1 + b1) @ w2 + b2
        return ((Y - p) ** 2).sum() / len(X)

    return numeric_gradient(loss, parameters(network(k=2)))


def test_backward_is_the_gradient_of_the_mean_squared_error(true_gradient):
    for found, expected in zip(network(k=2).backward(*draw(k=2)), true_gradient, strict=True):
        assert relative_error(found, expected) < 1e-7


def test_published_weight_gradients_are_sums_and_bias_gradients_means(true_gradient):
    w1, b1, w2, b2 = network(as_published=True, k=2).backward(*draw(k=2))
    assert relative_error(w1, 70 * true_gradient[0]) < 1e-7
    assert relative_error(b1, true_gradient[1]) < 1e-7
    assert relative_error(w2, 70 * true_gradient[2]) < 1e-7
    assert relative_error(b2, true_gradient[3]) < 1e-7


def test_the_published_direction_is_not_the_gradient(true_gradient):
    def direction(parts):
        flat = np.concatenate([g.ravel() for g in parts])
        return flat / np.linalg.norm(flat)

    published = network(as_published=True, k=2).backward(*draw(k=2))
    assert direction(published) @ direction(true_gradient) < 0.98
    assert direction(network(k=2).backward(*draw(k=2))) @ direction(true_gradient) > 1 - 1e-12


@pytest.mark.parametrize("as_published", [False, True])
def test_the_reference_takes_the_same_gradients(as_published, true_gradient):
    X, Y = draw(k=2)
    model = network(as_published, k=2)
    expected = reference.regression_gradient(X, Y, *parameters(model), as_published)
    for a, b in zip(model.backward(X, Y), expected, strict=True):
        assert np.allclose(a, b, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("as_published", [False, True])
@pytest.mark.parametrize("batch_size", [1, 32, 70, 1000])
@pytest.mark.parametrize("k", [1, 3])
def test_fit_equals_the_loop(as_published, batch_size, k):
    X, Y = draw(k=k)  # 70 rows: the last batch of 32 has 6
    model = network(as_published, lr=0.003, k=k)
    expected = reference.train_regression(
        X, Y, parameters(model), 0.003, 5, batch_size, as_published
    )
    model.fit(X, Y, epochs=5, batch_size=batch_size)
    for a, b in zip(parameters(model), expected, strict=True):
        assert np.allclose(a, b, rtol=1e-11, atol=1e-12)


def test_start_weights_are_drawn_as_in_the_tutorial():
    model, random = TwoLayerRegression(5, 6, 2, lr=0.1, seed=4), np.random.RandomState(4)
    assert np.array_equal(model.w1, random.randn(5, 6))
    assert np.array_equal(model.w2, random.randn(6, 2))
    assert (model.b1.shape, model.b2.shape) == ((1, 6), (1, 2))
    assert not model.b1.any()
    assert not model.b2.any()


def test_loss_is_the_mean_of_what_each_batch_had_before_its_step():
    X, Y = draw()
    model = network()
    before = ((model.forward(X) - Y) ** 2).mean()
    model.fit(X, Y, epochs=1, batch_size=len(X))
    assert model.loss == pytest.approx([before], rel=1e-12)
    model.fit(X, Y, epochs=3, batch_size=7)
    assert len(model.loss) == 4


def test_predict_has_the_dimensions_of_y():
    X, Y = draw()
    assert network().predict(X).shape == (70,)
    assert network().fit(X, Y[:, 0], epochs=1).predict(X).shape == (70,)
    assert network().fit(X, Y, epochs=1).predict(X).shape == (70, 1)
    assert network(k=2).predict(X).shape == (70, 2)


def test_parameters_may_be_set_to_any_array_of_their_shape():
    X, Y = draw()
    model, other = network(), network()
    other.w1, other.b2 = np.asfortranarray(model.w1), model.b2.tolist()
    assert np.array_equal(
        other.fit(X, Y, epochs=2).predict(X), model.fit(X, Y, epochs=2).predict(X)
    )
    other.w2 = np.ones((7, 1))
    with pytest.raises(ValueError, match=r"w2: found shape \(7, 1\), expected \(6, 1\)"):
        other.fit(X, Y)


def test_divergence_keeps_the_last_good_epoch():
    X, Y = draw()
    model = network(lr=50.0)
    with pytest.raises(DivergedError, match="lr=50 is too large") as caught:
        model.fit(X, Y, epochs=500, batch_size=7)
    good = len(model.loss)
    assert caught.value.epoch == good + 1
    again = network(lr=50.0)
    if good:
        again.fit(X, Y, epochs=good, batch_size=7)
    assert all(
        np.array_equal(a, b) for a, b in zip(parameters(model), parameters(again), strict=True)
    )
    assert np.isfinite(model.predict(X)).all()


def test_data_are_not_changed_and_may_be_read_only():
    X, Y = draw()
    kept = X.copy(), Y.copy()
    X.flags.writeable = Y.flags.writeable = False
    network().fit(np.asfortranarray(X), Y, epochs=2)
    network().fit(X, Y, epochs=2)
    assert np.array_equal(X, kept[0])
    assert np.array_equal(Y, kept[1])


# Chosen once: 16 hidden units, rate 0.1, batches of 32, 60 epochs; inputs and target standardised
# by the training rows.
@pytest.mark.parametrize("split", range(3))
def test_california_housing_is_learnt(data_folder, split):
    with gzip.open(data_folder / "california_housing.csv.gz", "rt") as file:
        rows = np.loadtxt(file, delimiter=",", skiprows=1)
    rows = rows[np.random.RandomState(split).permutation(len(rows))]
    n_train = len(rows) * 4 // 5
    rows = (rows - rows[:n_train].mean(axis=0)) / rows[:n_train].std(axis=0)
    X, y = rows[:, :8], rows[:, 8]
    model = TwoLayerRegression(8, 16, 1, lr=0.1, seed=0)
    model.fit(X[:n_train], y[:n_train], epochs=60, batch_size=32)
    held_out, expected = model.predict(X[n_train:]), y[n_train:]
    assert 1 - ((held_out - expected) ** 2).mean() / expected.var() >= 0.70


GOOD = dict(in_dim=2, hidden_dim=3, out_dim=1, lr=0.1, seed=0, as_published=False)
X, Y = [[1.0, 2.0], [3.0, 4.0]], [1.0, 2.0]
BAD_SETTINGS = {
    "no inputs": (dict(in_dim=0), ValueError, "in_dim: found 0"),
    "half a unit": (dict(hidden_dim=2.5), TypeError, "hidden_dim: found 2.5"),
    "no rate": (dict(lr=0), ValueError, "lr: found 0"),
    "infinite rate": (dict(lr=np.inf), ValueError, "lr: found inf"),
    "flag": (dict(as_published=1.5), TypeError, "as_published: found 1.5"),
}
BAD_DATA = {
    "columns": (dict(X=[[1.0], [2.0]]), ValueError, "X: found 1 columns"),
    "vector": (dict(X=[1.0, 2.0]), ValueError, "X: found 1 dimension"),
    "lengths": (dict(y=[1.0]), ValueError, "y: found 1 targets"),
    "outputs": (dict(y=[[1.0, 2.0], [1.0, 2.0]]), ValueError, "y: found 2 columns"),
    "nan": (dict(X=[[1.0, np.nan], [1.0, 2.0]]), ValueError, "X: found nan"),
    "text": (dict(y=["a", "b"]), TypeError, "y: found"),
    "empty": (dict(X=np.empty((0, 2)), y=[]), ValueError, "X: found no data"),
    "no epochs": (dict(epochs=0), ValueError, "epochs: found 0"),
    "no batch": (dict(batch_size=-1), ValueError, "batch_size: found -1"),
}


@pytest.mark.parametrize(("change", "error", "message"), BAD_SETTINGS.values(), ids=BAD_SETTINGS)
def test_bad_settings_are_refused(change, error, message):
    with pytest.raises(error, match=message):
        TwoLayerRegression(**{**GOOD, **change})


@pytest.mark.parametrize(("change", "error", "message"), BAD_DATA.values(), ids=BAD_DATA)
def test_bad_data_are_refused_and_change_nothing(change, error, message):
    model = TwoLayerRegression(**GOOD)
    before = parameters(model)
    with pytest.raises(error, match=message):
        model.fit(**{"X": X, "y": Y, **change})
    assert all(np.array_equal(a, b) for a, b in zip(before, parameters(model), strict=True))
