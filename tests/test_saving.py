"""Every model comes back from its file whole, and trains on as if it had never been away."""

import json
import pickle
import struct
import warnings
from pathlib import Path
from types import SimpleNamespace

import joblib
import numpy as np
import pytest
from released_files import KINDS
from safetensors import safe_open
from safetensors.numpy import load_file
from saved_models import CLASSES, GROUPS, MAKERS, NUMBERS, SIDES, X, answers, assert_same, fitted
from sklearn.base import clone
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import fastperc
from fastperc import (
    GridSearchCV,
    GroupedMLPRegressor,
    MLPClassifier,
    MLPEnsembleRegressor,
    MLPRegressor,
    ModelFileError,
    ModelVersionWarning,
    Network,
    SGDClassifier,
    schedules,
)
from fastperc.files import container, models


def through_file(model, tmp_path):
    fastperc.save(model, tmp_path / "model.safetensors")
    return fastperc.load(tmp_path / "model.safetensors")


def names_of(path):
    with safe_open(path, "numpy") as file:
        return list(file.keys())


# --- every kind ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MAKERS)
def test_a_loaded_model_predicts_the_same_bits(name, tmp_path):
    model = MAKERS[name]()
    before = answers(model)
    assert_same(model, through_file(model, tmp_path))
    for one, two in zip(before, answers(model), strict=True):
        np.testing.assert_array_equal(one, two)  # saving changes nothing


@pytest.mark.parametrize("name", MAKERS)
def test_the_reader_of_safetensors_opens_the_file(name, tmp_path):
    fastperc.save(MAKERS[name](), tmp_path / "model")
    tensors = load_file(tmp_path / "model")
    assert len(tensors) <= 256
    with safe_open(tmp_path / "model", "numpy") as file:
        assert json.loads(file.metadata()["fastperc"])["fastperc"] == fastperc.__version__


def targets_of(name, model):
    if not hasattr(model, "classes_"):
        return X[:, :2] if "lbfgs" in name else NUMBERS
    if "labels" in name:
        return (X[:, :2] > 0).astype(int)
    return {20: CLASSES, True: NUMBERS > 0}.get(model.classes_[-1], SIDES)


TRAINED = [
    name for name in MAKERS
    if name not in ("Network", "Fleet", "fit_groups") and not name.startswith(("MLPEns", "Group"))
]  # fmt: skip


def train(model, name):
    """Train a model further in each way it has; returns what learn_one said."""
    y = targets_of(name, model)
    np.random.seed(3)  # noqa: NPY002  # of what has random_state=None
    if "hashed" in name:
        words = (("tea", "en"), ("te", "no"))  # the second is new
        return [model.learn_one({"word": word, "length": 1.5}, label) for word, label in words]
    if "names" in name:
        return [model.learn_one({"x": 1.0, "y": 2.0}, 0.5), model.learn_one({"new": 1.0}, 0.5)]
    model.fit(X, y) if model.warm_start else None
    if "lbfgs" in name or model.early_stopping:
        return []
    model.partial_fit(X, y)
    losses = [model.learn_one(X[k], y[k]) for k in range(3)]
    model.partial_fit(X[:7], y[:7])
    return losses


@pytest.mark.parametrize("name", TRAINED)
@pytest.mark.parametrize("warm_start", [False, True])
def test_training_goes_on_as_if_the_model_had_never_been_saved(name, warm_start, tmp_path):
    model = MAKERS[name]()
    if warm_start and ("hashed" in name or "names" in name):
        pytest.skip("fit with arrays would begin anew")
    model.set_params(warm_start=warm_start)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(2):  # the second time, it has learned rows
            twin = through_file(model, tmp_path)
            assert train(twin, name) == train(model, name)
            assert_same(model, twin)


@pytest.mark.parametrize("name", [name for name in MAKERS if name not in ("Network", "Fleet")])
def test_parameters_and_unfitted_models_come_back(name, tmp_path):
    model = clone(MAKERS[name]())
    twin = through_file(model, tmp_path)
    assert type(twin) is type(model)
    given, found = (m.get_params() for m in (model, twin))
    for parameters in (given, found):
        for key in ("random_state", "estimator"):
            parameters[key] = str(parameters.get(key)).split(" at 0x")[0]
    assert found == given
    assert {key: type(value) for key, value in found.items()} == {
        key: type(value) for key, value in given.items()
    }
    assert not vars(twin).keys() - model.get_params(deep=False).keys() - {"_settings", "_raw"}


def test_a_grouped_model_keeps_its_table_and_its_networks(tmp_path):
    for name in ("MLPEnsembleRegressor", "MLPEnsembleClassifier-alone", "fit_groups"):
        model = MAKERS[name]()
        twin = through_file(model, tmp_path)
        one, two = model.results_table(), twin.results_table()
        assert str(one) == str(two)
        if name == "fit_groups":
            pairs = [(m.estimator_of("b"),) for m in (model, twin)]
        else:
            pairs = [m.estimators_ for m in (model, twin)]
        for member, other in zip(*pairs, strict=True):
            assert_same(member, other)
            assert member.loss_curve_ == other.loss_curve_
            for either in (member, other):
                either.set_params(early_stopping=False)
                either.partial_fit(X, NUMBERS if "Regr" in repr(either) else SIDES)
            assert_same(member, other)


def test_an_ensemble_from_a_file_can_be_saved_again(tmp_path):
    for name in ("MLPEnsembleRegressor", "GroupedMLPClassifier", "MLPClassifier-balanced"):
        model = MAKERS[name]()
        assert_same(model, through_file(through_file(model, tmp_path), tmp_path))


@pytest.mark.parametrize("scale", [None, "standard"])
def test_many_groups_take_few_arrays(scale, tmp_path):
    rng = np.random.default_rng(0)
    groups = np.repeat([f"group {i}" for i in range(150)], 4)
    rows, y = rng.standard_normal((600, 2)), rng.standard_normal(600)
    one = MLPRegressor(
        hidden_layer_sizes=(2,), max_iter=2 + (scale is None), random_state=0, scale=scale
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = fastperc.fit_groups(one, rows, y, groups)
    twin = through_file(model, tmp_path)
    np.testing.assert_array_equal(
        twin.predict(rows, groups=groups), model.predict(rows, groups=groups)
    )
    assert len(names_of(tmp_path / "model.safetensors")) < 60
    assert twin.groups_.tolist() == model.groups_.tolist()


# --- what models are made of ---------------------------------------------------------------------


LABELS = {
    "texts": np.array(["no", "yes"]),
    "objects": np.array(["no", "a longer yes"], object),
    "many": np.array([f"class {i:03}" for i in range(24)]),
    "bools": np.array([False, True]),
    "int8": np.array([-3, 4], np.int8),
    "uint64": np.array([1, 2**63], np.uint64),
    "floats": np.array([1.5, 2.5, 3.5]),
    "letters": np.array(["\U0001f600", "ä\0b", "日本"], object),
}


@pytest.mark.parametrize("kind", LABELS)
@pytest.mark.parametrize("model", [MLPClassifier(max_iter=1), SGDClassifier(random_state=0)])
def test_classes_of_every_kind_come_back(kind, model, tmp_path):
    classes = LABELS[kind]
    y = classes[np.arange(len(X)) % len(classes)]
    try:
        model = fitted(clone(model), y)
    except ValueError:
        pytest.skip("scikit-learn takes no such labels")
    twin = through_file(model, tmp_path)
    assert twin.classes_.dtype == model.classes_.dtype
    assert twin.classes_.tolist() == model.classes_.tolist()
    assert_same(model, twin)


def test_names_of_features_come_back(tmp_path):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(np.tile(X, 10), columns=[f"Spalte ä{i}" for i in range(30)])
    for model in (MLPRegressor(max_iter=1), MLPEnsembleRegressor(max_iter=1, n_members=2),
                  GroupedMLPRegressor(MLPRegressor(max_iter=1), groups="Spalte ä3")):  # fmt: skip
        frame["Spalte ä3"] = np.arange(len(X)) % 2
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.fit(frame, NUMBERS)
        twin = through_file(model, tmp_path)
        assert twin.feature_names_in_.tolist() == list(frame.columns)
        np.testing.assert_array_equal(twin.predict(frame), model.predict(frame))
        with pytest.raises(ValueError, match="feature names"):
            twin.predict(frame.rename(columns={"Spalte ä0": "other"}))


@pytest.mark.parametrize(
    "rate",
    [schedules.constant(0.1), schedules.invscaling(0.1, 2), schedules.step(0.1, 5, 0.5),
     schedules.cosine(0.1, 7, 0.01), schedules.one_cycle(0.1, 9, 0.2, 10)],
    ids=repr,
)  # fmt: skip
def test_schedules_come_back_and_go_on(rate, tmp_path):
    model = fitted(MLPRegressor(max_iter=3, learning_rate=rate, random_state=0), NUMBERS)
    twin = through_file(model, tmp_path)
    assert repr(twin.learning_rate) == repr(rate)
    for either in (model, twin):
        either.partial_fit(X, NUMBERS)
    assert_same(model, twin)
    assert pickle.loads(pickle.dumps(rate))(3) == rate(3)


def test_a_stream_that_was_given_stays_one_stream(tmp_path):
    model = MAKERS["MLPClassifier-balanced"]()
    twin = through_file(model, tmp_path)
    assert twin._random_state is twin.random_state
    assert twin.random_state.randint(1000) == model.random_state.randint(1000)


def test_weights_that_were_replaced_are_those_that_are_saved(tmp_path):
    model = MAKERS["MLPRegressor"]()
    model.coefs_ = [2 * W for W in model.coefs_]
    assert_same(model, through_file(model, tmp_path))


def test_numpys_own_numbers_as_parameters_keep_their_types(tmp_path):
    model = MLPRegressor(
        hidden_layer_sizes=np.array([3, 4]), alpha=np.float32(0.1), max_iter=np.int64(7),
        n_iter_no_change=np.inf, shuffle=np.bool_(True),
    )  # fmt: skip
    found = through_file(model, tmp_path).get_params()
    for name, value in model.get_params().items():
        assert type(found[name]) is type(value)
        np.testing.assert_array_equal(found[name], value)


# --- what cannot be saved ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"callback": print}, r"model\.parameters\.callback: found <built-in function print>"),
        ({"scoring": len}, "which no file can keep: .* Set it to None or to a name before"),
        ({"learning_rate": abs}, "or a schedule of fastperc.schedules"),
        ({"max_iter": -1}, "could not be loaded again: .*max_iter"),
    ],
)
def test_what_cannot_be_kept_is_named(changed, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        fastperc.save(MLPClassifier(**changed), tmp_path / "model")
    assert not any(tmp_path.iterdir())


def test_an_attribute_that_no_file_keeps_is_named(tmp_path):
    model = MAKERS["Perceptron"]()
    model.note = "mine"
    with pytest.raises(ValueError, match=r"note: found an attribute .* del model\.note"):
        fastperc.save(model, tmp_path / "model")


def test_weights_that_are_not_finite_are_refused(tmp_path):
    model = MAKERS["MLPRegressor"]()
    model.coefs_[0][0, 0] = np.nan
    with pytest.raises(ValueError, match="infinite or NaN"):
        fastperc.save(model, tmp_path / "model")
    linear = MAKERS["FTRLRegressor"]()
    linear.coef_[0] = np.inf
    with pytest.raises(ValueError, match="infinite or NaN"):
        fastperc.save(linear, tmp_path / "model")
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (LinearRegression(), "expected a model of fastperc: a Network, a Fleet or an estimator"),
        (make_pipeline(StandardScaler(), MLPClassifier()), "the model in its last step"),
        (None, "found None, expected a model of fastperc"),
        (SimpleNamespace(model=SGDClassifier()), "Save its model: it wraps what has learned"),
    ],
)
def test_what_is_no_model_of_ours_is_a_type_error(model, message, tmp_path):
    with pytest.raises(TypeError, match=message):
        fastperc.save(model, tmp_path / "model")


def test_of_a_search_its_best_estimator_is_saved(tmp_path):
    search = GridSearchCV(MLPRegressor(max_iter=2, random_state=0), {"alpha": [0.1, 1]}, cv=2)
    fitted(search, NUMBERS)
    with pytest.raises(TypeError, match="Save its best_estimator_"):
        fastperc.save(search, tmp_path / "model")
    assert_same(search.best_estimator_, through_file(search.best_estimator_, tmp_path))


def test_a_subclass_is_not_taken_for_its_parent(tmp_path):
    class Mine(MLPClassifier):
        pass

    with pytest.raises(TypeError, match="expected a model of fastperc"):
        fastperc.save(Mine(), tmp_path / "model")


# --- doors ---------------------------------------------------------------------------------------


def test_one_door_reads_what_the_others_wrote(tmp_path):
    net, fleet = MAKERS["Network"](), MAKERS["Fleet"]()
    net.save(tmp_path / "net")
    fleet.save(tmp_path / "fleet")
    assert_same(fastperc.load(tmp_path / "net"), net)
    assert_same(fastperc.load(tmp_path / "fleet"), fleet)
    fastperc.save(net, tmp_path / "other")
    assert (tmp_path / "other").read_bytes() == (tmp_path / "net").read_bytes()
    fastperc.save(MAKERS["Perceptron"](), tmp_path / "linear")
    with pytest.raises(ModelFileError, match=r"found 'Estimator', expected 'Network'. fastperc\.l"):
        Network.load(tmp_path / "linear")


def changed_version(path, version):
    """Write the file anew, as another version would."""
    stored = models._content(MAKERS["Network"]()._stored())
    was, fastperc.__version__ = fastperc.__version__, version
    try:
        container.write(path, models.KIND, *stored)
    finally:
        fastperc.__version__ = was


@pytest.mark.parametrize("version", ["99.1.0", "0.1.0"])
def test_a_file_of_another_version_says_so(tmp_path, version):
    changed_version(tmp_path / "net", version)
    for load in (fastperc.load, Network.load):
        with pytest.warns(ModelVersionWarning, match=rf"net': stored by version {version} of fast"):
            load(tmp_path / "net")


def test_a_newer_format_is_refused(tmp_path):
    fastperc.save(MAKERS["Perceptron"](), tmp_path / "model")
    content = (tmp_path / "model").read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    description = json.loads(header["__metadata__"]["fastperc"])
    header["__metadata__"]["fastperc"] = json.dumps(description | {"format": 2})
    text = json.dumps(header).encode()
    (tmp_path / "model").write_bytes(struct.pack("<Q", len(text)) + text + content[8 + length :])
    with pytest.raises(ModelFileError, match=r"found format 2, expected at most 1\. .* newer"):
        fastperc.load(tmp_path / "model")


def test_groups_with_a_seed_of_their_own_come_back(tmp_path):
    model = GroupedMLPRegressor(MLPRegressor(hidden_layer_sizes=(2,), max_iter=2))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(X, NUMBERS, groups=GROUPS)
    twin = through_file(model, tmp_path)
    np.testing.assert_array_equal(twin.predict(X, groups=GROUPS), model.predict(X, groups=GROUPS))


PICKLED = (
    "MLPClassifier",
    "MLPEnsembleRegressor",
    "SGDClassifier",
    "SGDClassifier-hashed",
    "fit_groups",
)


@pytest.mark.parametrize("name", PICKLED)
def test_joblib_keeps_models(name, tmp_path):
    model = MAKERS[name]()
    joblib.dump(model, tmp_path / "model")
    assert_same(model, joblib.load(tmp_path / "model"))


@pytest.mark.parametrize("name", PICKLED)
def test_skops_keeps_models(name):
    skops = pytest.importorskip("skops.io")
    model = MAKERS[name]()
    content = skops.dumps(model)
    trusted = skops.get_untrusted_types(data=content)
    allowed = ("fastperc.", "numpy.dtype", "sklearn.exceptions.ConvergenceWarning")
    assert [kind for kind in trusted if not kind.startswith(allowed)] == []
    assert_same(model, skops.loads(content, trusted=trusted))


# --- what earlier versions wrote -----------------------------------------------------------------


FILES = Path(__file__).parent / "files"
RELEASED = sorted(path for path in FILES.glob("*.*.*/*.safetensors"))


@pytest.mark.parametrize("path", RELEASED, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_files_of_every_version_are_read(path):
    recorded = json.loads((path.parent / "predictions.json").read_text(encoding="utf-8"))[path.stem]
    found = answers(fastperc.load(path))
    for answer, before in zip(found, recorded, strict=True):
        if answer.dtype.kind == "f":  # to rounding: of another machine
            np.testing.assert_allclose(answer, before, rtol=2e-6, atol=1e-7)
        else:
            assert answer.tolist() == before


def test_there_is_a_file_of_each_kind():
    kinds = {path.stem for path in RELEASED}
    assert kinds >= {*KINDS}


PROBABILITIES = [
    [0.12012421562, 0.058867580959, 0.82100820342],
    [0.120969529314, 0.05928064482, 0.819749825866],
]
PREDICTIONS = [-0.557180015828, -0.542038085241]
BEFORE_AND_AFTER = {
    "classifier": (CLASSES, "predict_proba", PROBABILITIES),
    "regressor": (NUMBERS, "predict", PREDICTIONS),
}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.InconsistentVersionWarning")
@pytest.mark.parametrize("name", BEFORE_AND_AFTER)
def test_pickles_of_version_0_1_0_are_read_and_go_on(name, tmp_path):
    y, predict, recorded = BEFORE_AND_AFTER[name]
    with pytest.warns(ModelVersionWarning, match="older version"):
        model = pickle.loads((FILES / f"{name}-0.1.0.pickle").read_bytes())
    for before in recorded:
        np.testing.assert_allclose(getattr(model, predict)(X[:1])[0], before, rtol=1e-9)
        assert_same(model, through_file(model, tmp_path))
        model.partial_fit(X, y)
