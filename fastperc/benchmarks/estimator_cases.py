"""Cases of the estimators beside scikit-learn's: whole fits, and calls with one row.

Both train on the same samples from the same random state; before any clock starts, their weights
are found to agree. California housing and MNIST are read from the folder that the environment
variable FASTPERC_DATA names. Without one, random data of the same size take the place of the
former, and MNIST is left out.
"""

from __future__ import annotations

import gzip
import os
import warnings
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from .. import datasets, estimators
from ..datasets.files import FOLDER_VARIABLE, file_of
from ..measuring.clock import Timed
from .case import Case, Ways, repeated, require_close

WAYS = ("sklearn", "fastperc")
TOLERANCE = 1e-6  # between the weights of both, relative to the largest
MNIST = ("mnist-train-images-idx3-ubyte.gz", "mnist-train-labels-idx1-ubyte.gz")
SMALL = {"hidden_layer_sizes": (32,), "batch_size": 32, "max_iter": 10}
ONLINE = {"hidden_layer_sizes": (32,), "batch_size": 1, "max_iter": 1}
SGD = {"solver": "sgd", "learning_rate_init": 1e-4}
# For each case of one row: the methods of scikit-learn's estimator and of fastperc's.
ROW_METHODS = {
    "predict, one row": ("predict", "predict"),
    "predict_one": ("predict", "predict_one"),
    "partial_fit, one row": ("partial_fit", "partial_fit"),
    "learn_one": ("partial_fit", "learn_one"),
}
IMAGES = {"hidden_layer_sizes": (128,), "batch_size": 128, "max_iter": 1}

Samples = tuple[np.ndarray, np.ndarray]


def cases() -> Iterator[Case]:
    """Yield each fit, then each call with one row; only the latter are quick."""
    yield _fit_case("digits, default parameters", "MLPClassifier", digits, {})
    yield _fit_case("houses 8-32-1, batch 32", "MLPRegressor", houses, SMALL)
    yield _fit_case("houses 8-32-1, batch 1, adam", "MLPRegressor", houses, ONLINE)
    yield _fit_case("houses 8-32-1, batch 1, sgd", "MLPRegressor", houses, ONLINE | SGD)
    yield _fit_case("MNIST 784-128-10, batch 128, 1 epoch", "MLPClassifier", mnist, IMAGES)
    for name, methods in ROW_METHODS.items():
        yield Case("estimators", name, "call", WAYS, partial(_calls, name, *methods))


def _fit_case(
    name: str, kind: str, samples: Callable[[], Samples], options: dict[str, Any]
) -> Case:
    checked: list[bool] = []

    def prepare() -> Ways:
        X, y = (array.copy() for array in samples())
        models = estimators_of_both(kind, options)
        if not checked:
            fit_and_compare(models, X, y, name)
            checked.append(True)
        return {way: Timed(partial(fit_quietly, model, X, y)) for way, model in models.items()}

    def refuses(way: str) -> str:
        is_there = samples is not mnist or all(path.exists() for path in mnist_files())
        return "" if is_there else f"{FOLDER_VARIABLE} names no folder with the files of MNIST"

    return Case("estimators", name, "training", WAYS, prepare, quick=False, refuses=refuses)


def _calls(name: str, their_method: str, our_method: str) -> Ways:
    X, y = houses()
    models = estimators_of_both("MLPRegressor", {"hidden_layer_sizes": (32,), "max_iter": 3})
    fit_and_compare(models, X, y, name)
    row, target, one = X[:1].copy(), y[:1].copy(), X[0].copy()
    given = {
        "predict": (row,), "partial_fit": (row, target), "predict_one": (one,),
        "learn_one": (one, target[0]),
    }  # fmt: skip
    methods = dict(zip(WAYS, (their_method, our_method), strict=True))
    calls = {w: partial(getattr(models[w], name), *given[name]) for w, name in methods.items()}
    calls["fastperc"]()  # which compiles
    return {way: repeated(call) for way, call in calls.items()}


def estimators_of_both(kind: str, options: dict[str, Any]) -> dict[str, Any]:
    """Return scikit-learn's estimator and fastperc's, by way."""
    from sklearn import neural_network

    packages = dict(zip(WAYS, (neural_network, estimators), strict=True))
    return {way: getattr(p, kind)(random_state=0, **options) for way, p in packages.items()}


def fit_and_compare(models: dict[str, Any], X: np.ndarray, y: np.ndarray, name: str) -> None:
    """Train both, and refuse to time them if their weights differ."""
    weights = []
    for model in models.values():
        fit_quietly(model, X, y)
        weights.append(np.concatenate([a.ravel() for a in model.coefs_ + model.intercepts_]))
    theirs, ours = weights / np.abs(weights[0]).max()
    require_close(ours, theirs, TOLERANCE, name)


def fit_quietly(model: Any, X: Any, y: np.ndarray) -> None:
    """Fit without a word about few epochs."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(X, y)


# --- samples --------------------------------------------------------------------------------------


def training_part(X: np.ndarray, y: np.ndarray) -> Samples:
    """Return three quarters of the samples, as scikit-learn's examples split them."""
    from sklearn.model_selection import train_test_split

    X, _, y, _ = train_test_split(X, y, random_state=0)
    return X, y


@cache
def digits() -> Samples:
    """Return images of 8 x 8 pixels and their digits."""
    found = datasets.load("digits")
    return training_part(found.X, found.y)


@cache
def houses() -> Samples:
    """Return California housing, standardised; random data of that size without its file."""
    if file_of("california_housing"):
        found = datasets.load("california_housing")
        X, y = found.X, found.y
    else:
        rng = np.random.default_rng(0)
        X = rng.standard_normal((20_640, 8))
        y = np.sin(X @ rng.standard_normal(8)) + 0.3 * rng.standard_normal(20_640)
    X, y = training_part(X, y)
    return datasets.standardise(X)[0], y


def mnist_files() -> list[Path]:
    """Return where the images and the labels of MNIST would be."""
    return [Path(os.environ.get(FOLDER_VARIABLE, ""), name) for name in MNIST]


@cache
def mnist() -> Samples:
    """Return the images that MNIST trains on, float32 from 0 to 1, and their digits."""
    images, labels = (gzip.decompress(path.read_bytes()) for path in mnist_files())
    X = np.frombuffer(images, np.uint8, offset=16).reshape(-1, 784).astype(np.float32) / 255
    return X, np.frombuffer(labels, np.uint8, offset=8)
