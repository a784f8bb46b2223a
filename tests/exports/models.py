"""Random models of every kind, with samples near those that they were made for."""

from typing import Any, NamedTuple

import numpy as np

import fastperc
from fastperc.kernels.activations import CODES, OUTPUT_ONLY
from fastperc.model.losses import LOSSES

NAMES = [name for name in CODES if name != "logistic"]
HIDDEN = [name for name in NAMES if name not in OUTPUT_ONLY]


class Case(NamedTuple):
    """A model and samples; what it is, in words."""

    model: Any
    X: np.ndarray
    what: str


def heads():
    """Every loss, and every output activation that it may have."""
    for loss, record in LOSSES.items():
        outputs = record.outputs or HIDDEN
        if loss in ("squared_error", "absolute_error", "huber"):
            outputs = (*HIDDEN, "exp", "softmax")
        for output in outputs:
            yield output, loss


HEADS = sorted(heads(), key=lambda head: (head[1], head[0]))


def network(seed, dtype=None):
    """A network of random shape: any depth up to 4, any activations, with biases or without."""
    rng = np.random.default_rng([seed, 1])
    output, loss = HEADS[seed * 7 % len(HEADS)]
    depth = 0 if loss == "perceptron" else int(rng.integers(0, 5))
    n_out = int(rng.choice([1, 2, 3, 17]))
    n_out = max(n_out, 2) if output == "softmax" else n_out
    sizes = (int(rng.integers(1, 40)), *rng.integers(1, 36, size=depth).tolist(), n_out)
    net = fastperc.Network(
        sizes,
        hidden=[str(name) for name in rng.choice(HIDDEN, size=depth)],
        output=output,
        loss=loss,
        bias=rng.random(depth + 1) < 0.7,
        dtype=dtype or ("float32", "float64")[seed % 2],
        seed=seed,
    )
    net.theta = net.theta + rng.normal(size=len(net.theta)) * 0.05
    X = rng.normal(size=(50, sizes[0])) * rng.choice([0.1, 1.0, 3.0])
    return Case(net, X.astype(net.dtype), f"seed {seed}: {net!r}")


def targets(kind, X, rng):
    """Targets of a kind, which depend on X."""
    score = X @ rng.normal(size=(X.shape[1], 3)) + rng.normal(size=(len(X), 3))
    if kind == "numbers":
        return score[:, 0] * 40 + 900
    if kind == "two":
        return np.array(["no", "yes: \"ü\""])[(score[:, 0] > 0).astype(int)]
    if kind == "three":
        return np.array([3, 5, 9])[score.argmax(axis=1)]
    return (score > 0).astype(int)


def estimator(seed):
    """A fitted estimator: alone, in an ensemble, by group, or linear; scaled or not."""
    rng = np.random.default_rng([seed, 2])
    makers = (alone, alone, ensemble, grouped, linear)
    X = rng.normal(size=(80, int(rng.integers(1, 8)))) * 3 + rng.choice([0.0, 100.0])
    dtype = ("float32", "float64")[seed // len(makers) % 2]
    options = {
        "hidden_layer_sizes": tuple(rng.integers(1, 9, size=int(rng.integers(0, 3))).tolist()),
        "activation": str(rng.choice(["relu", "tanh", "logistic"])),
        "scale": (None, "standard")[seed % 2],
        "dtype": dtype, "max_iter": 3, "random_state": seed, "tol": 0.0,
    }  # fmt: skip
    kind = ("numbers", "two", "three", "several")[int(rng.integers(4))]
    model = makers[seed % len(makers)](options, kind, X.astype(dtype), rng)
    return Case(model, X.astype(dtype), f"seed {seed}: {model!r}, {kind}")


def alone(options, kind, X, rng):
    cls = fastperc.MLPRegressor if kind == "numbers" else fastperc.MLPClassifier
    return cls(**options).fit(X, targets(kind, X, rng))


def ensemble(options, kind, X, rng):
    kind = "several" if kind == "several" else kind
    number = kind == "numbers"
    cls = fastperc.MLPEnsembleRegressor if number else fastperc.MLPEnsembleClassifier
    return cls(n_members=3, **options).fit(X, targets(kind, X, rng))


def grouped(options, kind, X, rng):
    number = kind == "numbers"
    base = (fastperc.MLPRegressor if number else fastperc.MLPClassifier)(**options)
    groups = np.array(["east", "north", "west"])[np.arange(len(X)) % 3]
    cls = fastperc.GroupedMLPRegressor if number else fastperc.GroupedMLPClassifier
    return cls(base).fit(X, targets(kind, X, rng), groups=groups)


def linear(options, kind, X, rng):
    kind = "three" if kind == "several" else kind
    if kind == "numbers":
        cls = rng.choice([fastperc.SGDRegressor, fastperc.PassiveAggressiveRegressor])
    else:
        cls = rng.choice([
            fastperc.SGDClassifier, fastperc.Perceptron, fastperc.PassiveAggressiveClassifier,
        ])  # fmt: skip
    more = {"loss": str(rng.choice(["log_loss", "modified_huber"]))}
    more = more if cls is fastperc.SGDClassifier else {}
    return cls(max_iter=5, tol=None, random_state=0, **more).fit(X, targets(kind, X, rng))
