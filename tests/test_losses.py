"""Losses and outputs for weighted sums of any size, by way of a network of one unit or layer."""

import mpmath
import numpy as np
import pytest

from fastperc import DivergedError, Network
from fastperc.kernels import batch, losses, online, reference
from fastperc.kernels.arguments import Samples
from fastperc.model.losses import LOSSES
from fastperc.model.options import OF_SHARES
from networks import HEADS, RULES, arguments_of, fixed, problem

FAR = [0.0, 1e-300, 1e-3, 1.0, 30.0, 500.0, 1e3, 1e6]
LOGITS = sorted({*FAR, *(-z for z in FAR)})


def network(head, n_outputs, dtype="float64"):
    """One layer whose weighted sums are its inputs."""
    output, loss = head
    net = Network((n_outputs, n_outputs), output=output, loss=loss, dtype=dtype, init="zeros")
    net.weights[0][...] = np.eye(n_outputs)
    return net


@pytest.mark.parametrize("y", [0, 1, 0.25])
@pytest.mark.parametrize("z", LOGITS)
def test_log_loss_to_the_last_digits(z, y):
    net = network(("sigmoid", "log_loss"), 1)
    with mpmath.workdps(1000):
        p = 1 / (1 + mpmath.exp(-mpmath.mpf(z))) if abs(z) < 1e5 else None
    if p is None:  # the loss is |z| times the share of the wrong label, to all digits
        wanted = max(z, 0) - y * z
        probability = float(z > 0)
    else:
        wanted, probability = float(-(y * mpmath.log(p) + (1 - y) * mpmath.log(1 - p))), float(p)
    assert net.loss([[z]], [y]) == pytest.approx(wanted, rel=1e-12)
    assert net.forward_one([z]) == pytest.approx(probability, rel=1e-12)
    assert net.backward([[z]], [y])[1] == pytest.approx(probability - y, rel=1e-12, abs=1e-16)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("z", LOGITS)
def test_cross_entropy_of_extreme_sums(z, dtype):
    net = network(("softmax", "cross_entropy"), 3, dtype)
    Z = np.array([[z, 0.0, -z], [z, z, z]]).astype(dtype)
    for label in range(3):
        exact = Z.astype(np.longdouble)
        top = exact.max(axis=1, keepdims=True)
        log_p = exact - top - np.log(np.exp(exact - top).sum(axis=1, keepdims=True))
        wanted = -log_p[:, label].mean()
        tolerance = 1e-12 if dtype == "float64" else 1e-6
        assert net.loss(Z, [label, label]) == pytest.approx(float(wanted), rel=tolerance)
        gradient = net.backward(Z, [label, label])
        assert np.isfinite(gradient).all()
    np.testing.assert_allclose(net.forward(Z).sum(axis=1), 1, rtol=1e-6)


@pytest.mark.parametrize("head", [("sigmoid", "log_loss"), ("softmax", "cross_entropy")])
def test_per_sample_and_batch_agree_on_extremes(head):
    net = network(head, 2)
    y = [0, 1, 0] if head[0] == "softmax" else [[0, 1], [1, 1], [1, 0]]
    X = np.array([[1e6, -1e6], [1e3, 5.0], [-40.0, 40.0]])
    online = net.copy().train(X, y, epochs=1, lr=1e-300, shuffle=False)
    assert online.loss[0] == pytest.approx(net.loss(X, y), rel=1e-14)


@pytest.mark.filterwarnings("ignore:y. found")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("z", LOGITS)
@pytest.mark.parametrize(
    "head",
    [(out, loss) for out, loss in HEADS if loss != "log_loss" and out != "softmax"],
    ids="-".join,
)
def test_other_losses_are_right_or_refused(head, z, dtype):
    """Never NaN: what overflows is infinite, and training says so."""
    net = network(head, 1, dtype)
    y = -0.5 if LOSSES[head[1]].bounds[0] < 0 else 1.0
    Z, Y = np.array([[z]], np.longdouble), np.array([[y]], np.longdouble)
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        p = reference.ACTIVATIONS[head[0]](Z)
        wanted = float(reference.LOSSES[head[1]](Z, p, Y)[0])
    if head[1] == "poisson" and z < -100:  # log p = z, where p rounds to 0
        wanted = -z - y
    found = net.loss([[z]], [y])
    largest = float(np.finfo(dtype).max)
    if wanted > largest or not np.isfinite(wanted):
        assert found == np.inf
        with pytest.raises(DivergedError):
            net.train([[z]], [y], epochs=1)
    else:
        tolerance = 1e-12 if dtype == "float64" else 1e-5
        assert found == pytest.approx(wanted, rel=tolerance, abs=4 * float(np.finfo(dtype).eps))
        assert np.isfinite(net.backward([[z]], [y])).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("z", LOGITS)
@pytest.mark.parametrize("loss", OF_SHARES)
def test_losses_of_softmax_outputs_one_by_one(loss, z, dtype):
    net = network(("softmax", loss), 3, dtype)
    Z, y = [[z, 0.0, 1.0]], [[1.0, 0.0, 0.0]]
    exact = np.array(Z, np.longdouble)
    p = reference.ACTIVATIONS["softmax"](exact)
    wanted = float(reference.LOSSES[loss](exact, p, np.array(y))[0])
    tolerance = 1e-12 if dtype == "float64" else 1e-5
    assert net.loss(Z, y) == pytest.approx(wanted, rel=tolerance, abs=tolerance)
    model = reference.Model.from_theta(net.theta.astype("f8"), (3, 3), ("softmax",), loss)
    gradient = reference.gradient(model, np.array(Z), np.array(y))
    size = max(1.0, abs(z))
    np.testing.assert_allclose(net.backward(Z, y) / size, gradient / size, atol=tolerance)


@pytest.mark.parametrize("scale", [1e-300, 1e-310, 1e-150, 1e150, 1e300])
def test_features_of_any_size(scale):
    rng = np.random.default_rng(0)
    X, y = rng.uniform(0.5, 1, (20, 3)) * scale, rng.integers(0, 2, 20)
    net = Network(
        (3, 4, 1), hidden="tanh", output="sigmoid", loss="log_loss", dtype="float64", seed=0
    )
    assert np.isfinite(net.loss(X, y))
    assert np.isfinite(net.backward(X, y)).all()
    assert np.isfinite(net.forward(X)).all()
    history = net.train(X, y, epochs=2, lr=1e-3 / max(scale, 1))
    assert np.isfinite(history.loss).all()


@pytest.mark.parametrize("margin", [1.0, 20.0, 30.0, 37.0, 60.0, 700.0])
def test_cross_entropy_of_a_sure_network_to_the_last_digits(margin):
    net = network(("softmax", "cross_entropy"), 3)
    Z = [[margin, 0.0, -1.0]]
    with mpmath.workdps(400):
        wanted = float(mpmath.log1p(mpmath.exp(-margin) + mpmath.exp(-margin - 1)))
    assert net.loss(Z, [0]) == pytest.approx(wanted, rel=1e-13)


def test_cross_entropy_of_ties():
    net = network(("softmax", "cross_entropy"), 3)
    assert net.loss([[5.0, 5.0, 5.0]], [1]) == pytest.approx(np.log(3), rel=1e-15)
    np.testing.assert_allclose(net.forward([[5.0, 5.0, 5.0]]), 1 / 3, rtol=1e-15)


# --- weights of samples ---------------------------------------------------------------------------

WITH_BATCHES = [
    *({**options, "batch_size": 8} for options in RULES.values()),
    {"batch_size": 40},
    {"batch_size": 40, "threads": 2},
    {"optimizer": "rprop"},
    {"optimizer": "lbfgs"},
    {"momentum": 0.9, "l1": 1e-3, "batch_size": 8},
]
WAYS = [*RULES.values(), *WITH_BATCHES]


def weightless(dtype, head, n=40):
    """Samples of which every fifth has weight 0, and in place of it numbers that overflow."""
    p = problem((6, 20, 9, 3), hidden="softplus", head=head, dtype=dtype, n=n)
    weight = np.where(np.arange(n) % 5 == 2, 0, 1 + np.arange(n) % 3)
    X = np.where(weight[:, None] > 0, p.X, 1e30 if dtype == "float32" else 1e300)
    y = p.y
    if head[1] == "squared_error":
        y = np.where(weight[:, None] > 0, p.y, 1e30 if dtype == "float32" else 1e200)
    return p.net, X, y, weight


@pytest.mark.filterwarnings("ignore:y. found")
@pytest.mark.parametrize("head", HEADS, ids="-".join)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_sample_of_weight_zero_is_a_removed_row_in_loss_and_gradient(head, dtype):
    net, X, y, weight = weightless(dtype, head)
    rows = weight > 0
    rel = 1e-12 if dtype == "float64" else 1e-5
    assert net.loss(X, y, weight) == pytest.approx(net.loss(X[rows], y[rows], weight[rows]), rel)
    np.testing.assert_allclose(
        net.backward(X, y, weight), net.backward(X[rows], y[rows], weight[rows]), rel, rel
    )


@pytest.mark.parametrize("options", WAYS, ids=str)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_sample_of_weight_zero_spoils_no_training(options, dtype):
    """Its numbers make no difference at all: 0 in its place gives the same bits."""
    net, X, y, weight = weightless(dtype, ("identity", "squared_error"))
    rows = weight > 0
    tame = net.copy()
    options = {"epochs": 3, "lr": 1e-3, "shuffle": False, **options}
    history = net.train(X, y, sample_weight=weight, **options)
    calm = tame.train(
        np.where(rows[:, None], X, 0), np.where(rows[:, None], y, 0), sample_weight=weight,
        **options,
    )  # fmt: skip
    assert np.array_equal(net.theta, tame.theta)
    assert history.loss == calm.loss


@pytest.mark.parametrize("batch_size", [1, 40])
def test_training_online_and_whole_equals_training_without_the_row(batch_size):
    net, X, y, weight = weightless("float64", ("identity", "squared_error"))
    rows, twin = weight > 0, net.copy()
    options = {"epochs": 3, "lr": 1e-3, "shuffle": False, "batch_size": batch_size}
    history = net.train(X, y, sample_weight=weight, **options)
    without = twin.train(X[rows], y[rows], sample_weight=weight[rows], **options)
    np.testing.assert_allclose(net.theta, twin.theta, rtol=1e-12)
    np.testing.assert_allclose(history.loss, without.loss, rtol=1e-12)


@pytest.mark.parametrize("factor", [1e-44, 1e-300, 1e38, 1e300])
@pytest.mark.parametrize("options", WITH_BATCHES, ids=str)
def test_only_the_ratios_of_weights_count(options, factor):
    net, X, y, weight = weightless("float32", ("identity", "squared_error"))
    twin = net.copy()
    options = {"epochs": 3, "lr": 1e-3, **options}
    history = net.train(X, y, sample_weight=weight * factor, **options)
    assert history.loss == pytest.approx(
        twin.train(X, y, sample_weight=weight, **options).loss, rel=1e-6
    )
    np.testing.assert_allclose(net.theta, twin.theta, rtol=1e-4, atol=1e-6)
    assert net.loss(X, y, weight * factor) == pytest.approx(net.loss(X, y, weight), rel=1e-6)


def test_the_held_out_part_is_weighted_too():
    net, X, y, weight = weightless("float64", ("identity", "squared_error"))
    history = net.train(X, y, epochs=2, lr=1e-3, sample_weight=weight, validation=0.5)
    assert np.isfinite(history.validation_loss).all()
    history = net.train(X, y, epochs=1, sample_weight=weight, validation=(X, y, weight), lr=1e-3)
    assert history.validation_loss == [net.loss(X, y, weight)]


def test_a_held_out_part_without_weight_is_refused():
    net = Network((1, 1), seed=0)
    before = net.copy()
    with pytest.raises(ValueError, match="validation: found a part without any sample"):
        net.train([[1], [2], [3], [4]], [1, 2, 3, 4], sample_weight=[1, 0, 0, 0], validation=0.25)
    assert np.array_equal(net.theta, before.theta)
    assert net.rng.random() == before.rng.random()


# Targets, outputs, and by hand: the loss and its derivative by the output.
KINKS = [
    ("absolute_error", 0.5, 0.5, 0.0, 0.0),
    ("absolute_error", 0.5, 0.75, 0.25, 1.0),
    ("absolute_error", 0.5, 0.25, 0.25, -1.0),
    ("huber", 0.5, 0.5, 0.0, 0.0),
    ("huber", 0.5, 1.5, 0.5, 1.0),
    ("huber", 0.5, -0.5, 0.5, -1.0),
    ("huber", 0.5, 2.5, 1.5, 1.0),
    ("huber", 0.5, 1.0, 0.125, 0.5),
    ("hinge", 1, 1.0, 0.0, 0.0),
    ("hinge", -1, -1.0, 0.0, 0.0),
    ("hinge", 1, 0.5, 0.5, -1.0),
    ("hinge", -1, 0.5, 1.5, 1.0),
    ("quantile", 0.5, 0.5, 0.0, 0.0),
    ("quantile", 0.5, 1.5, 0.75, 0.75),
    ("quantile", 0.5, -0.5, 0.25, -0.25),
]


@pytest.mark.parametrize(("loss", "y", "p", "cost", "slope"), KINKS)
def test_losses_at_and_beside_their_kinks(loss, y, p, cost, slope):
    """At 0 the derivative is taken as 0, in batches and for one sample."""
    named = "squared_error" if loss == "quantile" else loss
    net, twin = network(("identity", named), 1), network(("identity", named), 1)
    code = losses.quantile_code(0.25) if loss == "quantile" else None  # which has no name
    order = np.empty((0, 1), np.int64)
    X, Y, weight = fixed(np.array([[p]])), fixed(np.array([[y]], float)), fixed(np.empty(0))
    samples, gradient = Samples(X, Y, weight, order), np.full(2, np.nan)
    work = np.zeros(batch.work_size(net.layers, net.dtype, 1))
    found = batch.gradient_rows(samples, arguments_of(net, loss=code), gradient, work)
    assert found == (cost, 1)
    assert gradient.tolist() == [slope * p, slope]
    scratch, total = np.zeros(online.work_size(twin.layers, twin.dtype)), np.zeros(1)
    before = twin.theta.copy()
    arguments = samples, arguments_of(twin, loss=code)
    online.train_online(*arguments, 1.0, 0, 1, scratch, np.empty(2), total)
    assert total[0] == cost
    assert (before - twin.theta).tolist() == [slope * p, slope]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_sample_of_weight_zero_may_overflow_in_a_hidden_layer(dtype):
    """Its hidden outputs are infinite: times its delta, 0, they would be NaN."""
    net, X, y, weight = weightless(dtype, ("identity", "squared_error"))
    rows = weight > 0
    X = np.where(rows[:, None], X, np.finfo(dtype).max)
    with np.errstate(all="ignore"):
        assert not np.isfinite(X[2].astype(dtype) @ net.weights[0]).all()
    found = net.backward(X, y, weight)
    rel = 1e-12 if dtype == "float64" else 1e-5
    np.testing.assert_allclose(found, net.backward(X[rows], y[rows], weight[rows]), rel, rel)
    assert np.isfinite(net.train(X, y, epochs=2, batch_size=8, sample_weight=weight).loss).all()


# --- losses without a name, for the estimators ----------------------------------------------------


def loss_and_gradient(net, X, Y, code=None):
    order = np.empty((0, len(X)), np.int64)
    samples = Samples(X, Y, fixed(np.empty(0, net.dtype)), order)
    work = np.zeros(batch.work_size(net.layers, net.dtype, len(X)), net.dtype)
    gradient = np.empty_like(net.theta)
    loss, _ = batch.gradient_rows(samples, arguments_of(net, loss=code), gradient, work)
    return loss, gradient


CAPPED = [
    (("sigmoid", "log_loss"), losses.CAPPED_LOG_LOSS),
    (("softmax", "cross_entropy"), losses.CAPPED_CROSS_ENTROPY),
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("head", "code"), CAPPED)
def test_capped_losses_are_capped_and_their_gradients_are_not(head, code, dtype):
    p = problem((3, 2), head=head, dtype=dtype)
    for scale in (1.0, 1000.0):
        X = fixed((p.X * scale).astype(dtype))
        loss, gradient = loss_and_gradient(p.net, X, p.y)
        capped, same = loss_and_gradient(p.net, X, p.y, code)
        np.testing.assert_array_equal(gradient, same)
        assert capped == loss if scale == 1 else capped < loss
    out = p.net.forward(X).astype(np.float64)
    least = np.finfo(dtype).eps
    out = np.clip(out, least, 1 - least)
    both = head[1] == "log_loss"
    expected = -(p.y * np.log(out) + both * (1 - p.y) * np.log(1 - out)).sum()
    assert capped == pytest.approx(expected, rel=1e-5, abs=1e-4)


@pytest.mark.parametrize("level", [0.1, 0.5, 0.75])
def test_the_quantile_loss_and_its_gradient(level):
    p = problem((3, 5, 2))
    net, code = p.net, losses.quantile_code(level)
    loss, gradient = loss_and_gradient(net, p.X, p.y, code)
    error = p.y - net.forward(p.X)
    assert loss == pytest.approx(np.maximum(level * error, (level - 1) * error).sum(), rel=1e-6)
    numeric, h = np.empty_like(gradient), 1e-6
    for i in range(net.theta.size):
        ends = []
        for step in (h, -2 * h):
            net.theta[i] += step
            ends.append(loss_and_gradient(net, p.X, p.y, code)[0])
        net.theta[i] += h
        numeric[i] = (ends[0] - ends[1]) / (2 * h)
    np.testing.assert_allclose(gradient, numeric, rtol=1e-6, atol=1e-6)
