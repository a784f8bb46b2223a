"""Tables of pandas and polars go in as they do with scikit-learn, names of columns included."""

import numpy as np
import pytest
from sklearn import neural_network as theirs
from sklearn.datasets import load_iris
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import fastperc as ours
from fastperc import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings(
    "ignore:Stochastic Optimizer:sklearn.exceptions.ConvergenceWarning"
)

X, Y = load_iris(return_X_y=True)
NAMES = np.array(["setosa", "versicolor", "virginica"])[Y]
COLUMNS = ["a", "b", "c", "d"]
SMALL = {"hidden_layer_sizes": (5,), "max_iter": 5, "random_state": 0}


@pytest.fixture(params=["pandas", "polars"])
def library(request):
    """pandas or polars, if installed."""
    return pytest.importorskip(request.param)


@pytest.fixture
def table(library):
    """A function that makes a table of some rows of X; the name of a row is not its number."""

    def make(rows=slice(None), columns=COLUMNS):
        data = {name: X[rows, COLUMNS.index(name)] for name in columns}
        if library.__name__ == "polars":
            return library.DataFrame(data)
        return library.DataFrame(data, index=np.arange(150)[rows] + 1000)

    return make


@pytest.fixture
def column(library):
    """A function that makes a column of some values."""

    def make(values):
        if library.__name__ == "polars":
            return library.Series(values)
        return library.Series(values, index=np.arange(len(values)) + 1000)

    return make


def assert_same(a, b):
    for x, y in zip(a.coefs_ + a.intercepts_, b.coefs_ + b.intercepts_, strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-9, atol=1e-12)
    if hasattr(a, "classes_"):
        np.testing.assert_array_equal(a.classes_, b.classes_)


@pytest.mark.parametrize("name", ["MLPClassifier", "MLPRegressor"])
def test_the_same_as_scikit_learns(name, table, column):
    y = NAMES if name == "MLPClassifier" else X[:, 0]
    a, b = (getattr(package, name)(**SMALL).fit(table(), column(y)) for package in (theirs, ours))
    assert_same(a, b)
    np.testing.assert_array_equal(b.feature_names_in_, COLUMNS)
    found, expected = b.predict(table()), a.predict(table())
    assert type(found) is type(expected)
    if name == "MLPClassifier":
        np.testing.assert_array_equal(found, expected)
        assert found.dtype == expected.dtype
    else:
        np.testing.assert_allclose(found, expected, rtol=1e-9)


@pytest.mark.parametrize("dtype", ["category", "string", "object"])
def test_labels_of_any_kind_that_pandas_has(dtype):
    pandas = pytest.importorskip("pandas")
    y = pandas.Series(NAMES, dtype=dtype)
    for options in ({}, {"class_weight": "balanced"}, {"early_stopping": True}):
        expected = MLPClassifier(**SMALL, **options).fit(X, NAMES)
        assert_same(expected, MLPClassifier(**SMALL, **options).fit(X, y))


def test_weights_and_validation_sets(table, column):
    weight = np.linspace(0.5, 2, 150)
    options = {**SMALL, "early_stopping": True, "scoring": "balanced_accuracy"}
    a = MLPClassifier(**options).fit(X, NAMES, weight)
    b = MLPClassifier(**options).fit(table(), column(NAMES), column(weight))
    assert a.validation_scores_ == b.validation_scores_
    rows, held = slice(0, None, 2), slice(1, None, 2)
    a = MLPClassifier(**SMALL).fit(X[rows], NAMES[rows], X_val=X[held], y_val=NAMES[held])
    b = MLPClassifier(**SMALL)
    b.fit(table(rows), column(NAMES[rows]), X_val=table(held), y_val=column(NAMES[held]))
    np.testing.assert_allclose(a.validation_loss_curve_, b.validation_loss_curve_, rtol=1e-9)


@pytest.mark.parametrize("n_rows", [1, 20])
def test_partial_fit(n_rows, table, column):
    rows = slice(100, 100 + n_rows)
    models = [MLPClassifier(**SMALL).fit(table(), column(NAMES)) for _ in range(2)]
    models[0].partial_fit(table(rows), column(NAMES[rows]))
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        models[1].partial_fit(X[rows], NAMES[rows])
    assert_same(*models)


def test_partial_fit_of_a_row_whose_target_has_a_name(column):
    a, b = (MLPRegressor(**SMALL).fit(X, X[:, 0]) for _ in range(2))
    assert_same(a.partial_fit(X[7:8], X[7:8, 0]), b.partial_fit(X[7:8], column(X[7:8, 0])))


def test_one_sample_of_a_table():
    pandas = pytest.importorskip("pandas")
    model = MLPClassifier(**SMALL).fit(pandas.DataFrame(X, columns=COLUMNS), NAMES)
    row = pandas.DataFrame(X, columns=COLUMNS).iloc[3]
    assert model.predict_one(row) == model.predict_one(X[3])
    assert model.learn_one(row, NAMES[3]) > 0


def test_columns_have_to_be_those_of_fit(table, column):
    model = MLPClassifier(**SMALL).fit(table(), column(NAMES))
    with pytest.raises(ValueError, match="must be in the same order"):
        model.predict(table(columns=COLUMNS[::-1]))
    with pytest.raises(ValueError, match="now missing:\n- d"):
        model.predict(table(columns=COLUMNS[:3]))
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        model.predict(X[:2])
    model.fit(X, NAMES)
    assert not hasattr(model, "feature_names_in_")
    with pytest.warns(UserWarning, match="fitted without feature names"):
        model.predict(table())


def test_behind_a_transformer_that_puts_out_tables(library, table, column):
    model = make_pipeline(StandardScaler(), MLPClassifier(**SMALL))
    model.set_output(transform=library.__name__)
    model.fit(table(), column(NAMES))
    np.testing.assert_array_equal(model[-1].feature_names_in_, COLUMNS)
    plain = make_pipeline(StandardScaler(), MLPClassifier(**SMALL)).fit(X, NAMES)
    assert_same(plain[-1], model[-1])
