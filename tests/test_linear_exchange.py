"""Linear models as scikit-learn's and back: the same coefficients, and the same training."""

import copy
import warnings

import numpy as np
import pytest
from sklearn import linear_model as theirs
from sklearn.exceptions import ConvergenceWarning, NotFittedError

import fastperc

pytestmark = pytest.mark.filterwarnings(
    "ignore:Maximum number of iteration:sklearn.exceptions.ConvergenceWarning",
    "ignore:Class PassiveAggressive:FutureWarning",
)

RNG = np.random.default_rng(0)
X = RNG.standard_normal((200, 5))
LABELS = {"two": np.where(X[:, 0] > 0, "yes", "no"), "three": np.digitize(X[:, 1], [-0.5, 0.5])}
MODELS = {
    "svm": ("SGDClassifier", {}),
    "logistic": ("SGDClassifier", {"loss": "log_loss", "penalty": "elasticnet"}),
    "adaptive": ("SGDClassifier", {"loss": "modified_huber", "learning_rate": "adaptive"}),
    "average": ("SGDClassifier", {"average": 10}),
    "average of later": ("SGDClassifier", {"average": 100_000}),
    "regression": ("SGDRegressor", {}),
    "average of numbers": ("SGDRegressor", {"average": True, "penalty": "l1"}),
    "perceptron": ("Perceptron", {}),
    "aggressive": ("PassiveAggressiveClassifier", {}),
    "aggressive regression": ("PassiveAggressiveRegressor", {}),
}


def targets(name, kind):
    return X @ [1, 2, 3, 4, 5] if name.endswith("Regressor") else LABELS[kind]


def pair(name, options, kind, X=X):
    both = [getattr(library, name) for library in (fastperc, theirs)]
    options = {"max_iter": 5, "random_state": 0, **options}
    return [model(**options).fit(X, targets(name, kind)) for model in both]


def assert_same(a, b, dtype):
    tolerance = 1e-9 if dtype == "float64" else 0.2  # steps of the hinge hang on single bits
    np.testing.assert_allclose(a.coef_, b.coef_, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(a.intercept_, b.intercept_, rtol=tolerance, atol=tolerance)
    assert a.t_ == b.t_


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", LABELS)
@pytest.mark.parametrize("what", MODELS)
def test_partial_fit_goes_on_as_in_the_other_library(what, kind, dtype):
    name, options = MODELS[what]
    inputs, y = X.astype(dtype), targets(name, kind)
    one, two = pair(name, options, kind, inputs)
    there, back = one.to_sklearn(), type(one).from_sklearn(two)
    assert type(there) is type(two)
    for a, b in ((there, one), (back, two)):
        if name.endswith("Regressor"):
            np.testing.assert_allclose(a.predict(inputs), b.predict(inputs), rtol=1e-5, atol=1e-6)
        else:
            assert np.array_equal(a.predict(inputs), b.predict(inputs))
    if what in ("logistic", "adaptive"):
        np.testing.assert_allclose(there.predict_proba(X), one.predict_proba(X), atol=1e-6)
    for left, right in ((one, there), (back, two)):
        left, right = copy.deepcopy(left), copy.deepcopy(right)
        before = np.array(left.coef_)
        for model in (left, right):
            model.partial_fit(inputs, y)
        if kind == "three" and what.startswith("average"):
            continue  # scikit-learn writes one array over the other there: see docs/linear.md
        assert_same(left, right, dtype)
        if what not in ("perceptron", "aggressive regression"):  # which may make no mistake
            assert not np.array_equal(left.coef_, before)


def test_coefficients_are_copies_and_stay_sparse():
    one, _ = pair("SGDClassifier", {"penalty": "l1", "alpha": 0.1}, "two")
    there = one.to_sklearn()
    there.coef_[:] = 0
    assert one.coef_.any()
    there = one.sparsify().to_sklearn()
    assert there.coef_.format == "csr"
    assert type(one).from_sklearn(there).coef_.format == "csr"
    assert np.array_equal(there.predict(X), one.predict(X))


def test_a_fit_from_anew_works_there():
    for name, options in MODELS.values():
        there = pair(name, options, "three")[0].to_sklearn()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            there.fit(X, targets(name, "three"))


def test_a_rate_that_scikit_learn_does_not_have_is_left_out():
    model = fastperc.SGDRegressor(learning_rate="adagrad", max_iter=3).fit(X, X[:, 0])
    with pytest.warns(UserWarning, match="left out learning_rate='adagrad'"):
        there = model.to_sklearn()
    np.testing.assert_allclose(there.predict(X), model.predict(X), rtol=1e-12)
    assert there.partial_fit(X, X[:, 0]) is there


def test_what_is_refused():
    ftrl = fastperc.FTRLRegressor().fit(X, X[:, 0])
    with pytest.raises(ValueError, match="FTRLRegressor: scikit-learn has no such model"):
        ftrl.to_sklearn()
    softmax = fastperc.SGDClassifier(loss="log_loss", multi_class="multinomial")
    softmax.fit(X, LABELS["three"])
    with pytest.raises(ValueError, match="multi_class: found 'multinomial', expected 'ovr'"):
        softmax.to_sklearn()
    with pytest.raises(NotFittedError):
        fastperc.SGDClassifier().to_sklearn()
    with pytest.raises(NotFittedError):
        fastperc.SGDClassifier.from_sklearn(theirs.SGDClassifier())
    with pytest.raises(TypeError, match="found SGDRegressor, expected a fitted SGDClassifier"):
        fastperc.SGDClassifier.from_sklearn(theirs.SGDRegressor())
    with pytest.raises(TypeError, match="scikit-learn has none of that name"):
        fastperc.FTRLRegressor.from_sklearn(theirs.SGDRegressor())
