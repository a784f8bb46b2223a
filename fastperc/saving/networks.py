"""`MLPClassifier` and `MLPRegressor`: what they are made of, and what a file may make of them."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import check_random_state

from ..estimators.arrays import parameters_of
from ..estimators.base import BaseMLP
from ..estimators.class_weights import ClassWeights
from ..estimators.classifier import MLPClassifier
from ..estimators.labels import Labels
from ..estimators.optimizer import Optimizer
from ..estimators.regressor import MLPRegressor
from ..estimators.scaling import Scaling
from ..estimators.settings import Settings
from ..files.safetensors import JsonObject
from ..kernels import updates
from ..training.rules import Rule
from . import fields
from .fields import a, array, count, finite, flag, list_of, optional, real, text
from .values import Record

LABEL_TYPES = ("binary", "multiclass", "multilabel-indicator")
KINDS = ("constant", "invscaling", "adaptive", "step", "cosine", "one_cycle")

# What a fitted estimator has, in the order in which it is checked; the parameters come before.
NAMES: dict[str, fields.Check] = {
    "n_features_in_": count,
    "feature_names_in_": array("O", 1),
}
KNOWN: dict[str, fields.Check] = {
    **NAMES,
    "n_outputs_": count,
    "_labels": a(Labels),
    "_settings": a(Settings),
    "_scaling": optional(a(Scaling)),
    "_target_scaling": optional(a(Scaling)),
    "coefs_": list_of(array("f", 2)),
    "intercepts_": list_of(array("f", 1)),
    "_optimizer": a(Optimizer),
    "_class_weights": a(ClassWeights),
    "n_iter_": count,
    "t_": count,
    "loss_": real,
    "best_loss_": optional(real),
    "best_validation_score_": optional(real),
    "loss_curve_": list_of(real),
    "validation_scores_": optional(list_of(real)),
    "validation_loss_curve_": list_of(real),
    "_no_improvement_count": count,
}
# What each fitted network has, and what each has that counts epochs.
FITTED = (
    "n_features_in_", "n_outputs_", "_settings", "coefs_", "intercepts_", "_scaling",
    "_target_scaling", "n_iter_", "t_", "loss_curve_",
)  # fmt: skip
CURVES = ("best_loss_", "validation_scores_", "best_validation_score_")
# What follows from the rest: each call of training makes `_random_state` of the parameter.
DERIVED = {
    "classes_", "out_activation_", "n_layers_", "_model", "_arrays", "_buffers", "_raw",
    "_random_state",
}  # fmt: skip


# --- estimators ----------------------------------------------------------------------------------


def state_of_network(estimator: BaseMLP) -> dict[str, object]:
    """Return parameters and fitted attributes."""
    given = estimator.get_params(deep=False)
    attributes = vars(estimator)
    if "coefs_" in attributes:
        estimator._network()  # takes weights that were replaced into a network, or refuses them
    refuse_unknown(estimator, {*given, *KNOWN, *DERIVED})
    state: dict[str, object] = {"parameters": given}
    state |= {name: attributes[name] for name in KNOWN if name in attributes}
    return state


def refuse_unknown(estimator: object, known: set[str]) -> None:
    """Refuse to save an estimator of which something would be lost."""
    for name in vars(estimator):
        if name not in known and not (name.startswith("__") or name == "_sklearn_version"):
            raise ValueError(
                f"{name}: found an attribute that no file keeps. Delete it before saving: "
                f"del model.{name}"
            )


def with_parameters(kind: type, given: object) -> Any:
    """Return an unfitted estimator of parameters that are checked as `fit` checks them."""
    names = kind._get_param_names()  # type: ignore[attr-defined]
    if not isinstance(given, dict) or given.keys() != set(names):
        raise ValueError(f"parameters: found {given!r:.80}, expected those of {kind.__name__}")
    estimator = kind(**given)
    estimator._validate_params()
    return estimator


def check_names(state: Mapping[str, Any], what: str = "feature_names_in_") -> None:
    """Refuse names of features that are not as many as the features, or no texts."""
    names = state.get(what)
    if names is None:
        return
    if len(names) != state.get("n_features_in_") or not all(type(name) is str for name in names):
        raise ValueError(f"{what}: found {len(names)} names, expected a text for each feature")


def network_maker(kind: type[BaseMLP]) -> Any:
    """Return the function that makes an estimator of a class from its state."""

    def make(state: JsonObject) -> BaseMLP:
        estimator = with_parameters(kind, state.pop("parameters"))
        Settings.of(estimator._raw_settings())  # raises if layers are no numbers
        found = fields.take(state, {name: KNOWN[name] for name in KNOWN if name in state})
        if set(state) - set(found):
            raise ValueError(f"found {sorted(set(state) - set(found))[0]!r}, which is no attribute")
        check_names(found)
        _check_labels(kind, found)
        vars(estimator).update(found)
        if "coefs_" in found:
            estimator._random_state = check_random_state(estimator.random_state)
        if "coefs_" in found or "intercepts_" in found:
            _complete(estimator, found)
        return estimator

    return make


def _check_labels(kind: type[BaseMLP], found: JsonObject) -> None:
    """Hold labels against outputs, and name the classes."""
    labels = found.get("_labels")
    if (labels is not None) != (kind is MLPClassifier and "n_features_in_" in found):
        raise ValueError("found labels of a regressor, or a classifier without")
    if labels is None:
        return
    found["classes_"] = labels.classes
    n_outputs = found.get("n_outputs_", n_outputs_of(labels))
    if n_outputs != n_outputs_of(labels):
        raise ValueError(f"n_outputs_: found {n_outputs}, expected {n_outputs_of(labels)}")
    weights = found.get("_class_weights")
    if weights is not None and len(weights.classes) != len(labels.classes):
        raise ValueError("_class_weights: found counts of other classes")


def n_outputs_of(labels: Labels) -> int:
    """Return how many outputs a network with these labels has."""
    several = labels.exclude_each_other or labels.are_several
    return len(labels.classes) if several else 1


def _complete(estimator: BaseMLP, found: JsonObject) -> None:
    """Make the network of a fitted estimator, and hold all that has its shape against it."""
    needed = FITTED + (CURVES if "_no_improvement_count" in found else ())
    missing = [name for name in needed if name not in found]
    if missing:
        raise ValueError(f"found no {missing[0]} of a fitted network")
    _check_settings(found["_settings"], estimator)
    dtypes = {array.dtype for array in (*found["coefs_"], *found["intercepts_"])}
    if len(dtypes) != 1:
        raise ValueError("coefs_: found several dtypes, expected one")
    n_in, n_out = found["n_features_in_"], found["n_outputs_"]
    parameters_of(found["coefs_"], found["intercepts_"], n_in, n_out)
    model = estimator._network()
    estimator.out_activation_ = estimator._output_and_loss(found["_settings"])[0]
    for name, n in (("_scaling", n_in), ("_target_scaling", n_out)):
        scaling = found[name]
        if scaling is not None and scaling.mean.shape != (n,):
            raise ValueError(f"{name}: found {len(scaling.mean)} columns, expected {n}")
    if (found["_scaling"] is not None) != (found["_settings"].scale is not None):
        raise ValueError("_scaling: found one without scale='standard', or none with it")
    optimizer = found.get("_optimizer")
    if optimizer is None:
        return
    if optimizer.made_for == (model.sizes, model.dtype):
        size = updates.MEMORY[optimizer.rule.code] * model.theta.size
        fields.shaped(optimizer.rule.state, "_optimizer.rule.state", (size,), model.dtype)
    else:  # of weights that were replaced by others: it is not used
        del estimator._optimizer


def _check_settings(settings: Settings, estimator: BaseMLP) -> None:
    """Refuse settings that the constraints of parameters would refuse."""
    twin = type(estimator)(**estimator.get_params(deep=False))
    activation = settings.activation
    twin.set_params(
        hidden_layer_sizes=settings.widths, loss=settings.loss, scale=settings.scale,
        activation=activation if isinstance(activation, str) else list(activation),
        dtype=settings.dtype,
    )  # fmt: skip
    if isinstance(estimator, MLPRegressor):
        twin.set_params(quantile=settings.quantile)
    twin._validate_params()
    if Settings.of(twin._raw_settings()) != settings:
        raise ValueError(f"_settings: found {settings!r:.100}, expected those of {twin!r:.60}")


# --- parts ---------------------------------------------------------------------------------------


def _state_of_labels(labels: Labels) -> dict[str, object]:
    binarizer = labels.binarizer
    return {
        "classes": labels.classes,
        "binarized": binarizer.classes_,
        "type": binarizer.y_type_,
        "sparse": bool(binarizer.sparse_input_),
        "loss": labels.loss,
    }


def _labels(state: JsonObject) -> Labels:
    found = fields.take(
        state,
        {"classes": array("biufUO", 1), "binarized": array("biufUO", 1), "type": text,
         "sparse": flag, "loss": text},
    )  # fmt: skip
    classes, kind = found["classes"], found["type"]
    if kind not in LABEL_TYPES or not len(classes):
        raise ValueError(f"labels: found {len(classes)} classes of type {kind!r:.60}")
    check_classes(classes)
    check_classes(found["binarized"])
    if len(found["binarized"]) != len(classes) or (kind == "binary" and len(classes) > 2):
        raise ValueError(f"labels: found {len(classes)} classes, expected those of type {kind}")
    if kind == "multiclass" and len(classes) < 3:
        raise ValueError(f"labels: found {len(classes)} classes, expected at least 3")
    if found["loss"] not in ("log_loss", "hinge"):
        raise ValueError(f"labels: found the loss {found['loss']!r:.60}")
    binarizer = LabelBinarizer()
    binarizer.y_type_, binarizer.sparse_input_ = kind, found["sparse"]
    binarizer.classes_ = found["binarized"]
    return Labels(binarizer, classes, found["loss"])


def check_classes(classes: np.ndarray) -> None:
    """Refuse classes that are not sorted, or come twice."""
    labels = classes.tolist()
    if not all(one < other for one, other in itertools.pairwise(labels)):
        raise ValueError(f"classes: found {labels!r:.60}, expected each once, sorted")


def _scaling(state: JsonObject) -> Scaling:
    found = fields.take(state, {"mean": array("f", 1), "scale": array("f", 1)})
    if found["mean"].shape != found["scale"].shape or (found["scale"] <= 0).any():
        raise ValueError("scaling: found scales that are not positive, or not one for each mean")
    return Scaling(**found)


def _class_weights(state: JsonObject) -> ClassWeights:
    found = fields.take(state, {"classes": array("biufUO", 1), "counts": array("f", 1)})
    if len(found["classes"]) != len(found["counts"]) or (found["counts"] < 0).any():
        raise ValueError("class weights: found other counts than one for each class")
    return ClassWeights(**found)


SETTINGS = {
    "widths": a(tuple), "activation": a((str, tuple)), "loss": text, "quantile": optional(finite),
    "scale": optional(text), "dtype": optional(text),
}  # fmt: skip
OPTIMIZER: dict[str, fields.Check] = {
    "sizes": list_of(count), "dtype": text, "learning_rate": real, "learning_rate_init": finite,
    "power_t": finite, "kind": fields.anything, "plan": a(tuple), "is_scheduled": flag,
    "epoch": count, "code": count, "settings": array("f", 1),
    "state": array("f", 1, all_finite=False), "step_state": array("f", 1, all_finite=False),
}  # fmt: skip


def _state_of_optimizer(optimizer: Optimizer) -> dict[str, object]:
    sizes, dtype = optimizer.made_for
    rule = optimizer.rule
    names = ("learning_rate", "learning_rate_init", "power_t", "kind", "plan", "is_scheduled")
    return {
        "sizes": list(sizes),
        "dtype": dtype.name,
        **{name: getattr(optimizer, name) for name in names},
        "epoch": optimizer.epoch,
        "code": rule.code,
        "settings": rule.settings,
        "state": rule.state,
        "step_state": rule.step_state,
    }


def _optimizer(state: JsonObject) -> Optimizer:
    found = fields.take(state, OPTIMIZER)
    rule = {name: found.pop(name) for name in ("code", "settings", "state", "step_state")}
    check_rule(**rule)
    if not (found["kind"] in KINDS if isinstance(found["kind"], str) else callable(found["kind"])):
        raise ValueError(f"kind: found {found['kind']!r:.60}, expected one of {', '.join(KINDS)}")
    plan = found["plan"]
    if len(plan) != 3 or (found["is_scheduled"] and not (callable(plan[0]) or plan[0] in KINDS)):
        raise ValueError(f"plan: found {plan!r:.60}, expected kind, rate and epochs")
    finite(plan[1], "plan"), count(plan[2], "plan")
    if found["dtype"] not in ("float32", "float64"):
        raise ValueError(f"dtype: found {found['dtype']!r:.60}")
    made_for = tuple(found.pop("sizes")), np.dtype(found.pop("dtype"))
    optimizer = object.__new__(Optimizer)
    vars(optimizer).update(made_for=made_for, **found)
    optimizer.rule = Rule.__new__(Rule)
    optimizer.rule.__setstate__(rule)
    return optimizer


def check_rule(code: int, settings: np.ndarray, state: np.ndarray, step_state: np.ndarray) -> None:
    """Refuse an update rule that kernels do not know, or of other numbers."""
    if code not in updates.MEMORY:
        raise ValueError(f"code: found {code}, expected that of an update rule")
    fields.shaped(settings, "settings", (updates.N_SETTINGS,), np.float64)
    fields.shaped(step_state, "step_state", (3,), np.float64)


RECORDS = [
    *(
        Record(kind.__name__, kind, state_of_network, network_maker(kind))
        for kind in (MLPClassifier, MLPRegressor)
    ),
    Record("Labels", Labels, _state_of_labels, _labels),
    Record("Scaling", Scaling, vars, _scaling),
    Record("ClassWeights", ClassWeights, vars, _class_weights),
    Record("Settings", Settings, Settings._asdict, lambda s: Settings(**fields.take(s, SETTINGS))),
    Record("Optimizer", Optimizer, _state_of_optimizer, _optimizer),
]
