"""Exports to ONNX, run by ONNX Runtime."""

import json
import sys

import numpy as np
import pytest
from fuzz import exports, running

import fastperc
from export_models import (
    Case,
    estimator_cases,
    fitted,
    fleet_case,
    network_case,
    require_agreement,
    rows,
    run_onnx,
)
from fastperc import (
    MLPClassifier,
    MLPRegressor,
    Network,
    SGDClassifier,
    to_onnx,
)
from fastperc.exports import onnx_check, onnx_model
from fastperc.exports.describe import describe
from networks import HEADS

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

N_NETWORKS = max(2 * len(HEADS), 45)


@pytest.fixture(scope="module")
def estimators():
    return estimator_cases()


# --- agreement ------------------------------------------------------------------------------------


@pytest.mark.parametrize("i", range(N_NETWORKS))
def test_networks(i):
    case = network_case(i)
    require_agreement(to_onnx(case.model), case)


@pytest.mark.parametrize("i", range(0, N_NETWORKS, 3))
def test_fleets_are_one_graph(i):
    case = fleet_case(i)
    require_agreement(to_onnx(case.model), case)
    if network_case(i).model.loss_name != "perceptron":
        case = fleet_case(i, shapes_differ=True)
        require_agreement(to_onnx(case.model), case)


def test_estimators(estimators):
    for name, case in estimators.items():
        try:
            require_agreement(to_onnx(case.model), case)
        except Exception as error:
            error.add_note(name)
            raise


@pytest.mark.slow
def test_many_random_models():
    failures = running.fuzz("exports", 0, 400)
    assert not failures, "\n".join(failures)


def test_a_random_estimator():
    exports.run(1)


@pytest.mark.parametrize("n", [1, 2, 33])
def test_any_number_of_rows(n, estimators):
    for name in ("classifier-hinge-None-str", "ensemble-shapes-float32", "grouped-pooled-None"):
        model, X, groups = estimators[name]
        case = Case(model, X[:n], None if groups is None else groups[:n])
        require_agreement(to_onnx(model), case)


@pytest.mark.parametrize(
    ("output", "loss"),
    [("sigmoid", "log_loss"), ("identity", "hinge"), ("softmax", "cross_entropy"),
     ("step", "perceptron"), ("sign", "perceptron")],
)  # fmt: skip
@pytest.mark.parametrize("n_out", [1, 2])
def test_outputs_on_the_boundary(output, loss, n_out):
    """Weights of 0 make outputs that are equal to the threshold, or to each other."""
    if output == "softmax":
        n_out += 1
    net = Network((2, n_out), output=output, loss=loss, init="zeros", dtype="float64")
    require_agreement(to_onnx(net), Case(net, np.ones((3, 2))))


@pytest.mark.parametrize("loss", ["log_loss", "hinge"])
def test_outputs_of_estimators_on_the_boundary(loss):
    X = rows(np.random.default_rng(0))
    model = MLPClassifier((), loss=loss, max_iter=1, random_state=0)
    fitted(model, X, np.where(X[:, 0] > 0, "a", "b"))
    model.coefs_[0][:], model.intercepts_[0][:] = 0, 0
    require_agreement(to_onnx(model), Case(model, X))


@pytest.mark.parametrize("intercept", [-1000.0, -60.0, 0.0, 1000.0])
@pytest.mark.parametrize("loss", ["log_loss", "modified_huber"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_one_against_the_others_far_from_all_classes(intercept, loss, dtype):
    """Probabilities are divided by their sum, however small that is; equal ones where it is 0."""
    X = rows(np.random.default_rng(0), dtype)
    model = fitted(SGDClassifier(loss=loss, max_iter=2, tol=None), X, np.arange(len(X)) % 3)
    model.coef_[:] = np.clip(model.coef_, -1, 1)
    model.intercept_[:] = intercept
    require_agreement(to_onnx(model), Case(model, X))


# --- what else an ensemble and groups give --------------------------------------------------------


def test_spread_and_intervals(estimators):
    model, X, _ = estimators["ensemble-bootstrap-float64"]
    found = run_onnx(to_onnx(model, coverage=0.8), X=X)
    assert np.allclose(found["spread"][:, 0], model.predict(X, return_std=True)[1], rtol=1e-9)
    low, high = model.predict_interval(X, 0.8)
    assert np.allclose(found["low"][:, 0], low, rtol=1e-12)
    assert np.allclose(found["high"][:, 0], high, rtol=1e-12)


def test_intervals_are_refused_where_there_are_none(estimators):
    with pytest.raises(ValueError, match="without prediction intervals"):
        to_onnx(estimators["ensemble-plain-float64"].model, coverage=0.8)
    with pytest.raises(ValueError, match="between 0 and 1"):
        to_onnx(estimators["ensemble-bootstrap-float64"].model, coverage=1.5)


@pytest.mark.parametrize(
    "name", ["grouped-error-None", "grouped-log_loss-2-None", "grouped-column"]
)
def test_rows_of_unknown_groups_are_an_error(name, estimators):
    model, X, groups = estimators[name]
    strange = np.array(["no such"], object) if groups.dtype == object else groups[:1] * 0 + 77
    with pytest.raises(Exception, match="out of data bounds"):
        run_onnx(to_onnx(model), X=X[:1], groups=strange)


# --- the file -------------------------------------------------------------------------------------


def test_what_a_file_says(tmp_path):
    pandas = pytest.importorskip("pandas")
    X = pandas.DataFrame(rows(np.random.default_rng(0)), columns=["a", "b", "ö", "d", "e"])
    model = fitted(MLPRegressor(hidden_layer_sizes=(3,), max_iter=2), X, np.arange(len(X)) * 0.1)
    proto = to_onnx(model, tmp_path / "model.onnx")
    read = onnx.load(tmp_path / "model.onnx")
    assert read == proto
    assert (read.producer_name, read.producer_version) == ("fastperc", fastperc.__version__)
    assert [(o.domain, o.version) for o in read.opset_import] == [("", 17)]
    assert read.ir_version == 8
    metadata = {p.key: p.value for p in read.metadata_props}
    assert json.loads(metadata["feature_names"]) == list(X.columns)
    assert metadata["model"] == "MLPRegressor"
    found = run_onnx(proto, X=X.to_numpy())["variable"]
    assert np.allclose(found[:, 0], model.predict(X), rtol=1e-12)


def test_large_fleets_and_many_groups_are_exported():
    fleet = fastperc.Fleet((3, 8, 1), 3000, seed=0)
    assert len(to_onnx(fleet).graph.node) == 6
    X = rows(np.random.default_rng(0), n=3000)
    one = MLPRegressor(hidden_layer_sizes=(2,), max_iter=1, random_state=0)
    names = np.array([f"group {k % 1000}" for k in range(3000)])
    model = fitted(fastperc.GroupedMLPRegressor(one), X, X[:, 0], groups=names)
    require_agreement(to_onnx(model), Case(model, X[:50], names[:50].astype(object)))


def test_a_subclass_is_its_class():
    class Own(MLPRegressor):
        pass

    X = rows(np.random.default_rng(0))
    model = fitted(Own(hidden_layer_sizes=(), max_iter=1, random_state=0), X, X[:, 0])
    require_agreement(to_onnx(model), Case(model, X))


def test_a_file_that_is_there_is_replaced_only_by_a_whole_one(tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(b"old")
    with pytest.raises(TypeError):
        to_onnx({}, path)
    assert path.read_bytes() == b"old"


def test_exporting_changes_no_bit_of_training():
    def taught(export):
        model = SGDClassifier(loss="log_loss", average=True, random_state=0)
        rng = np.random.default_rng(0)
        for k in range(60):
            x = rng.normal(0, 1, 3)
            model.learn_one({"a": x[0], "b": x[1], "c": x[2]}, "yes" if x[0] > 0 else "no")
            if export and k % 7 == 6:
                to_onnx(model)
        return model._model()

    with_exports, without = taught(True), taught(False)
    assert np.array_equal(with_exports.theta, without.theta)
    assert np.array_equal(with_exports.state, without.state, equal_nan=True)


# --- the check ------------------------------------------------------------------------------------


def spoiled(proto, name, change):
    for tensor in proto.graph.initializer:
        if tensor.name == name:
            values = onnx.numpy_helper.to_array(tensor).copy()
            change(values)
            tensor.CopyFrom(onnx.numpy_helper.from_array(values, name))
    return proto


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_graph_that_differs_is_refused(dtype):
    net = Network((3, 8, 2), hidden="tanh", seed=0, dtype=dtype)
    plan = describe(net)

    def shift(b):
        b[0] += {"float32": 1e-4, "float64": 1e-10}[dtype]

    proto = spoiled(onnx_model.model_of(plan), "b2", shift)
    with pytest.raises(RuntimeError, match=r"Network \(3, 8, 2\) in float.* apart, expected"):
        onnx_check.check_against_runtime(proto, net, plan)


def test_labels_that_differ_are_refused():
    net = Network((3, 4), output="softmax", loss="cross_entropy", seed=0)
    plan = describe(net)
    proto = onnx_model.model_of(plan)
    spoiled(proto, "classes", lambda classes: np.copyto(classes, classes[::-1].copy()))
    with pytest.raises(RuntimeError, match="gives other labels for"):
        onnx_check.check_against_runtime(proto, net, plan)


def test_export_calls_the_check(monkeypatch):
    monkeypatch.setitem(onnx_check.TOLERANCE, "float32", -1.0)
    with pytest.raises(RuntimeError, match="apart"):
        to_onnx(Network((3, 2), seed=0))


# --- what is missing, or cannot be exported -------------------------------------------------------


def test_missing_packages_are_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match=r"pip install 'fastperc\[onnx\]'"):
        to_onnx(Network((3, 2)))


def test_onnx_runtime_may_be_missing(monkeypatch):
    monkeypatch.setattr(onnx_check.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setitem(onnx_check.TOLERANCE, "float32", -1.0)  # which nothing meets
    assert to_onnx(Network((3, 2))).graph.node


def test_what_cannot_be_exported_is_refused():
    hashed = SGDClassifier(n_features=32)
    hashed.learn_one({"a": 1.0}, 1)
    with pytest.raises(ValueError, match="exports do not hash"):
        to_onnx(hashed)
    with pytest.raises(TypeError, match=r"found int, expected a Network"):
        to_onnx(3)
    with pytest.raises(ValueError, match="not fitted"):
        to_onnx(MLPClassifier())
