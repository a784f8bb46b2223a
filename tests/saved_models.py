"""Small models of each kind, fitted, for tests of files."""

import warnings

import numpy as np

import fastperc
from fastperc import schedules

rng = np.random.default_rng(0)
X = rng.standard_normal((24, 3))
SIDES = np.where(X[:, 0] > 0, "right", "left")
CLASSES = np.digitize(X[:, 0], [-0.5, 0.5]) * 10
LABELS = (X[:, :2] > 0).astype(int)
NUMBERS = X[:, 0] - X[:, 1]
GROUPS = np.repeat(["a", "b", "c"], 8)
SMALL = {"hidden_layer_sizes": (3,), "max_iter": 3, "random_state": 0}


def network():
    """A network."""
    net = fastperc.Network((3, 2, 1), seed=0)
    net.train(X, NUMBERS, epochs=2, lr=0.01)
    return net


def fleet():
    """A fleet of two shapes."""
    nets = [fastperc.Network((3, k, 1), seed=k, bias=k > 1) for k in (1, 2, 1)]
    return fastperc.Fleet(nets, seed=3)


def hashed():
    """A classifier of hashed names, which goes on learning row by row."""
    model = fastperc.SGDClassifier(loss="log_loss", n_features=16, random_state=0)
    for word, label in (("tea", "en"), ("thé", "fr"), ("tee", "de"), ("tea", "en")):
        model.learn_one({"word": word, "length": len(word)}, label)
    return model


def named():
    """A regressor whose features got names from dicts."""
    model = fastperc.SGDRegressor(random_state=0, average=True)
    for row, y in zip(X, NUMBERS, strict=True):
        model.learn_one({"x": row[0], "y": row[1]}, y)
    return model


def fitted(model, y, **more):
    """A model fitted to the samples."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.fit(X, y, **more)


# Each with what it is asked: see `answers`.
MAKERS = {
    "Network": network,
    "Fleet": fleet,
    "MLPClassifier": lambda: fitted(fastperc.MLPClassifier(**SMALL), CLASSES),
    "MLPClassifier-rprop": lambda: fitted(
        fastperc.MLPClassifier(**SMALL, solver="rprop", dtype="float32", scale="standard"), SIDES
    ),
    "MLPClassifier-labels": lambda: fitted(
        fastperc.MLPClassifier(**SMALL, learning_rate=schedules.cosine(0.1, 9)), LABELS
    ),
    "MLPClassifier-balanced": lambda: fitted(
        fastperc.MLPClassifier(**(SMALL | {"random_state": np.random.RandomState(5)}),
                               class_weight="balanced", early_stopping=True), SIDES
    ),
    "MLPClassifier-hinge": lambda: fitted(
        fastperc.MLPClassifier(**SMALL, loss="hinge", solver="sgd", learning_rate="adaptive"),
        NUMBERS > 0,
    ),
    "MLPRegressor": lambda: fitted(
        fastperc.MLPRegressor(**SMALL, scale="standard", loss="absolute_error"), NUMBERS
    ),
    "MLPRegressor-lbfgs": lambda: fitted(
        fastperc.MLPRegressor(**SMALL, solver="lbfgs"), X[:, :2]
    ),
    "Perceptron": lambda: fitted(fastperc.Perceptron(random_state=0), SIDES),
    "SGDClassifier": lambda: fitted(
        fastperc.SGDClassifier(random_state=0, penalty="l1", max_iter=9).set_params(tol=None),
        CLASSES,
    ),
    "SGDClassifier-multinomial": lambda: fitted(
        fastperc.SGDClassifier(random_state=0, loss="log_loss", multi_class="multinomial"), SIDES
    ).sparsify(),
    "SGDClassifier-hashed": hashed,
    "SGDRegressor-names": named,
    "PassiveAggressiveClassifier": lambda: fitted(
        fastperc.PassiveAggressiveClassifier(random_state=0, average=3), CLASSES
    ),
    "PassiveAggressiveRegressor": lambda: fitted(
        fastperc.PassiveAggressiveRegressor(random_state=0), NUMBERS
    ),
    "FTRLClassifier": lambda: fitted(fastperc.FTRLClassifier(random_state=0, l1=0.1), SIDES),
    "FTRLRegressor": lambda: fitted(fastperc.FTRLRegressor(random_state=0), NUMBERS),
    "MLPEnsembleClassifier": lambda: fitted(
        fastperc.MLPEnsembleClassifier(**SMALL, n_members=3), CLASSES
    ),
    "MLPEnsembleClassifier-alone": lambda: fitted(
        fastperc.MLPEnsembleClassifier(**SMALL, n_members=3, scale="standard"), SIDES
    ),
    "MLPEnsembleRegressor": lambda: fitted(
        fastperc.MLPEnsembleRegressor(
            **SMALL, n_members=12, bootstrap=True,
            distributions={"alpha": [0.1, 0.2], "hidden_layer_sizes": [(2,), (3,)]},
        ),
        NUMBERS,
    ),
    "GroupedMLPClassifier": lambda: fitted(
        fastperc.GroupedMLPClassifier(fastperc.MLPClassifier(**SMALL), unknown="pooled"),
        CLASSES, groups=GROUPS,
    ),
    "fit_groups": lambda: fitted_groups(),
}  # fmt: skip


def fitted_groups():
    """What fit_groups returns, of networks that stop early."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        one = fastperc.MLPRegressor(**SMALL, early_stopping=True, validation_fraction=0.3)
        return fastperc.fit_groups(one, X, NUMBERS, GROUPS)


WORDS = [{"word": "tea", "length": 3}, {"word": "coffee"}, {"x": 1.5, "y": -0.5}, {"x": 2.0}]


def answers(model):
    """All that a model predicts, as a list of arrays."""
    if hasattr(model, "forward"):
        return [model.forward(X)]
    if "learn_one" in dir(model) and getattr(model, "n_features_in_", 3) != 3:
        return [np.array([model.predict_one(row) for row in WORDS])]
    groups = {"groups": GROUPS} if "groups_" in vars(model) else {}
    found = [model.predict(X, **groups)]
    for name in ("predict_proba", "decision_function"):
        if hasattr(model, name):
            found.append(getattr(model, name)(X, **groups))
    if getattr(model, "_calibration", None) is not None:
        found += model.predict_interval(X, coverage=0.5)
    return found


def assert_same(model, other):
    """Refuse another model, other parameters, or a bit of difference in what they predict."""
    assert type(model) is type(other)
    for one, two in zip(answers(model), answers(other), strict=True):
        assert one.dtype == two.dtype
        np.testing.assert_array_equal(one, two)
