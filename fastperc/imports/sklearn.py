"""Networks of scikit-learn."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.utils.validation import check_is_fitted

from ..model.dense import Dense
from .layers import Layer, dense_of


def from_sklearn(mlp: object) -> Dense:
    """Return the network of a fitted MLPClassifier or MLPRegressor of scikit-learn.

    Raises
    ------
    TypeError
        For any other object.
    sklearn.exceptions.NotFittedError
        If it is not fitted.
    """
    if not isinstance(mlp, (MLPClassifier, MLPRegressor)):
        raise TypeError(_what_to_do(mlp))
    check_is_fitted(mlp)
    name = type(mlp).__name__
    activations = [mlp.activation] * (len(mlp.coefs_) - 1) + [mlp.out_activation_]
    layers = [
        Layer(np.asarray(W), np.asarray(b), activation)
        for W, b, activation in zip(mlp.coefs_, mlp.intercepts_, activations, strict=True)
    ]
    loss = getattr(mlp, "loss", "squared_error") if isinstance(mlp, MLPRegressor) else None
    return dense_of(layers, name, loss)


def _what_to_do(found: Any) -> str:
    """Return what to say of an object that is no network of scikit-learn."""
    advice = "Give the network itself"
    if hasattr(type(found), "network"):
        advice = "Use its attribute network"
    elif hasattr(found, "steps"):
        advice = (
            "Give its last step, which takes inputs as the steps before leave them; or use "
            "MLPClassifier.from_sklearn, or MLPRegressor.from_sklearn, where they scale"
        )
    elif hasattr(found, "best_estimator_"):
        advice = "Give its best_estimator_"
    return (
        f"mlp: found {type(found).__name__}, expected a fitted MLPClassifier or MLPRegressor of "
        f"sklearn.neural_network. {advice}"
    )
