"""From parameters to what the kernel's record holds, and which of them exclude each other."""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import Any

from sklearn.utils._param_validation import Interval, StrOptions

from ...kernels.linear_parts import arguments as codes

# Each name's loss, and the threshold of hinge, or None where it is the parameter epsilon.
REGRESSION = {
    "squared_error": (codes.SQUARED_ERROR, 0.0),
    "huber": (codes.HUBER, None),
    "epsilon_insensitive": (codes.EPSILON_INSENSITIVE, None),
    "squared_epsilon_insensitive": (codes.SQUARED_EPSILON_INSENSITIVE, None),
}
CLASSIFICATION = {
    "hinge": (codes.HINGE, 1.0),
    "log_loss": (codes.LOG_LOSS, 0.0),
    "modified_huber": (codes.MODIFIED_HUBER, 0.0),
    "squared_hinge": (codes.SQUARED_HINGE, 0.0),
    "perceptron": (codes.HINGE, 0.0),
    **REGRESSION,
}
SCHEDULES = {
    "constant": codes.CONSTANT,
    "optimal": codes.OPTIMAL,
    "invscaling": codes.INVSCALING,
    "adaptive": codes.ADAPTIVE,
    "pa1": codes.PA1,
    "pa2": codes.PA2,
    "adagrad": codes.CONSTANT,
}
ADAGRAD_EPSILON = 1e-10
PASSIVE_AGGRESSIVE = ("pa1", "pa2")

positive = Interval(Real, 0, None, closed="neither")
not_negative = Interval(Real, 0, None, closed="left")
count = Interval(Integral, 1, None, closed="left")

SHARED: dict[str, Any] = {
    "fit_intercept": ["boolean"],
    "max_iter": [count],
    "tol": [not_negative, None],
    "shuffle": ["boolean"],
    "verbose": ["verbose"],
    "random_state": ["random_state"],
    "warm_start": ["boolean"],
    "early_stopping": ["boolean"],
    "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
    "n_iter_no_change": [count],
    "n_features": [count, None],
}
SGD: dict[str, Any] = {
    "penalty": [StrOptions({"l2", "l1", "elasticnet"}), None],
    "alpha": [not_negative],
    "l1_ratio": [Interval(Real, 0, 1, closed="both"), None],
    "epsilon": [not_negative],
    "learning_rate": [StrOptions(set(SCHEDULES))],
    "eta0": [positive],
    "power_t": [Interval(Real, None, None, closed="neither")],
    "average": [Interval(Integral, 0, None, closed="neither"), "boolean"],
}
CLASSIFIER: dict[str, Any] = {
    "n_jobs": [Integral, None],
    "class_weight": [StrOptions({"balanced"}), dict, None],
    "order": [StrOptions({"per_class", "shared"})],
}
AVERAGE: dict[str, Any] = {"average": [Interval(Integral, 0, None, closed="neither"), "boolean"]}


def loss_fields(loss: str, epsilon: float) -> dict[str, float]:
    """Return the record's fields that name a loss."""
    code, threshold = CLASSIFICATION[loss]
    return {"loss": code, "epsilon": epsilon if threshold is None else threshold}


def penalty_fields(penalty: str | None, alpha: float, l1_ratio: float | None) -> dict[str, float]:
    """Return the record's fields for a penalty ``alpha * (l1_ratio L1 + (1 - l1_ratio) L2)``."""
    if penalty is None:
        return {}
    if penalty == "elasticnet" and l1_ratio is None:
        raise ValueError("l1_ratio must be set when penalty is 'elasticnet'")
    share = {"l2": 0.0, "l1": 1.0}.get(penalty, l1_ratio or 0.0)
    return {"penalty": alpha, "l1_ratio": share, "l2": alpha * (1 - share), "l1": alpha * share}


def schedule_fields(
    learning_rate: str, alpha: float, eta0: float, power_t: float
) -> dict[str, float]:
    """Return the record's fields for a schedule of the learning rate, or for AdaGrad."""
    fields = {
        "schedule": SCHEDULES[learning_rate], "eta0": eta0, "power_t": power_t, "alpha": alpha,
    }  # fmt: skip
    if learning_rate == "adagrad":
        return {**fields, "rule": codes.ADAGRAD, "beta": ADAGRAD_EPSILON}
    if learning_rate == "optimal":
        if alpha == 0:
            raise ValueError(
                "alpha must be > 0 since learning_rate is 'optimal'. alpha is used to compute the "
                "optimal learning rate."
            )
        # Bottou's heuristic: a typical weight is learned in one step. In scikit-learn the slope of
        # the loss at that weight is part of it, which is never greater than 1 there.
        typical = math.sqrt(1.0 / math.sqrt(alpha))
        fields["t0"] = 1.0 / (typical * alpha)
    return fields


def check_passive_aggressive(learning_rate: str, loss: str, wanted: str) -> None:
    """Refuse steps of passive-aggressive kind on a loss that they are not made for."""
    if learning_rate in PASSIVE_AGGRESSIVE and loss != wanted:
        raise ValueError(f"Learning rate '{learning_rate}' only works with loss '{wanted}'.")


def softmax_for(loss: str) -> int:
    """Return the code of softmax, which log loss becomes where all classes learn together."""
    if loss != "log_loss":
        raise ValueError(
            f"multi_class='multinomial' only works with loss='log_loss', found loss={loss!r}"
        )
    return codes.SOFTMAX
