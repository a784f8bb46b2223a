"""Whatever is assigned, set or refused, an estimator stays one model, and no memory is spoiled."""

import contextlib
import copy
import math
import pickle
import warnings

import numpy as np
import pytest
from sklearn import neural_network as theirs
from sklearn.base import clone
from sklearn.utils.class_weight import compute_sample_weight

from fastperc import DivergedError, MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings(
    "ignore:Stochastic Optimizer:sklearn.exceptions.ConvergenceWarning",
    "ignore:lbfgs failed to converge:sklearn.exceptions.ConvergenceWarning",
)

RNG = np.random.default_rng(0)
X = RNG.standard_normal((300, 4))
T = X[:, 0] * X[:, 1] + 0.5 * X[:, 2]
Y = (X[:, 0] + X[:, 1] > 0).astype(int)
Y3 = Y + (X[:, 2] > 0.5)
ACTIVATIONS = {
    "relu": lambda z: np.maximum(z, 0),
    "tanh": np.tanh,
    "logistic": lambda z: 1 / (1 + np.exp(-z)),
    "identity": lambda z: z,
    "exp": np.exp,
}


def regressor(**options):
    return MLPRegressor(**{"hidden_layer_sizes": (4,), "max_iter": 5, "random_state": 0, **options})


def classifier(**options):
    return MLPClassifier(
        **{"hidden_layer_sizes": (4,), "max_iter": 5, "random_state": 0, **options}
    )


def forward(model, activation="relu", output="identity"):
    """The outputs for X of the weights that can be seen, in NumPy."""
    a = X
    for k, (W, b) in enumerate(zip(model.coefs_, model.intercepts_, strict=True)):
        name = output if k == len(model.coefs_) - 1 else activation
        a = ACTIVATIONS[name](a @ W + b)
    return a


def weights_of(model):
    return np.concatenate([np.ravel(a) for a in [*model.coefs_, *model.intercepts_]])


def state_of(model):
    """All attributes, in a form that can be compared."""
    return pickle.dumps({k: v for k, v in sorted(model.__getstate__().items())})


# --- arrays in place of coefs_ -----------------------------------------------------


def wide(n_in=4, n_out=1, width=3000, dtype="f8"):
    W = [RNG.standard_normal((n_in, width)) * 0.01, RNG.standard_normal((width, n_out)) * 0.01]
    return [w.astype(dtype) for w in W], [np.zeros(width, dtype), np.zeros(n_out, dtype)]


@pytest.mark.parametrize("solver", ["adam", "sgd", "rprop"])
def test_a_wider_network_learns_on_with_new_memory(solver):
    model = regressor(solver=solver).fit(X, T)
    model.coefs_, model.intercepts_ = wide()
    np.testing.assert_allclose(model.predict(X), forward(model)[:, 0], atol=1e-12)
    for _ in range(3):
        model.partial_fit(X, T).partial_fit(X[:1], T[:1])
        model.learn_one(X[1], T[1])
    assert model._optimizer.rule.state.size % weights_of(model).size == 0
    np.testing.assert_allclose(model.predict(X), forward(model)[:, 0], atol=1e-9)


def test_the_same_number_of_parameters_in_another_shape():
    model = regressor(hidden_layer_sizes=(2, 2)).fit(X, T)  # 19 parameters
    model.coefs_ = [np.ones((4, 3)), np.ones((3, 1))]
    model.intercepts_ = [np.ones(3), np.ones(1)]  # 19, too
    state = model._optimizer
    model.partial_fit(X, T)
    assert model._optimizer is not state
    assert model.n_layers_ == 3
    np.testing.assert_allclose(model.predict(X), forward(model)[:, 0], atol=1e-9)


WRONG = {
    "one input less": lambda m: m.coefs_.__setitem__(0, m.coefs_[0][:3]),
    "two inputs more": lambda m: m.coefs_.__setitem__(0, np.ones((6, 4))),
    "many inputs more": lambda m: m.coefs_.__setitem__(0, np.ones((200_000, 4))),
    "layers that do not fit": lambda m: m.coefs_.__setitem__(1, np.ones((5, 1))),
    "two outputs": lambda m: m.coefs_.__setitem__(1, np.ones((4, 2))),
    "an intercept too long": lambda m: m.intercepts_.__setitem__(0, np.ones(9)),
    "no intercept": lambda m: m.intercepts_.__setitem__(1, np.ones(0)),
    "a layer less": lambda m: setattr(m, "coefs_", m.coefs_[:1]),
    "complex": lambda m: m.coefs_.__setitem__(0, m.coefs_[0] * 1j),
    "text": lambda m: m.coefs_.__setitem__(0, np.full((4, 4), "a")),
    "objects": lambda m: m.coefs_.__setitem__(0, np.full((4, 4), None)),
    "a number": lambda m: m.coefs_.__setitem__(0, 3.0),
    "nothing": lambda m: (setattr(m, "coefs_", []), setattr(m, "intercepts_", [])),
}


@pytest.mark.parametrize("what", WRONG)
def test_arrays_that_do_not_fit_are_refused_by_each_call(what):
    model = regressor().fit(X, T)
    coefs, intercepts, before = list(model.coefs_), list(model.intercepts_), model.predict(X)
    WRONG[what](model)
    for call in (
        lambda: model.predict(X), lambda: model.predict_one(X[0]), lambda: model.partial_fit(X, T),
        lambda: model.partial_fit(X[:1], T[:1]), lambda: model.learn_one(X[0], 1.0),
        lambda: pickle.loads(pickle.dumps(model)).predict(X),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=r"coefs_|intercepts_"):
            call()
    model.coefs_, model.intercepts_ = coefs, intercepts
    np.testing.assert_array_equal(model.predict(X), before)


FORMS = {
    "fortran": np.asfortranarray,
    "strided": lambda W: np.repeat(W, 2, axis=0)[::2],
    "big-endian": lambda W: W.astype(">f8"),
    "list": lambda W: W.tolist(),
    "objects": lambda W: W.astype(object),
    "float16": lambda W: W.astype("f2"),
    "read-only": lambda W: np.frombuffer(W.tobytes()).reshape(W.shape),
}


@pytest.mark.parametrize("form", FORMS)
def test_arrays_of_any_form(form):
    model = regressor().fit(X, T)
    for k in range(2):
        model.coefs_[k] = FORMS[form](0.5 * model.coefs_[k])
    expected = forward(model)[:, 0].astype(float)
    np.testing.assert_allclose(model.predict(X), expected, rtol=1e-12, atol=1e-12)
    assert model.predict_one(X[0]) == pytest.approx(expected[0])
    model.partial_fit(X, T).partial_fit(X[:1], T[:1])
    np.testing.assert_allclose(model.predict(X), forward(model)[:, 0], atol=1e-12)
    model.coefs_[0][...] = 0
    assert np.ptp(model.predict(X)) == 0


def test_float32_weights_go_on_as_float32():
    model, other = regressor().fit(X, T), theirs.MLPRegressor((4,), max_iter=5, random_state=0)
    other = theirs.MLPRegressor(hidden_layer_sizes=(4,), max_iter=5, random_state=0).fit(X, T)
    for m in (model, other):
        m.coefs_ = [W.astype("f4") for W in m.coefs_]
        m.intercepts_ = [b.astype("f4") for b in m.intercepts_]
    np.testing.assert_allclose(model.predict(X), other.predict(X), rtol=1e-4, atol=1e-5)
    model.partial_fit(X, T).partial_fit(X[:1], T[:1])
    model.learn_one(X[0], T[0])
    assert {a.dtype.name for a in model.coefs_} == {"float32"}


def test_arrays_of_another_model_are_copied():
    a, b = regressor().fit(X, T), regressor(random_state=1).fit(X, T)
    before = a.predict(X)
    b.coefs_, b.intercepts_ = a.coefs_, a.intercepts_
    b.partial_fit(X, T)
    np.testing.assert_array_equal(a.predict(X), before)


# --- parameters set after fit -------------------------------------------------------


def ways(model):
    """What the model says in each way that it can say it."""
    said = [model.predict(X[:40]), np.array([model.predict_one(x) for x in X[:40]])]
    for twin in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model), copy.copy(model)):
        said += [twin.predict(X[:40]), np.array([twin.predict_one(x) for x in X[:40]])]
    return said


SETTINGS = [
    {"activation": "tanh"}, {"activation": ["tanh"]}, {"solver": "sgd"}, {"alpha": 0.5},
    {"learning_rate": "adaptive"}, {"momentum": 0.1}, {"dtype": "float32"}, {"dtype": "float64"},
    {"n_threads": 2}, {"shuffle": False}, {"batch_size": 7}, {"l1": 0.1}, {"clip_norm": 0.1},
]  # fmt: skip
NEXT = {
    "nothing": lambda m, y: m,
    "fit": lambda m, y: m.fit(X, y),
    "partial_fit": lambda m, y: m.partial_fit(X, y),
    "one row": lambda m, y: m.partial_fit(X[:1], y[:1]),
    "learn_one": lambda m, y: m.learn_one(X[0], y[0]),
}


@pytest.mark.filterwarnings("ignore:Got `batch_size` less than 1")
@pytest.mark.parametrize("then", NEXT)
@pytest.mark.parametrize(
    ("make", "changes"),
    [
        (regressor, [*SETTINGS, {"loss": "poisson"}, {"loss": "quantile", "quantile": 0.9}]),
        (classifier, [*SETTINGS, {"loss": "hinge"}, {"class_weight": {0: 1, 1: 9}}]),
    ],
)
def test_one_model_whatever_is_set(make, changes, then):
    y = np.abs(T) if make is regressor else Y
    for change in changes:
        model = make(warm_start=True).fit(X, y)
        before = model.predict(X[:40])
        NEXT[then](model.set_params(**change), y)
        said = ways(model)
        if then == "nothing":
            np.testing.assert_array_equal(said[0], before)
        for other in said[1:]:
            np.testing.assert_allclose(other, said[0], rtol=1e-4, atol=1e-5, err_msg=str(change))
        twin = pickle.loads(pickle.dumps(model))
        for m in (model, twin):
            m.partial_fit(X[3:4], y[3:4])
            m.learn_one(X[5], y[5])
        np.testing.assert_array_equal(weights_of(model), weights_of(twin), err_msg=str(change))


@pytest.mark.parametrize("then", ["fit", "partial_fit", "one row", "learn_one"])
def test_a_new_activation_is_trained_and_predicted_with(then):
    model = regressor(warm_start=True).fit(X, T)
    NEXT[then](model.set_params(activation="tanh"), T)
    np.testing.assert_allclose(model.predict(X), forward(model, "tanh")[:, 0], atol=1e-12)


def test_a_warm_start_with_a_new_activation_is_scikit_learns():
    models = [
        package(hidden_layer_sizes=(8,), warm_start=True, random_state=0, max_iter=30).fit(X, T)
        for package in (theirs.MLPRegressor, MLPRegressor)
    ]
    a, b = (m.set_params(activation="tanh").fit(X, T).predict(X) for m in models)
    np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-8)


def test_margins_stay_margins_until_the_next_fit():
    model = classifier(loss="hinge").fit(X, Y).set_params(loss="log_loss")
    assert not hasattr(model, "predict_proba")
    np.testing.assert_allclose(model.decision_function(X), forward(model)[:, 0], atol=1e-12)
    model.partial_fit(X, Y)
    expected = forward(model, output="logistic")[:, 0]
    np.testing.assert_allclose(model.predict_proba(X)[:, 1], expected, atol=1e-12)
    assert not hasattr(model, "decision_function")
    assert hasattr(clone(model), "predict_proba")


@pytest.mark.parametrize("then", ["fit", "partial_fit", "one row", "learn_one"])
@pytest.mark.parametrize("change", [{"hidden_layer_sizes": (9,)}, {"scale": "standard"}])
def test_what_cannot_follow_is_refused(change, then):
    model = regressor(warm_start=True).fit(X, T)
    before = model.predict(X)
    model.set_params(**change)
    state = state_of(model)
    with pytest.raises(ValueError, match="the weights to go on from"):
        NEXT[then](model, T)
    assert state_of(model) == state
    np.testing.assert_array_equal(model.predict(X), before)
    model.set_params(warm_start=False).fit(X, T)


# --- early stopping goes by this fit alone ------------------------------------------


@pytest.mark.parametrize("patience", [10, 60])
def test_a_warm_start_never_returns_to_weights_of_another_fit(patience):
    y1, y2 = X[:, 0] > 0, X[:, 1] > 0
    model = classifier(
        hidden_layer_sizes=(16,), early_stopping=True, warm_start=True, learning_rate_init=0.01,
        max_iter=60, n_iter_no_change=patience,
    ).fit(X, y1)  # fmt: skip
    old = weights_of(model)
    n_before = len(model.validation_scores_)
    model.fit(X, y2)
    assert not np.array_equal(weights_of(model), old)
    assert model.score(X, y2) > 0.8
    assert model.best_validation_score_ == max(model.validation_scores_[n_before:])


# --- weights -------------------------------------------------------------------------


def test_batches_without_weight_are_left_out_of_the_loss():
    w = (np.arange(300) % 2) * 1.0
    options = {"batch_size": 1, "shuffle": False, "alpha": 0}
    a = regressor(**options).fit(X, T, w)
    b = regressor(**options).fit(X[1::2], T[1::2])
    np.testing.assert_allclose(a.loss_curve_, b.loss_curve_, rtol=1e-9)
    np.testing.assert_allclose(weights_of(a), weights_of(b), rtol=1e-9)
    options = {"hidden_layer_sizes": (4,), "max_iter": 5, "random_state": 0, **options}
    theirs_loss = theirs.MLPRegressor(**options).fit(X[1::2], T[1::2]).loss_
    assert a.loss_ == pytest.approx(theirs_loss)


def test_a_batch_counts_as_often_as_it_has_rows_of_weight():
    w = np.ones(300)
    w[1::4] = 0
    w[2:60:4] = w[3:60:4] = 0
    model = regressor(
        batch_size=2, shuffle=False, alpha=0, solver="sgd", learning_rate_init=1e-300, max_iter=1
    ).fit(X, T, w)
    each = (T - model.predict(X)) ** 2 / 2
    assert model.loss_ == pytest.approx(np.average(each, weights=w), rel=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("options", [{"solver": "lbfgs"}, {"solver": "adam"}, {"batch_size": 1}])
@pytest.mark.parametrize("factor", [1e-44, 1e-30, 3.0, 1e38, 1e300])
def test_the_unit_of_weights_does_not_matter(factor, options, dtype):
    w = RNG.uniform(0.5, 2, 300)
    a, b = (
        regressor(alpha=0, dtype=dtype, **options).fit(X, T, v, X_val=X, y_val=T)
        for v in (w, w * factor)
    )
    rtol = 1e-3 if dtype == "float32" else 1e-7
    np.testing.assert_allclose(a.loss_curve_, b.loss_curve_, rtol=rtol)
    np.testing.assert_allclose(weights_of(a), weights_of(b), rtol=rtol, atol=rtol)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_samples_without_weight_do_not_count_in_validation(dtype):
    w = np.r_[np.ones(200), np.zeros(100)]
    x, t = X.copy(), T.copy()
    x[200:], t[200:] = 1e30, 1e30
    options = {"early_stopping": True, "dtype": dtype, "scoring": "neg_mean_absolute_error"}
    for scoring in (None, "loss", "neg_mean_absolute_error"):
        options["scoring"] = scoring
        a = regressor(**options).fit(X, T, X_val=x, y_val=t, sample_weight_val=w)
        b = regressor(**options).fit(X, T, X_val=X[:200], y_val=T[:200])
        np.testing.assert_allclose(a.validation_scores_, b.validation_scores_, rtol=1e-5)
        np.testing.assert_allclose(a.validation_loss_curve_, b.validation_loss_curve_, rtol=1e-5)


def test_samples_without_weight_hold_anything_with_lbfgs_and_scaling():
    w = np.r_[np.ones(200), np.zeros(100)]
    x, t = X.copy(), T.copy()
    x[200:], t[200:] = 1e200, 1e200
    for options in ({}, {"scale": "standard"}):
        a = regressor(solver="lbfgs", **options).fit(x, t, w)
        b = regressor(solver="lbfgs", **options).fit(X[:200], T[:200], np.ones(200))
        np.testing.assert_allclose(weights_of(a), weights_of(b), rtol=1e-9)


@pytest.mark.parametrize("held", [True, False])
def test_a_part_without_weight_is_refused(held):
    from sklearn.model_selection import train_test_split

    model = regressor(early_stopping=True)
    state = np.random.RandomState(0)
    for fan_in, fan_out in ((4, 4), (4, 1)):
        state.uniform(size=(fan_in + 1) * fan_out)
    kept, out = train_test_split(np.arange(300), random_state=state, test_size=0.1)
    w = np.ones(300)
    w[out if held else kept] = 0
    with pytest.raises(ValueError, match=r"validation_fraction=0\.1: found no positive"):
        model.fit(X, T, w)
    assert not hasattr(model, "coefs_")


@pytest.mark.parametrize("w", [-1.0, np.nan, np.inf])
def test_weights_are_finite_and_not_negative(w):
    weight = np.ones(300)
    weight[3] = w
    for make, y in ((regressor, T), (classifier, Y)):
        with pytest.raises(ValueError, match=r"sample_weight|NaN|infinity"):
            make().fit(X, y, weight)


# --- class_weight ----------------------------------------------------------------------

LABELS = {
    "digits": np.array(["0", "1", "2"]),
    "numbers": np.array(["01234", "7", "42"]),
    "letters": np.array(["a", "b", "c"]),
    "dates": np.array(["2020-01-01", "2021-01-01", "2022-01-01"], "M8[D]"),
    "bools": np.array([False, True, True]),
    "floats": np.array([-1.0, 0.0, 2.0]),
}


@pytest.mark.parametrize("kind", LABELS)
def test_balanced_classes_of_any_kind(kind):
    y = LABELS[kind][Y3]
    codes = np.searchsorted(np.unique(y), y)
    weight = compute_sample_weight("balanced", codes)
    a = classifier(class_weight="balanced").fit(X, y)
    b = classifier().fit(X, y, weight)
    np.testing.assert_allclose(weights_of(a), weights_of(b), rtol=1e-9)
    a.partial_fit(X, y).partial_fit(X[:1], y[:1])
    a.learn_one(X[0], y[0])
    factors = dict(zip(np.unique(y), [1.0, 3.0, 5.0], strict=False))
    c = classifier(class_weight=factors).fit(X, y)
    d = classifier().fit(X, y, np.array([1.0, 3.0, 5.0])[codes])
    np.testing.assert_allclose(weights_of(c), weights_of(d), rtol=1e-9)


@pytest.mark.parametrize("factor", [np.nan, -2.0, np.inf, "x", None])
def test_factors_of_classes_are_checked(factor):
    with pytest.raises(ValueError, match="class_weight: found"):
        classifier(class_weight={0: 1, 1: factor}).fit(X, Y)


def test_classes_that_all_weigh_nothing():
    with pytest.raises(ValueError, match="sample_weight times class_weight sums to 0"):
        classifier(class_weight={0: 0, 1: 0}).fit(X, Y)
    model = classifier(class_weight={0: 0, 1: 1}).fit(X, Y)
    zero = int(np.flatnonzero(Y == 0)[0])
    for call in (
        lambda: model.partial_fit(X[[zero]], [0]), lambda: model.partial_fit(X[[zero] * 2], [0, 0]),
        lambda: model.learn_one(X[zero], 0),
    ):  # fmt: skip
        with pytest.raises(ValueError, match="sums to 0"):
            call()


# --- all or nothing ----------------------------------------------------------------------


def with_nan(y):
    y = np.array(y, float)
    y[3] = np.nan
    return y


REFUSED = {
    "weights of wrong length": lambda m, y: m.fit(X, y + 1, np.ones(3)),
    "y with nan": lambda m, y: m.fit(X[:, :3], with_nan(y)),
    "y_val alone": lambda m, y: m.fit(X[:, :2], y + 1, y_val=y),
    "sample_weight_val alone": lambda m, y: m.fit(X[:, :2], y + 1, sample_weight_val=y),
    "a learning rate that is none": lambda m, y: m.set_params(learning_rate=lambda epoch: None).fit(
        X[:, :2], y + 1
    ),
    "a scorer that is none": lambda m, y: m.set_params(early_stopping=True, scoring="nonsense").fit(
        X[:, :2], y + 1
    ),
    "activations": lambda m, y: m.set_params(activation=["tanh"] * 3).fit(X[:, :2], y + 1),
    "part of wrong width": lambda m, y: m.partial_fit(X[:, :2], y),
    "part that diverges": lambda m, y: m.partial_fit(1e300 * X, y),
    "row with nan": lambda m, y: m.partial_fit(np.full((1, 4), np.nan), y[:1]),
}


@pytest.mark.parametrize("seed", [0, "stream"])
@pytest.mark.parametrize("what", REFUSED)
@pytest.mark.parametrize("make", [regressor, classifier])
def test_a_refused_call_leaves_the_model_as_it_was(make, what, seed):
    y = T if make is regressor else Y
    seed = np.random.RandomState(3) if seed == "stream" else seed
    model = make(random_state=seed, solver="sgd").fit(X, y)
    before = model.predict(X)
    names = ("learning_rate", "early_stopping", "scoring", "activation")
    given = {name: getattr(model, name) for name in names}
    state = state_of(model)
    with pytest.raises((ValueError, TypeError)):
        REFUSED[what](model, y)
    model.set_params(**given)
    assert state_of(model) == state
    np.testing.assert_array_equal(model.predict(X), before)


def test_a_first_part_that_is_refused_may_be_tried_again():
    model = classifier()
    with pytest.raises(ValueError, match="NaN"):
        model.partial_fit(X, with_nan(Y), classes=[0, 1])
    assert not [name for name in vars(model) if name.endswith("_")]
    with pytest.raises(ValueError, match="classes must be passed"):
        model.partial_fit(X, Y)
    model.partial_fit(X, Y, classes=[0, 1])


@pytest.mark.parametrize("schedule", ["one_cycle", "adaptive"])
def test_a_refused_sample_leaves_schedule_and_counts(schedule):
    make = dict(solver="sgd", learning_rate=schedule, class_weight="balanced")
    a, b = (classifier(**make).partial_fit(X, Y, classes=[0, 1]) for _ in range(2))
    with pytest.raises(ValueError, match="found nan"):
        a.learn_one([np.nan] * 4, 1)
    for m in (a, b):
        m.learn_one(X[0], Y[0])
    np.testing.assert_array_equal(weights_of(a), weights_of(b))


# --- what ends a fit -----------------------------------------------------------------------


class Stop(Exception):
    pass


@pytest.mark.parametrize("error", [Stop, KeyboardInterrupt])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.filterwarnings("ignore:Training interrupted")
def test_weights_are_those_of_the_last_epoch_that_was_told(solver, error):
    seen = {}

    def watch(epoch, model):
        seen["weights"] = weights_of(model).copy()
        if epoch == 3:
            raise error

    model = regressor(solver=solver, callback=watch, max_iter=9)
    with contextlib.suppress(Stop, KeyboardInterrupt):
        model.fit(X, T)
    np.testing.assert_array_equal(weights_of(model), seen["weights"])
    assert model.n_iter_ == len(model.loss_curve_) == 3


def test_ctrl_c_within_an_epoch_takes_it_back(monkeypatch):
    from fastperc.training.steps import BatchSteps

    plain, seen = regressor(max_iter=2).fit(X, T), []

    def take(self, samples, first, last, sums, real=BatchSteps.take):
        seen.append(first == 0)
        if sum(seen) == 3:
            real(self, samples, 0, 1, sums)
            raise KeyboardInterrupt
        return real(self, samples, first, last, sums)

    monkeypatch.setattr(BatchSteps, "take", take)
    model = regressor(max_iter=9)
    with pytest.warns(UserWarning, match="interrupted"):
        model.fit(X, T)
    np.testing.assert_array_equal(weights_of(model), weights_of(plain))
    np.testing.assert_array_equal(model._optimizer.rule.state, plain._optimizer.rule.state)
    assert (model.n_iter_, model.t_, model.loss_curve_) == (2, 600, plain.loss_curve_)


def test_a_time_limit_within_the_first_epoch_is_told():
    x = np.tile(X, (2000, 1))
    model = regressor(time_limit=1e-6, batch_size=1)
    with pytest.warns(UserWarning, match="time_limit=1e-06 ended training before its first"):
        model.fit(x, x[:, 0])
    assert (model.n_iter_, model.loss_curve_) == (0, [])
    assert np.isfinite(model.predict(X)).all()


def test_lbfgs_that_diverges_keeps_finite_weights():
    model = regressor(solver="lbfgs")
    with pytest.raises(DivergedError):
        model.fit(X, 1e300 * T)
    assert np.isfinite(weights_of(model)).all()


def test_lbfgs_has_a_validation_curve():
    model = regressor(solver="lbfgs").fit(X[:200], T[:200], X_val=X[200:], y_val=T[200:])
    expected = np.mean((model.predict(X[200:]) - T[200:]) ** 2) / 2
    assert len(model.validation_loss_curve_) == model.n_iter_
    assert model.validation_loss_curve_[-1] == pytest.approx(expected)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("weighted", [False, True])
def test_threads_change_no_digit_of_the_curve(weighted, dtype):
    x = RNG.standard_normal((3000, 3))
    w = RNG.uniform(0, 2, 3000) * (RNG.random(3000) > 0.3) if weighted else None
    options = {"batch_size": 700, "alpha": 0.3, "dtype": dtype, "hidden_layer_sizes": (40,)}
    a, b = (regressor(**options, n_threads=n).fit(x, x[:, 0] * x[:, 1], w) for n in (1, 2))
    np.testing.assert_array_equal(weights_of(a), weights_of(b))
    assert a.loss_curve_ == b.loss_curve_


# --- one row as two, words, precision -----------------------------------------------------


def test_one_row_is_judged_as_two():
    model = regressor(loss="poisson").fit(X, np.abs(T))
    for call in (
        lambda: model.partial_fit(X[:1], [-3.0]), lambda: model.partial_fit(X[:2], [-3.0, 1.0]),
        lambda: model.learn_one(X[0], -3.0),
    ):  # fmt: skip
        with pytest.raises(ValueError, match="found -3, expected no negative"):
            call()


def test_partial_fit_takes_known_classes_also_with_warm_start():
    model, other = classifier(warm_start=True), theirs.MLPClassifier((4,), warm_start=True)
    for m in (model, other):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            m.set_params(max_iter=5, random_state=0).fit(X, Y)
    one = X[Y == 1]
    model.partial_fit(one[:1], [1]).partial_fit(one[:2], [1, 1])
    with pytest.raises(ValueError, match="warm_start"):
        other.partial_fit(one[:2], [1, 1])


@pytest.mark.parametrize(
    "x", [[np.nan, 0, 0, 0], np.array([1, 2, 3, 4j]), ["1", "2", "3", "4"], [None] * 4]
)
def test_predict_one_takes_numbers_only(x):
    for model in (regressor().fit(X, T), classifier().fit(X, Y)):
        with pytest.raises((ValueError, TypeError), match="x: found"):
            model.predict_one(x)


@pytest.mark.parametrize("y", [[None, *T[1:]], ["nan", *map(str, T[1:])], [10**400, *T[1:]]])
def test_targets_are_checked_once_they_are_numbers(y):
    for options in ({}, {"solver": "lbfgs"}):
        model = regressor(**options)
        with pytest.raises(ValueError, match=r"Input y (contains|holds)"):
            model.fit(X, np.array(y, object))
        assert not hasattr(model, "coefs_")


def test_dates_are_no_numbers():
    dates = np.arange("2020-01-01", 300, dtype="M8[D]")
    with pytest.raises(TypeError, match="y: found datetime64"):
        regressor().fit(X, dates)
    with pytest.raises(TypeError, match="X: found datetime64"):
        regressor().fit(dates[:, None], T)


def test_numbers_beyond_float32():
    model = classifier(dtype="float32").fit(X, Y)
    with pytest.raises(ValueError, match="X: found 1e\\+39, too large for float32"):
        model.predict_proba(np.full((2, 4), 1e39))
    with pytest.raises(ValueError, match="x: found"):
        model.predict_one([1e39] * 4)


@pytest.mark.parametrize("z", [-800.0, -30.0, 1.0, 20.0, 29.0, 36.5, 700.0])
def test_log_probabilities_are_exact(z):
    model = classifier(hidden_layer_sizes=()).fit(X, Y)
    model.coefs_, model.intercepts_ = [np.zeros((4, 1))], [np.array([z])]
    no, yes = (min(-v, 0.0) - math.log1p(math.exp(-abs(v))) for v in (z, -z))
    np.testing.assert_allclose(model.predict_log_proba(X[:1]), [[no, yes]], 1e-14)
    model = classifier(hidden_layer_sizes=()).fit(X, Y3)
    model.coefs_, model.intercepts_ = [np.zeros((4, 3))], [np.array([z, 0.0, 0.0])]
    total = np.logaddexp(z, math.log(2))
    expected = [[z - total, -total, -total]]
    np.testing.assert_allclose(model.predict_log_proba(X[:1]), expected, 1e-14, 1e-14)


def test_scaling_from_one_sample_is_told():
    with pytest.warns(UserWarning, match="determined from one sample"):
        regressor(scale="standard").partial_fit(X[:1], T[:1])


def test_learn_one_follows_the_adaptive_rate():
    options = {"solver": "sgd", "learning_rate": "adaptive", "n_iter_no_change": 2, "tol": 1.0}
    a, b = (regressor(**options).partial_fit(X[:9], T[:9]) for _ in range(2))
    for x, t in zip(X[:30], T[:30], strict=True):
        a.learn_one(x, t)
        b.partial_fit(x[None], [t])
    assert a._optimizer.learning_rate == b._optimizer.learning_rate < 1e-4
    np.testing.assert_array_equal(weights_of(a), weights_of(b))


def test_layers_in_first_place_are_hinted_at():
    with pytest.raises(ValueError, match=r"MLPRegressor\(hidden_layer_sizes=\(8,\)\)"):
        MLPRegressor((8,)).fit(X, T)
    assert clone(MLPRegressor((8,))).get_params()["loss"] == (8,)


def test_warnings_point_to_the_callers_line():
    with pytest.warns(UserWarning, match="It is going to be clipped") as caught:
        regressor(batch_size=10**6, max_iter=1).fit(X, T)
    assert {warning.filename for warning in caught} == {__file__}


@pytest.mark.parametrize("labels", [[False, True], [0, 1], ["a", None], [1, "a"]], ids=str)
def test_labels_in_an_array_of_objects_are_told_as_such(labels):
    y = np.array(labels, object)[Y]
    with pytest.raises(ValueError, match=r"NaN|dtype object and holds .*y.astype\(int\)"):
        classifier().fit(X, y)
    if labels[0] is not False:
        return
    assert classifier().fit(X, y.astype(bool)).score(X, y.astype(bool)) > 0.4


def test_the_binarizer_can_be_read():
    model = classifier().fit(X, Y3)
    assert model._label_binarizer.y_type_ == "multiclass"


@pytest.mark.parametrize(
    "target",
    [np.datetime64("2020-01-01"), np.timedelta64(3, "D"), 1j, np.ma.masked, 10**400, [np.inf]],
)
def test_learn_one_refuses_a_target_that_is_no_real_number(target):
    model = regressor().fit(X, T)
    before = model.predict(X)
    with pytest.raises((TypeError, ValueError), match="y"):
        model.learn_one(X[0], target)
    np.testing.assert_array_equal(model.predict(X), before)


@pytest.mark.parametrize("label", [None, np.datetime64("2020-01-01"), [1], [1, 2], 10**400, "1"])
def test_learn_one_refuses_what_is_no_label(label):
    model = classifier().fit(X, Y3)
    with pytest.raises(ValueError, match="has classes not in"):
        model.learn_one(X[0], label)


def test_one_sample_beyond_the_dtype_is_told():
    with pytest.raises(ValueError, match="too large for float32"):
        regressor(dtype="float32").fit(X, T).predict_one([1e300] * 4)
    with pytest.raises(ValueError, match="too large for float64"):
        regressor().fit(X, T).predict_one([10**400] * 4)


@pytest.mark.parametrize(
    "W", [np.full((4, 4), np.inf), np.full((4, 4), np.nan), np.ma.masked_all((4, 4))]
)
def test_assigned_weights_have_to_be_finite(W):
    model = regressor().fit(X, T)
    model.coefs_[0] = W
    with pytest.raises(ValueError, match=r"coefs_\[0\]: found infinite, NaN or masked"):
        model.predict(X)


def test_a_score_leaves_out_rows_of_weight_0():
    model = regressor().fit(X, T)
    weight = (np.arange(300) % 3 > 0).astype(float)
    spoiled = np.where(weight[:, None] > 0, X, 1e300)
    kept = weight > 0
    assert model.score(spoiled, T, weight) == pytest.approx(model.score(X[kept], T[kept]))


def test_partial_fit_in_a_callback_does_not_make_training_endless():
    calls = []

    def callback(epoch, model):
        calls.append(epoch)
        if epoch == 2:
            model.partial_fit(X[:20], T[:20])  # calls back, too
        return len(calls) > 20

    model = regressor(callback=callback, n_iter_no_change=np.inf).fit(X, T)
    assert calls == [1, 2, 1, 3, 4, 5]
    assert model.n_iter_ == 5


@pytest.mark.parametrize("solver", ["sgd", "adam", "rprop"])
def test_training_goes_on_from_weights_that_a_callback_assigns(solver):
    new = [np.full((4, 4), 0.3), np.full((4, 1), -0.2)]

    def assign(epoch, model):
        if epoch == 2:
            model.coefs_ = [W.copy() for W in new]

    def write(epoch, model):
        if epoch == 2:
            for W, values in zip(model.coefs_, new, strict=True):
                W[...] = values

    a, b = (regressor(solver=solver, callback=f).fit(X, T) for f in (assign, write))
    np.testing.assert_array_equal(a.predict(X), b.predict(X))
    assert a.loss_curve_ == b.loss_curve_


@pytest.mark.parametrize("solver", ["sgd", "adam", "rprop"])
def test_a_callback_cannot_put_another_network_in_place(solver):
    def widen(epoch, model):
        model.coefs_, model.intercepts_ = [np.ones((4, 9)), np.ones((9, 1))], [np.ones(9), [1.0]]

    model = regressor(solver=solver, callback=widen)
    with pytest.raises(ValueError, match="callback: found a network"):
        model.fit(X, T)
    assert model.predict_one(X[0]) == pytest.approx(model.predict(X[:1])[0])


@pytest.mark.parametrize(
    ("old", "new"), [("squared_error", "poisson"), ("poisson", "squared_error")]
)
def test_scaled_targets_are_not_taken_for_others(old, new):
    """A fresh loss finds targets scaled as the old one had them: counts are not scaled at all."""
    y = np.abs(T)
    model = regressor(scale="standard", loss=old).fit(X, y)
    before = model.predict(X)
    model.set_params(loss=new)
    for call in (model.partial_fit, model.set_params(warm_start=True).fit):
        with pytest.raises(ValueError, match=f"loss: found '{new}', but the targets were '{old}'"):
            call(X, y)
    np.testing.assert_array_equal(model.predict(X), before)
    model.set_params(loss=old).partial_fit(X, y)


def test_losses_of_targets_scaled_alike_follow_each_other():
    model = regressor(scale="standard").fit(X, T)
    model.set_params(loss="huber").partial_fit(X, T)
    free = regressor().fit(X, np.abs(T))
    free.set_params(loss="poisson").partial_fit(X, np.abs(T))
    assert (model.predict(X) < 0).any()
    assert (free.predict(X) > 0).all()


def test_weights_assigned_in_a_callback_of_lbfgs_are_refused():
    def assign(epoch, model):
        model.coefs_ = [W + 1 for W in model.coefs_]

    with pytest.raises(ValueError, match="lbfgs trains"):
        regressor(solver="lbfgs", callback=assign).fit(X, T)


@pytest.mark.parametrize("name", ["coefs_", "intercepts_"])
@pytest.mark.parametrize("value", [None, 5])
def test_what_is_no_list_of_arrays_is_told(name, value):
    model = regressor().fit(X, T)
    setattr(model, name, value)
    for call in (lambda: model.predict(X), lambda: model.predict_one(X[0])):
        with pytest.raises(ValueError, match=f"{name}: found {value}, expected a list of arrays"):
            call()


@pytest.mark.parametrize("x", [5, None, 2.5])
def test_one_number_is_no_sample(x):
    with pytest.raises((TypeError, ValueError), match="x: found"):
        regressor().fit(X, T).predict_one(x)


def test_what_is_done_to_the_dtype_of_an_array_is_no_other_model():
    model = regressor().fit(X, T)
    wanted = model.predict(X)
    model.coefs_[0].dtype = np.int64
    for other in (model, pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        np.testing.assert_array_equal(other.predict(X), wanted)
