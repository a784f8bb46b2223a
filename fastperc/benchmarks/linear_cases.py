"""Cases of linear models beside scikit-learn's: whole fits, and learning one row."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse

from .. import estimators
from ..measuring.clock import Timed
from .case import Case, Ways, repeated, require_close
from .estimator_cases import WAYS, fit_quietly

TOLERANCE = 1e-6  # between the coefficients of both, relative to the largest
FIT = {"max_iter": 5, "tol": None, "random_state": 0}
LOG: dict[str, object] = {"loss": "log_loss"}


class Work(NamedTuple):
    """What is fitted: rows, columns, how many of these a row has, and classes."""

    kind: str
    options: dict[str, object]
    n: int
    m: int
    stored: int = 0  # 0: all, in an array
    classes: int = 2
    ours: dict[str, object] | None = None  # what scikit-learn has no parameter for


def cases() -> Iterator[Case]:
    """Yield each fit of five epochs, then a call with one row."""
    for name, work, quick in (
        ("log loss, 20,000 x 20", Work("SGDClassifier", LOG, 20_000, 20), True),
        ("hinge, 20,000 x 100", Work("SGDClassifier", {}, 20_000, 100), False),
        ("Perceptron, 20,000 x 30", Work("Perceptron", {}, 20_000, 30), False),
        ("squared error, 20,000 x 20", Work("SGDRegressor", {}, 20_000, 20), False),
        (
            "log loss, sparse, 20,000 rows",
            Work("SGDClassifier", LOG, 20_000, 20_000, 60),
            False,
        ),
        ("ten classes, 5,000 x 200", Work("SGDClassifier", {}, 5_000, 200, classes=10), False),
        (
            "ten classes, shared order",
            Work("SGDClassifier", {}, 5_000, 200, classes=10, ours={"order": "shared"}),
            False,
        ),
    ):
        yield Case("linear", name, "training", WAYS, partial(_fits, work, name), quick)
    yield Case("linear", "learn_one, 30 features", "call", WAYS, _calls, True)


def _fits(work: Work, name: str) -> Ways:
    X, y = rows(work)
    models = {way: _model(way, work) for way in WAYS}
    for model in models.values():
        fit_quietly(model, X, y)
    if not work.ours:
        theirs, ours = (models[way].coef_ / np.abs(models["sklearn"].coef_).max() for way in WAYS)
        require_close(ours, theirs, TOLERANCE, name)
    else:  # another order of rows: as good, and not the same
        theirs, ours = (np.array([models[way].score(X, y)]) for way in WAYS)
        require_close(ours, theirs, 0.05, name)
    return {way: Timed(partial(fit_quietly, model, X, y)) for way, model in models.items()}


def rows(work: Work) -> tuple[Any, np.ndarray]:
    """Return rows, and their classes or targets."""
    rng = np.random.default_rng(0)
    X: Any = rng.standard_normal((work.n, work.stored or work.m))
    if work.stored:
        columns = np.sort(rng.integers(0, work.m, X.shape), axis=1).ravel()
        starts = np.arange(0, columns.size + 1, work.stored)
        X = sparse.csr_matrix((X.ravel(), columns, starts), (work.n, work.m))
        X.sum_duplicates()
    z = np.asarray(X @ rng.standard_normal((work.m, work.classes)))
    z += 0.3 * np.sqrt(work.m) * rng.standard_normal(z.shape)
    return X, z[:, 0] if work.kind == "SGDRegressor" else z.argmax(axis=1)


def _model(way: str, work: Work) -> Any:
    from sklearn import linear_model

    if way == "sklearn":
        return getattr(linear_model, work.kind)(**FIT, **work.options)
    return getattr(estimators, work.kind)(**FIT, **work.options, **(work.ours or {}))


def _calls() -> Ways:
    """Prepare a step on one row: `learn_one` beside scikit-learn's `partial_fit`."""
    work = Work("SGDClassifier", LOG, 500, 30)
    X, y = rows(work)
    models = {way: _model(way, work) for way in WAYS}
    for model in models.values():
        fit_quietly(model, X, y)
    models["sklearn"].partial_fit(X[:1], y[:1])
    models["fastperc"].learn_one(X[0], y[0])
    theirs, ours = (models[way].coef_ for way in WAYS)
    require_close(ours, theirs, TOLERANCE * np.abs(theirs).max(), "learn_one")
    return {
        "sklearn": repeated(partial(models["sklearn"].partial_fit, X[:1], y[:1])),
        "fastperc": repeated(partial(models["fastperc"].learn_one, X[0], int(y[0]))),
    }
