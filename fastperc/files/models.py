"""Model files: networks saved whole or not at all, and read with suspicion.

A file has the safetensors layout, so that other programs can read the weights: eight bytes with the
length of a JSON header, the header, and the numbers of all arrays, little-endian, without gaps. The
header's metadata hold one entry of ours, ``fastperc``: the description of the network, as JSON. No
part of a file is ever executed.
"""

from __future__ import annotations

import hashlib
import io
import itertools
import json
import math
import os
import stat
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from safetensors.numpy import save as to_safetensors

from .. import checks
from ..errors import ModelFileError
from ..model import options
from ..model.dense import Dense
from ..model.layout import n_parameters, views
from ..model.losses import Labels
from .atomic import replace_file
from .generators import generator_of, state_of
from .safetensors import (
    MAX_TENSORS,
    as_json,
    check_keys,
    check_places,
    parse,
    read_array,
    read_header,
)

# To be raised when older readers would misread a file. What is no more than the first format has
# is written as that.
FORMAT = 2  # "bias" in the configuration
KIND = "Network"
TENSOR_DTYPES = {"float32": "F32", "float64": "F64"}
ENTRIES = ("format", "kind", "fastperc", "configuration", "labels", "lr", "rng", "sha256")
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
    weights are those of one moment of it. The new content is complete on the disk before it takes
    the place of the old, whose owner and permissions it keeps as far as the system allows. Of saves
    to one path at the same time, the last to end counts.

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
        If the system refuses: no such folder, no permission, disk full; or if the path is that of
        a folder, pipe or device. What is there is intact.

    Examples
    --------
    >>> from fastperc import Network
    >>> net = Network((2, 3, 1), seed=0)
    >>> net.save("net.safetensors")
    >>> Network.load("net.safetensors")
    Network((2, 3, 1), hidden='relu', output='identity', loss='squared_error', dtype='float32')
    """
    path = check_path(path)
    content = _content(stored)
    try:
        replace_file(path, content)
    except OSError as error:  # a full disk names no file, other errors name the temporary one
        raise OSError(error.errno, error.strerror, path) from error


def load(path: str | os.PathLike) -> Stored:
    """Read a network from a file that `save` wrote.

    Nothing in the file is trusted: sizes, names, types, shapes, places and a checksum are held
    against each other, and against the size of the file, before memory is set aside. The checksum
    finds accidents, not attackers: whoever can write the file can give it weights that predict
    what they like. Loading it is safe nevertheless.

    Parameters
    ----------
    path : str or os.PathLike

    Returns
    -------
    Stored
        Its network predicts, and trains on, exactly as the one that was saved.

    Raises
    ------
    ModelFileError
        If the file is damaged, is not a model, or comes from a newer fastperc. The message names
        the file and the first rule that it breaks.
    OSError
        If the file cannot be read, such as FileNotFoundError.
    """
    path = check_path(path)
    status = os.stat(path)
    try:
        if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
            raise ValueError("found a pipe or device, expected a regular file")
        with open(path, "rb") as file:
            return _read(file, os.fstat(file.fileno()).st_size)
    except MemoryError as error:
        raise ModelFileError(f"{path!r} holds more numbers than fit in memory") from error
    except (ValueError, TypeError) as error:  # the checks of a configuration raise both
        raise ModelFileError(f"{path!r} is not a readable model: {error!s:.300}") from error


def check_path(path: object) -> str:
    """Return a path as text."""
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(
            f"path: found {path!r:.60}, expected a str or os.PathLike such as 'net.safetensors'"
        )
    return os.fsdecode(path)


# --- what is in a file ---------------------------------------------------------------------------


def _content(stored: Stored) -> bytes:
    """Return the bytes of a network's file."""
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
    description = _description(model, theta, settings)
    return to_safetensors(arrays, {"fastperc": as_json(description)})


def _arrays(theta: np.ndarray, sizes: Sequence[int], bias: Sequence[bool]) -> list[np.ndarray]:
    """Return each array in a file, in the order of ``theta``, as views into it."""
    layers = zip(*views(theta, sizes, bias), bias, strict=True)
    return [array for W, b, has in layers for array in (W, b)[: 1 + has]]


def _shapes(sizes: Sequence[int], bias: Sequence[bool]) -> dict[str, list[int]]:
    """Return name and shape of each array in a file, in the order of ``theta``."""
    shapes = {}
    for i, (n_in, n_out) in enumerate(itertools.pairwise(sizes)):
        shapes[f"layers.{i}.weight"] = [n_in, n_out]
        if bias[i]:
            shapes[f"layers.{i}.bias"] = [n_out]
    return shapes


def _settings(stored: Stored) -> dict[str, Any]:
    """Return what training changes besides the weights, as a file has it."""
    rng, lr = state_of(stored.rng), checks.check_positive(stored.lr, "lr")
    settings = json.loads(as_json({"labels": stored.labels, "lr": lr, "rng": rng}))
    _read_settings(settings)  # what is written can be read
    return settings


def _description(model: Dense, theta: np.ndarray, settings: dict[str, Any]) -> dict[str, Any]:
    """Return all about a network but its arrays."""
    from .. import __version__

    configuration = configuration_of(model)
    if not all(model.bias):
        configuration["bias"] = model.bias
    description = {
        "format": 1 if all(model.bias) else 2,
        "kind": KIND,
        "fastperc": __version__,
        "configuration": configuration,
        **settings,
    }
    return {**description, "sha256": _checksum(description, theta)}


def configuration_of(model: Dense) -> dict[str, Any]:
    """Return what a network is but for its weights and biases, in names and numbers."""
    return {
        "sizes": model.sizes,
        "hidden": model.hidden,
        "output": model.output,
        "loss": model.loss.name,
        "dtype": model.dtype.name,
    }


def _checksum(description: dict[str, Any], theta: np.ndarray) -> str:
    """Return the SHA-256 of the description (without this entry) as JSON, then ``theta``."""
    digest = hashlib.sha256(as_json(description).encode())
    digest.update(np.ascontiguousarray(theta, theta.dtype.newbyteorder("<")).data)
    return digest.hexdigest()


# --- reading: each function raises ValueError for the first rule that is broken ------------------


def _read(file: io.BufferedReader, size: int) -> Stored:
    """Return what an open file of so many bytes holds."""
    header, start = read_header(file, size)
    description = _read_description(header)
    checksum = description.pop("sha256")
    configuration = description["configuration"]
    places = _check_tensors(header, configuration, size - start)
    labels, lr, rng = _read_settings(description)
    model = options.check_model(**configuration)
    for place, array in zip(places, _arrays(model.theta, model.sizes, model.bias), strict=True):
        read_array(file, start + place, array)
    if checksum != _checksum(description, model.theta):
        raise ValueError("found a wrong checksum: the file is damaged. Use another copy of it")
    if not np.isfinite(model.theta).all():
        raise ValueError("found a weight that is infinite or NaN, expected finite numbers")
    return Stored(model, labels, lr, rng)


def _read_description(header: dict[str, Any]) -> dict[str, Any]:
    """Return our entry in the metadata of a header."""
    metadata = header.pop("__metadata__", None)
    if not isinstance(metadata, dict) or not isinstance(metadata.get("fastperc"), str):
        raise ValueError(
            "found no description of a network in the metadata, expected one named 'fastperc': "
            "another program wrote the file. Load a file that save wrote"
        )
    description = parse(metadata["fastperc"], "description")
    version = description.get("format")
    if type(version) is not int or not 1 <= version <= FORMAT:
        raise ValueError(
            f"found format {version!r:.60}, expected at most {FORMAT}. "
            "If the file comes from a newer fastperc, install that"
        )
    if description.get("kind") != KIND:
        raise ValueError(f"kind: found {description.get('kind')!r:.60}, expected {KIND!r}")
    check_keys(description, ENTRIES, "description")
    check_keys(description["configuration"], CONFIGURATION[version], "configuration")
    if not isinstance(description["fastperc"], str):
        raise ValueError(f"fastperc: found {description['fastperc']!r:.60}, expected a version")
    return description


def _read_settings(description: dict[str, Any]) -> tuple[tuple[int, int], float, Any]:
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


def _check_tensors(header: dict, configuration: dict, n_bytes: int) -> list[int]:
    """Return where each array begins among the ``n_bytes`` bytes of numbers."""
    sizes = options.check_sizes(configuration["sizes"])
    bias = options.check_bias(configuration.get("bias", True), len(sizes) - 1)
    dtype = np.dtype(checks.check_choice(configuration["dtype"], "dtype", TENSOR_DTYPES))
    n_tensors = len(bias) + sum(bias)
    if len(header) != n_tensors or n_bytes != n_parameters(sizes, bias) * dtype.itemsize:
        raise ValueError(
            f"found {len(header)} tensors in {n_bytes} bytes, expected a weight (and a bias, "
            f"where it has one) of {dtype} for each layer of sizes {sizes!r:.60}: the file was cut "
            "or changed"
        )
    shapes = _shapes(sizes, bias)
    check_keys(header, shapes, "tensors")
    for name, shape in shapes.items():
        check_keys(header[name], ("dtype", "shape", "data_offsets"), name)
        expected = {"dtype": TENSOR_DTYPES[dtype.name], "shape": shape}
        found = {key: header[name][key] for key in expected}
        if as_json(found) != as_json(expected):  # True is no 1
            raise ValueError(f"{name}: found {found!r:.100}, expected {expected}")
    lengths = {name: math.prod(shape) * dtype.itemsize for name, shape in shapes.items()}
    places = check_places({name: header[name]["data_offsets"] for name in shapes}, lengths)
    return [places[name] for name in shapes]
