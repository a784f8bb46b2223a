"""Metrics that are computed after each epoch."""

import sys

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from fastperc import History, Network
from fastperc.training import metrics

RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((30, 3)), RNG.standard_normal((30, 2))
LABELS = RNG.integers(0, 3, 30)


def network(**options):
    return Network((3, 5, 2), hidden="tanh", seed=0, dtype="float64", **options)


def classifier():
    return Network((3, 5, 3), output="softmax", loss="cross_entropy", seed=0)


THEIRS = {
    "accuracy": "accuracy_score", "mean_squared_error": "mean_squared_error",
    "mean_absolute_error": "mean_absolute_error", "r2": "r2_score",
}  # fmt: skip


@pytest.mark.parametrize("name", metrics.METRICS)
@pytest.mark.parametrize("n_outputs", [1, 2])
def test_metrics_are_scikit_learns(name, n_outputs):
    shape = 20 if n_outputs == 1 else (20, n_outputs)
    y_true, y_pred = RNG.integers(0, 2, shape), RNG.integers(0, 2, shape)
    expected = getattr(sklearn_metrics, THEIRS[name])(y_true, y_pred)
    assert metrics.METRICS[name](y_true, y_pred) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("name", metrics.METRICS)
def test_metrics_are_documented(name):
    assert f'``"{name}"``' in Network.train.__doc__


def test_r2_of_constant_targets_and_of_one_sample():
    assert metrics.r2(np.ones(3), np.ones(3)) == 1
    assert metrics.r2(np.ones(3), np.array([1.0, 1.0, 2.0])) == 0
    assert np.isnan(metrics.r2(np.ones(1), np.ones(1)))


@pytest.mark.parametrize("validation", [None, (X[:9], Y[:9])])
def test_metrics_are_of_the_validation_set_or_of_the_samples_after_each_epoch(validation):
    net, expected = network(), []
    x, y = (X, Y) if validation is None else validation
    history = net.train(
        X, Y, epochs=3, validation=validation, metrics=["mean_absolute_error"],
        callback=lambda e, h: expected.append((h.metrics["mean_absolute_error"][-1],
                                               np.abs(net.predict(x) - y).mean())),
    )  # fmt: skip
    assert len(history.metrics["mean_absolute_error"]) == 3
    np.testing.assert_allclose(*np.array(expected).T, rtol=1e-12)


@pytest.mark.parametrize("optimizer", ["sgd", "rprop", "lbfgs"])
def test_labels_are_compared_with_labels(optimizer):
    net = classifier()
    history = net.train(
        X, LABELS, epochs=4, optimizer=optimizer, lr=0.1,
        metrics={"mine": "accuracy", "kappa": sklearn_metrics.cohen_kappa_score},
    )  # fmt: skip
    assert list(history.metrics) == ["mine", "kappa"]
    assert history.metrics["mine"][-1] == np.mean(net.predict(X) == LABELS)


@pytest.mark.parametrize(
    ("options", "y"),
    [
        ({"output": "sigmoid", "loss": "log_loss"}, LABELS > 0),
        ({"loss": "hinge"}, np.where(LABELS > 0, 1, -1)),
    ],
)
def test_two_classes(options, y):
    net = Network((3, 1), seed=0, **options)
    seen = []
    net.train(X, y, epochs=1, metrics=lambda a, b: seen.append((a, b)) or 0)
    assert np.array_equal(seen[0][0], y)
    assert np.array_equal(seen[0][1], net.predict(X))


@pytest.mark.parametrize(
    ("given", "error", "text"),
    [
        ("acuracy", ValueError, "found 'acuracy', expected one of accuracy, "),
        (5, TypeError, "found 5, expected one of"),
        (["r2", 5], TypeError, "found 5"),
        (["r2", "r2"], ValueError, "found 'r2' twice"),
        ({"loss": "r2"}, ValueError, "found one called 'loss'"),
        ({1: "r2"}, TypeError, "found the key 1"),
    ],
)
def test_what_is_no_metric_is_refused(given, error, text):
    net = network()
    with pytest.raises(error, match=f"metrics: {text}"):
        net.train(X, Y, metrics=given)
    assert net.history is None


def test_a_metric_that_fails_ends_training_after_its_epoch():
    net, twin = network(), network()
    twin.train(X, Y, epochs=1)
    with pytest.raises(TypeError, match=r"metrics\['<lambda>'\]: found 'good', expected a number"):
        net.train(X, Y, epochs=3, metrics=lambda a, b: "good")
    assert np.array_equal(net.theta, twin.theta)
    assert net.history.stopped == "error"
    assert np.isnan(net.history.metrics["<lambda>"]).all()


def test_metrics_cost_no_bit_of_the_training():
    net, twin = network(), network()
    net.train(X, Y, epochs=3, metrics=["r2"])
    twin.train(X, Y, epochs=3)
    assert np.array_equal(net.theta, twin.theta)


def test_a_history_as_a_table():
    history = network().train(X, Y, epochs=3, validation=0.5, metrics=["r2"])
    frame = history.to_frame()
    assert list(frame.columns) == ["loss", "validation_loss", "r2"]
    assert (frame.index.name, frame.index.tolist()) == ("epoch", [1, 2, 3])
    assert frame["r2"].tolist() == history.metrics["r2"]
    assert list(History([1.0], metrics={"r2": []}).to_frame().columns) == ["loss"]
    assert History([1.0, 0.5], [2.0]).to_frame()["validation_loss"].isna().tolist() == [False, True]


def test_pandas_may_be_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=r"fastperc\[frames\]"):
        History().to_frame()
