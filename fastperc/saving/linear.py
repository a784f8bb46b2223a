"""Linear models: what they are made of, and what a file may make of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from .. import estimators
from ..estimators.linear.base import BaseLinear
from ..estimators.linear.online import OnlineLinear
from ..files.safetensors import JsonObject
from ..kernels.linear_parts import arguments
from ..kernels.linear_single import room
from ..model.layout import aligned_zeros
from ..model.linear import Linear
from ..training.linear_row import LinearRow
from . import fields
from .fields import a, array, count, finite, flag, real
from .networks import NAMES, check_classes, check_names, refuse_unknown, with_parameters
from .values import Record

KINDS = tuple(
    getattr(estimators, name)
    for name in (
        "FTRLClassifier", "FTRLRegressor", "PassiveAggressiveClassifier",
        "PassiveAggressiveRegressor", "Perceptron", "SGDClassifier", "SGDRegressor",
    )
)  # fmt: skip
KNOWN: dict[str, fields.Check] = {
    **NAMES,
    "_classes": array("biufUO", 1),
    "_linear": a(Linear),
    "_may_grow": flag,
    "n_iter_": count,
    "mistakes_": array("i", 1),
    "separated_": a((bool, np.bool_)),
    "margin_": real,
    "mistake_bound_": real,
}
# What follows from the rest: names to columns, rooms for rows, labels and their targets.
DERIVED = {"_labels", "_sparse", "_row", "_readers", "_names", "_targets"}
# Fields of a record that are codes, with the largest.
CODES = {
    "loss": arguments.SOFTMAX, "schedule": arguments.PA2, "rule": arguments.FTRL,
    "tracks_loss": 1, "fits_intercept": 1, "in_order": 1,
}  # fmt: skip
WHOLE = {name for name in arguments.RECORD.names if arguments.RECORD[name].kind == "i"}


def _state_of_estimator(estimator: BaseLinear) -> dict[str, object]:
    given, attributes = estimator.get_params(deep=False), vars(estimator)
    refuse_unknown(estimator, {*given, *KNOWN, *DERIVED})
    state: dict[str, object] = {"parameters": given}
    state |= {name: attributes[name] for name in KNOWN if attributes.get(name) is not None}
    state["is_sparse"] = attributes.get("_sparse") is not None
    state["learns_rows"] = attributes.get("_row") is not None
    return state


def _maker(kind: type[OnlineLinear]) -> Any:
    def make(state: JsonObject) -> BaseLinear:
        estimator = with_parameters(kind, state.pop("parameters"))
        is_sparse, learns_rows = (flag(state.pop(k), k) for k in ("is_sparse", "learns_rows"))
        found = fields.take(state, {name: KNOWN[name] for name in KNOWN if name in state})
        check_names(found)
        vars(estimator).update({k: v for k, v in found.items() if k != "_classes"})
        if "_classes" in found:
            check_classes(found["_classes"])
            estimator.classes_ = found["_classes"]
        model = found.get("_linear")
        if model is None:
            if "_classes" in found or is_sparse or learns_rows:
                raise ValueError("found what is learned, but no coefficients")
            return estimator
        _check_model(estimator, model)
        if is_sparse:
            estimator._sparse = sparse.csr_matrix(model.copy().learned()[0])
        if learns_rows:
            estimator._row = LinearRow(model)
            # Nothing is learned by this but what follows from the classes.
            weight = model.class_weight.copy()
            estimator._new_row()
            model.class_weight[:] = weight
        return estimator

    return make


def _check_model(estimator: OnlineLinear, model: Linear) -> None:
    """Hold coefficients against features and classes."""
    if estimator.n_features_in_ != model.n_features:
        raise ValueError(f"coefficients: found {model.n_features} columns, expected those of fit")
    if not hasattr(type(estimator), "classes_"):
        if model.n_outputs != 1:
            raise ValueError(f"coefficients: found {model.n_outputs} outputs, expected 1")
        return
    n = len(estimator.classes_)
    is_softmax = model.record["loss"] == arguments.SOFTMAX
    expected = max(2, n) if is_softmax or n > 2 else 1
    if model.n_outputs != expected:
        raise ValueError(f"coefficients: found {model.n_outputs} outputs of {n} classes")


# --- models --------------------------------------------------------------------------------------


def _state_of_model(model: Linear) -> dict[str, object]:
    record = model.record
    return {
        "theta": model.theta,
        "behind": model.state[arguments.N_FIELDS :],
        **{name: record[name].item() for name in arguments.RECORD.names},
    }


def _model(state: JsonObject) -> Linear:
    theta = array("f", 3)(state.pop("theta"), "theta")
    behind = array("f", 1, all_finite=False)(state.pop("behind"), "behind")
    names = {name: count if name in WHOLE else real for name in arguments.RECORD.names}
    found = fields.take(state, names)
    for name, largest in CODES.items():
        if found[name] > largest:
            raise ValueError(f"{name}: found {found[name]}, expected at most {largest}")
    for name in set(names) - WHOLE - {"strange"}:
        finite(found[name], name)
    if found["t"] < 1 or found["average_from"] > 2**62:
        raise ValueError(f"t: found {found['t']}, expected at least 1")
    vectors = 1 + arguments.n_vectors(found["rule"], found["l1"], found["average_from"])
    shape = vectors, found["n_outputs"], found["n_features"]
    fields.shaped(theta, "theta", shape)
    if not theta.size or (found["loss"] == arguments.SOFTMAX and shape[1] < 2):
        raise ValueError(f"theta: found shape {shape}, expected an output and a feature at least")
    fields.shaped(behind, "behind", (room(shape[1]),), np.float64)
    if not np.isfinite(behind[: 2 * shape[1]]).all():
        raise ValueError("behind: found an intercept that is infinite or NaN")
    model = object.__new__(Linear)
    model.state = np.concatenate([np.zeros(arguments.N_FIELDS), behind])
    model.record = arguments.as_record(model.state)
    for name, value in found.items():
        model.record[name] = value
    model.theta = aligned_zeros(theta.size, theta.dtype).reshape(shape)
    model.theta[:] = theta
    return model


RECORDS = [
    *(Record(kind.__name__, kind, _state_of_estimator, _maker(kind)) for kind in KINDS),
    Record("Linear", Linear, _state_of_model, _model),
]
