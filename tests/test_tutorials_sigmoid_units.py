import numpy as np
import pytest
from finite_differences import numeric_gradient, relative_error
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fastperc import DivergedError
from fastperc.kernels.tutorials import reference
from fastperc.tutorials import train_perceptron, train_two_layer

sizes = st.integers(1, 20)


def draw(seed, n, d, h, k):
    random = np.random.default_rng(seed)
    X, Y = random.normal(size=(n, d)), random.random((n, k))
    return X, Y, random.uniform(-1, 1, (d, h)), random.uniform(-1, 1, (h, k))


def assert_equal_but_for_rounding(found, expected, shaken, tolerance):
    """Steps as long as these can make differences grow: what a start that differs in the 13th digit
    ends up with is allowed besides."""
    pairs = [*zip(shaken, expected, strict=True)]
    grown = max(float(np.abs(a - b).max()) for a, b in pairs)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance + grown)


SHAKE = 1 + 1e-13


@settings(max_examples=40)
@given(st.integers(0, 10**6), sizes, sizes, st.integers(1, 30))
def test_perceptron_equals_the_loop(seed, n, d, rounds):
    X, Y, start, _ = draw(seed, n, d, 1, 1)
    found = train_perceptron(X, Y, start, rounds)
    expected = reference.train_sigmoid_unit(X, Y, start, rounds)
    shaken = reference.train_sigmoid_unit(X, Y, start * SHAKE, rounds)
    assert_equal_but_for_rounding(found, expected, shaken, 1e-11)


@settings(max_examples=40)
@given(st.integers(0, 10**6), sizes, sizes, sizes, st.integers(1, 9), st.integers(1, 30))
@example(seed=0, n=19, d=1, h=17, k=1, rounds=22)  # differences grow a million times
def test_two_layers_equal_the_loop(seed, n, d, h, k, rounds):
    X, Y, start1, start2 = draw(seed, n, d, h, k)
    found = train_two_layer(X, Y, start1, start2, rounds)
    expected = reference.train_sigmoid_layers(X, Y, start1, start2, rounds)
    shaken = reference.train_sigmoid_layers(X, Y, start1 * SHAKE, start2, rounds)
    assert_equal_but_for_rounding(found, expected, shaken, 1e-10)


def half_sse(Y, p):
    return ((Y - p) ** 2).sum() / 2


def test_the_delta_rule_of_one_unit_is_descent_on_half_the_squared_error():
    X, Y, start, _ = draw(0, 6, 3, 1, 1)
    (gradient,) = numeric_gradient(lambda w: half_sse(Y, reference.sigmoid(X @ w)), [start])
    weights, _ = train_perceptron(X, Y, start, 1)
    assert relative_error(start - weights, gradient) < 1e-8


def test_the_delta_rule_of_two_layers_is_descent_on_half_the_squared_error():
    X, Y, start1, start2 = draw(1, 6, 3, 4, 2)

    def loss(w1, w2):
        return half_sse(Y, reference.sigmoid(reference.sigmoid(X @ w1) @ w2))

    gradients = numeric_gradient(loss, [start1, start2])
    weights1, weights2, _ = train_two_layer(X, Y, start1, start2, 1)
    assert relative_error(start1 - weights1, gradients[0]) < 1e-8
    assert relative_error(start2 - weights2, gradients[1]) < 1e-8


@pytest.mark.parametrize("seed", range(10))
def test_one_layer_is_stuck_at_a_half_where_two_learn(seed):
    X, y = [[0, 0, 1], [1, 1, 1], [0, 1, 1], [1, 0, 1]], [0, 0, 1, 1]
    random = np.random.RandomState(seed)
    _, guesses = train_perceptron(X, y, 2 * random.random_sample(3) - 1, 1000)
    assert np.allclose(guesses, 0.5, atol=1e-8)
    weights1, weights2 = 2 * random.random_sample((3, 4)) - 1, 2 * random.random_sample(4) - 1
    *_, outputs = train_two_layer(X, y, weights1, weights2, 50_000)
    assert np.array_equal(outputs.round(), y)


def test_four_samples_whose_target_is_the_first_input_are_learnt():
    X = [[0, 0, 1], [1, 1, 1], [1, 0, 1], [0, 1, 1]]
    weights, guesses = train_perceptron(X, [0, 1, 1, 0], [0.1, -0.4, 0.7])
    assert np.array_equal(guesses.round(), [0, 1, 1, 0])
    assert weights[0] > 5 > abs(weights[1])


def test_a_zero_input_leaves_its_weight_alone():
    weights, _ = train_perceptron([[1, 0, 1]], [1], [-0.4, 0.98845667, 0.3], 1000)
    assert weights[1] == 0.98845667


def test_shapes_come_back_as_they_went_in():
    X, y, column = [[1.0, 2.0], [3.0, 4.0]], [0.0, 1.0], [[0.0], [1.0]]
    for start, target in (([0.1, 0.2], y), ([[0.1], [0.2]], column), ([0.1, 0.2], column)):
        weights, guesses = train_perceptron(X, target, start, 3)
        assert weights.shape == np.shape(start)
        assert guesses.shape == np.shape(target)
    flat = train_two_layer(X, y, [[0.1, 0.2, 0.3]] * 2, [0.1, 0.2, 0.3], 3)
    columns = train_two_layer(X, column, [[0.1, 0.2, 0.3]] * 2, [[0.1], [0.2], [0.3]], 3)
    assert [a.shape for a in flat] == [(2, 3), (3,), (2,)]
    assert [a.shape for a in columns] == [(2, 3), (3, 1), (2, 1)]
    assert all(np.array_equal(a.ravel(), b.ravel()) for a, b in zip(flat, columns, strict=True))


def test_a_vector_is_one_sample():
    one = train_perceptron([1.0, 2.0], [1], [0.1, 0.2], 5)
    assert np.array_equal(one[0], train_perceptron([[1.0, 2.0]], [1], [0.1, 0.2], 5)[0])


def test_the_last_outputs_are_those_before_the_last_update():
    weights, guesses = train_perceptron([[1.0]], [1], [0.5], 1)
    assert guesses == pytest.approx(reference.sigmoid(0.5), rel=1e-15)
    assert weights[0] > 0.5


def test_nothing_that_is_passed_in_changes():
    X, Y, start1, start2 = draw(2, 5, 3, 4, 1)
    kept = [a.copy() for a in (X, Y, start1, start2)]
    for a in (X, Y, start1, start2):
        a.flags.writeable = False
    train_two_layer(X, Y, start1, start2, 10)
    train_perceptron(X, Y, start1[:, 0], 10)
    assert all(np.array_equal(a, b) for a, b in zip((X, Y, start1, start2), kept, strict=True))


def test_many_rounds_in_several_kernel_calls_are_one_run(monkeypatch):
    X, Y, start1, start2 = draw(3, 5, 3, 4, 1)
    one_unit, layers = (
        train_perceptron(X, Y, start2[:3], 50),
        train_two_layer(X, Y, start1, start2, 50),
    )
    monkeypatch.setattr("fastperc.tutorials.slicing.WORK_PER_CALL", 1)
    again = train_perceptron(X, Y, start2[:3], 50), train_two_layer(X, Y, start1, start2, 50)
    for a, b in zip((*one_unit, *layers), (*again[0], *again[1]), strict=True):
        assert np.array_equal(a, b)


def test_extreme_sums_saturate_without_overflow():
    _, guesses = train_perceptron([[1e6], [-1e6]], [1, 0], [1.0], 3)
    assert guesses.tolist() == [1.0, 0.0]


def test_overflow_is_divergence():
    X, ones = np.full((200, 1), 1e308), np.ones(200)
    with pytest.raises(DivergedError, match=r"epoch 1: .* scale its values"):
        train_perceptron(X, ones, [0.0], 10)
    with pytest.raises(DivergedError, match=r"epoch 1: .* scale its values"):
        train_two_layer(X, ones, [[0.0, 0.0]], [1.0, 1.0], 10)


PERCEPTRON = dict(X=[[1.0, 2.0]], y=[1.0], weights=[0.1, 0.2], iterations=1)
LAYERS = dict(X=[[1.0, 2.0]], y=[1.0], weights1=[[0.1, 0.2]] * 2, weights2=[0.1, 0.2], iterations=1)
BAD = {
    "targets": (PERCEPTRON, dict(y=[1, 0]), ValueError, "y: found 2 targets"),
    "weights": (PERCEPTRON, dict(weights=[0.1]), ValueError, r"weights: found shape \(1,\)"),
    "nan": (PERCEPTRON, dict(X=[[np.nan, 1]]), ValueError, "X: found nan"),
    "nan weight": (PERCEPTRON, dict(weights=[np.inf, 1]), ValueError, "weights: found inf"),
    "text": (PERCEPTRON, dict(X=[["a", "b"]]), TypeError, "X: found"),
    "empty": (PERCEPTRON, dict(X=np.empty((0, 2)), y=[]), ValueError, "X: found no data"),
    "number": (PERCEPTRON, dict(X=1.0), ValueError, "X: found 0 dimensions"),
    "no rounds": (PERCEPTRON, dict(iterations=0), ValueError, "iterations: found 0"),
    "first layer": (LAYERS, dict(weights1=[[0.1, 0.2]]), ValueError, "weights1: found shape"),
    "second layer": (LAYERS, dict(weights2=[0.1]), ValueError, "expected 2 rows and any number"),
    "outputs": (LAYERS, dict(y=[[1, 0]]), ValueError, "y: found 2 columns"),
    "ragged": (LAYERS, dict(X=[[1.0, 2.0], [1.0]]), ValueError, "X: found something that is not"),
    "ragged targets": (LAYERS, dict(y=[[1], [1, 2]]), ValueError, "y: found something that is not"),
    "cube": (LAYERS, dict(weights1=np.ones((2, 2, 2))), ValueError, "weights1: found 3 dim"),
    "negative rounds": (LAYERS, dict(iterations=-3), ValueError, "iterations: found -3"),
}


@pytest.mark.parametrize(("good", "change", "error", "message"), BAD.values(), ids=BAD)
def test_bad_input_is_refused(good, change, error, message):
    train = train_perceptron if good is PERCEPTRON else train_two_layer
    with pytest.raises(error, match=message):
        train(**{**good, **change})
