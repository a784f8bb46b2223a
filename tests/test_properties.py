"""What holds for every network and every data set, on examples that Hypothesis chooses."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastperc import Network
from networks import HEADS, HIDDEN, problem

SIZES = st.lists(st.integers(1, 40), min_size=2, max_size=4).map(tuple)
SEEDS = st.integers(0, 2**16)
COUNTS = st.integers(1, 60)
EXAMPLES = settings(max_examples=40)


@st.composite
def problems(draw):
    head = draw(st.sampled_from(HEADS))
    hidden = draw(st.sampled_from(HIDDEN))
    return problem(draw(SIZES), hidden=hidden, head=head, n=draw(COUNTS), seed=draw(SEEDS))


def check_gradient_is_a_sum_over_any_split(p, cut):
    cut = 1 + cut % len(p.X)
    parts = [(p.X[:cut], p.y[:cut]), (p.X[cut:], p.y[cut:])]
    whole = p.net.backward(p.X, p.y) * len(p.X)
    split = sum(p.net.backward(X, y) * len(X) for X, y in parts if len(X))
    np.testing.assert_allclose(split, whole, rtol=1e-9, atol=1e-10)


def check_row_order_at_predict(p, seed):
    order = np.random.default_rng(seed).permutation(len(p.X))
    np.testing.assert_allclose(p.net.forward(p.X)[order], p.net.forward(p.X[order]), rtol=1e-12)


def check_permuted_features_with_permuted_weights(p, seed):
    order = np.random.default_rng(seed).permutation(p.net.sizes[0])
    other = p.net.copy()
    other.weights[0][...] = p.net.weights[0][order]
    for net, X in ((p.net, p.X), (other, p.X[:, order])):
        net.train(X, p.y, epochs=2, lr=1e-6, shuffle=False)  # exp grows fast
    np.testing.assert_allclose(other.weights[0], p.net.weights[0][order], rtol=1e-8, atol=1e-10)


def check_weight_0_is_as_good_as_removed(p, seed):
    kept = np.random.default_rng(seed).random(len(p.X)) < 0.6
    kept[0] = True
    weight = np.where(kept, 1.5, 0.0)
    gradient = p.net.backward(p.X, p.y, weight)
    removed = p.net.backward(p.X[kept], p.y[kept])
    np.testing.assert_allclose(gradient, removed, rtol=1e-9, atol=1e-11)


def check_doubled_weight_is_a_row_given_twice(p, seed):
    twice = np.random.default_rng(seed).random(len(p.X)) < 0.5
    X, y = np.concatenate([p.X, p.X[twice]]), np.concatenate([p.y, p.y[twice]])
    weighted = p.net.backward(p.X, p.y, np.where(twice, 2.0, 1.0))
    np.testing.assert_allclose(weighted, p.net.backward(X, y), rtol=1e-9, atol=1e-11)


def check_one_sample_is_one_row(p, _):
    rows = p.net.forward(p.X)
    for x, row in zip(p.X[:3], rows, strict=False):
        np.testing.assert_allclose(p.net.forward_one(x), row.squeeze(), rtol=1e-11, atol=1e-13)


def check_save_and_load_change_nothing(p, _):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "net"
        p.net.save(path)
        again = Network.load(path)
    assert np.array_equal(again.theta, p.net.theta)
    assert np.array_equal(again.forward(p.X), p.net.forward(p.X))


PROPERTIES = [value for name, value in sorted(globals().items()) if name.startswith("check_")]


@pytest.mark.parametrize("check", PROPERTIES, ids=lambda f: f.__name__.removeprefix("check_"))
@EXAMPLES
@given(p=problems(), number=st.integers(0, 10**6))
def test_property(check, p, number):
    check(p, number)


@pytest.mark.slow
@pytest.mark.parametrize("check", PROPERTIES, ids=lambda f: f.__name__.removeprefix("check_"))
@settings(max_examples=1000)
@given(p=problems(), number=st.integers(0, 10**6))
def test_property_at_length(check, p, number):
    check(p, number)


@EXAMPLES
@given(seed=SEEDS, n_classes=st.integers(2, 6), n=COUNTS)
def test_renamed_classes_with_renamed_outputs(seed, n_classes, n):
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((n, 3)), rng.integers(0, n_classes, n)
    order = rng.permutation(n_classes)
    net = Network((3, 7, n_classes), output="softmax", loss="cross_entropy", seed=seed,
                  dtype="float64")  # fmt: skip
    other = net.copy()
    other.weights[1][:, order], other.biases[1][order] = net.weights[1], net.biases[1]
    net.train(X, y, epochs=2, shuffle=False)
    other.train(X, order[y], epochs=2, shuffle=False)
    np.testing.assert_allclose(other.forward(X)[:, order], net.forward(X), rtol=1e-9)
