"""Everything in the library that trains, behind the same verbs."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastperc import (
    Fleet,
    FTRLClassifier,
    FTRLRegressor,
    GridSearchCV,
    GroupedMLPClassifier,
    GroupedMLPRegressor,
    HalvingRandomSearchCV,
    MLPClassifier,
    MLPEnsembleClassifier,
    MLPEnsembleRegressor,
    MLPRegressor,
    Network,
    PassiveAggressiveClassifier,
    PassiveAggressiveRegressor,
    Perceptron,
    RandomizedSearchCV,
    SGDClassifier,
    SGDRegressor,
    tutorials,
)

N_INPUTS = 2  # as many as the tutorials take
DTYPES = ("float32", "float64")


@dataclass(frozen=True)
class Trainer:
    """One way of training.

    Attributes
    ----------
    name : str
    new : callable
        ``new(epochs, lr, dtype, threads)`` makes a model; what is None is left at its default.
    train : callable
        ``train(model, X, y)``.
    weights : callable
        ``weights(model)`` gives the arrays that training has changed.
    predict : callable
        ``predict(model, X)``.
    kind : {"numbers", "classes", "shares"}
        What y is: shares lie between 0 and 1.
    dtypes : sequence of str
    threads : bool
        Whether it takes a number of threads.
    family : str
    """

    name: str
    new: Callable[..., Any]
    train: Callable[[Any, Any, Any], object]
    weights: Callable[[Any], list[np.ndarray]]
    predict: Callable[[Any, Any], Any]
    kind: str = "numbers"
    dtypes: tuple[str, ...] = DTYPES
    threads: bool = False
    family: str = ""

    def targets(self, y: np.ndarray) -> np.ndarray:
        """Return targets of this kind that numbers around 0 stand for."""
        if self.kind == "classes":
            return (y > 0).astype(int)
        return 1 / (1 + np.exp(-y)) if self.kind == "shares" else y

    def trained(self, X: Any, y: np.ndarray, **options: Any) -> Any:
        """Return a new model that was trained on numbers ``y``."""
        model = self.new(**options)
        self.train(model, X, self.targets(y))
        return model


def samples(n: int = 60, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return inputs and numbers that depend on them."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, N_INPUTS))
    return X, X[:, 0] - X[:, 1] + 0.1 * rng.standard_normal(n)


def quietly(call: Callable[..., Any], *given: Any) -> Any:
    """Call without warnings, of a fit that ends early for example."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return call(*given)


# --- networks and fleets --------------------------------------------------------------------------

RULES: dict[str, dict[str, Any]] = {
    "sgd": {},
    "momentum": {"momentum": 0.8},
    "nesterov": {"momentum": 0.8, "nesterov": True},
    **{name: {"optimizer": name} for name in
       ("adam", "adamw", "rmsprop", "adagrad", "adadelta", "rprop", "lbfgs")},
}  # fmt: skip


class Told:
    """A network or a fleet with the options of its training, so that it can be made beforehand."""

    def __init__(self, model: Network | Fleet, **options: Any):
        self.model, self.options = model, options

    def train(self, X: Any, y: Any) -> None:
        """Train."""
        self.model.train(X, y, **self.options)


def given(**options: Any) -> dict[str, Any]:
    """Return the options that are not None."""
    return {name: value for name, value in options.items() if value is not None}


def network(name: str, rule: dict[str, Any], batch_size: int) -> Trainer:
    def new(epochs=5, lr=0.01, dtype="float32", threads=None):
        model = Network((N_INPUTS, 6, 1), hidden="relu", seed=0, dtype=dtype)
        options = {} if rule.get("optimizer") == "lbfgs" else given(lr=lr, threads=threads)
        return Told(model, epochs=epochs, batch_size=batch_size, **rule, **options)

    return Trainer(
        name, new, lambda told, X, y: told.train(X, y),
        lambda told: [told.model.theta.copy()], lambda told, X: told.model.forward(X),
        threads=batch_size > 1 and rule.get("optimizer") != "lbfgs", family="Network",
    )  # fmt: skip


def fleet(name: str, rule: dict[str, Any], batch_size: int) -> Trainer:
    def new(epochs=5, lr=0.01, dtype="float32", threads=None):
        model = Fleet((N_INPUTS, 6, 1), 5, hidden="relu", seed=0, dtype=dtype)
        options = given(lr=lr, threads=threads)
        return Told(model, epochs=epochs, batch_size=batch_size, **rule, **options)

    return Trainer(
        name, new, lambda told, X, y: quietly(told.train, X, y),
        lambda told: [told.model.theta.copy()], lambda told, X: told.model.forward(X),
        threads=True, family="Fleet",
    )  # fmt: skip


def batches(name: str) -> Trainer:
    """A network that is given its batches one by one."""
    plain = network(name, {}, 1)

    def train(told, X, y):
        parts = [(X[k : k + 10], y[k : k + 10]) for k in range(0, len(X), 10)]
        told.model.train(parts, **{k: told.options[k] for k in told.options if k != "batch_size"})

    return Trainer(name, plain.new, train, plain.weights, plain.predict, family="Network")


# --- estimators -----------------------------------------------------------------------------------


def fit(model: Any, X: Any, y: Any) -> None:
    quietly(model.fit, X, y)


def coefs(model: Any) -> list[np.ndarray]:
    """Return copies of what an estimator learned, its best estimator or its members."""
    if hasattr(model, "best_estimator_"):
        return coefs(model.best_estimator_)
    if hasattr(model, "estimators_"):
        return [array for member in model.estimators_ for array in coefs(member)]
    if hasattr(model, "coefs_"):
        return [array.copy() for array in (*model.coefs_, *model.intercepts_)]
    return [model.coef_.copy(), model.intercept_.copy()]


def estimator(
    name: str, cls: Any, epochs_name: str, lr_name: str | None, jobs_name: str | None = None,
    family: str = "MLP", dtypes: tuple[str, ...] = DTYPES, wrap: Callable[[Any], Any] | None = None,
    **fixed: Any,
) -> Trainer:  # fmt: skip
    """An estimator whose number of epochs and learning rate have these names."""

    def new(epochs=5, lr=None, dtype="float32", threads=None):
        options = {**fixed, epochs_name: epochs, "random_state": 0}
        if lr is not None and lr_name is not None:
            options[lr_name] = lr
        if threads is not None and jobs_name is not None:
            options[jobs_name] = threads
        model = cls(**options)
        return model if wrap is None else wrap(model)

    kind = "classes" if issubclass(cls, _CLASSIFIERS) else "numbers"
    return Trainer(
        name, new, fit, coefs, lambda model, X: model.predict(X), kind, dtypes,
        jobs_name is not None, family,
    )  # fmt: skip


_CLASSIFIERS = (
    MLPClassifier, MLPEnsembleClassifier, SGDClassifier, Perceptron, PassiveAggressiveClassifier,
    FTRLClassifier,
)  # fmt: skip


class Grouped:
    """Groups by the sign of the first column, which an estimator of groups is told."""

    def __init__(self, cls: Any, model: Any):
        self.model = cls(model)

    @staticmethod
    def groups(X: Any) -> np.ndarray:
        return np.arange(len(X)) % 2

    def fit(self, X: Any, y: Any) -> None:
        self.model.fit(X, y, groups=self.groups(X))

    def predict(self, X: Any) -> np.ndarray:
        return self.model.predict(X, groups=self.groups(X))

    @property
    def estimators_(self) -> list[Any]:
        return [self.model.estimator_of(g) for g in self.model.groups_]


def mlps() -> list[Trainer]:
    found = []
    for solver in ("sgd", "adam", "lbfgs"):
        for cls in (MLPRegressor, MLPClassifier):
            lr = None if solver == "lbfgs" else "learning_rate_init"
            found.append(
                estimator(f"{cls.__name__} {solver}", cls, "max_iter", lr,
                          None if solver == "lbfgs" else "n_threads",
                          hidden_layer_sizes=(6,), solver=solver, batch_size=20)
            )  # fmt: skip
    found.append(estimator("MLPRegressor adam, batches of 2000", MLPRegressor, "max_iter",
                           "learning_rate_init", "n_threads", hidden_layer_sizes=(6,),
                           batch_size=2000))  # fmt: skip
    return found


def searched(kind: Any, **options: Any) -> Callable[[Any], Any]:
    def wrap(model):
        jobs = model.n_threads
        return kind(model.set_params(n_threads=1), cv=2, n_jobs=jobs, **options)

    return wrap


def many() -> list[Trainer]:
    """Ensembles, groups and searches."""
    common = {"epochs_name": "max_iter", "lr_name": "learning_rate_init"}
    net = {**common, "hidden_layer_sizes": (6,), "batch_size": 20, "solver": "sgd"}
    penalties = {"alpha": [1e-4, 1e-2]}
    drawn = {"random_state": 0}
    halving = {**drawn, "min_resources": 2, "resource": "max_iter", "max_resources": 4,
               "n_candidates": 3}  # fmt: skip
    return [
        estimator("MLPEnsembleRegressor", MLPEnsembleRegressor, jobs_name="n_jobs", n_members=3,
                  family="ensembles", bootstrap=True, **net),
        estimator("MLPEnsembleClassifier", MLPEnsembleClassifier, jobs_name="n_jobs", n_members=3,
                  family="ensembles", bootstrap=True, **net),
        estimator("GroupedMLPRegressor", MLPRegressor, family="groups",
                  wrap=lambda model: Grouped(GroupedMLPRegressor, model), **net),
        estimator("GroupedMLPClassifier", MLPClassifier, family="groups",
                  wrap=lambda model: Grouped(GroupedMLPClassifier, model), **net),
        estimator("GridSearchCV", MLPRegressor, jobs_name="n_threads", family="searches",
                  wrap=searched(GridSearchCV, param_grid=penalties), **net),
        estimator("RandomizedSearchCV", MLPRegressor, jobs_name="n_threads", family="searches",
                  wrap=searched(RandomizedSearchCV, param_distributions=penalties, n_iter=2,
                                **drawn), **net),
        estimator("HalvingRandomSearchCV", MLPRegressor, jobs_name="n_threads", family="searches",
                  wrap=searched(HalvingRandomSearchCV, param_distributions=penalties, **halving),
                  **net),
    ]  # fmt: skip


def linear() -> list[Trainer]:
    def model(cls, lr, jobs=None, **fixed):
        return estimator(
            cls.__name__, cls, "max_iter", lr, jobs, family="linear models", tol=None, **fixed
        )

    def ftrl(cls):
        return estimator(cls.__name__, cls, "max_iter", "alpha", family="linear models")

    constant = {"learning_rate": "constant", "eta0": 0.01}
    return [
        model(SGDRegressor, "eta0", **constant),
        model(SGDClassifier, "eta0", "n_jobs", loss="log_loss", **constant),
        model(Perceptron, "eta0", "n_jobs"),
        model(PassiveAggressiveRegressor, None),
        model(PassiveAggressiveClassifier, None, "n_jobs"),
        ftrl(FTRLRegressor),
        ftrl(FTRLClassifier),
    ]


# --- tutorials ------------------------------------------------------------------------------------


class Lesson:
    """A function or class of the tutorials as a model."""

    def __init__(self, epochs: int, lr: float | None):
        self.epochs, self.lr = epochs, 0.01 if lr is None else lr
        self.found: list[np.ndarray] = []


class LinearUnit(Lesson):
    def fit(self, X, y):
        X = np.asarray(X)
        self.found = [
            tutorials.train_model(X[:, 0], X[:, 1], y, epochs=self.epochs, learning_rate=self.lr)
        ]


class SigmoidUnit(Lesson):
    def fit(self, X, y):
        start = np.array([0.5, -0.5])
        self.found = [*tutorials.train_perceptron(X, y, start, self.epochs)]


class SigmoidLayers(Lesson):
    def fit(self, X, y):
        start = np.random.default_rng(0)
        w1, w2 = start.standard_normal((N_INPUTS, 3)), start.standard_normal(3)
        self.found = [*tutorials.train_two_layer(X, y, w1, w2, self.epochs)]


class Chain(Lesson):
    def fit(self, X, y):
        if not self.found:
            self.model = tutorials.MLP(X, y)
            self.model.lr = self.lr
        m = self.model
        try:
            m.train(min(self.epochs, 2000))  # it writes a line for each step
        finally:
            self.found = [np.array([m.w1, m.w2, m.w3, m.b1, m.b2])]

    def predict(self, X):
        w1, w2, w3, b1, b2 = self.found[0]
        return w3 * (np.array(X, float) @ [w1, w2] + b1) + b2


class Regression(Lesson):
    def fit(self, X, y):
        self.model = m = tutorials.TwoLayerRegression(N_INPUTS, 6, 1, lr=self.lr, seed=0)
        try:
            m.fit(X, y, epochs=self.epochs, batch_size=20)
        finally:
            self.found = [m.w1.copy(), m.b1.copy(), m.w2.copy(), m.b2.copy()]

    def predict(self, X):
        return self.model.predict(X)


class Layers(Lesson):
    def fit(self, X, y):
        self.model = m = tutorials.NeuralNet((N_INPUTS, 6, 1), self.lr, self.epochs)
        try:
            m.fit(X, y)
        finally:
            self.found = [array.copy() for array in m.params.values()]

    def predict(self, X):
        return self.model.predict(X)


def lessons() -> list[Trainer]:
    def lesson(name, cls, kind="numbers"):
        def new(epochs=5, lr=None, dtype="float64", threads=None):
            return cls(epochs, lr)

        # A training function keeps nothing that could predict.
        predict = cls.predict if hasattr(cls, "predict") else lambda model, X: X[:, 0]
        return Trainer(
            name, new, lambda model, X, y: model.fit(X, y), lambda model: model.found, predict,
            kind, ("float64",), family="tutorials",
        )  # fmt: skip

    return [
        lesson("train_model", LinearUnit),
        lesson("train_perceptron", SigmoidUnit, "shares"),
        lesson("train_two_layer", SigmoidLayers, "shares"),
        lesson("tutorials.MLP", Chain),
        lesson("TwoLayerRegression", Regression),
        lesson("NeuralNet", Layers, "classes"),
    ]


def all_trainers() -> dict[str, Trainer]:
    """Return every trainer by its name."""
    found = [
        *(network(f"Network {name}, batches of {size}", rule, size)
          for name, rule in RULES.items() for size in (1, 20)
          if not (size == 1 and name in ("rprop", "lbfgs"))),
        *(network(f"Network {name}, batches of 2000", RULES[name], 2000)
          for name in ("sgd", "adam")),
        batches("Network, batches from a list"),
        *(fleet(f"Fleet {name}, batches of {size}", rule, size)
          for name, rule in RULES.items() if name != "lbfgs" for size in (1, 20)
          if not (size == 1 and name == "rprop")),
        *mlps(), *many(), *linear(), *lessons(),
    ]  # fmt: skip
    return {trainer.name: trainer for trainer in found}
