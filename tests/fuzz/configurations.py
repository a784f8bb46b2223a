"""Random configurations of the estimators, and data that fit them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

CALLS = (
    "fit", "fit", "partial_fit", "partial_fit", "learn_one", "set_number", "set_activation",
    "pickle", "deepcopy", "clone", "assign", "write", "misshape", "refuse",
)  # fmt: skip


@dataclass
class Configuration:
    """What an estimator is made of and trained on, and which calls follow."""

    seed: int
    kind: str  # regression, binary, classes, multilabel
    options: dict
    X: Any
    y: np.ndarray
    weight: np.ndarray | None
    calls: list

    def __str__(self):
        return (
            f"{self.kind} {self.options} X={type(self.X).__name__}{self.X.shape} {self.X.dtype} "
            f"weighted={self.weight is not None} calls={self.calls}"
        )


def draw(seed):
    """The configuration of a seed."""
    rng = np.random.default_rng([seed, 30])
    kind = str(rng.choice(["regression", "binary", "classes", "multilabel"]))
    n, n_features = int(rng.integers(30, 70)), int(rng.integers(1, 7))
    X = rng.standard_normal((n, n_features)).astype("f4" if rng.random() < 0.15 else "f8")
    if rng.random() < 0.15:
        X = sparse.csr_matrix(np.where(rng.random(X.shape) < 0.5, 0, X).astype(X.dtype))
    return Configuration(
        seed, kind, _options(rng), X, _targets(rng, kind, n),
        rng.uniform(0.2, 2, n) if rng.random() < 0.3 else None,
        ["fit" if rng.random() < 0.7 else "partial_fit", *map(str, rng.choice(CALLS, 6))],
    )  # fmt: skip


def _targets(rng, kind, n):
    if kind == "regression":
        n_outputs = int(rng.integers(1, 4))
        return rng.standard_normal((n, n_outputs) if n_outputs > 1 else n)
    if kind == "multilabel":
        return rng.integers(0, 2, (n, 3))
    names = np.array(["ash", "beech", "cedar", "daphne"] if rng.random() < 0.5 else [3, 5, 8, 11])
    n_classes = 2 if kind == "binary" else 4
    # twice each class first, so that every split and every call may have them all
    places = np.concatenate([np.tile(np.arange(n_classes), 3), rng.integers(0, n_classes, n)])[:n]
    return names[places]


def _options(rng):
    solver = str(rng.choice(["sgd", "adam", "adam", "lbfgs"], p=[0.4, 0.3, 0.2, 0.1]))
    options = {
        "solver": solver,
        "hidden_layer_sizes": tuple(map(int, rng.choice([1, 3, 8, 9, 17], rng.integers(0, 4)))),
        "activation": str(rng.choice(["identity", "logistic", "tanh", "relu"])),
        "batch_size": [1, 7, 16, "auto"][rng.integers(4)],
        "alpha": float(rng.choice([0.0, 1e-4, 0.1])),
        "learning_rate_init": float(rng.choice([1e-3, 1e-2])),
        "max_iter": int(rng.integers(1, 6)),
        "shuffle": bool(rng.random() < 0.8),
        "random_state": int(rng.integers(100)),
        "warm_start": bool(rng.random() < 0.3),
        "tol": float(rng.choice([1e-4, 0.1])),
        "n_iter_no_change": int(rng.integers(1, 4)),
        "early_stopping": bool(solver != "lbfgs" and rng.random() < 0.2),
    }
    if solver == "sgd":
        options["learning_rate"] = str(rng.choice(["constant", "invscaling", "adaptive"]))
        options["momentum"] = float(rng.choice([0.0, 0.5, 0.9]))
        options["nesterovs_momentum"] = bool(rng.random() < 0.5)
    return options
