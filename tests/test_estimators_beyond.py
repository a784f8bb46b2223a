"""What our networks can do beyond scikit-learn's."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import load_iris, make_classification, make_multilabel_classification
from sklearn.linear_model import QuantileRegressor
from sklearn.metrics import balanced_accuracy_score, log_loss

from fastperc import DivergedError, MLPClassifier, MLPRegressor
from fastperc.model import samples
from fastperc.training import steps
from fastperc.training.rules import STOCHASTIC
from networks import HIDDEN

pytestmark = pytest.mark.filterwarnings(
    "ignore:Stochastic Optimizer:sklearn.exceptions.ConvergenceWarning",
    "ignore:lbfgs failed to converge:sklearn.exceptions.ConvergenceWarning",
)

X_IRIS, Y_IRIS = load_iris(return_X_y=True)
RNG = np.random.default_rng(0)
X = RNG.standard_normal((200, 3))
Y = np.sin(2 * X[:, 0]) + X[:, 1] * X[:, 2]


def regressor(**options):
    return MLPRegressor(**{
        "hidden_layer_sizes": (16,), "max_iter": 60, "random_state": 0,
        "learning_rate_init": 0.01, "batch_size": 20, **options,
    })  # fmt: skip


def classifier(**options):
    return MLPClassifier(**{
        "hidden_layer_sizes": (8,), "max_iter": 60, "random_state": 0,
        "learning_rate_init": 0.02, "batch_size": 20, **options,
    })  # fmt: skip


def rare(seed=0):
    """Two classes, one of them rare."""
    return make_classification(400, 5, weights=[0.95], class_sep=0.6, random_state=seed)


def weights_of(model):
    return np.concatenate([a.ravel() for a in model.coefs_ + model.intercepts_])


# --- class_weight --------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [
    {}, {"batch_size": 1, "max_iter": 10, "learning_rate_init": 0.003}, {"loss": "hinge"},
    {"solver": "lbfgs"},
], ids=str)  # fmt: skip
def test_balanced_classes_find_the_rare_one(options):
    x, y = rare()
    plain = classifier(**options).fit(x, y)
    balanced = classifier(**options, class_weight="balanced").fit(x, y)
    scores = [balanced_accuracy_score(y, m.predict(x)) for m in (plain, balanced)]
    assert scores[1] > scores[0]
    assert (balanced.predict(x) == 1).sum() > (plain.predict(x) == 1).sum()


def test_class_weights_are_sample_weights():
    x, y = rare()
    by_class = classifier(class_weight={0: 1.0, 1: 7.0}).fit(x, y)
    by_sample = classifier().fit(x, y, np.where(y == 1, 7.0, 1.0))
    np.testing.assert_array_equal(weights_of(by_class), weights_of(by_sample))


def test_class_weights_in_partial_fit():
    x, y = rare()
    balanced = classifier(class_weight="balanced").fit(x, y)
    once = classifier(class_weight="balanced").partial_fit(x, y, classes=[0, 1])
    one_epoch = classifier(class_weight="balanced", max_iter=1).fit(x, y)
    np.testing.assert_allclose(weights_of(once), weights_of(one_epoch), rtol=1e-12)
    assert not np.allclose(weights_of(once), weights_of(balanced))
    heavy, light = (
        classifier(class_weight={0: 1.0, 1: w}, solver="sgd", batch_size="auto").partial_fit(
            x, y, classes=[0, 1]
        )
        for w in (5.0, 1.0)
    )
    row = x[y == 1][:1]
    steps = []
    for model in (heavy, light):
        model.coefs_, model.intercepts_ = light.coefs_, light.intercepts_
        del model._optimizer
        before = weights_of(model)
        model.partial_fit(row, [1])
        steps.append(np.abs(weights_of(model) - before).max())
    assert steps[0] > 3 * steps[1] > 0


# --- validation ----------------------------------------------------------------------------------


def test_a_validation_set_of_ones_own():
    model = regressor(alpha=0.0).fit(X[:150], Y[:150], X_val=X[150:], y_val=Y[150:])
    assert len(model.validation_loss_curve_) == model.n_iter_
    last = np.mean((model.predict(X[150:]) - Y[150:]) ** 2) / 2
    assert model.validation_loss_curve_[-1] == pytest.approx(last)
    np.testing.assert_array_equal(
        weights_of(model), weights_of(regressor(alpha=0.0).fit(X[:150], Y[:150]))
    )


def test_the_validation_loss_of_classes_is_the_log_loss():
    x, y = rare()
    weight = RNG.uniform(0.5, 2, 100)
    model = classifier().fit(
        x[:300], y[:300], X_val=x[300:], y_val=y[300:], sample_weight_val=weight
    )
    expected = log_loss(y[300:], model.predict_proba(x[300:]), sample_weight=weight)
    assert model.validation_loss_curve_[-1] == pytest.approx(expected)


@pytest.mark.parametrize("scoring", [None, "loss", "neg_mean_absolute_error"])
def test_early_stopping_restores_the_best_weights(scoring):
    model = regressor(
        early_stopping=True, scoring=scoring, max_iter=300, learning_rate_init=0.05, alpha=0.0
    ).fit(X[:60], Y[:60], X_val=X[60:], y_val=Y[60:])
    assert model.n_iter_ < 300
    assert model.best_validation_score_ == max(model.validation_scores_)
    found = model.predict(X[60:])
    expected = {
        None: model.score(X[60:], Y[60:]),
        "loss": -np.mean((found - Y[60:]) ** 2) / 2,
        "neg_mean_absolute_error": -np.mean(np.abs(found - Y[60:])),
    }[scoring]
    assert model.best_validation_score_ == pytest.approx(expected)


def test_any_scorer_on_a_part_set_aside():
    def share_of_ones(model, x, y):
        assert set(y) <= {"no", "yes"}
        return (model.predict(x) == "yes").mean()

    x, y = rare()
    model = classifier(early_stopping=True, scoring=share_of_ones)
    model.fit(x, np.where(y, "yes", "no"))
    assert len(model.validation_scores_) == len(model.validation_loss_curve_) == model.n_iter_


# --- activations, losses, solvers ----------------------------------------------------------------

THEIRS = ("identity", "tanh", "relu", "sgd", "adam")  # compared with scikit-learn elsewhere


@pytest.mark.parametrize(
    "activation", [*(n for n in HIDDEN if n not in THEIRS), ["tanh", "elu"]], ids=str
)
def test_activations(activation):
    hidden = (16, 8) if isinstance(activation, list) else (16,)
    model = regressor(
        activation=activation, hidden_layer_sizes=hidden, max_iter=400, n_iter_no_change=100,
        learning_rate_init=0.03,
    ).fit(X, Y)  # fmt: skip
    assert model.score(X, Y) > 0.8


@pytest.mark.parametrize("loss", ["absolute_error", "huber"])
def test_outliers_matter_less(loss):
    y = Y.copy()
    y[::10] += 40
    robust = regressor(loss=loss, max_iter=200).fit(X, y)
    squared = regressor(max_iter=200).fit(X, y)
    errors = [np.abs(m.predict(X[1::2]) - Y[1::2]).mean() for m in (robust, squared)]
    assert errors[0] < 0.5 * errors[1]


@pytest.mark.parametrize("level", [0.1, 0.5, 0.9])
def test_quantiles_are_those_of_a_linear_program(level):
    x = RNG.standard_normal((300, 2))
    y = x @ [1.0, -2.0] + RNG.exponential(1, 300)
    model = MLPRegressor(
        "quantile", hidden_layer_sizes=(), quantile=level, alpha=0.0, batch_size=300,
        learning_rate_init=0.05, learning_rate="cosine", max_iter=3000, n_iter_no_change=np.inf,
        random_state=0,
    ).fit(x, y)  # fmt: skip
    exact = QuantileRegressor(quantile=level, alpha=0.0).fit(x, y)
    assert (y <= model.predict(x)).mean() == pytest.approx(level, abs=0.02)
    np.testing.assert_allclose(model.coefs_[0][:, 0], exact.coef_, atol=0.02)


def test_hinge():
    x, y = X_IRIS[50:], Y_IRIS[50:]
    model = classifier(loss="hinge", scale="standard", max_iter=200).fit(x, y)
    assert model.score(x, y) > 0.95
    np.testing.assert_array_equal(model.decision_function(x) > 0, model.predict(x) == 2)
    assert not hasattr(model, "predict_proba")
    assert not hasattr(classifier(), "decision_function")
    many = classifier(loss="hinge", scale="standard", max_iter=200).fit(X_IRIS, Y_IRIS)
    assert many.decision_function(X_IRIS).shape == (150, 3)
    assert many.score(X_IRIS, Y_IRIS) > 0.95
    labels = [many.predict_one(x) for x in X_IRIS]
    np.testing.assert_array_equal(labels, many.predict(X_IRIS))


@pytest.mark.parametrize("solver", [n for n in STOCHASTIC if n not in THEIRS])
def test_solvers(solver):
    model = regressor(solver=solver, max_iter=300, n_iter_no_change=50).fit(X, Y)
    assert model.score(X, Y) > 0.9
    model.partial_fit(X[:50], Y[:50])


def test_adamw_shrinks_weights():
    sizes = [
        np.abs(regressor(solver="adamw", alpha=a).fit(X, Y).coefs_[0]).sum() for a in (0.0, 3.0)
    ]
    assert sizes[1] < 0.7 * sizes[0]


def test_l1_makes_weights_small():
    sizes = [np.abs(regressor(l1=l1).fit(X, Y).coefs_[0]).sum() for l1 in (0.0, 0.02)]
    assert sizes[1] < 0.7 * sizes[0]


def test_clipping_tames_a_wild_target():
    y = Y.copy()
    y[3] = 1e9
    options = {"solver": "sgd", "max_iter": 5}
    with pytest.raises(DivergedError):
        regressor(**options, learning_rate_init=1.0).fit(X, y)
    model = regressor(**options, learning_rate_init=1.0, clip_norm=0.1).fit(X, y)
    assert np.isfinite(model.predict(X)).all()


@pytest.mark.parametrize("schedule", ["step", "cosine", "one_cycle", lambda epoch: 0.02 / epoch])
@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_schedules(solver, schedule):
    rates = []
    model = regressor(
        solver=solver, learning_rate=schedule, max_iter=12,
        callback=lambda epoch, m: rates.append(m._optimizer.learning_rate),
    ).fit(X, Y)  # fmt: skip
    assert len(rates) == 12
    assert len(set(rates)) >= 3
    assert model.loss_curve_[-1] < model.loss_curve_[0]


# --- dtype, threads, time, progress --------------------------------------------------------------


def test_dtype():
    narrow, wide = (regressor(dtype=d, max_iter=5).fit(X, Y) for d in ("float32", None))
    assert {a.dtype for a in narrow.coefs_ + narrow.intercepts_} == {np.dtype("float32")}
    np.testing.assert_allclose(narrow.predict(X), wide.predict(X), atol=1e-4)
    assert regressor(dtype="float64").fit(X.astype("f"), Y).predict(X).dtype == np.float64


@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_threads_change_no_digit(solver):
    x = RNG.standard_normal((3000, 3))
    y = x[:, 0] * x[:, 1]
    options = {"solver": solver, "batch_size": 1100, "max_iter": 3, "hidden_layer_sizes": (40,)}
    one, two = (regressor(**options, n_threads=n).fit(x, y) for n in (1, 2))
    np.testing.assert_array_equal(weights_of(one), weights_of(two))
    np.testing.assert_allclose(one.loss_curve_, two.loss_curve_, rtol=1e-12)
    np.testing.assert_array_equal(one.predict(x), two.predict(x))


def test_time_limit():
    model = regressor(max_iter=10**6, n_iter_no_change=np.inf, time_limit=0.3).fit(X, Y)
    assert 1 <= model.n_iter_ < 10**6


def test_callback_sees_each_epoch_and_may_end_training():
    seen = []

    def watch(epoch, model):
        seen.append((epoch, model.loss_))
        return epoch == 4

    model = regressor(callback=watch).fit(X, Y)
    assert seen == list(enumerate(model.loss_curve_, start=1))
    assert model.n_iter_ == 4


def test_progress_shows_loss_and_time_left(capsys):
    regressor(progress=True, max_iter=3).fit(X, Y)
    shown = capsys.readouterr().err
    assert "3/3" in shown
    assert "loss=" in shown


# --- scaling -------------------------------------------------------------------------------------


def test_scaling_makes_unscaled_data_learnable():
    x, y = 1e4 + 1e3 * X, 5e5 + 1e5 * Y
    scaled = regressor(scale="standard", max_iter=200).fit(x, y)
    assert scaled.score(x, y) > 0.9
    assert scaled.predict_one(x[0]) == pytest.approx(scaled.predict(x[:1])[0])
    assert regressor(max_iter=200).fit(x, y).score(x, y) < 0.1


def test_scaling_is_kept():
    x, y = 1e4 + 1e3 * X, 5e5 + 1e5 * Y
    model = regressor(scale="standard", solver="sgd", momentum=0.0, max_iter=400).fit(x, y)
    before = model.score(x, y)
    for row in range(20):
        model.learn_one(x[row], y[row])
        model.partial_fit(x[row : row + 1], y[row : row + 1])
    assert model.score(x, y) > before - 0.1


def test_scaling_of_sparse_inputs_and_constant_columns():
    dense = np.where(np.abs(X) > 0.8, X, 0) * [1, 100, 0]
    y = dense[:, 0] + dense[:, 1] / 100
    model = regressor(scale="standard", max_iter=200).fit(sparse.csr_matrix(dense), y)
    assert model.score(dense, y) > 0.95


# --- one sample at a time ------------------------------------------------------------------------


@pytest.mark.parametrize("batch", [1, 40])
@pytest.mark.parametrize("solver", ["sgd", "adam", "adamw"])
def test_learn_one_is_partial_fit_of_one_row(solver, batch):
    a, b = (
        regressor(solver=solver, batch_size="auto").partial_fit(X[:batch], Y[:batch])
        for _ in range(2)
    )
    for x, y in zip(X[40:60], Y[40:60], strict=True):
        loss = a.learn_one(x, y)
        b.partial_fit(x[None], [y])
        assert loss == b.loss_
    np.testing.assert_array_equal(weights_of(a), weights_of(b))
    np.testing.assert_allclose([a.predict_one(x) for x in X], a.predict(X), rtol=1e-12, atol=1e-12)


def test_one_row_is_the_same_by_the_short_and_the_long_way():
    a, b = (classifier(batch_size="auto").fit(X_IRIS, Y_IRIS) for _ in range(2))
    for x, y in zip(X_IRIS[::10], Y_IRIS[::10], strict=True):
        a.partial_fit(x[None], [y])
        b.partial_fit(sparse.csr_matrix(x[None]), [y])
    np.testing.assert_allclose(weights_of(a), weights_of(b), rtol=1e-12)
    assert (a.n_iter_, a.t_, a.loss_curve_) == (b.n_iter_, b.t_, pytest.approx(b.loss_curve_))
    labels = [a.predict_one(list(x)) for x in X_IRIS]
    np.testing.assert_array_equal(labels, a.predict(X_IRIS))


def test_several_labels_of_one_sample():
    x, y = make_multilabel_classification(80, 5, n_classes=3, random_state=0)
    model = classifier().fit(x, y)
    np.testing.assert_array_equal([model.predict_one(row) for row in x], model.predict(x))
    assert model.learn_one(x[0], y[0]) > 0


def test_several_outputs_of_one_sample():
    y = np.column_stack([Y, -Y])
    model = regressor().fit(X, y)
    np.testing.assert_allclose(model.predict_one(X[0]), model.predict(X[:1])[0], rtol=1e-12)
    assert model.learn_one(X[0], y[0]) >= 0


def test_one_wild_sample_is_not_learned():
    model = regressor(solver="sgd").fit(X, Y)
    before = weights_of(model)
    with pytest.raises(DivergedError):
        model.learn_one(np.full(3, 1e200), 1.0)
    np.testing.assert_array_equal(weights_of(model), before)


# --- sparse data in pieces -----------------------------------------------------------------------


def test_sparse_data_goes_through_in_pieces(monkeypatch):
    x, y = sparse.csr_matrix(np.where(X_IRIS > 1.5, X_IRIS, 0)), Y_IRIS
    whole = classifier(max_iter=5).fit(x, y)
    monkeypatch.setattr(samples, "WINDOW", 4 * 30)
    monkeypatch.setattr(steps, "WINDOW", 4 * 30)
    parts = classifier(max_iter=5).fit(x, y)
    np.testing.assert_allclose(weights_of(parts), weights_of(whole), rtol=1e-12)
    np.testing.assert_allclose(parts.predict_proba(x), whole.predict_proba(x.toarray()), rtol=1e-9)


# --- scikit-learn's callbacks ----


class Recorder:
    """A callback of scikit-learn's protocol that stops after some epochs."""

    def __init__(self, last):
        self.last, self.seen = last, []

    def setup(self, estimator, context):
        self.seen.append("setup")

    def on_fit_task_begin(self, estimator, context):
        self.seen.append(f"begin {context.task_name}")

    def on_fit_task_end(self, estimator, context, *, X, fitted_estimator):
        self.seen.append(f"end {context.task_name}")
        self.score = fitted_estimator.score(X, Y)
        return self.seen.count("end epoch") == self.last

    def teardown(self, estimator, context):
        self.seen.append("teardown")


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_callbacks_of_scikit_learn(solver):
    pytest.importorskip("sklearn.callback")
    recorder = Recorder(3)
    model = regressor(solver=solver).set_callbacks(recorder).fit(X, Y)
    epoch = ["begin epoch", "end epoch"]
    assert recorder.seen == ["setup", "begin fit", *epoch * 3, "end fit", "teardown"]
    assert model.n_iter_ == 3
    assert recorder.score == model.score(X, Y)
