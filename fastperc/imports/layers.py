"""Layers found in a model of another library, put together to a network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .. import checks
from ..model import options
from ..model.dense import Dense
from ..model.losses import LOSSES

# The loss that goes with an output where none is named; with any other, squared_error.
USUAL_LOSSES = {
    "sigmoid": "log_loss",
    "logistic": "log_loss",
    "softmax": "cross_entropy",
    "exp": "poisson",
    "step": "perceptron",
    "sign": "perceptron",
}


@dataclass
class Layer:
    """Weighted sums ``x @ W + b``, and the activation that follows.

    Attributes
    ----------
    W : ndarray of shape (n_in, n_out)
    b : ndarray of shape (n_out,) or None
        None for a layer without biases.
    activation : str
    """

    W: np.ndarray
    b: np.ndarray | None
    activation: str = "identity"

    def widened(self) -> Layer:
        """Return the layer in float64."""
        b = None if self.b is None else self.b.astype(np.float64)
        return Layer(self.W.astype(np.float64), b, self.activation)


def dense_of(layers: Sequence[Layer], source: str, loss: str | None = None) -> Dense:
    """Return the network of the layers, with copies of their weights.

    Parameters
    ----------
    layers : sequence of Layer
    source : str
        What they were found in, for messages.
    loss : str, optional
        By default, the one that goes with the last activation.

    Raises
    ------
    ValueError
        If the layers make no network: none at all, shapes that do not fit together, dtypes other
        than float32 or float64, or several; weights that are not finite; activations that only an
        output has; a loss that the output does not go with.
    """
    if not layers:
        raise ValueError(f"{source}: found no layer with weights, expected one at least")
    dtype = _dtype_of(layers, source)
    sizes = _sizes_of(layers, source)
    *hidden, output = (layer.activation for layer in layers)
    if loss is None:
        loss = USUAL_LOSSES.get(output, "squared_error")
    _check_loss(loss, output, source)
    bias = [layer.b is not None for layer in layers]
    model = options.check_model(sizes, hidden, output, loss, dtype, bias)
    for k, layer in enumerate(layers):
        model.weights[k][...] = layer.W
        if layer.b is not None:
            model.biases[k][...] = layer.b
    if not np.isfinite(model.theta).all():
        raise ValueError(f"{source}: found infinite or NaN weights, expected finite numbers")
    return model


def _dtype_of(layers: Sequence[Layer], source: str) -> np.dtype:
    arrays = [array for layer in layers for array in (layer.W, layer.b) if array is not None]
    found = {array.dtype.newbyteorder("=").name for array in arrays}
    if len(found) > 1 or not found <= set(options.DTYPES):
        raise ValueError(
            f"{source}: found weights of dtype {', '.join(sorted(found))}, expected float32 or "
            "float64 in all layers. Convert the model first"
        )
    return np.dtype(found.pop())


def _sizes_of(layers: Sequence[Layer], source: str) -> list[int]:
    sizes = [layers[0].W.shape[0]]
    for k, layer in enumerate(layers, 1):
        n_in, n_out = layer.W.shape
        if n_in != sizes[-1]:
            raise ValueError(
                f"{source}: found {n_in} inputs of layer {k}, expected {sizes[-1]}, as many as "
                "come out of the layer before"
            )
        sizes.append(n_out)
    return sizes


def _check_loss(loss: object, output: str, source: str) -> None:
    """Refuse a loss that wants another output: the model's own is what it predicts."""
    name = checks.check_choice(loss, "loss", LOSSES)
    wanted = LOSSES[name].outputs
    if wanted and output not in (*wanted, *(["logistic"] if "sigmoid" in wanted else [])):
        raise ValueError(
            f"loss: found {name!r}, which is defined on outputs of {' or '.join(wanted)}, but "
            f"{source} ends with {output}. Add that activation to the model first, or give "
            "another loss"
        )
