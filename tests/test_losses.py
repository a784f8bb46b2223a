"""Losses and outputs for weighted sums of any size, by way of a network of one unit or layer."""

import mpmath
import numpy as np
import pytest

from fastperc import DivergedError, Network
from fastperc.kernels import batch, losses, online, reference
from networks import HEADS, fixed

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


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("z", LOGITS)
@pytest.mark.parametrize(
    "head",
    [(out, loss) for out, loss in HEADS if loss not in ("log_loss", "cross_entropy")],
    ids="-".join,
)
def test_other_losses_are_right_or_refused(head, z, dtype):
    """Never NaN: what overflows is infinite, and training says so."""
    net = network(head, 1, dtype)
    y = 1.0 if head[1] in ("poisson", "hinge") else -0.5
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
    if loss == "quantile":  # of 1/4, which has no name
        net.loss_code = twin.loss_code = losses.quantile_code(0.25)
    X, Y = np.array([[p]]), np.array([[y]], float)
    gradient, rest = np.full(2, np.nan), np.empty((0, 1), np.int64)
    work = np.zeros(batch.work_size(net.layers, net.dtype, 1))
    found = batch.gradient_rows(
        fixed(X), fixed(Y), fixed(np.empty(0)), rest, net.theta, net.layers, net.loss_code,
        gradient, work,
    )  # fmt: skip
    assert found == (cost, 1)
    assert gradient.tolist() == [slope * p, slope]
    scratch, total = np.zeros(online.work_size(twin.layers, twin.dtype)), np.zeros(1)
    before = twin.theta.copy()
    online.train_online(
        X, Y, fixed(np.empty(0)), rest, twin.theta, twin.layers, twin.loss_code, 1.0, 0, 1,
        scratch, np.empty(2), total,
    )  # fmt: skip
    assert total[0] == cost
    assert (before - twin.theta).tolist() == [slope * p, slope]
