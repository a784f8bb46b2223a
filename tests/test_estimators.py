"""The estimators among scikit-learn's tools: its checks, pickles, pipelines, threads, bad input."""

import copy
import pickle
import threading

import joblib
import numpy as np
import pytest
import sklearn
from sklearn.base import clone
from sklearn.datasets import load_iris, make_regression
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import fastperc
from fastperc import DivergedError, MLPClassifier, MLPRegressor
from fastperc.estimators import parameters

pytestmark = pytest.mark.filterwarnings(
    "ignore:Stochastic Optimizer:sklearn.exceptions.ConvergenceWarning",
)

X_IRIS, Y_IRIS = load_iris(return_X_y=True)
X_REG, Y_REG = make_regression(80, 4, noise=1, random_state=0)
Y_REG = Y_REG / 50

VARIANTS = [
    MLPClassifier(max_iter=60, solver="sgd", class_weight="balanced"),
    MLPClassifier(max_iter=60, loss="hinge", scale="standard"),
    MLPRegressor(max_iter=60, scale="standard", solver="adamw"),
    MLPRegressor(max_iter=60, loss="huber", solver="rprop"),
    MLPRegressor(max_iter=60, solver="lbfgs"),
]


@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks([MLPClassifier(max_iter=60), MLPRegressor(max_iter=60)])
def test_checks_of_scikit_learn(estimator, check):
    check(estimator)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks(VARIANTS)
def test_checks_of_scikit_learn_on_variants(estimator, check):
    check(estimator)


def classifier(**options):
    return MLPClassifier(
        **{"hidden_layer_sizes": (6,), "max_iter": 15, "random_state": 0, **options}
    )


def regressor(**options):
    return MLPRegressor(
        **{"hidden_layer_sizes": (6,), "max_iter": 15, "random_state": 0, **options}
    )


def same_weights(a, b):
    return all(
        np.array_equal(x, y)
        for x, y in zip(a.coefs_ + a.intercepts_, b.coefs_ + b.intercepts_, strict=True)
    )


@pytest.mark.parametrize("copied", [
    lambda model, folder: pickle.loads(pickle.dumps(model)),
    lambda model, folder: copy.deepcopy(model),
    lambda model, folder: joblib.load(joblib.dump(model, folder / "model")[0]),
    lambda model, folder: joblib.load(joblib.dump(model, folder / "model")[0], mmap_mode="r"),
], ids=["pickle", "deepcopy", "joblib", "joblib memmap"])  # fmt: skip
def test_a_copy_predicts_and_learns_on(copied, tmp_path):
    model = regressor(solver="sgd").fit(X_REG, Y_REG)
    model.predict_one(X_REG[0])
    twin = copied(model, tmp_path)
    np.testing.assert_array_equal(twin.predict(X_REG), model.predict(X_REG))
    for row in range(3):
        for m in (model, twin):
            m.partial_fit(X_REG[row : row + 1], Y_REG[row : row + 1])
    assert same_weights(model, twin)


def test_a_pickle_is_no_larger_than_its_arrays():
    model = regressor(hidden_layer_sizes=(100, 100)).fit(X_REG, Y_REG)
    bytes_of_weights = sum(a.nbytes for a in model.coefs_ + model.intercepts_)
    assert len(pickle.dumps(model)) < 3 * bytes_of_weights + 20_000  # weights and Adam's memory


def test_weights_may_be_written_to_and_replaced():
    model = regressor().fit(X_REG, Y_REG)
    model.coefs_[1][:] = 0
    assert np.ptp(model.predict(X_REG)) == 0
    model.intercepts_[1] = np.array([5.0])
    np.testing.assert_allclose(model.predict(X_REG), 5.0)
    assert model.predict_one(X_REG[0]) == 5.0


@pytest.mark.parametrize("schedule", ["adaptive", "step", "cosine", "one_cycle"])
def test_a_pickle_keeps_its_learning_rates(schedule):
    model = regressor(solver="sgd", learning_rate=schedule).fit(X_REG, Y_REG)
    twin = pickle.loads(pickle.dumps(model))
    assert same_weights(model.partial_fit(X_REG, Y_REG), twin.partial_fit(X_REG, Y_REG))


@pytest.mark.slow
def test_grid_search_on_two_processes():
    grid = {"alpha": [1e-4, 1e-1], "solver": ["adam", "sgd"]}
    search = GridSearchCV(classifier(), grid, n_jobs=2, cv=3).fit(X_IRIS, Y_IRIS)
    alone = GridSearchCV(classifier(), grid, cv=3).fit(X_IRIS, Y_IRIS)
    np.testing.assert_array_equal(
        search.cv_results_["mean_test_score"], alone.cv_results_["mean_test_score"]
    )


def test_pipelines_and_clones():
    model = make_pipeline(StandardScaler(), classifier(max_iter=200, learning_rate_init=0.02))
    assert cross_val_score(clone(model), X_IRIS, Y_IRIS, cv=3).mean() > 0.9


def test_metadata_reaches_fit():
    with sklearn.config_context(enable_metadata_routing=True):
        model = regressor().set_fit_request(sample_weight=True)
        weight = np.linspace(0.1, 2, 80)
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        routed = make_pipeline(scaler, model).fit(X_REG, Y_REG, sample_weight=weight)
    plain = regressor().fit(StandardScaler().fit_transform(X_REG), Y_REG, weight)
    assert same_weights(routed[-1], plain)


STORED = {
    "fortran": np.asfortranarray,
    "strided": lambda X: np.repeat(np.repeat(X, 2, axis=0), 2, axis=1)[::2, ::2],
    "reversed": lambda X: X[::-1].copy()[::-1],
    "big-endian": lambda X: X.astype(">f8"),
    "object": lambda X: X.astype(object),
    "list": lambda X: X.tolist(),
    "read-only": lambda X: np.frombuffer(X.tobytes()).reshape(X.shape),
}


@pytest.mark.parametrize("form", STORED)
@pytest.mark.parametrize("make", [classifier, regressor])
def test_the_form_of_the_data_changes_nothing(make, form):
    stored = STORED[form](X_IRIS)
    before = copy.deepcopy(stored)
    model, plain = make().fit(stored, Y_IRIS), make().fit(X_IRIS, Y_IRIS)
    assert same_weights(model, plain)
    np.testing.assert_array_equal(model.predict(stored), plain.predict(X_IRIS))
    np.testing.assert_array_equal(before, stored)


def test_small_integers_and_memory_maps(tmp_path):
    X = np.round(X_IRIS).astype(np.int8)
    assert same_weights(classifier().fit(X, Y_IRIS), classifier().fit(X.astype(float), Y_IRIS))
    mapped = np.memmap(tmp_path / "X", np.float64, "w+", shape=X_IRIS.shape)
    mapped[:] = X_IRIS
    assert same_weights(classifier().fit(mapped, Y_IRIS), classifier().fit(X_IRIS, Y_IRIS))


def test_threads_predict_while_another_trains():
    model, other = classifier().fit(X_IRIS, Y_IRIS), classifier(max_iter=200, tol=0)
    expected, wrong = model.predict_proba(X_IRIS), []

    def work():
        for i in range(100):
            right = np.array_equal(model.predict_proba(X_IRIS), expected)
            row = i % len(X_IRIS)
            if not right or model.predict_one(X_IRIS[row]) != expected[row].argmax():
                wrong.append(i)

    threads = [threading.Thread(target=work) for _ in range(8)]
    threads.append(threading.Thread(target=other.fit, args=(X_IRIS, Y_IRIS)))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not any(thread.is_alive() for thread in threads)
    assert wrong == []
    assert same_weights(other, classifier(max_iter=200, tol=0).fit(X_IRIS, Y_IRIS))


def test_after_a_fork_and_inside_joblib():
    model = classifier().fit(X_IRIS, Y_IRIS)
    jobs = (joblib.delayed(model.predict)(X_IRIS) for _ in range(4))
    for found in joblib.Parallel(n_jobs=2, timeout=30)(jobs):
        np.testing.assert_array_equal(found, model.predict(X_IRIS))


@pytest.mark.posix
def test_a_child_of_a_fork_predicts_and_trains(run_python):
    code = """
import os, warnings
warnings.simplefilter("ignore")
from sklearn.datasets import load_iris
from fastperc import MLPClassifier
X, y = load_iris(return_X_y=True)
model = MLPClassifier((6,), max_iter=5, random_state=0, n_threads=2).fit(X, y)
before = model.predict(X)
child = os.fork()
if child == 0:
    again = MLPClassifier((6,), max_iter=5, random_state=0, n_threads=2).fit(X, y)
    same = (model.predict(X) == before).all() and (again.predict(X) == before).all()
    os._exit(0 if same else 1)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    assert run_python(code, timeout=60).strip() == "0"


def test_strings_are_classes():
    names = np.array(["setosa", "versicolor", "virginica"])[Y_IRIS]
    model = classifier(max_iter=100, learning_rate_init=0.03).fit(X_IRIS, names)
    assert model.score(X_IRIS, names) > 0.9
    assert model.predict_one(X_IRIS[0]) == "setosa"


def test_one_class_only_is_predicted():
    model = classifier().fit(X_IRIS, np.full(150, "x"))
    assert set(model.predict(X_IRIS)) == {"x"}


@pytest.mark.parametrize(("action", "error", "words"), [
    (lambda: classifier().fit(X_IRIS, X_IRIS[:, 0]), ValueError,
     "Unknown label type: continuous. .* expects discrete classes"),
    (lambda: regressor().fit(X_IRIS, np.full(150, "a")), ValueError, "could not convert string"),
    (lambda: classifier().fit(np.full((3, 2), np.nan), [0, 1, 0]), ValueError, "contains NaN"),
    (lambda: classifier().fit(X_IRIS[0], [1]), ValueError, "Expected 2D array, got 1D"),
    (lambda: classifier().fit(X_IRIS, Y_IRIS[:9]), ValueError, "inconsistent numbers of samples"),
    (lambda: classifier().fit(X_IRIS, Y_IRIS).predict(X_REG[:, :3]), ValueError, "expecting 4"),
    (lambda: classifier().fit(X_IRIS, Y_IRIS).predict_one([1.0]), ValueError, "found 1 numbers"),
    (lambda: classifier().predict(X_IRIS), NotFittedError, "not fitted"),
    (lambda: classifier().predict_one(X_IRIS[0]), NotFittedError, "not fitted"),
    (lambda: regressor().learn_one(X_IRIS[0], 1.0), NotFittedError, "not fitted"),
    (lambda: classifier().partial_fit(X_IRIS, Y_IRIS), ValueError, "classes must be passed"),
    (lambda: classifier().partial_fit(X_IRIS[:60], Y_IRIS[:60], classes=[0, 1])
     .partial_fit(X_IRIS, Y_IRIS), ValueError, "has to name all classes"),
    (lambda: classifier().partial_fit(X_IRIS[:60], Y_IRIS[:60], classes=[0, 1])
     .learn_one(X_IRIS[0], 2), ValueError, "not in `self.classes_`"),
    (lambda: classifier().fit(X_IRIS, Y_IRIS, np.zeros(150)), ValueError,
     "sums to 0|at least one non-zero"),
    (lambda: classifier(hidden_layer_sizes=(3, 0)).fit(X_IRIS, Y_IRIS), ValueError, "must be > 0"),
    (lambda: classifier(hidden_layer_sizes=(3.5,)).fit(X_IRIS, Y_IRIS), TypeError,
     "found 3.5, expected whole numbers"),
    (lambda: classifier(hidden_layer_sizes=((3,), 2)).fit(X_IRIS, Y_IRIS), TypeError, "whole"),
    (lambda: regressor(learning_rate=lambda epoch: None).fit(X_REG, Y_REG), TypeError,
     r"learning_rate\(1\): found None"),
    (lambda: regressor(learning_rate=lambda epoch: -0.1).fit(X_REG, Y_REG), ValueError,
     r"learning_rate\(1\): found -0.1"),
    (lambda: regressor().fit(X_REG, Y_REG).partial_fit(X_REG, X_REG[:, :2]), ValueError,
     "found 2 outputs per sample, expected 1"),
    (lambda: regressor().fit(X_REG, Y_REG).partial_fit(X_REG[:1], [[1.0, 2.0]]), ValueError,
     "found 2 outputs per sample, expected 1"),
    (lambda: regressor().fit(X_REG, Y_REG).partial_fit(X_REG[:1], [np.nan]), ValueError,
     "y: found nan"),
    (lambda: regressor().fit(X_REG, Y_REG).partial_fit(X_REG[:1], 1.0), TypeError, "got scalar"),
    (lambda: classifier().fit(X_IRIS, Y_IRIS).partial_fit(X_IRIS[:1], "0"), TypeError, "scalar"),
    (lambda: regressor().fit(X_REG, Y_REG).learn_one(X_REG[0], [1.0, 2.0]), ValueError,
     "y: found 2 numbers, expected 1"),
    (lambda: regressor().fit(X_REG, X_REG[:, :2]).learn_one(X_REG[0], 1.0), ValueError,
     "y: found 1 numbers, expected 2"),
    (lambda: classifier(activation=["relu", "tanh"]).fit(X_IRIS, Y_IRIS), ValueError, "found 2"),
    (lambda: classifier(activation=["softmax"]).fit(X_IRIS, Y_IRIS), ValueError, "'softmax'"),
    (lambda: classifier(solver="newton").fit(X_IRIS, Y_IRIS), ValueError, "'solver' parameter"),
    (lambda: regressor(loss="poisson").fit(X_REG, Y_REG), ValueError, "no negative number"),
    (lambda: regressor().fit(X_REG, Y_REG, X_val=X_REG), ValueError, "belong together"),
    (lambda: classifier().fit(X_IRIS, Y_IRIS, X_val=X_IRIS, y_val=Y_IRIS + 1), ValueError,
     "y_val has classes"),
])  # fmt: skip
def test_mistakes_are_told(action, error, words):
    with pytest.raises(error, match=words):
        action()


@pytest.mark.parametrize("batch_size", [1, 16])
def test_divergence_is_told_at_once_and_good_weights_are_kept(batch_size):
    model = regressor(solver="sgd", learning_rate_init=1e6, batch_size=batch_size)
    with pytest.raises(DivergedError, match="epoch 1: Solver produced non-finite") as caught:
        model.fit(1e3 * X_REG, Y_REG)
    assert isinstance(caught.value, ValueError)
    assert np.isfinite(model.predict(X_REG)).all()


def test_divergence_with_early_stopping_returns_to_the_best_weights():
    model = regressor(
        solver="sgd", learning_rate_init=1.0, activation="identity", early_stopping=True
    )
    with pytest.warns(ConvergenceWarning, match="diverged in epoch"):
        model.fit(3 * X_REG, Y_REG)
    assert np.isfinite(model.predict(X_REG)).all()
    assert np.isnan(model.validation_scores_[-1])


@pytest.mark.parametrize("solver", ["adam", "sgd"])
@pytest.mark.parametrize("n_rows", [1, 5])
def test_a_refused_part_leaves_no_trace(solver, n_rows):
    a, b = (regressor(solver=solver).fit(X_REG, Y_REG) for _ in range(2))
    with pytest.raises(DivergedError):
        a.partial_fit(np.full((n_rows, 4), 1e200), np.zeros(n_rows))
    for model in (a, b):
        model.partial_fit(X_REG[:9], Y_REG[:9]).partial_fit(X_REG[:1], Y_REG[:1])
    assert same_weights(a, b)


@pytest.mark.parametrize(("x", "y"), [([np.nan, 0, 0, 0], 1.0), ([0, 0, 0, 0], np.inf)])
def test_a_refused_sample_leaves_no_trace(x, y):
    a, b = (regressor().fit(X_REG, Y_REG) for _ in range(2))
    with pytest.raises(ValueError, match=r"[xy]: found (nan|inf), expected finite numbers"):
        a.learn_one(x, y)
    assert a.learn_one(X_REG[0], Y_REG[0]) == b.learn_one(X_REG[0], Y_REG[0])
    assert same_weights(a, b)


def test_learning_goes_on_after_a_fit_that_diverged():
    model = regressor(solver="sgd", learning_rate_init=1e6)
    with pytest.raises(DivergedError, match="epoch 1"):
        model.fit(1e200 * X_REG, Y_REG)
    before = model.coefs_[0].copy()
    model.set_params(learning_rate_init=1e-3).partial_fit(X_REG, Y_REG)
    assert np.isfinite(model.coefs_[0]).all()
    assert not np.array_equal(model.coefs_[0], before)


def test_one_wild_number_among_the_inputs():
    X = X_REG.copy()
    X[40, 2] = 1e30
    with pytest.raises(DivergedError, match="need to be preprocessed"):
        regressor(solver="sgd", batch_size=8).fit(X, Y_REG)


def test_partial_fit_is_for_stochastic_solvers():
    for make in (classifier, regressor):
        assert hasattr(make(), "partial_fit")
        assert not hasattr(make(solver="lbfgs"), "partial_fit")


def test_ctrl_c_ends_training_with_a_warning():
    def interrupt(epoch, model):
        if epoch == 3:
            raise KeyboardInterrupt

    model = regressor(callback=interrupt)
    with pytest.warns(UserWarning, match="interrupted by user"):
        model.fit(X_REG, Y_REG)
    assert model.n_iter_ == 3


def test_parameters_are_scikit_learns_and_more():
    from sklearn import neural_network as theirs

    for name in ("MLPClassifier", "MLPRegressor"):
        mine, yours = getattr(fastperc, name)().get_params(), getattr(theirs, name)().get_params()
        assert {key: mine[key] for key in yours} == yours


def test_every_parameter_has_a_constraint_and_a_line():
    for estimator in (MLPClassifier, MLPRegressor):
        names = set(estimator().get_params())
        assert names == set(estimator._parameter_constraints)
        assert not [name for name in names if name not in estimator.__doc__]
    assert set(parameters.ACTIVATIONS) > {"identity", "logistic", "tanh", "relu"}
