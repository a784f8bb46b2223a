"""Short runs of `promises`: what the library holds on bad days. The figures: docs/promises.md."""

import os
import re
import tracemalloc
import warnings

import numpy as np
import pytest
from numba.core import config
from promises import (
    bits,
    caches,
    company,
    damage,
    divergence,
    forms,
    interrupts,
    lies,
    memory,
    page,
    resuming,
    saves,
)
from promises.trainers import all_trainers, samples
from sklearn.exceptions import ConvergenceWarning

from fastperc import DivergedError, MLPRegressor, SGDClassifier, SGDRegressor

pytestmark = pytest.mark.skipif(bool(config.DISABLE_JIT), reason="NUMBA_DISABLE_JIT is set")
NAMES = ("Network sgd, batches of 1", "Fleet sgd, batches of 1", "MLPRegressor sgd", "SGDRegressor",
         "SGDClassifier", "FTRLClassifier")  # fmt: skip


def take(module, monkeypatch, names=NAMES, **options):
    """Try a promise with a few trainers only."""
    few = {name: trainer for name, trainer in all_trainers().items() if name in names}
    for place in ("all_trainers", "subjects"):
        monkeypatch.setattr(module, place, lambda: few, raising=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module.run(**options).check()


def test_divergence(monkeypatch):
    take(divergence, monkeypatch)


@pytest.mark.slow
def test_divergence_of_more_that_trains():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        divergence.run(10).check()


def test_bits(monkeypatch):
    take(bits, monkeypatch, ("Network sgd, batches of 2000", "SGDClassifier"), runs=2, processes=0)


@pytest.mark.slow
def test_bits_of_another_process(monkeypatch):
    take(bits, monkeypatch, runs=3, processes=1)


@pytest.mark.slow
@pytest.mark.posix
def test_saves_that_are_killed():
    saves.run(20).check()


@pytest.mark.slow
@pytest.mark.posix
def test_trainings_that_are_killed():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        resuming.run(1, ("online",), ("online", "fleet, shapes", "elastic net"), kills=12).check()


def test_files_that_are_damaged_or_lie():
    damage.run(10, ("Network", "Perceptron")).check()
    lies.run(3).check()


def test_forms(monkeypatch):
    take(forms, monkeypatch, ("Network sgd, batches of 1", "SGDRegressor"))


@pytest.mark.posix
def test_interrupts():
    # How soon on a still machine: `PROMISE`.
    names = ("SGDClassifier", "Network sgd, batches of 1")
    interrupts.run(1, names, promise=30.0, commands=()).check()


@pytest.mark.posix
@pytest.mark.slow
def test_interrupts_of_all_that_trains():
    interrupts.run(1, promise=30.0, commands=()).check()


@pytest.mark.posix
@pytest.mark.slow
def test_company(monkeypatch):
    monkeypatch.setattr(company, "NAMES", NAMES)
    company.run(workers=False).check()


def test_lbfgs_makes_no_copy_of_rows_in_float32():
    X = np.random.default_rng(0).standard_normal((60_000, 100)).astype(np.float32)
    y = X[:, 0] - X[:, 1]
    options = {"solver": "lbfgs", "max_iter": 3, "tol": 0.0, "random_state": 0}
    model = MLPRegressor(hidden_layer_sizes=(4,), **options)
    tracemalloc.start()
    try:
        with pytest.warns(ConvergenceWarning):
            model.fit(X, y)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most < X.nbytes  # in float64 they would take twice as much


@pytest.mark.slow
def test_caches():
    caches.run(1, processes=2).check()


@pytest.mark.posix
@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/proc/self/clear_refs"), reason="only Linux counts so")
def test_memory(monkeypatch):
    every = memory.fits()
    monkeypatch.setattr(memory, "fits", lambda: {"MLPRegressor, lbfgs": every["MLPRegressor"]})
    memory.run(megabytes=400).check()


def test_the_page_has_the_stored_results():
    text = page.PAGE.read_text(encoding="utf-8")
    assert page.rebuilt(text) == text
    rows = page.load()
    assert all(row["tried"] > 0 for row in rows.values())
    # What was lost is told below the table, and is to be mended: none may come to it.
    assert {name: row["lost"] for name, row in rows.items() if row["lost"]} == {"T9": 6}
    assert "six that were lost" in text
    assert re.findall(r"^\| (T\d+) ", page.table(), re.M) == [*page.load()]


# --- linear models --------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [0, "stream"])
@pytest.mark.parametrize("kind", [SGDRegressor, SGDClassifier])
def test_a_linear_model_keeps_its_last_good_epoch(kind, seed):
    """Steps of 6e37: some hundred epochs go well before one leaves float32."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((50, 4)).astype(np.float32)
    y = rng.integers(0, 3, 50) if kind is SGDClassifier else X @ [1.0, -2.0, 3.0, 1.0]
    options = {"learning_rate": "constant", "eta0": 6e25, "penalty": None, "tol": None}
    if kind is SGDClassifier:
        options["loss"] = "squared_error"

    def make(epochs):
        random_state = np.random.RandomState(0) if seed == "stream" else seed
        return kind(max_iter=epochs, random_state=random_state, **options)

    model = make(2000)
    with pytest.raises(DivergedError, match="last good epoch are kept") as caught:
        model.fit(X, y)
    assert ".." not in str(caught.value)
    assert model.n_iter_ == caught.value.epoch - 1 > 10
    twin = make(model.n_iter_).fit(X, y)
    np.testing.assert_array_equal(model.coef_, twin.coef_)
    np.testing.assert_array_equal(model.predict(X / 1e3), twin.predict(X / 1e3))
    with pytest.raises(DivergedError, match=f"in epoch {model.n_iter_ + 1}:"):
        make(model.n_iter_ + 1).fit(X, y)


def test_nothing_is_kept_where_there_is_nothing():
    X, y = samples()
    model = SGDRegressor(learning_rate="constant", eta0=1e30)
    with pytest.raises(DivergedError) as caught:
        model.partial_fit(X.astype(np.float32) * 1e10, y)
    assert "kept" not in str(caught.value)
    assert not hasattr(model, "coef_")


def test_what_was_learned_until_ctrl_c_is_kept():
    X, y = samples(500)
    model = SGDClassifier(max_iter=10**7, tol=None)
    with interrupts.presser() as key:
        SGDClassifier(max_iter=2, tol=None).fit(X, y > 0)
        key.press(0.05)
        with pytest.raises(KeyboardInterrupt):
            model.fit(X, y > 0)
        key.moment()
    assert 0 < model.n_iter_ < 10**7
    assert model.score(X, y > 0) > 0.8
