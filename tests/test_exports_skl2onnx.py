"""Pipelines with our estimators inside, converted by skl2onnx."""

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import fastperc
from export_models import TOLERANCE, fitted, labels_for, rows, run_onnx, targets_for
from fastperc import (
    GridSearchCV,
    GroupedMLPRegressor,
    MLPClassifier,
    MLPEnsembleClassifier,
    MLPEnsembleRegressor,
    MLPRegressor,
    Perceptron,
    SGDClassifier,
    SGDRegressor,
    register_skl2onnx,
    to_onnx,
)

pytest.importorskip("onnxruntime")
skl2onnx = pytest.importorskip("skl2onnx")

QUICK = {"hidden_layer_sizes": (5,), "max_iter": 5, "random_state": 0}
CLASSIFIERS = [
    MLPClassifier(**QUICK),
    MLPClassifier(scale="standard", loss="hinge", **QUICK),
    MLPEnsembleClassifier(n_members=3, **QUICK),
    SGDClassifier(loss="log_loss", random_state=0),
    SGDClassifier(loss="hinge", random_state=0),
    Perceptron(random_state=0),
]
REGRESSORS = [
    MLPRegressor(**QUICK),
    MLPEnsembleRegressor(n_members=3, **QUICK),
    SGDRegressor(random_state=0),
]


def name_of(model):
    return f"{type(model).__name__}-{getattr(model, 'loss', '')}"


def pipeline_of(model, dtype, kind="str", n_classes=3):
    rng = np.random.default_rng(0)
    X = rows(rng, dtype, far=False) * 3 + 1
    y = targets_for(rng, X) if model in REGRESSORS else labels_for(rng, X, kind, n_classes)
    return fitted(make_pipeline(StandardScaler(), model), X, y), X


def shown(pipeline, X):
    """What the second output shows."""
    if not hasattr(pipeline, "classes_"):
        return pipeline.predict(X)[:, None]
    if hasattr(pipeline, "predict_proba"):
        return pipeline.predict_proba(X)
    scores = pipeline.decision_function(X)
    return scores if scores.ndim == 2 else np.stack([-scores, scores], axis=1)


def check(proto, pipeline, X):
    found = run_onnx(proto, X=X)
    if hasattr(pipeline, "classes_"):
        assert list(found) == ["label", "probabilities"]
        labels = found["label"]
        assert labels.dtype.kind == ("O" if pipeline.classes_.dtype.kind == "U" else "i")
        assert np.array_equal(labels, pipeline.predict(X))
    expected = shown(pipeline, X)
    values = found["probabilities" if len(found) == 2 else "variable"]
    assert values.dtype == X.dtype
    tolerance = 3 * TOLERANCE[X.dtype.name]  # the scaler of skl2onnx has roundings of its own
    assert np.abs(values - expected).max() <= tolerance * max(1, np.abs(expected).max())


@pytest.mark.parametrize("model", CLASSIFIERS, ids=name_of)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("kind", "n_classes"), [("str", 3), ("int", 2), ("bool", 2)])
def test_classifiers_in_pipelines(model, dtype, kind, n_classes):
    pipeline, X = pipeline_of(model, dtype, kind, n_classes)
    check(to_onnx(pipeline, X=X), pipeline, X)


@pytest.mark.parametrize("model", REGRESSORS, ids=name_of)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_regressors_in_pipelines(model, dtype):
    pipeline, X = pipeline_of(model, dtype)
    check(to_onnx(pipeline), pipeline, X)


@pytest.mark.parametrize("target_opset", [13, 15, 18, 21])
def test_skl2onnx_itself(target_opset):
    register_skl2onnx()
    pipeline, X = pipeline_of(CLASSIFIERS[0], "float32")
    options = {id(pipeline): {"zipmap": False}}
    proto = skl2onnx.to_onnx(pipeline, X[:1], options=options, target_opset=target_opset)
    check(proto, pipeline, X)
    types = [("X", skl2onnx.common.data_types.FloatTensorType([None, X.shape[1]]))]
    proto = skl2onnx.convert_sklearn(
        pipeline, initial_types=types, options=options, target_opset=target_opset
    )
    check(proto, pipeline, X)


@pytest.mark.parametrize("kind", ["str", "int"])
def test_zipmap(kind):
    register_skl2onnx()
    pipeline, X = pipeline_of(CLASSIFIERS[0], "float32", kind)
    proto = skl2onnx.to_onnx(pipeline, X[:1], target_opset=17)
    found = run_onnx(proto, X=X)
    assert np.array_equal(found["output_label"], pipeline.predict(X))
    first = found["output_probability"][0]
    assert list(first) == pipeline.classes_.tolist()
    assert np.allclose([*first.values()], pipeline.predict_proba(X[:1])[0], atol=1e-6)


def test_several_labels():
    X = rows(np.random.default_rng(0), "float32")
    Y = (X[:, :3] > 0).astype(int)
    pipeline = fitted(make_pipeline(StandardScaler(), MLPClassifier(**QUICK)), X, Y)
    check(to_onnx(pipeline), pipeline, X)


def test_columns_of_several_types():
    pandas = pytest.importorskip("pandas")
    rng = np.random.default_rng(0)
    frame = pandas.DataFrame(rows(rng, "float32", n_features=2), columns=["a", "b"])
    frame["town"] = rng.choice(["Bern", "Chur"], len(frame))
    columns = ColumnTransformer(
        [("numbers", StandardScaler(), ["a", "b"]), ("texts", OneHotEncoder(), ["town"])]
    )
    y = np.where(frame["town"] == "Bern", "x", "y")
    pipeline = fitted(make_pipeline(columns, MLPClassifier(**QUICK)), frame, y)
    inputs = {name: frame[[name]].to_numpy() for name in frame}
    found = run_onnx(to_onnx(pipeline, X=frame), **inputs)
    assert np.array_equal(found["label"], pipeline.predict(frame))


def test_searches_and_meta_estimators():
    pipeline, X = pipeline_of(CLASSIFIERS[0], "float32", n_classes=2)
    y = pipeline.predict(X)
    search = fitted(GridSearchCV(MLPClassifier(**QUICK), {"alpha": [0.1, 1]}, cv=2), X, y)
    found = run_onnx(to_onnx(search), X=X)
    assert np.array_equal(found["label"], search.predict(X))
    multinomial = SGDClassifier(loss="log_loss", multi_class="multinomial", random_state=0)
    for model in (*CLASSIFIERS[:4], multinomial):
        calibrated = fitted(CalibratedClassifierCV(model, cv=2), X, y)
        found = run_onnx(to_onnx(calibrated), X=X)
        assert np.abs(found["probabilities"] - calibrated.predict_proba(X)).max() < 1e-5


def test_what_skl2onnx_cannot_have_is_refused():
    register_skl2onnx()
    pipeline, X = pipeline_of(CLASSIFIERS[0], "float32")
    with pytest.raises(ValueError, match=r"target_opset: found 12, expected 13"):
        skl2onnx.to_onnx(pipeline, X[:1], target_opset=12)
    with pytest.raises(ValueError, match="found a pipeline"):
        to_onnx(pipeline, coverage=0.9)
    groups = np.repeat([1.0, 2.0], 60)
    grouped = GroupedMLPRegressor(MLPRegressor(**QUICK), groups=0)
    grouped = fitted(make_pipeline(grouped), np.insert(X, 0, groups, axis=1), X[:, 0])
    with pytest.raises(Exception, match="GroupedMLPRegressor"):
        to_onnx(grouped)


def test_every_estimator_is_registered():
    register_skl2onnx()
    from skl2onnx._supported_operators import sklearn_operator_name_map

    known = {kind.__name__ for kind in sklearn_operator_name_map if "fastperc" in kind.__module__}
    ours = {name for name in fastperc.estimators.__all__ if not name.startswith(("Grouped", "fit"))}
    assert known == ours
