"""What an ensemble of networks brings on real data, and what it costs: California housing.

    python bench/ensembles.py [--members 64] [--epochs 50] [--quick] [--json FILE]

One `MLPRegressor`, `MLPEnsembleRegressor`, and scikit-learn's `BaggingRegressor` around its own
`MLPRegressor`, all with the same layers, solver, batches and epochs; the two ensembles have the
same bootstrap samples and start weights. Each way is trained once, on one thread, on 80 % of the
samples. Figures are of the other 20 %: R2; the negative log likelihood of a normal distribution
around each prediction, in nats a sample, of targets of deviation 1; and the part of them inside of
intervals for 90 %.

The deviation of that distribution is one number for all samples with a single network, from a tenth
of the training samples that is set aside for that; with an ensemble it is ``sqrt(spread**2 +
noise**2)``, the noise from the samples that members' bootstraps leave out.
"""

import argparse
import json
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.stats import norm
from sklearn import neural_network
from sklearn.ensemble import BaggingRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import r2_score
from threadpoolctl import threadpool_limits

from fastperc import MLPEnsembleRegressor, MLPRegressor, datasets
from fastperc.estimators.ensembles.intervals import Calibration, deviation, mean_and_spread
from fastperc.measuring import environment
from fastperc.measuring.words import markdown

COVERAGE = 0.9
NETWORK = {"hidden_layer_sizes": (64,), "batch_size": 64, "learning_rate_init": 0.003}
COLUMNS = (
    "way",
    "seconds to train",
    "R2",
    "negative log likelihood",
    "inside of intervals for 90 %",
)


class Predictions(NamedTuple):
    """What is predicted of held-out samples: means, deviations, half the width of intervals."""

    mean: np.ndarray
    deviation: np.ndarray
    half_width: np.ndarray


class Figures(NamedTuple):
    """How good predictions are, and what training cost."""

    seconds: float
    r2: float
    nll: float
    coverage: float


def housing(n_samples=None):
    """Return training and held-out samples, inputs and targets of mean 0 and deviation 1."""
    X_train, X_test, y_train, y_test = datasets.split(datasets.load("california_housing"), 0.2)
    X_train, X_test = datasets.standardise(X_train, X_test)
    y_train, y_test = datasets.standardise(y_train, y_test)
    return X_train[:n_samples], X_test, y_train[:n_samples], y_test


def options(epochs):
    """Return the parameters of each network, which takes so many epochs whatever its loss."""
    return {**NETWORK, "max_iter": epochs, "tol": 0.0, "n_iter_no_change": epochs}


# --- the three ways: each trains, and returns a function that predicts ----------------------------


def single(X, y, epochs):
    """Train one network on nine tenths of the samples."""
    held = np.arange(len(X)) % 10 == 0
    model = MLPRegressor(**options(epochs), random_state=0).fit(X[~held], y[~held])
    residuals = y[held] - model.predict(X[held])
    calibration = Calibration.of(residuals[:, None], np.zeros((held.sum(), 1)))
    return lambda X: predictions(model.predict(X), np.zeros(len(X)), calibration)


def ensemble(X, y, epochs, members):
    """Train an ensemble of ours."""
    model = MLPEnsembleRegressor(
        n_members=members, bootstrap=True, **options(epochs), random_state=0
    ).fit(X, y)

    def predict(X):
        mean, spread = model.predict(X, return_std=True)
        low, high = model.predict_interval(X, COVERAGE)
        return Predictions(mean, np.hypot(spread, model.noise_), (high - low) / 2)

    return predict


def bagging(X, y, epochs, members):
    """Train scikit-learn's, and calibrate it as ours calibrates itself."""
    network = neural_network.MLPRegressor(**options(epochs))
    model = BaggingRegressor(network, members, random_state=0).fit(X, y)
    is_out = np.ones((members, len(X)))
    for k, drawn in enumerate(model.estimators_samples_):
        is_out[k, drawn] = 0
    mean, spread = mean_and_spread(outputs_of(model, X), is_out)
    known = is_out.any(axis=0)
    calibration = Calibration.of((y[:, None] - mean)[known], spread[known])

    def predict(X):
        mean, spread = mean_and_spread(outputs_of(model, X), np.ones(members))
        return predictions(mean[:, 0], spread[:, 0], calibration)

    return predict


def outputs_of(model, X):
    """Return the predictions of each member, (n_members, n_samples, 1)."""
    return np.stack([member.predict(X) for member in model.estimators_])[:, :, None]


def predictions(mean, spread, calibration):
    """Return means with deviations and intervals by a calibration."""
    column = spread[:, None]
    return Predictions(
        mean,
        deviation(column, calibration.noise)[:, 0],
        calibration.width(column, COVERAGE)[:, 0],
    )


# --- figures --------------------------------------------------------------------------------------


def measure(members, epochs, n_samples=None):
    """Yield the name of each way and its figures; what compiles did so before."""
    X_train, X_test, y_train, y_test = housing(n_samples)
    ways: dict[str, Callable] = {
        "one network": lambda X, y, epochs: single(X, y, epochs),
        f"`MLPEnsembleRegressor`, {members} members": lambda X, y, epochs: ensemble(
            X, y, epochs, members
        ),
        f"scikit-learn's bagging, {members} members": lambda X, y, epochs: bagging(
            X, y, epochs, members
        ),
    }
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore", ConvergenceWarning)
        for name, train in ways.items():
            train(X_train[:500], y_train[:500], 1)
            begin = time.perf_counter()
            predict = train(X_train, y_train, epochs)
            seconds = time.perf_counter() - begin
            yield name, figures(seconds, predict(X_test), y_test)


def figures(seconds, predicted, y):
    """Return figures of predictions."""
    mean, deviations, half = predicted
    likelihood = norm.logpdf(y, mean, deviations).mean()
    inside = np.mean(np.abs(y - mean) <= half)
    return Figures(seconds, float(r2_score(y, mean)), -float(likelihood), float(inside))


def main():
    """Measure, print, and write JSON where asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--members", type=int, default=64, help="networks of each ensemble")
    parser.add_argument("--epochs", type=int, default=50, help="of each network")
    parser.add_argument("--quick", action="store_true", help="4 members, 2 epochs, 2,000 samples")
    parser.add_argument("--json", metavar="FILE", help="also write the figures to this file")
    given = parser.parse_args()
    found = [*measure(*((4, 2, 2000) if given.quick else (given.members, given.epochs)))]
    rows = [
        (name, f"{f.seconds:.1f}", f"{f.r2:.3f}", f"{f.nll:.3f}", f"{100 * f.coverage:.0f} %")
        for name, f in found
    ]
    print(markdown([COLUMNS, *rows]))
    if given.json:
        content = {
            "environment": dict(environment.describe()),
            "figures": {name: f._asdict() for name, f in found},
        }
        Path(given.json).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
