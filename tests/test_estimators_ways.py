"""Which way samples take: one row by the kernel of single samples, sparse rows in small pieces."""

import numpy as np
import pytest
from scipy import sparse

from fastperc import MLPClassifier, MLPRegressor
from fastperc.model import samples
from fastperc.training import steps

pytestmark = pytest.mark.filterwarnings(
    "ignore:Stochastic Optimizer:sklearn.exceptions.ConvergenceWarning"
)

X = np.random.default_rng(0).standard_normal((60, 4))
Y = X[:, 0] * X[:, 1]


def regressor(**options):
    return MLPRegressor(hidden_layer_sizes=(4,), max_iter=1, random_state=0, **options)


@pytest.mark.parametrize("solver", ["sgd", "adam", "adamw"])
def test_a_single_sample_takes_the_kernel_of_single_samples(solver):
    model = regressor(solver=solver).fit(X, Y)
    model.learn_one(X[0], Y[0])
    assert model._buffers[-1].rule is model._optimizer.rule


@pytest.mark.parametrize(("window", "rows"), [(1, 6), (4 * 6, 6), (4 * 20, 18), (4 * 1000, 60)])
def test_no_more_sparse_rows_are_made_dense_than_a_batch_or_a_window(monkeypatch, window, rows):
    made = []

    def dense_rows(*arguments, real=samples.dense_rows):
        made.append(real(*arguments))
        return made[-1]

    monkeypatch.setattr(steps, "WINDOW", window)
    monkeypatch.setattr(samples, "dense_rows", dense_rows)
    monkeypatch.setattr("fastperc.training.loop.SLICE", 1e9)
    x = sparse.csr_matrix(X)
    model = regressor(batch_size=6, shuffle=False).fit(x, Y)
    in_training = made[: next(k for k in range(1, 99) if sum(map(len, made[:k])) == 60)]
    assert max(map(len, in_training)) <= rows
    assert np.array_equal(np.concatenate(in_training), X)
    monkeypatch.undo()
    expected = regressor(batch_size=6, shuffle=False).fit(X, Y)
    np.testing.assert_allclose(model.predict(X), expected.predict(X), rtol=1e-12)


TARGETS = {
    "numbers": Y,
    "columns": np.stack([Y, -Y], axis=1),
    "whole numbers": (Y > 0).astype(int),
    "bools": Y > 0,
    "texts": np.where(Y > 0, "a", "b"),
    "several labels": np.stack([Y > 0, X[:, 0] > 0], axis=1).astype(int),
}


@pytest.mark.parametrize("kind", TARGETS)
def test_one_plain_row_takes_the_short_way(kind):
    y = TARGETS[kind]
    if y.dtype.kind == "f":
        model = regressor().fit(X, y)
    else:
        model = MLPClassifier(hidden_layer_sizes=(4,), max_iter=1, random_state=0).fit(X, y)
    assert model._is_plain_row(X[:1], y[:1])
    assert model._is_plain_row(X[:1], y[:1].tolist())
    assert not model._is_plain_row(X[:2], y[:2])
    assert not model._is_plain_row(X[:1], y[:2])
    assert not model._is_plain_row(X[:1, :3], y[:1])
    assert not model._is_plain_row(np.full((1, 4), np.nan), y[:1])


def test_two_samples_held_back_are_enough_and_one_is_not():
    few = regressor(early_stopping=True, validation_fraction=2 / 60).fit(X, Y)
    assert len(few.validation_scores_) == 1
    with pytest.raises(ValueError, match="The validation set is too small"):
        regressor(early_stopping=True, validation_fraction=1 / 60).fit(X, Y)
