"""Networks as people write them: without biases, with parts frozen, by sums, as perceptrons."""

import pickle

import numpy as np
import pytest

from fastperc import Network
from fastperc.kernels import reference, reference_rules, single
from networks import problem

BIASES = [False, (True, False), (False, True)]
SIZES = [(3, 5, 1), (20, 70, 3), (6, 16, 16)]
EPOCHS, LR = 3, 0.004

# What `Network.train` takes, and the twin's rule and penalties.
RULES = {
    "sgd": ({}, lambda: reference_rules.sgd(LR), {}),
    "momentum": (
        {"momentum": 0.9, "alpha": 0.1}, lambda: reference_rules.momentum(LR, 0.9), {"alpha": 0.1},
    ),
    "adam": (
        {"optimizer": "adam", "clip_norm": 0.5, "l1": 0.01}, lambda: reference_rules.adam(LR),
        {"clip": 0.5, "l1": 0.01},
    ),
}  # fmt: skip


def check_against_twin(p, name, batch_size, **options):
    """Train the network and its twin alike; ``options`` have the same names in both."""
    ours, rule, penalties = RULES[name]
    p.net.train(
        p.X, p.y, epochs=EPOCHS, lr=LR, batch_size=batch_size, shuffle=False, **ours, **options
    )
    reference.train(p.model, p.X, p.Y, rule(), EPOCHS, batch_size, **penalties, **options)
    np.testing.assert_allclose(p.net.theta, p.model.theta, rtol=1e-10, atol=1e-12)


# --- layers without biases ------------------------------------------------------------------------


@pytest.mark.parametrize("sizes", SIZES, ids=str)
@pytest.mark.parametrize("bias", BIASES, ids=str)
@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("batch_size", [1, 7])
def test_training_without_biases(sizes, bias, name, batch_size):
    check_against_twin(problem(sizes, bias=bias), name, batch_size)


@pytest.mark.parametrize("sizes", SIZES, ids=str)
@pytest.mark.parametrize("bias", BIASES, ids=str)
def test_outputs_and_gradient_without_biases(sizes, bias):
    p = problem(sizes, bias=bias)
    wanted = reference.forward(p.model, p.X)[0][-1]
    np.testing.assert_allclose(p.net.forward(p.X), wanted, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(p.net.forward_one(p.X[3]), wanted[3].squeeze(), rtol=1e-12)
    wanted = reference.gradient(p.model, p.X, p.Y)
    np.testing.assert_allclose(p.net.backward(p.X, p.y), wanted, rtol=1e-11, atol=1e-14)


def test_theta_has_no_place_for_biases_that_are_not_there():
    net = Network((3, 5, 2), bias=(True, False), seed=0)
    assert len(net.theta) == 3 * 5 + 5 + 5 * 2
    assert net.biases[1].tolist() == [0, 0]
    with pytest.raises(ValueError, match="read-only"):
        net.biases[1][0] = 1
    with pytest.raises(ValueError, match=r"biases\[1\]: found 7, expected zeros or None"):
        net.biases = [np.ones(5), [0, 7]]
    assert not net.biases[0].any()  # nothing was written
    net.biases = [np.ones(5), None]
    assert net.biases[0].all()
    assert net.summary().splitlines()[-2].endswith("10")
    assert repr(net).endswith("bias=(True, False))")


@pytest.mark.parametrize("bias", BIASES, ids=str)
def test_networks_without_biases_are_kept(bias, tmp_path):
    p = problem((3, 5, 2), bias=bias)
    p.net.save(tmp_path / "net")
    for other in (
        p.net.copy(), pickle.loads(pickle.dumps(p.net)), Network.load(tmp_path / "net"),
    ):  # fmt: skip
        assert other.bias == p.net.bias
        assert np.array_equal(other.forward(p.X), p.net.forward(p.X))


def test_one_step_in_compiled_code_without_biases():
    p = problem((3, 5, 1), bias=False)
    before = p.net.copy()
    arrays = p.net.arrays()
    single.learn_one(p.X[0], p.y[0], arrays.theta, arrays.layers, arrays.loss, LR, arrays.work)
    gradient = before.backward(p.X[:1], p.y[:1])
    np.testing.assert_allclose(p.net.theta, before.theta - LR * gradient, rtol=1e-12)


@pytest.mark.parametrize(
    ("bias", "message"),
    [
        ("yes", "bias: found 'yes', expected True or False"),
        ((True,), "bias: found 1 values, expected True or False, or 2"),
        ((True, 1.5), r"bias\[1\]: found 1.5"),
    ],
)
def test_a_wrong_bias_is_told(bias, message):
    with pytest.raises((TypeError, ValueError), match=message):
        Network((3, 5, 2), bias=bias)


# --- frozen parameters ----------------------------------------------------------------------------


@pytest.mark.parametrize("frozen", [("b1", "b2"), ("W1",), ("W2", "b1")], ids=str)
@pytest.mark.parametrize("sizes", SIZES, ids=str)
@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("batch_size", [1, 7])
def test_frozen_parameters_keep_their_values(sizes, frozen, name, batch_size):
    p = problem(sizes)
    start = p.net.copy()
    check_against_twin(p, name, batch_size, frozen=frozen)
    arrays = {"W": (p.net.weights, start.weights), "b": (p.net.biases, start.biases)}
    for kind, pairs in arrays.items():
        for k, (now, before) in enumerate(zip(*pairs, strict=True), 1):
            assert np.array_equal(now, before) == (f"{kind}{k}" in frozen)


def test_adamw_does_not_shrink_what_is_frozen():
    p = problem((3, 5, 2))
    W = p.net.weights[0].copy()
    p.net.train(p.X, p.y, epochs=2, optimizer="adamw", alpha=0.5, frozen=["W1"])
    assert np.array_equal(p.net.weights[0], W)


def test_lbfgs_minimises_over_the_rest():
    p = problem((3, 5, 1))
    b, W = p.net.biases[0].copy(), p.net.weights[1].copy()
    p.net.train(p.X, p.y, optimizer="lbfgs", epochs=200, alpha=0.01, frozen=("b1", "W2"))
    assert np.array_equal(p.net.biases[0], b)
    assert np.array_equal(p.net.weights[1], W)
    slopes = p.net.backward(p.X, p.y, alpha=0.01)
    kept = np.r_[np.arange(15), 25]  # W1 and b2
    assert np.abs(slopes[kept]).max() < 1e-4 < np.abs(slopes[15:25]).max()


@pytest.mark.parametrize(
    ("frozen", "message"),
    [
        (("b3",), "frozen: found 'b3', expected one of W1, b1, W2, b2"),
        (("W1", "b1", "W2", "b2"), "frozen: found all of"),
        (3, "frozen: found 3, expected names"),
    ],
)
def test_a_wrong_name_is_told(frozen, message):
    p = problem((3, 5, 2))
    theta = p.net.theta.copy()
    with pytest.raises((TypeError, ValueError), match=message):
        p.net.train(p.X, p.y, frozen=frozen)
    assert np.array_equal(p.net.theta, theta)


# --- sums, and penalties on biases ----------------------------------------------------------------


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("batch_size", [1, 7, 30])
def test_the_sum_of_losses(name, batch_size):
    check_against_twin(problem((3, 5, 2)), name, batch_size, reduction="sum")


def test_sums_are_sums_everywhere():
    p = problem((3, 5, 2))
    for weight in (None, p.weight):
        total = len(p.X) if weight is None else weight.sum()
        ours = [getattr(p.net, name) for name in ("loss", "backward")]
        for function in ours:
            mean, found = (function(p.X, p.y, weight, reduction=r) for r in ("mean", "sum"))
            np.testing.assert_allclose(found, mean * total, rtol=1e-12)
        options = {"epochs": 1, "lr": 1e-12, "batch_size": 7, "validation": (p.X, p.y, weight)}
        history = p.net.copy().train(p.X, p.y, sample_weight=weight, reduction="sum", **options)
        wanted = p.net.loss(p.X, p.y, weight) * total
        assert history.loss + history.validation_loss == pytest.approx([wanted, wanted], rel=1e-6)


@pytest.mark.usefixtures("threads_for_any_work")
def test_the_sum_on_several_threads_has_the_same_bits():
    p = problem((5, 8, 1), n=1500)
    ends = []
    for threads in (1, 2):
        net = p.net.copy()
        net.train(p.X, p.y, epochs=3, lr=1e-4, batch_size=1500, reduction="sum", threads=threads)
        ends.append(net.theta)
    assert np.array_equal(*ends)


def test_lbfgs_minimises_the_sum():
    p = problem((3, 1))
    q = p.net.copy()
    p.net.train(p.X, p.y, optimizer="lbfgs", alpha=30 * 0.1, reduction="sum")
    q.train(p.X, p.y, optimizer="lbfgs", alpha=0.1)
    np.testing.assert_allclose(p.net.theta, q.theta, rtol=1e-4)
    assert p.net.history.loss[-1] == pytest.approx(30 * q.history.loss[-1], rel=1e-6)


@pytest.mark.parametrize("name", ["momentum", "adam"])
@pytest.mark.parametrize("batch_size", [1, 7])
@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_penalties_on_biases(sizes, name, batch_size):
    check_against_twin(problem(sizes), name, batch_size, penalize_biases=True)


def test_penalties_on_biases_in_loss_and_gradient():
    p = problem((3, 5, 2))
    plain = p.net.backward(p.X, p.y)
    found = p.net.backward(p.X, p.y, alpha=0.3, penalize_biases=True)
    np.testing.assert_allclose(found, plain + 0.3 * p.net.theta, rtol=1e-12)
    more = p.net.loss(p.X, p.y, alpha=0.3, penalize_biases=True) - p.net.loss(p.X, p.y)
    assert more == pytest.approx(0.15 * (p.net.theta**2).sum(), rel=1e-10)


# --- the perceptron -------------------------------------------------------------------------------

AND = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0.0, 0, 0, 1])


@pytest.mark.parametrize(("output", "low"), [("step", 0), ("sign", -1)])
def test_the_perceptron_rule(output, low):
    X, y = AND[0], np.where(AND[1] > 0, 1, low)
    net = Network((2, 1), output=output, loss="perceptron", init="zeros", dtype="float64")
    w, b = np.zeros(2), 0.0
    for _ in range(7):
        net.train(X, y, epochs=1, lr=0.1, shuffle=False)
        for x, target in zip(X, y, strict=True):
            o = 1 if x @ w + b >= 0 else low
            w, b = w + 0.1 * (target - o) * x, b + 0.1 * (target - o)
        np.testing.assert_array_equal(net.theta, [*w, b])
    assert net.predict(X).tolist() == y.tolist()
    assert [net.predict_one(x) for x in X] == y.tolist()
    assert net.history.loss == [0]


def test_a_perceptron_is_of_one_layer_and_its_own_labels():
    with pytest.raises(ValueError, match=r"sizes: found \(2, 3, 1\), expected one layer"):
        Network((2, 3, 1), output="step", loss="perceptron")
    with pytest.raises(ValueError, match="expected 'perceptron' with output='step'"):
        Network((2, 1), output="step")
    net = Network((2, 1), output="step", loss="perceptron", seed=0)
    with pytest.raises(ValueError, match=r"y: found -1, expected 0 and 1.*output='sign'"):
        net.train(AND[0], [-1, -1, -1, 1])
    with pytest.raises(ValueError, match="y: found -1, expected 0 and 1"):
        net.learn_one([0, 1], -1)


# --- start weights as they are written ------------------------------------------------------------


def test_start_weights_in_every_form():
    rng = np.random.default_rng(0)
    weights, biases = [rng.random((3, 4)), rng.random((4, 2))], [rng.random(4), rng.random(2)]
    pairs = [*zip(weights, biases, strict=True)]
    vector = np.concatenate([a.ravel() for pair in pairs for a in pair])
    lists = [[W.tolist() for W in weights], [b.tolist() for b in biases]]
    for init in ((weights, biases), [weights, biases], pairs, tuple(pairs), vector, lists):
        net = Network((3, 4, 2), init=init, dtype="float64")
        assert np.array_equal(net.theta, vector)
    assert not np.shares_memory(net.weights[0], weights[0])
    for init in (weights, (weights, [None, None])):
        net = Network((3, 4, 2), init=init, bias=False, dtype="float64")
        assert np.array_equal(net.theta, np.concatenate([W.ravel() for W in weights]))
    for init in ((weights[:1], biases[:1]), (weights[0], biases[0]), pairs[:1]):
        net = Network((3, 4), init=init, dtype="float64")
        assert np.array_equal(net.theta, vector[:16])


def test_start_weights_that_do_not_fit():
    W = [np.zeros((3, 4)), np.zeros((4, 2))]
    b = [np.zeros(4), np.zeros(2)]
    for init, message in (
        ((W, b[:1]), r"init: found a tuple of 2, expected \(weights, biases\) with 2 arrays each"),
        (([W[0].T, W[1]], b), r"init: weights\[0\]: found shape \(4, 3\), expected \(3, 4\)"),
        ([(W[0], b[0])], "init: found a list of 1"),
        ((W, [b[0], [0, np.nan]]), r"init: biases\[1\]: found nan"),
    ):
        with pytest.raises(ValueError, match=message):
            Network((3, 4, 2), init=init)


# --- rules ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dampening": 0.5}, "dampening: found 0.5 with momentum=0.0"),
        ({"momentum_of": "gradient"}, "momentum_of: found 'gradient' with momentum=0.0"),
        ({"momentum": 0.9, "nesterov": True, "dampening": 0.5}, "expected one of them at most"),
        ({"momentum": 0.9, "dampening": 1.5}, "dampening: found 1.5"),
        ({"optimizer": "rmsprop", "rho": 1}, "rho: found 1, expected a number from 0"),
        ({"optimizer": "rmsprop", "epsilon_hat": True}, "epsilon_hat: found True with"),
        ({"reduction": "total"}, "reduction: found 'total'"),
    ],
)
def test_options_of_rules_that_do_not_fit(options, message):
    p = problem((3, 5, 2))
    with pytest.raises(ValueError, match=message):
        p.net.train(p.X, p.y, **options)
