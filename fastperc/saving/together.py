"""Networks that were trained together: ensembles, groups, and the fleets behind them."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from ..estimators import (
    GroupedMLPClassifier,
    GroupedMLPRegressor,
    MLPClassifier,
    MLPEnsembleClassifier,
    MLPEnsembleRegressor,
    MLPRegressor,
)
from ..estimators.base import BaseMLP
from ..estimators.ensembles.fitted import FittedEnsemble
from ..estimators.ensembles.intervals import Calibration
from ..estimators.fleets import Job, Outcome
from ..estimators.fleets.kept import KeptFleet, KeptNetworks
from ..estimators.fleets.watcher import COUNTS, CURVES
from ..estimators.groups.base import BaseGroupedMLP
from ..estimators.labels import Labels
from ..files.safetensors import JsonObject
from ..kernels import updates
from . import fields
from .fields import a, array, count, list_of, optional
from .networks import (
    NAMES,
    check_classes,
    check_names,
    n_outputs_of,
    refuse_unknown,
    with_parameters,
)
from .values import Column, Record

# --- fleets --------------------------------------------------------------------------------------


CURVE = array("f", 2, all_finite=False)
NUMBERS = array("f", 1, all_finite=False)
FLEET: dict[str, fields.Check] = {
    "estimators": list_of(a((MLPClassifier, MLPRegressor))),
    "labels": optional(a(Labels)),
    "features": a(dict),
    "n_outputs": count,
    "theta": array("f", 2),
    "code": count,
    "settings": array("f", 2),
    "state": array("f", 2, all_finite=False),
    "step_state": array("f", 2, all_finite=False),
    "n_samples": array("i", 1),
    "validates": fields.flag,
    "best_theta": optional(array("f", 2, all_finite=False)),
    "reasons": array("UO", 1),
    "seconds": array("f", 1),
    **{name: NUMBERS for name in ("rate", "best_loss", "last_loss", "best_score")},
    **{name: array("i", 1) for name in ("n_iter", "n_stalled", "best_epoch")},
    **{name: CURVE for name in CURVES},
}


def _state_of_fleet(fleet: KeptFleet) -> dict[str, object]:
    watcher, rule = fleet.watcher, fleet.rule
    return {
        "estimators": Column(task.job.estimator for task in fleet.tasks),
        "labels": fleet.tasks[0].labels,
        "features": dict(fleet.data._features),
        "n_outputs": fleet.fleet.dense.sizes[-1],
        "theta": fleet.fleet.theta,
        "code": rule.code,
        "settings": rule.settings,
        "state": rule.state,
        "step_state": rule.step_state,
        "n_samples": np.asarray(watcher.stopping.n_samples, np.int64),
        "validates": watcher.validation is not None,
        "best_theta": watcher.best_theta,
        "reasons": fleet.reasons.astype(object),
        "seconds": fleet.seconds,
        **{name: getattr(watcher, name) for name in (*COUNTS[1:], *CURVES)},
    }


def _fleet(state: JsonObject) -> KeptFleet:
    found = fields.take(state, FLEET)
    _check_fleet(found)
    features = fields.take(
        found["features"], {k: NAMES[k] for k in NAMES if k in found["features"]}
    )
    check_names(features)
    numbers = {name: found[name] for name in (*COUNTS[1:], *CURVES, "best_theta")}
    return KeptFleet.restored(
        found["estimators"], found["labels"], features, found["theta"],
        found["n_outputs"],
        rule=(found["code"], found["settings"], found["state"], found["step_state"]),
        n_samples=found["n_samples"], validates=found["validates"], numbers=numbers,
        reasons=found["reasons"].astype(object), seconds=found["seconds"],
    )  # fmt: skip


def _check_fleet(found: JsonObject) -> None:
    """Hold the arrays of a fleet against each other."""
    theta, n = found["theta"], len(found["estimators"])
    if not n or len({type(estimator) for estimator in found["estimators"]}) > 1:
        raise ValueError(f"estimators: found {n}, expected at least 1, all of one class")
    if found["code"] not in updates.MEMORY:
        raise ValueError(f"code: found {found['code']}, expected that of an update rule")
    size = theta.shape[1]
    if len(theta) != n:
        raise ValueError(f"theta: found {len(theta)} networks, expected {n}")
    fields.shaped(found["settings"], "settings", (n, updates.N_SETTINGS), np.float64)
    fields.shaped(found["state"], "state", (n, updates.MEMORY[found["code"]] * size), theta.dtype)
    fields.shaped(found["step_state"], "step_state", (n, 3), np.float64)
    for name in ("n_samples", "reasons", "seconds", *COUNTS[1:]):
        fields.shaped(found[name], name, (n,))
    for name in ("n_samples", "n_iter", "n_stalled", "best_epoch"):
        if (found[name] < 0).any():
            raise ValueError(f"{name}: found a number below 0")
    if found["best_theta"] is not None:
        fields.shaped(found["best_theta"], "best_theta", theta.shape, theta.dtype)
        if not np.isfinite(found["best_theta"][found["best_epoch"] > 0]).all():
            raise ValueError("best_theta: found a value that is infinite or NaN, expected none")
    longest = int(found["n_iter"].max())
    for name in CURVES if found["validates"] else CURVES[:1]:
        if found[name].shape[1] != n or len(found[name]) < longest:
            raise ValueError(f"{name}: found shape {found[name].shape}, expected {longest} epochs")


def _state_of_networks(networks: KeptNetworks) -> dict[str, object]:
    outcomes = networks._outcomes
    fleets: dict[int, Any] = {id(o.fleet): o.fleet for o in outcomes if o.fleet is not None}
    order = {key: i for i, key in enumerate(fleets)}
    return {
        "fleet": np.array([order.get(id(o.fleet), -1) for o in outcomes], np.int64),
        "place": np.array([o.place for o in outcomes], np.int64),
        "n_iter": np.array([o.n_iter for o in outcomes], np.int64),
        "loss": np.array([o.loss for o in outcomes], np.float64),
        "seconds": np.array([o.seconds for o in outcomes], np.float64),
        "reason": np.array([o.reason for o in outcomes], object),
        "fleets": [*fleets.values()],
        "fitted": Column(o.fitted for o in outcomes if o.fleet is None) or None,
    }


NETWORKS: dict[str, fields.Check] = {
    **{name: array("i", 1) for name in ("fleet", "place", "n_iter")},
    "loss": NUMBERS, "seconds": array("f", 1), "reason": array("UO", 1),
    "fleets": list_of(a(KeptFleet)),
    "fitted": optional(list_of(a((MLPClassifier, MLPRegressor)))),
}  # fmt: skip


def _networks(state: JsonObject) -> KeptNetworks:
    found = fields.take(state, NETWORKS)
    n, fleets, alone = len(found["fleet"]), found["fleets"], iter(found["fitted"] or [])
    columns = [fields.shaped(found[name], name, (n,)).tolist() for name in (*NETWORKS,)[:6]]
    outcomes = []
    for k, place, n_iter, loss, seconds, reason in zip(*columns, strict=True):
        fleet = fleets[k] if 0 <= k < len(fleets) else None
        fitted = next(alone, None) if k == -1 else None
        if (fleet is None) == (fitted is None) or n_iter < 0:
            raise ValueError(f"fleet: found {k}, expected one of {len(fleets)} fleets")
        if fitted is not None and not hasattr(fitted, "coefs_"):
            raise ValueError("fitted: found an estimator that is not")
        if fleet is not None and not 0 <= place < len(fleet.tasks):
            raise ValueError(f"place: found {place}, expected one of {len(fleet.tasks)}")
        job = Job(fitted) if fleet is None else fleet.tasks[place].job  # type: ignore[arg-type]
        outcomes.append(Outcome(job, None, reason, n_iter, loss, seconds, (), fleet, place, fitted))
    if next(alone, None) is not None or not n:
        raise ValueError("fitted: found other networks than there are places for")
    return KeptNetworks.of_outcomes(outcomes)


# --- ensembles and groups ------------------------------------------------------------------------


SHARED: dict[str, fields.Check] = {
    **NAMES,
    "n_outputs_": count,
    "_labels": a(Labels),
    "_networks": a(KeptNetworks),
    "_is_kept": array("b", 1),
    "_columns": a(dict),
}
ENSEMBLE: dict[str, fields.Check] = {
    **SHARED,
    "weights_": array("f", 1),
    "n_iter_": array("i", 1),
    "_drawn": a(tuple),
    "_calibration": optional(a(Calibration)),
}
GROUPS: dict[str, fields.Check] = {
    **SHARED,
    "groups_": array("biufUO", 1),
    "pooled_estimator_": a(BaseMLP),
    "_like": a(BaseMLP),
}


def _state_of(known: dict[str, fields.Check], model: Any) -> dict[str, object]:
    given, attributes = model.get_params(deep=False), vars(model)
    refuse_unknown(model, {*given, *known, "classes_", "noise_"})
    return {"parameters": given, **{k: attributes[k] for k in known if k in attributes}}


def _ensemble_maker(kind: type[FittedEnsemble]) -> Any:
    def make(state: JsonObject) -> FittedEnsemble:
        model = with_parameters(kind, state.pop("parameters"))
        found = _check_shared(state, ENSEMBLE, kind._member)
        if not found:
            return model
        n = len(found["_networks"])
        fields.shaped(found["weights_"], "weights_", (n,), np.float64)
        fields.shaped(found["n_iter_"], "n_iter_", (n,))
        if (found["weights_"] < 0).any() or found["weights_"].sum() <= 0:
            raise ValueError("weights_: found a sum that is not positive, expected 1")
        if not all(name in found["_columns"] for name in found["_drawn"]):
            raise ValueError(f"_drawn: found {found['_drawn']!r:.60}, expected columns")
        calibration = found.get("_calibration")
        vars(model).update(found)
        if calibration is not None:
            noise = calibration.noise
            if len(noise) != found["n_outputs_"]:
                raise ValueError(f"noise: found {len(noise)} outputs")
            model.noise_ = float(noise[0]) if len(noise) == 1 else noise
        return model

    return make


def _groups_maker(kind: type[BaseGroupedMLP]) -> Any:
    def make(state: JsonObject) -> BaseGroupedMLP:
        model = with_parameters(kind, state.pop("parameters"))
        found = _check_shared(state, GROUPS, kind._kind)
        if not found:
            return model
        for name in ("_like", "pooled_estimator_"):
            if not isinstance(found.get(name, found["_like"]), kind._kind):
                raise ValueError(f"{name}: found another class than {kind._kind.__name__}")
        pooled, like = found.get("pooled_estimator_"), found["_like"]
        if "n_features_in_" not in vars(like) or (pooled and not hasattr(pooled, "coefs_")):
            raise ValueError("_like: found an estimator that has seen no data")
        n_outputs = like.__dict__.get("n_outputs_")
        if found["n_outputs_"] != n_outputs or (pooled and pooled.n_outputs_ != n_outputs):
            raise ValueError(f"n_outputs_: found {found['n_outputs_']}, expected {n_outputs}")
        fields.shaped(found["groups_"], "groups_", (len(found["_networks"]),))
        check_classes(found["groups_"])
        if "_labels" in found:
            found["_labels"] = like._labels
            found["classes_"] = like.classes_
        vars(model).update(found)
        return model

    return make


def _check_shared(
    state: JsonObject, known: dict[str, fields.Check], member: type[BaseMLP]
) -> JsonObject:
    """Return the attributes of a model of many networks; none of one that was not fitted."""
    if not state:
        return {}
    optional_names = {"feature_names_in_", "_labels", "pooled_estimator_", "_calibration"}
    names = [name for name in known if name in state or name not in optional_names]
    found = fields.take(state, {name: known[name] for name in names})
    check_names(found)
    labels = found.get("_labels")
    if (labels is not None) != (member is MLPClassifier):
        raise ValueError("found labels of a regressor, or a classifier without")
    if labels is not None:
        found["classes_"] = labels.classes
        if n_outputs_of(labels) != found["n_outputs_"]:
            raise ValueError(f"n_outputs_: found {found['n_outputs_']}, expected those of labels")
    kept, columns = found["_is_kept"], found["_columns"]
    if int(kept.sum()) != len(found["_networks"]):
        raise ValueError("_is_kept: found another number of networks than there are")
    for name, column in columns.items():
        if type(name) is not str or not isinstance(column, (list, np.ndarray)):
            raise ValueError(f"_columns: found {name!r:.60}, expected a list or array")
        if len(column) != len(kept):
            raise ValueError(f"_columns: found {len(column)} of {name}, expected {len(kept)}")
    _check_members(found, member)
    return found


def _check_members(found: JsonObject, member: type[BaseMLP]) -> None:
    """Refuse members of another class, or with other inputs or outputs."""
    networks, n_in = found["_networks"], None
    like = found.get("_like")
    n_in = like.__dict__.get("n_features_in_") if like is not None else found["n_features_in_"]
    for fleet, numbers in networks._fleets():
        for some in [fleet.like] if fleet is not None else map(networks.estimator, numbers):
            if type(some) is not member or some.n_features_in_ != n_in:
                raise ValueError(f"_networks: found {some!r:.60} of {some.n_features_in_} features")
            labels, own = found.get("_labels"), some.__dict__.get("_labels")
            if labels is None and some.n_outputs_ != found["n_outputs_"]:
                raise ValueError(f"_networks: found {some.n_outputs_} outputs of a network")
            if labels is not None:
                _check_own_labels(own, labels, may_lack="groups_" in found)


def _check_own_labels(own: Any, labels: Labels, may_lack: bool) -> None:
    """Refuse labels of a network that are not those of all, or with ``may_lack`` a part."""
    same_kind = own.are_several == labels.are_several and own.loss == labels.loss
    known = np.isin(own.classes, labels.classes).all()
    if not (same_kind and known and (may_lack or len(own.classes) == len(labels.classes))):
        raise ValueError(f"_networks: found the classes {own.classes!r:.60} of a network")


def _calibration(state: JsonObject) -> Calibration:
    found = fields.take(state, {"noise": array("f", 1), "scores": array("f", 2)})
    if found["scores"].shape[1] != len(found["noise"]):
        raise ValueError("scores: found another number of outputs than of noise")
    return Calibration(**found)


RECORDS = [
    Record("KeptFleet", KeptFleet, _state_of_fleet, _fleet),
    Record("KeptNetworks", KeptNetworks, _state_of_networks, _networks),
    Record("Calibration", Calibration, vars, _calibration),
    *(
        Record(kind.__name__, kind, partial(_state_of, ENSEMBLE), _ensemble_maker(kind))
        for kind in (MLPEnsembleClassifier, MLPEnsembleRegressor)
    ),
    *(
        Record(kind.__name__, kind, partial(_state_of, GROUPS), _groups_maker(kind))
        for kind in (GroupedMLPClassifier, GroupedMLPRegressor)
    ),
]
