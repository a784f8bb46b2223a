"""Calls that can be resumed, each of which a test ends after any of its checkpoints."""

from contextlib import contextmanager
from functools import partial

import numpy as np
from scipy.stats import loguniform

from fastperc import (
    Fleet,
    FTRLClassifier,
    GridSearchCV,
    GroupedMLPClassifier,
    HalvingRandomSearchCV,
    MLPClassifier,
    MLPEnsembleClassifier,
    MLPRegressor,
    Network,
    PassiveAggressiveClassifier,
    RandomizedSearchCV,
    SGDClassifier,
    SGDRegressor,
    schedules,
)
from fastperc.files.checkpoints import CheckpointFile

RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 5))
Y = (X[:, 0] * X[:, 1] > 0).astype(int)
GROUPS = np.arange(len(X)) % 3


class Ended(BaseException):
    """Training that was ended from outside."""


@contextmanager
def ending_after(n):
    """Let the process be killed, as it were, after so many checkpoints were written."""
    write, written = CheckpointFile.write, []

    def write_or_end(self, state):
        if len(written) < n:
            written.append(write(self, state))
        if len(written) == n:  # and what comes after the end is written by nobody
            raise Ended

    CheckpointFile.write = write_or_end
    try:
        yield
    finally:
        CheckpointFile.write = write


def resumed(make, path, n):
    """The model of a call that was ended after n checkpoints, and made again; None: it was over."""
    train = make()[1]
    try:
        with ending_after(n):
            train(checkpoint=path, every=1)
    except Ended:
        model, train = make()
        train(checkpoint=path, every=1, resume=True)
        return model
    return None


# --- what is to be the same ----------------------------------------------------------------------


def bits(model):
    """All that training has changed of a model, to the last bit."""
    if isinstance(model, Network):
        history = model.history
        curves = history.loss, history.validation_loss, history.metrics, history.stopped
        return repr((model.theta.tobytes(), curves, model.rng.bit_generator.state, model.lr))
    if isinstance(model, Fleet):
        history = model.history
        arrays = history.loss, history.validation_loss, history.epochs, history.final_loss
        state = model.rng.bit_generator.state
        return repr(
            (
                model.forward(X).tobytes(),
                [a.tobytes() for a in arrays],
                history.stopped.tolist(),
                state,
            )
        )
    if hasattr(model, "cv_results_"):
        return bits(model.best_estimator_), model.cv_results_["mean_test_score"].tobytes()
    if hasattr(model, "coefs_"):
        rule = model._optimizer.rule if hasattr(model, "_optimizer") else None
        names = ("loss_curve_", "n_iter_", "t_", "best_loss_", "validation_scores_")
        return repr((
            [array.tobytes() for array in (*model.coefs_, *model.intercepts_)],
            {name: getattr(model, name, None) for name in names},
            str(model._random_state.get_state()),
            rule and (rule.state.tobytes(), rule.step_state.tobytes()),
        ))  # fmt: skip
    if hasattr(model, "coef_"):
        return repr((model._linear.theta.tobytes(), model._linear.state.tobytes(), model.n_iter_))
    if isinstance(model, GroupedMLPClassifier):
        return model.predict_proba(X, groups=GROUPS).tobytes()
    return model.predict_proba(X).tobytes()


# --- cases ---------------------------------------------------------------------------------------


def network(**options):
    net = Network((5, 8, 1), hidden="tanh", output="sigmoid", loss="log_loss", seed=1)
    net.learn_one(X[0], Y[0])  # it is not the first training

    def train(**kept):
        net.train(X, Y, **{"epochs": 20, **options, **kept})

    return net, train


def batches(**options):
    net = Network((5, 4, 1), output="sigmoid", loss="log_loss", seed=1)
    parts = [(X[k : k + 50], Y[k : k + 50]) for k in range(0, len(X), 50)]

    def train(**kept):
        net.train(parts, epochs=20, **options, **kept)

    return net, train


def fleet(sizes=(5, 6, 1), **options):
    nets = Fleet(sizes, 5, output="sigmoid", loss="log_loss", seed=2)

    def train(**kept):
        nets.train(X, Y, **{"epochs": 20, **options, **kept})

    return nets, train


def shapes():
    """A fleet of networks of two shapes."""
    kind = partial(Network, output="sigmoid", loss="log_loss")
    nets = Fleet([kind((5, n, 1), seed=n) for n in (3, 6, 3)], seed=0)
    return nets, lambda **kept: nets.train(X, Y, epochs=20, batch_size=16, **kept)


def estimator(kind=MLPClassifier, before=None, **parameters):
    np.random.seed(5)  # noqa: NPY002 (what random_state=None draws from)
    own = {"hidden_layer_sizes": (8,), "max_iter": 20, "random_state": 0}
    model = kind(**{**own, **parameters})
    if before == "fit":
        model.fit(X, Y)
    y = X[:, 0] if kind is MLPRegressor else Y
    return model, lambda **kept: model.fit(X, y, **kept)


def linear(kind=SGDClassifier, y=Y, **parameters):
    model = kind(**{"max_iter": 20, "tol": None, "random_state": 0, **parameters})
    return model, lambda **kept: model.fit(X, y, **kept)


def grouped():
    model = GroupedMLPClassifier(estimator()[0])
    return model, lambda **kept: model.fit(X, Y, groups=GROUPS, **kept)


def search(kind, parameters, seed=0, **options):
    model = kind(estimator(random_state=seed)[0], parameters, cv=3, **options)
    return model, lambda **kept: model.fit(X, Y, **kept)


RATES = {"alpha": loguniform(1e-5, 1), "learning_rate_init": loguniform(1e-4, 1e-1)}
GRID = {"alpha": [0.1, 0.01], "hidden_layer_sizes": [(4,), (5,)]}
SHAPES = {"hidden_layer_sizes": [(4,), (6,)], "learning_rate_init": [0.01, 0.1]}

NETWORKS = {
    "online": network,
    "momentum": partial(network, momentum=0.9),
    "mini-batch": partial(network, batch_size=32, optimizer="adam"),
    "threads": partial(network, batch_size=100, threads=2),
    "rprop": partial(network, optimizer="rprop"),
    "schedule": partial(network, lr=schedules.cosine(0.1, 20)),
    "validation": partial(network, batch_size=16, validation=0.3, patience=5, metrics="accuracy"),
    "frozen": partial(network, frozen=["W1"], drop_last=True, batch_size=60),
    "order": partial(network, order=lambda epoch: np.arange(epoch, 100)),
    "batches": partial(batches, optimizer="rmsprop"),
}
FLEETS = {
    "fleet": fleet,
    "fleet, validation": partial(
        fleet, lr=np.linspace(0.01, 1, 5), validation=0.3, patience=2, batch_size=16,
        optimizer="adam",
    ),
    "fleet, one by one": partial(fleet, optimizer="rprop", clip_norm=1.0),
    "fleet, shapes": shapes,
}  # fmt: skip
ESTIMATORS = {
    "sgd": partial(estimator, solver="sgd"),
    "adam": estimator,
    "adamw": partial(estimator, solver="adamw"),
    "estimator, rprop": partial(estimator, solver="rprop"),
    "early stopping": partial(
        estimator, early_stopping=True, n_iter_no_change=8, learning_rate_init=0.01
    ),
    "invscaling": partial(estimator, solver="sgd", learning_rate="invscaling", batch_size=1),
    "adaptive": partial(
        estimator, solver="sgd", learning_rate="adaptive", tol=1e-2, n_iter_no_change=2,
        class_weight="balanced", scale="standard",
    ),
    "one cycle": partial(estimator, learning_rate="one_cycle"),
    "no seed": partial(estimator, random_state=None, early_stopping=True),
    "warm start": partial(estimator, warm_start=True, before="fit"),
    "regressor": partial(estimator, MLPRegressor, scale="standard"),
}  # fmt: skip
LINEAR = {
    "hinge": linear,
    "logistic, several classes": partial(linear, y=np.arange(len(X)) % 3, loss="log_loss"),
    "several at once": partial(linear, y=np.arange(len(X)) % 3, n_jobs=2, average=True),
    "multinomial": partial(
        linear, y=np.arange(len(X)) % 3, loss="log_loss", multi_class="multinomial"
    ),
    "elastic net": partial(linear, penalty="elasticnet", early_stopping=True, n_iter_no_change=20),
    "linear regressor": partial(linear, SGDRegressor, X[:, 0], tol=1e-9),
    "ftrl": partial(linear, FTRLClassifier, l1=0.1),
    "passive aggressive": partial(linear, PassiveAggressiveClassifier),
}
MANY = {
    "ensemble": partial(estimator, MLPEnsembleClassifier, n_members=4),
    "ensemble of shapes": partial(
        estimator, MLPEnsembleClassifier, n_members=4, distributions=SHAPES, n_selected=2
    ),
    "ensemble, one by one": partial(estimator, MLPEnsembleClassifier, n_members=2, clip_norm=1.0),
    "groups": grouped,
    "grid": partial(search, GridSearchCV, GRID),
    "random": partial(
        search, RandomizedSearchCV, {"alpha": RATES["alpha"], "solver": ["lbfgs", "adam"]}, None,
        n_iter=4, random_state=0,
    ),
    "halving": partial(
        search, HalvingRandomSearchCV, RATES, n_candidates=9, min_resources=3, random_state=None
    ),
}  # fmt: skip
CASES = {**NETWORKS, **FLEETS, **ESTIMATORS, **LINEAR, **MANY}
