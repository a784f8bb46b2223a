"""Rows learned in one call: any iterable of dicts; refused rows and labels change nothing."""

import numpy as np
import pytest
from scipy import sparse

from fastperc import FTRLClassifier, Perceptron, SGDClassifier, SGDRegressor
from fastperc.estimators.linear import base

ROWS = [{"a": 1.0, "b": 2.0}, {"b": -1.0}, {"a": 0.5}]
MODELS = {
    "hinge": SGDClassifier,
    "averaged": lambda: SGDClassifier(average=True),
    "softmax": lambda: SGDClassifier("log_loss", multi_class="multinomial"),
    "hashed": lambda: SGDClassifier(n_features=8),
    "perceptron": Perceptron,
    "ftrl": FTRLClassifier,
    "squared error": SGDRegressor,
}


def numbers_of(model):
    return [model.coef_.tolist(), model.intercept_.tolist(), model.t_]


@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)
@pytest.mark.parametrize("name", ["a", "new"])
def test_dicts_with_a_bad_one_among_them_change_nothing(make, name):
    model, untouched = make().learn_many(ROWS, [0, 1, 0]), make().learn_many(ROWS, [0, 1, 0])
    before = numbers_of(model)
    assert before == numbers_of(untouched)  # reading multiplies a scale in: both are read
    with pytest.raises(ValueError, match="found nan"):
        model.learn_many([*ROWS, {"c": 1.0}, {name: np.nan}], [1, 0, 1, 0, 1])
    assert numbers_of(model) == before
    for each in (model, untouched):
        each.learn_many(ROWS, [1, 0, 0])
    assert numbers_of(model) == numbers_of(untouched)


@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)
def test_a_new_model_stays_new_where_dicts_are_refused(make):
    model = make()
    before = set(vars(model))
    with pytest.raises(ValueError, match="found nan"):
        model.learn_many([*ROWS, {"a": np.nan}], [0, 1, 0, 1])
    assert set(vars(model)) == before


@pytest.mark.parametrize("nan", [float("nan"), np.nan, np.float32("nan")])
@pytest.mark.parametrize("labels", [[], [1.0], [1.0, 2.0], [1.0, 2.0, 3.0]])
@pytest.mark.parametrize("x", [ROWS[0], {"new": 1.0}])
def test_nan_is_no_label(nan, labels, x):
    model = SGDClassifier()
    for label in labels:
        model.learn_one(ROWS[0], label)
    before = numbers_of(model) if labels else set(vars(model))
    with pytest.raises(ValueError, match="y: found nan, expected a label"):
        model.learn_one(x, nan)
    assert (numbers_of(model) if labels else set(vars(model))) == before


@pytest.mark.parametrize("of", [iter, lambda rows: (x for x in rows)])
def test_dicts_may_come_from_an_iterator(of):
    expected = SGDClassifier().learn_many(ROWS, [0, 1, 0])
    assert numbers_of(SGDClassifier().learn_many(of(ROWS), [0, 1, 0])) == numbers_of(expected)


@pytest.mark.parametrize("penalty", ["l2", None])
def test_nan_is_found_in_large_rows_also_where_columns_come_twice(monkeypatch, penalty):
    """Such rows are not looked at beforehand; with duplicates added up they may be few again."""
    monkeypatch.setattr(base, "SLICE", 10)
    n = 8
    columns, starts = np.tile([0, 0, 1], n), np.arange(0, 3 * n + 1, 3)
    values = np.ones(3 * n)
    values[-1] = np.nan
    X = sparse.csr_matrix((values, columns, starts), (n, 2))
    y = np.arange(n) % 2
    for model in (SGDClassifier(penalty=penalty), SGDClassifier(loss="log_loss"), SGDRegressor()):
        with pytest.raises(ValueError, match="Input X contains NaN"):
            model.fit(X, y)
        assert not hasattr(model, "coef_")


@pytest.mark.parametrize("weight", [-1.0, np.nan, "heavy"])
def test_a_class_weight_is_a_number_as_a_sample_weight_is(weight):
    with pytest.raises(ValueError, match=r"found .* for class 1, expected a finite"):
        SGDClassifier(class_weight={0: 1.0, 1: weight}).fit([[0.0], [1.0]], [0, 1])


def test_labels_of_digits_can_be_balanced():
    X, y = np.arange(12.0)[:, None], np.array(["0", "1", "1"] * 4)
    found = SGDClassifier(class_weight="balanced", random_state=0).fit(X, y)
    expected = SGDClassifier(class_weight={"0": 1.5, "1": 0.75}, random_state=0).fit(X, y)
    np.testing.assert_array_equal(found.coef_, expected.coef_)
