"""The network of a fitted estimator, and estimators of networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ...kernels.losses import QUANTILE
from ...model.dense import Dense
from ...model.losses import LOSSES
from ...network import Network
from ..curves import begin_curves
from ..fitted import FittedMLP
from ..scaling import Scaling


def network_of(estimator: FittedMLP) -> Network:
    """Return the network of a fitted estimator; see `BaseMLP.network`."""
    model = estimator._network()
    if model.loss.code < QUANTILE:  # a quantile has its level in its code
        model = replace(model, loss=LOSSES[model.loss.name])
    if estimator._scaling is not None:
        model = folded(model, estimator._scaling, estimator._target_scaling)
    seed = estimator.random_state
    is_number = isinstance(seed, (int, np.integer))
    return Network._of(model, int(seed) if is_number else None)  # type: ignore[arg-type]


def folded(model: Dense, scaling: Scaling, targets: Scaling | None) -> Dense:
    """Return a network in float64 that takes inputs, and gives outputs, as they are unscaled.

    Rounded to float32, the biases of inputs far from 0 would lose the digits that count.
    """
    wide = model.astype(np.dtype(np.float64))
    W, b = wide.weights[0], wide.biases[0]
    W /= scaling.scale[:, None]
    b -= scaling.mean @ W
    if targets is not None:  # the output is the identity
        wide.weights[-1][...] *= targets.scale
        wide.biases[-1][...] = wide.biases[-1] * targets.scale + targets.mean
    return wide


# --- estimators of networks -----------------------------------------------------------------------


def parameters_of(net: Network, given: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters of an estimator of a network: what it is, and what is ``given``."""
    if not isinstance(net, Network):
        raise TypeError(f"net: found {type(net).__name__}, expected a Network")
    own: dict[str, Any] = {
        "hidden_layer_sizes": tuple(net.sizes[1:-1]), "loss": net.loss_name,
        "dtype": net.dtype.name,
    }  # fmt: skip
    if net.hidden:
        own["activation"] = net.hidden[0] if len(set(net.hidden)) == 1 else net.hidden
    taken = sorted({*own, "activation", "scale"} & set(given))
    if taken:
        raise TypeError(
            f"{taken[0]}: found {given[taken[0]]!r:.60}, expected none: the network decides on it"
        )
    return own | given


def fill(estimator: FittedMLP, net: Network, feature_names: Sequence[str] | None) -> None:
    """Make an estimator fitted: with copies of a network's weights, and nothing learned yet."""
    estimator.n_features_in_, estimator.n_outputs_ = net.sizes[0], net.sizes[-1]
    if feature_names is not None:
        names = np.asarray(feature_names, dtype=object)
        if names.shape != (net.sizes[0],) or not all(isinstance(name, str) for name in names):
            raise ValueError(
                f"feature_names: found {feature_names!r:.60}, expected {net.sizes[0]} names, one "
                "for each input"
            )
        estimator.feature_names_in_ = names
    estimator.coefs_ = [W.copy() for W in net.weights]
    estimator.intercepts_ = [b.copy() for b in net.biases]
    estimator.n_iter_ = estimator.t_ = 0
    begin_curves(estimator)
    model = estimator._network()
    estimator.out_activation_ = model.output


def checked_classes(classes: Any, net: Network) -> np.ndarray:
    """Return the classes that a network's outputs stand for, sorted; by default whole numbers."""
    n = max(2, net.sizes[-1])
    if classes is None:
        return np.array(net.labels) if net.sizes[-1] == 1 and net.loss_name == "hinge" else (
            np.arange(n)
        )  # fmt: skip
    found = np.asarray(classes)
    is_sorted = found.ndim == 1 and np.array_equal(np.unique(found), found)
    if not is_sorted or len(found) != n:
        raise ValueError(
            f"classes: found {classes!r:.60}, expected {n} different labels in ascending order, in "
            "which classes_ are, and outputs have to be"
        )
    return found


def check_head(net: Network, heads: dict[str, str], name: str) -> None:
    """Refuse a network whose loss and output are none of an estimator's."""
    output = "logistic" if net.output == "sigmoid" else net.output
    if heads.get(net.loss_name) != output:
        wanted = ", ".join(f"{loss} with {output}" for loss, output in heads.items())
        raise ValueError(
            f"net: found loss={net.loss_name!r} with output={net.output!r}, expected one of an "
            f"{name}: {wanted}"
        )
