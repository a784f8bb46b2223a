"""From a fitted estimator to its `Plan`."""

from __future__ import annotations

from functools import singledispatch
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .. import __version__
from ..estimators.base import BaseMLP
from ..estimators.ensembles.base import BaseMLPEnsemble
from ..estimators.groups.base import BaseGroupedMLP
from ..estimators.labels import Labels
from ..estimators.linear.base import BaseLinear
from ..estimators.linear.features import FeatureNames, HashedNames
from ..estimators.linear.online import OnlineLinear
from ..kernels.linear_parts.arguments import LOG_LOSS, SOFTMAX
from ..model.dense import Dense
from ..model.losses import LOSSES
from .folding import Scaled, stack_of, stacks_of
from .plan import Decision, Groups, Plan, Probabilities
from .widening import widened


def is_described(model: object) -> bool:
    """Return whether `describe_estimator` takes a model, fitted or not."""
    return describe_estimator.dispatch(type(model)) is not describe_estimator.dispatch(object)


@singledispatch
def describe_estimator(model: Any) -> Plan:
    """Return what a fitted estimator computes; see `describe.describe`."""
    raise TypeError(
        f"model: found {type(model).__name__}, expected a Network, a Fleet, or an estimator of "
        "fastperc"
    )


@describe_estimator.register
def _of_mlp(model: BaseMLP) -> Plan:
    network = _scaled(model)
    return Plan(
        **_common(model, network.model.dtype),
        **_of_labels(getattr(model, "_labels", None), _learned_loss(model)),
        n_features=model.n_features_in_,
        feature_names=_names(model),
        stacks=stacks_of([network]),
        combine="single",
    )


@describe_estimator.register
def _of_ensemble(model: BaseMLPEnsemble) -> Plan:
    members = [_scaled(member) for member in model.estimators_]
    dtype = np.result_type(*(member.model.dtype for member in members))
    return Plan(
        **_common(model, dtype),
        **_of_labels(getattr(model, "_labels", None), model.loss),
        n_features=model.n_features_in_,
        feature_names=_names(model),
        stacks=stacks_of(members),
        combine="mean",
        weights=model.weights_ / model.weights_.sum(),
        calibration=getattr(model, "_calibration", None),
    )


@describe_estimator.register
def _of_groups(model: BaseGroupedMLP) -> Plan:
    check_is_fitted(model)
    labels: Labels | None = getattr(model, "_labels", None)
    numbers = range(len(model.groups_))
    members = [_scaled(model._networks.estimator(i)) for i in numbers]
    if labels is not None:
        members = [
            member._replace(model=widened(member.model, model._networks.labels(i), labels))
            for i, member in zip(numbers, members, strict=True)
        ]
    has_pooled = hasattr(model, "pooled_estimator_")
    if has_pooled:
        members.append(_scaled(model.pooled_estimator_))
    like = model._like
    return Plan(
        **_common(model, members[0].model.dtype),
        **_of_labels(labels, like.loss),
        n_features=like.n_features_in_,
        feature_names=_names(like),
        stacks=(stack_of(members, np.arange(len(members))),),
        combine="by_group",
        groups=Groups(model.groups_, len(members) - 1 if has_pooled else None),
    )


@describe_estimator.register
def _of_linear(model: BaseLinear) -> Plan:
    if isinstance(model, OnlineLinear) and isinstance(model._names, HashedNames):
        raise ValueError(
            f"model: found {type(model).__name__} of hashed names, expected one of columns: "
            "exports do not hash. Train on named features without n_features, or on arrays"
        )
    check_is_fitted(model)
    linear = model._model()
    coef, intercept = linear.current()
    if model._sparse is not None:
        coef = model._sparse.toarray()
    dense = Dense.zeros(coef.shape[::-1], (), "identity", LOSSES["squared_error"], coef.dtype)
    dense.weights[0][:], dense.biases[0][:] = coef.T, intercept
    how: dict[str, Any] = {"decision": None, "method": "predict"}
    if hasattr(model, "classes_"):
        how = {"decision": _linear_decision(model, len(coef)), "method": "decision_function"}
        if hasattr(model, "predict_proba"):
            how["probabilities"] = _linear_probabilities(int(linear.record["loss"]), len(coef))
    names = model._names if isinstance(model, OnlineLinear) else None
    return Plan(
        **_common(model, coef.dtype, n_outputs=len(coef)),
        **how,
        loss=getattr(model, "loss", "perceptron"),
        n_features=model.n_features_in_,
        feature_names=names.names if isinstance(names, FeatureNames) else _names(model),
        stacks=stacks_of([Scaled(dense)]),
        combine="single",
    )


def _linear_decision(model: Any, n_outputs: int) -> Decision:
    n_places = max(2, n_outputs)
    places = np.minimum(np.arange(n_places), len(model.classes_) - 1)  # one class alone is both
    return Decision("threshold" if n_outputs == 1 else "argmax", model.classes_[places])


def _linear_probabilities(loss: int, n_outputs: int) -> Probabilities:
    if loss == SOFTMAX:
        return Probabilities("softmax")
    return Probabilities("sigmoid" if loss == LOG_LOSS else "clip", is_normalised=n_outputs > 1)


# --- parts ----------------------------------------------------------------------------------------


def _common(model: Any, dtype: np.dtype, n_outputs: int | None = None) -> dict[str, Any]:
    return {
        "kind": type(model).__name__,
        "version": __version__,
        "dtype": dtype,
        "n_outputs": model.n_outputs_ if n_outputs is None else n_outputs,
    }


def _names(model: Any) -> tuple[str, ...] | None:
    names = getattr(model, "feature_names_in_", None)
    return None if names is None else tuple(map(str, names))


def _scaled(member: BaseMLP) -> Scaled:
    return Scaled(member._network(), member._scaling, member._target_scaling)


def _learned_loss(model: BaseMLP) -> str:
    """Return what the weights were trained on; the parameter may have been set since."""
    return model.loss if model._settings is None else model._settings.loss


def _of_labels(labels: Labels | None, loss: str) -> dict[str, Any]:
    """Return what a plan says of the labels of a dense classifier, or of a regressor."""
    if labels is None:
        return {"loss": loss, "decision": None, "method": "predict"}
    loss = labels.loss
    middle, classes = labels.middle, labels.classes
    if labels.exclude_each_other:
        decision = Decision("argmax", classes)
    elif labels.are_several:
        decision = Decision("threshold", np.array([0, 1]), middle)
    else:
        decision = Decision("threshold", classes[[0, -1]], middle)
    return {
        "loss": loss,
        "decision": decision,
        "method": "decision_function",
        "probabilities": None if loss == "hinge" else Probabilities(),
    }
