"""MLP estimators as scikit-learn's, and scikit-learn's as ours."""

from __future__ import annotations

import copy
from inspect import signature
from typing import Any

import numpy as np
from sklearn import neural_network as theirs
from sklearn.compose import TransformedTargetRegressor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted

from ...model.dense import Dense
from .. import parameters
from ..fitted import FittedMLP
from ..labels import Labels
from ..scaling import Scaling
from ..warning import warn
from .memory import as_ours, as_sklearns

ACTIVATIONS = {
    "identity": "identity", "logistic": "logistic", "sigmoid": "logistic", "tanh": "tanh",
    "relu": "relu",
}  # fmt: skip
SOLVERS = ("lbfgs", "sgd", "adam")
SCHEDULES = ("constant", "invscaling", "adaptive")
# What training leaves behind, under the same names.
FITTED = (
    "n_features_in_", "feature_names_in_", "n_iter_", "n_layers_", "n_outputs_", "out_activation_",
    "t_", "loss_", "loss_curve_", "best_loss_", "validation_scores_", "best_validation_score_",
    "classes_", "_no_improvement_count", "_random_state",
)  # fmt: skip
# What only training goes by, beyond scikit-learn's parameters; threads and bars change no result.
OF_TRAINING = ("l1", "clip_norm", "class_weight", "scoring", "time_limit", "callback")
ELSE = "Use its attribute network, or stay with fastperc's estimator"


# --- ours to theirs -------------------------------------------------------------------------------


def to_sklearn(ours: FittedMLP) -> Any:
    """Return scikit-learn's estimator with the same predictions; see `BaseMLP.to_sklearn`."""
    model = ours._network()
    kind = theirs.MLPClassifier if hasattr(ours, "classes_") else theirs.MLPRegressor
    mlp = kind(**_their_parameters(ours, model, kind))
    for name in FITTED:
        if hasattr(ours, name):
            setattr(mlp, name, copy.deepcopy(getattr(ours, name)))
    mlp.coefs_ = [W.copy() for W in model.weights]
    mlp.intercepts_ = [b.copy() for b in model.biases]
    mlp._best_coefs = [W.copy() for W in mlp.coefs_]
    mlp._best_intercepts = [b.copy() for b in mlp.intercepts_]
    if hasattr(ours, "classes_"):
        mlp._label_binarizer = copy.deepcopy(ours._labels.binarizer)
    optimizer = vars(ours).get("_optimizer")
    found = None if optimizer is None else as_sklearns(optimizer, model)
    if found is not None:
        mlp._optimizer = found
    return mlp if ours._scaling is None else _scaled(mlp, ours)


def _their_parameters(ours: FittedMLP, model: Dense, kind: type) -> dict[str, Any]:
    """Return the parameters that scikit-learn has, too; warn of those of training that it lacks."""
    settings = ours._settings
    assert settings is not None
    _check_loss(settings.loss, kind)
    names = signature(kind).parameters
    given = {name: copy.deepcopy(getattr(ours, name)) for name in names if hasattr(ours, name)}
    if parameters.hidden_widths(ours.hidden_layer_sizes) != [*model.sizes[1:-1]]:
        given["hidden_layer_sizes"] = model.sizes[1:-1]
    if model.hidden:
        given["activation"] = _their_activation(model.hidden, kind)
    elif not isinstance(given["activation"], str) or given["activation"] not in ACTIVATIONS:
        given["activation"] = "relu"  # of no layer
    if "loss" in names:
        given["loss"] = settings.loss
    left = []
    for name, known, instead in (
        ("solver", SOLVERS, "adam"), ("learning_rate", SCHEDULES, "constant"),
    ):  # fmt: skip
        if given[name] not in known:
            left.append(f"{name}={given[name]!r:.40}")
            given[name] = instead
    left += [
        f"{name}={getattr(ours, name)!r:.40}" for name in OF_TRAINING if getattr(ours, name, None)
    ]
    if left:
        warn(
            f"{type(ours).__name__}: left out {', '.join(left)}, which scikit-learn has not. "
            "Predictions are the same; training goes on in another way"
        )
    return given


def _check_loss(loss: str, kind: type) -> None:
    known = ["log_loss"] if kind is theirs.MLPClassifier else ["squared_error"]
    if "loss" in signature(kind).parameters:
        known.append("poisson")
    if loss not in known:
        raise ValueError(
            f"loss: found {loss!r}, expected {' or '.join(map(repr, known))}: scikit-learn's "
            f"{kind.__name__} has no other. {ELSE}"
        )


def _their_activation(names: tuple[str, ...], kind: type) -> str:
    found = {ACTIVATIONS.get(name) for name in names}
    name = found.pop()
    if found or name is None:
        raise ValueError(
            f"activation: found {', '.join(dict.fromkeys(names))}, expected one of identity, "
            f"logistic, tanh or relu for all hidden layers: scikit-learn's {kind.__name__} has no "
            f"other. {ELSE}"
        )
    return name


def _scaled(mlp: Any, ours: FittedMLP) -> Pipeline:
    """Return an estimator behind the scaling of ours: a Pipeline of StandardScaler and it."""
    assert ours._scaling is not None
    scaler = _scaler_of(ours._scaling)
    names = vars(mlp).pop("feature_names_in_", None)
    if names is not None:
        scaler.feature_names_in_ = names
    last = mlp
    if ours._target_scaling is not None:
        transformer = _scaler_of(ours._target_scaling)
        last = TransformedTargetRegressor(mlp, transformer=StandardScaler())
        last.regressor_, last.transformer_ = mlp, transformer
        last._training_dim = 1 if ours.n_outputs_ == 1 else 2
    return Pipeline([("scaler", scaler), ("mlp", last)])


def _scaler_of(scaling: Scaling) -> StandardScaler:
    """Return a fitted StandardScaler.

    How many samples a scaling was determined from is not kept: to the scaler it is 1, so that its
    ``partial_fit`` goes by what comes then.
    """
    scaler = StandardScaler(with_mean=bool(scaling.mean.any()))
    scaler.mean_, scaler.scale_ = scaling.mean.copy(), scaling.scale.copy()
    scaler.var_, scaler.n_features_in_ = scaler.scale_**2, len(scaling.mean)
    scaler.n_samples_seen_ = np.int64(1)
    return scaler


# --- theirs to ours -------------------------------------------------------------------------------


def from_sklearn(kind: type[Any], found: Any) -> Any:
    """Return an estimator of ours with the parameters and the state of scikit-learn's."""
    mlp, scaling, targets, names = _unwrapped(found)
    wanted = theirs.MLPClassifier if kind.__name__ == "MLPClassifier" else theirs.MLPRegressor
    if not isinstance(mlp, wanted):
        raise TypeError(
            f"estimator: found {type(mlp).__name__}, expected a fitted {wanted.__name__} of "
            "sklearn.neural_network, alone or behind a StandardScaler in a Pipeline"
        )
    check_is_fitted(mlp)
    given = {name: copy.deepcopy(value) for name, value in mlp.get_params(deep=False).items()}
    ours = kind(**given, scale=None if scaling is None else "standard")
    for name in FITTED:
        if hasattr(mlp, name):
            setattr(ours, name, copy.deepcopy(getattr(mlp, name)))
    if names is not None:
        ours.feature_names_in_ = np.array(names)
    ours.coefs_ = [np.array(W) for W in mlp.coefs_]
    ours.intercepts_ = [np.array(b) for b in mlp.intercepts_]
    if isinstance(mlp, theirs.MLPClassifier):
        ours._labels = Labels(copy.deepcopy(mlp._label_binarizer), ours.classes_, ours.loss)
    ours._scaling, ours._target_scaling = scaling, targets
    model = ours._network()
    if hasattr(mlp, "_optimizer"):
        ours._optimizer = as_ours(mlp._optimizer, mlp.max_iter, mlp.n_iter_, model)
    return ours


def _unwrapped(found: Any) -> tuple[Any, Scaling | None, Scaling | None, Any]:
    """Return the network within a Pipeline, scaling of inputs and targets, and feature names."""
    if not isinstance(found, Pipeline):
        return found, None, None, None
    steps = [step for _, step in found.steps]
    if len(steps) != 2 or not isinstance(steps[0], StandardScaler):
        shown = ", ".join(type(step).__name__ for step in steps)
        raise TypeError(
            f"estimator: found a Pipeline of {shown}, expected a StandardScaler and an MLP. Give "
            "its last step, and keep the others in a Pipeline with the result"
        )
    scaler, last = steps
    check_is_fitted(scaler)
    targets = None
    if isinstance(last, TransformedTargetRegressor):
        check_is_fitted(last)
        if not isinstance(last.transformer_, StandardScaler):
            raise TypeError(
                f"estimator: found targets transformed by {type(last.transformer_).__name__}, "
                "expected a StandardScaler"
            )
        targets, last = _scaling_of(last.transformer_), last.regressor_
    return last, _scaling_of(scaler), targets, getattr(scaler, "feature_names_in_", None)


def _scaling_of(scaler: StandardScaler) -> Scaling:
    n = scaler.n_features_in_
    mean = scaler.mean_ if scaler.with_mean and scaler.mean_ is not None else np.zeros(n)
    scale = scaler.scale_ if scaler.with_std and scaler.scale_ is not None else np.ones(n)
    return Scaling(np.array(mean, np.float64), np.array(scale, np.float64))
