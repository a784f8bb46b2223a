import numpy as np
import pytest
from finite_differences import numeric_gradient, relative_error
from hypothesis import given, settings
from hypothesis import strategies as st

from fastperc import DivergedError
from fastperc.kernels.tutorials import reference
from fastperc.kernels.tutorials import scalars as kernels
from fastperc.tutorials import forward_pass, train_model, weight_update

WEIGHTS = (0.3, -0.2, 0.7)


@pytest.fixture
def samples():
    random = np.random.default_rng(1)
    X1, X2 = random.normal(size=(2, 40))
    return X1, X2, 3 * X1 - X2 + 0.5 + 0.1 * random.normal(size=40)


def same_bits(a, b):
    return np.array_equal(np.asarray(a).view(np.int64), np.asarray(b).view(np.int64))


# --- as published, bit for bit ----------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
def test_as_published_trains_to_the_bits_of_the_formulas(seed):
    random = np.random.default_rng(seed)
    X1, X2 = random.random((2, 50))
    Y = -2 - random.random(50)
    expected, _ = reference.train_linear_unit(X1, X2, Y, 200, 1e-4, as_published=True)
    assert same_bits(train_model(X1, X2, Y, 200, 1e-4, as_published=True), expected)


def test_each_half_of_an_epoch_has_the_bits_of_the_formulas(samples):
    X1, X2, Y = samples
    expected, sse = reference.linear_unit_forward(np.array(WEIGHTS), X1, X2, Y)
    y_pred, error = forward_pass(*WEIGHTS, Y, X1, X2)
    assert same_bits(y_pred, expected)
    assert error == sse
    w1, w2, bias = WEIGHTS
    found = weight_update(w1, w2, Y, bias, y_pred, 0.01, X1, X2, as_published=True)
    assert found == reference.linear_unit_published_update(WEIGHTS, X1, X2, Y, y_pred, 0.01)


@settings(max_examples=300)
@given(st.floats(allow_nan=False) | st.floats(-100, 100))
def test_squares_are_those_of_python(e):
    with np.errstate(over="ignore"):
        expected = np.float64(e) ** 2
    assert kernels.linear_unit_squares(np.array([e]), np.zeros(1), np.empty(1), 2.0) == expected


def test_squares_are_those_of_python_where_the_product_is_not():
    e = np.random.default_rng(0).normal(size=50_000)
    expected = np.array([v**2 for v in e])
    assert np.any(e * e != expected), "this machine's pow rounds every square correctly"
    found = np.empty_like(e)
    kernels.linear_unit_squares(e, np.zeros_like(e), found, 2.0)
    assert same_bits(found, expected)


# --- the gradient -----------------------------------------------------------------------------


def update_by(samples, as_published):
    """What one epoch at rate 1 takes from the weights: the formula's idea of the gradient."""
    X1, X2, Y = samples
    w1, w2, bias = WEIGHTS
    y_pred, _ = forward_pass(*WEIGHTS, Y, X1, X2)
    after = weight_update(w1, w2, Y, bias, y_pred, 1.0, X1, X2, as_published=as_published)
    return np.array(WEIGHTS) - after


@pytest.fixture
def true_gradient(samples):
    X1, X2, Y = samples
    (gradient,) = numeric_gradient(lambda w: forward_pass(*w, Y, X1, X2)[1], [WEIGHTS])
    return gradient


def test_the_default_descends_the_gradient(samples, true_gradient):
    assert relative_error(update_by(samples, as_published=False), true_gradient) < 1e-8


def test_the_published_square_is_not_the_gradient_nor_parallel_to_it(samples, true_gradient):
    published = update_by(samples, as_published=True)
    cosine = published @ true_gradient / np.linalg.norm(published) / np.linalg.norm(true_gradient)
    assert abs(cosine) < 0.9


def test_published_weights_only_fall(samples):
    X1, X2, Y = np.abs(samples)
    for targets in (Y + 100, Y - 100):
        y_pred, _ = forward_pass(*WEIGHTS, targets, X1, X2)
        w1, w2, bias = WEIGHTS
        after = weight_update(w1, w2, targets, bias, y_pred, 1e-6, X1, X2, as_published=True)
        assert all(np.array(after) < WEIGHTS)


def test_published_form_creeps_from_above_and_runs_away_from_below():
    def error_after(epochs, target):
        return train_model([0.5], [0.5], [target], epochs, 0.01, as_published=True)[0] - target

    # The error falls as 1 / epochs, where a gradient's falls geometrically.
    assert 0.4 < error_after(20_000, -5.0) / error_after(10_000, -5.0) < 0.6
    with pytest.raises(DivergedError, match="square"):
        error_after(20_000, 5.0)


def test_the_default_learns_a_linear_function(samples):
    X1, X2, _ = samples
    exact = 3 * X1 - X2 + 0.5
    assert np.allclose(train_model(X1, X2, exact, 2000, 0.01), exact, atol=1e-10)


# --- the door ---------------------------------------------------------------------------------


def test_starts_from_the_published_seed_and_leaves_the_global_one_alone(samples):
    X1, X2, Y = samples
    np.random.seed(7)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    found = train_model(X1, X2, Y, 1, 0.01)
    w1, w2, bias = np.random.RandomState(123).randn(3)
    assert same_bits(found, w1 * X1 + w2 * X2 + bias)
    assert np.array_equal(before, np.random.get_state()[1])  # noqa: NPY002


def test_many_epochs_in_several_kernel_calls_are_one_run(samples, monkeypatch):
    whole = train_model(*samples, 50, 0.001)
    monkeypatch.setattr("fastperc.tutorials.slicing.WORK_PER_CALL", 7 * 8 * 40)
    assert same_bits(train_model(*samples, 50, 0.001), whole)


def test_verbose_prints_the_error_of_every_epoch(samples, capsys):
    X1, X2, Y = samples
    train_model(X1, X2, Y, 3, 0.001, verbose=True)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == ["epoch 0", "epoch 1", "epoch 2"]
    start = np.random.RandomState(123).randn(3)
    assert float(lines[0].split()[-1]) == forward_pass(*start, Y, X1, X2)[1]


def test_divergence_names_epoch_and_cause(samples, capsys):
    with pytest.raises(DivergedError, match="learning_rate=10 is too large") as caught:
        train_model(*samples, 1000, 10.0, verbose=True)
    good = capsys.readouterr().out.splitlines()
    assert caught.value.epoch == len(good) + 1
    assert np.isfinite(float(good[-1].split()[-1]))


def test_takes_lists_and_read_only_arrays_and_changes_nothing(samples):
    expected = train_model(*samples, 5, 0.001)
    kept = [a.copy() for a in samples]
    for a in samples:
        a.flags.writeable = False
    assert same_bits(train_model(*samples, 5, 0.001), expected)
    assert same_bits(train_model(*(a.tolist() for a in samples), 5, 0.001), expected)
    assert all(np.array_equal(a, b) for a, b in zip(samples, kept, strict=True))


BAD = {
    "lengths": (dict(X2=[1.0]), ValueError, "1 in X2"),
    "nan": (dict(Y=[1.0, np.nan]), ValueError, "Y: found nan at"),
    "text": (dict(X1=["a", "b"]), TypeError, "X1: found"),
    "empty": (dict(X1=[], X2=[], Y=[]), ValueError, "X1: found no data"),
    "matrix": (dict(X1=[[1.0, 2.0]]), ValueError, "X1: found 2 dimensions"),
    "no epochs": (dict(epochs=0), ValueError, "epochs: found 0"),
    "negative epochs": (dict(epochs=-1), ValueError, "epochs: found -1"),
    "half epochs": (dict(epochs=1.5), TypeError, "epochs: found 1.5"),
    "no rate": (dict(learning_rate=0), ValueError, "learning_rate: found 0"),
    "infinite rate": (dict(learning_rate=np.inf), ValueError, "learning_rate: found inf"),
    "flag": (dict(as_published="yes"), TypeError, "as_published: found 'yes'"),
}


@pytest.mark.parametrize(("change", "error", "message"), BAD.values(), ids=BAD)
def test_bad_input_is_refused(change, error, message):
    good = dict(X1=[1.0, 2.0], X2=[0.0, 1.0], Y=[1.0, 2.0], epochs=1, learning_rate=0.1)
    with pytest.raises(error, match=message):
        train_model(**{**good, **change})


def test_predictions_of_another_length_are_refused():
    with pytest.raises(ValueError, match="1 in y_pred"):
        weight_update(1.0, 1.0, [1.0, 2.0], 0.0, [1.0], 0.1, [1.0, 2.0], [0.0, 1.0])
