"""Networks in files: a configuration, and the weights and biases of each layer."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from .. import checks
from ..model import options
from ..model.dense import Dense
from ..model.layout import views
from ..model.losses import Labels
from . import container
from .container import Content, Kind, Tensor
from .generators import generator_of, state_of
from .safetensors import MAX_TENSORS, JsonObject, as_json, check_keys

TENSOR_DTYPES = ("float32", "float64")
# By format: the second has "bias". What is no more than the first is written as that.
CONFIGURATION: dict[int, tuple[str, ...]] = {1: ("sizes", "hidden", "output", "loss", "dtype")}
CONFIGURATION[2] = (*CONFIGURATION[1], "bias")


class Stored(NamedTuple):
    """What a file holds: a network, and what training changes besides its weights."""

    model: Dense
    labels: Labels
    lr: float
    rng: np.random.Generator


def save(stored: Stored, path: str | os.PathLike) -> None:
    """Write a network to a file, which holds the old content or the new one at any moment.

    Weights, configuration, learning rate and random state are kept, so that training goes on after
    loading as it would have without; the history is not. If another thread trains the network, the
    weights are those of one moment of it.

    Parameters
    ----------
    stored : Stored
    path : str or os.PathLike
        Of a file in a folder that exists. The extension is free; ``.safetensors`` tells other
        programs what it is.

    Raises
    ------
    TypeError
        If ``path`` is not a path.
    ValueError
        If the network cannot be stored: weights that are infinite or NaN, or over 128 layers.
    OSError
        If the system refuses, as `container.write` has it. What is there is intact.

    Examples
    --------
    >>> from fastperc import Network
    >>> net = Network((2, 3, 1), seed=0)
    >>> net.save("net.safetensors")
    >>> Network.load("net.safetensors")
    Network((2, 3, 1), hidden='relu', output='identity', loss='squared_error', dtype='float32')
    """
    path = container.check_path(path)
    container.write(path, KIND, *_content(stored))


def load(path: str | os.PathLike) -> Stored:
    """Read a network from a file that `save` wrote, as `container.read` does."""
    return container.read(path, KIND)


def _content(stored: Stored) -> tuple[JsonObject, dict[str, np.ndarray], int]:
    """Return the description of a network, its arrays and the format that says it all."""
    # Another thread may be training: what is checked, written and summed up is one copy.
    model = stored.model
    theta, settings, sizes = model.theta.copy(), _settings(stored), model.sizes
    if 2 * (len(sizes) - 1) > MAX_TENSORS:
        raise ValueError(
            f"found a network of {len(sizes) - 1} layers, expected at most {MAX_TENSORS // 2} "
            "to save it. Keep net.theta and the configuration instead"
        )
    if not np.isfinite(theta).all():
        raise ValueError(
            "theta: found a value that is infinite or NaN, expected finite numbers to save. Train "
            "again with a smaller lr, or mend what was written to the weights"
        )
    shapes = _shapes(sizes, model.bias)
    arrays = dict(zip(shapes, _arrays(theta, sizes, model.bias), strict=True))
    configuration = configuration_of(model)
    if not all(model.bias):
        configuration["bias"] = model.bias
    format = 1 if all(model.bias) else 2
    return {"configuration": configuration, **settings}, arrays, format


def _arrays(theta: np.ndarray, sizes: Sequence[int], bias: Sequence[bool]) -> list[np.ndarray]:
    """Return each array in a file, in the order of ``theta``, as views into it."""
    layers = zip(*views(theta, sizes, bias), bias, strict=True)
    return [array for W, b, has in layers for array in (W, b)[: 1 + has]]


def _shapes(sizes: Sequence[int], bias: Sequence[bool]) -> dict[str, tuple[int, ...]]:
    """Return name and shape of each array in a file, in the order of ``theta``."""
    shapes: dict[str, tuple[int, ...]] = {}
    for i, (n_in, n_out) in enumerate(itertools.pairwise(sizes)):
        shapes[f"layers.{i}.weight"] = (n_in, n_out)
        if bias[i]:
            shapes[f"layers.{i}.bias"] = (n_out,)
    return shapes


def _settings(stored: Stored) -> JsonObject:
    """Return what training changes besides the weights, as a file has it."""
    rng, lr = state_of(stored.rng), checks.check_positive(stored.lr, "lr")
    settings = json.loads(as_json({"labels": stored.labels, "lr": lr, "rng": rng}))
    _read_settings(settings)  # what is written can be read
    return settings


def configuration_of(model: Dense) -> JsonObject:
    """Return what a network is but for its weights and biases, in names and numbers."""
    return {
        "sizes": model.sizes,
        "hidden": model.hidden,
        "output": model.output,
        "loss": model.loss.name,
        "dtype": model.dtype.name,
    }


# --- reading: each function raises ValueError for the first rule that is broken ------------------


def _tensors(format: int, description: JsonObject) -> dict[str, Tensor]:
    """Return the arrays of a network of this description."""
    configuration = description["configuration"]
    check_keys(configuration, CONFIGURATION[format], "configuration")
    sizes = options.check_sizes(configuration["sizes"])
    bias = options.check_bias(configuration.get("bias", True), len(sizes) - 1)
    dtype = checks.check_choice(configuration["dtype"], "dtype", TENSOR_DTYPES)
    return {name: Tensor(dtype, shape) for name, shape in _shapes(sizes, bias).items()}


def _build(content: Content) -> Stored:
    """Return the network of a file."""
    labels, lr, rng = _read_settings(content.description)
    model = options.check_model(**content.description["configuration"])
    places = _arrays(model.theta, model.sizes, model.bias)
    for place, array in zip(places, content.arrays.values(), strict=True):
        place[:] = array
    return Stored(model, labels, lr, rng)


def _read_settings(description: JsonObject) -> tuple[tuple[int, int], float, Any]:
    """Return the labels, the learning rate and the random generator of a description."""
    return (
        labels_of(description["labels"]),
        checks.check_positive(description["lr"], "lr"),
        generator_of(description["rng"]),
    )


def labels_of(value: object) -> tuple[int, int]:
    """Return the two labels that a network with loss='hinge' predicts."""
    for labels in ((0, 1), (-1, 1)):
        if as_json(value) == as_json(labels):  # True is no 1
            return labels
    raise ValueError(f"labels: found {value!r:.60}, expected [0, 1] or [-1, 1]")


KIND = Kind(
    "Network",
    format=2,
    entries=("configuration", "labels", "lr", "rng"),
    tensors=_tensors,
    build=_build,
)
