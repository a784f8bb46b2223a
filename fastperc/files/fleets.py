"""Fleets in files: the layout of `models`, all parameters of one shape in one array.

The arrays are called ``shapes.0.theta``, ``shapes.1.theta``, ...: (n_networks, n_parameters) each,
and ``shapes.0.numbers`` says which networks of the fleet these are.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import os
import stat
from typing import Any, NamedTuple

import numpy as np
from safetensors.numpy import save as to_safetensors

from .. import checks
from ..errors import ModelFileError
from ..model import options
from ..model.dense import Dense
from ..model.dense_fleet import DenseFleet
from ..model.layout import aligned_zeros
from ..model.losses import Labels
from .atomic import replace_file
from .generators import generator_of, state_of
from .models import TENSOR_DTYPES, check_path, configuration_of, labels_of
from .safetensors import as_json, check_keys, check_places, parse, read_array, read_header

FORMAT, KIND = 1, "Fleet"
ENTRIES = ("format", "kind", "fastperc", "configurations", "labels", "rng", "seeds", "sha256")
CONFIGURATION = ("sizes", "hidden", "output", "loss", "dtype", "bias")


class StoredFleet(NamedTuple):
    """What a file holds: networks by their shape, with their numbers in the fleet."""

    shapes: list[tuple[DenseFleet, np.ndarray]]
    labels: Labels
    rng: np.random.Generator
    seeds: list[int] | None


def save(stored: StoredFleet, path: str | os.PathLike) -> None:
    """Write a fleet to a file, which holds the old content or the new one at any moment.

    Raises
    ------
    TypeError
        If ``path`` is not a path.
    ValueError
        If a weight is infinite or NaN.
    OSError
        If the system refuses; what is there is intact.
    """
    path = check_path(path)
    content = _content(stored)
    try:
        replace_file(path, content)
    except OSError as error:  # a full disk names no file, other errors name the temporary one
        raise OSError(error.errno, error.strerror, path) from error


def load(path: str | os.PathLike) -> StoredFleet:
    """Read a fleet from a file that `save` wrote; nothing in it is trusted.

    Raises
    ------
    ModelFileError
        If the file is damaged, is not a fleet, or comes from a newer fastperc.
    OSError
        If the file cannot be read.
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
        raise ModelFileError(f"{path!r} is not a readable fleet: {error!s:.300}") from error


def _content(stored: StoredFleet) -> bytes:
    """Return the bytes of a fleet's file."""
    from .. import __version__

    arrays = {}
    for k, (fleet, numbers) in enumerate(stored.shapes):
        theta = fleet.theta.copy()
        is_odd = ~np.isfinite(theta).all(axis=1)
        if is_odd.any():
            raise ValueError(
                f"theta: found a value of network {numbers[int(np.argmax(is_odd))]} that is "
                "infinite or NaN, expected finite numbers to save. Leave such networks out, or "
                "mend what was written to their weights"
            )
        arrays[f"shapes.{k}.theta"] = theta
        arrays[f"shapes.{k}.numbers"] = np.asarray(numbers, np.int64)
    description: dict[str, Any] = {
        "format": FORMAT,
        "kind": KIND,
        "fastperc": __version__,
        "configurations": [
            {**configuration_of(fleet.dense), "bias": fleet.dense.bias}
            for fleet, _ in stored.shapes
        ],
        "labels": stored.labels,
        "rng": state_of(stored.rng),
        "seeds": stored.seeds,
    }
    description["sha256"] = _checksum(description, arrays)
    return to_safetensors(arrays, {"fastperc": as_json(description)})


def _checksum(description: dict[str, Any], arrays: dict[str, np.ndarray]) -> str:
    """Return the SHA-256 of the description (without this entry) as JSON, then of all arrays."""
    plain = json.loads(as_json(description))
    digest = hashlib.sha256(as_json(plain).encode())
    for name in sorted(arrays):
        array = arrays[name]
        digest.update(np.ascontiguousarray(array, array.dtype.newbyteorder("<")).data)
    return digest.hexdigest()


def _read(file: io.BufferedReader, size: int) -> StoredFleet:
    """Return what an open file of so many bytes holds."""
    header, start = read_header(file, size)
    description = _read_description(header)
    checksum = description.pop("sha256")
    models = [options.check_model(**c) for c in description["configurations"]]
    shapes = _check_tensors(header, models, size - start)
    places = check_places(
        {name: header[name]["data_offsets"] for name in shapes},
        {
            name: math.prod(shape)
            * (models[int(name.split(".")[1])].dtype.itemsize if name.endswith("theta") else 8)
            for name, shape in shapes.items()
        },
    )
    arrays = {}
    for name, shape in shapes.items():
        dtype = models[int(name.split(".")[1])].dtype if name.endswith("theta") else np.int64
        array = aligned_zeros(math.prod(shape), dtype).reshape(shape)
        read_array(file, start + places[name], array)
        arrays[name] = array
    if checksum != _checksum(description, arrays):
        raise ValueError("found a wrong checksum: the file is damaged. Use another copy of it")
    found = []
    for k, model in enumerate(models):
        theta, numbers = arrays[f"shapes.{k}.theta"], arrays[f"shapes.{k}.numbers"]
        if not np.isfinite(theta).all():
            raise ValueError("found a weight that is infinite or NaN, expected finite numbers")
        found.append((DenseFleet(model, theta), numbers))
    together = np.sort(np.concatenate([numbers for _, numbers in found]))
    if (together != np.arange(len(together))).any():
        raise ValueError("found networks whose numbers do not count from 0, expected each once")
    return StoredFleet(
        found, labels_of(description["labels"]), generator_of(description["rng"]),
        _check_seeds(description["seeds"], len(together)),
    )  # fmt: skip


def _check_seeds(seeds: object, n: int) -> list[int] | None:
    if seeds is None:
        return None
    if not isinstance(seeds, list) or len(seeds) != n:
        raise ValueError(f"seeds: found {seeds!r:.60}, expected {n} numbers")
    return [checks.check_count(seed, "seeds", least=0) for seed in seeds]


def _read_description(header: dict[str, Any]) -> dict[str, Any]:
    """Return our entry in the metadata of a header."""
    metadata = header.pop("__metadata__", None)
    if not isinstance(metadata, dict) or not isinstance(metadata.get("fastperc"), str):
        raise ValueError(
            "found no description of a fleet in the metadata, expected one named 'fastperc': "
            "another program wrote the file. Load a file that save wrote"
        )
    description = parse(metadata["fastperc"], "description")
    version = description.get("format")
    if description.get("kind") != KIND:
        raise ValueError(
            f"kind: found {description.get('kind')!r:.60}, expected {KIND!r}. A single network is "
            "read by Network.load"
        )
    if version != FORMAT or type(version) is not int:
        raise ValueError(
            f"found format {version!r:.60}, expected {FORMAT}. If the file comes from a newer "
            "fastperc, install that"
        )
    check_keys(description, ENTRIES, "description")
    configurations = description["configurations"]
    if not isinstance(configurations, list) or not configurations:
        raise ValueError(f"configurations: found {configurations!r:.60}, expected a list")
    for configuration in configurations:
        check_keys(configuration, CONFIGURATION, "configuration")
    return description


def _check_tensors(
    header: dict[str, Any], models: list[Dense], n_bytes: int
) -> dict[str, tuple[int, ...]]:
    """Return the shape of each array, held against the configurations and the file's size."""
    names = [f"shapes.{k}.{kind}" for k in range(len(models)) for kind in ("theta", "numbers")]
    check_keys(header, names, "tensors")
    shapes: dict[str, tuple[int, ...]] = {}
    total = 0
    for k, model in enumerate(models):
        theta, numbers = f"shapes.{k}.theta", f"shapes.{k}.numbers"
        for name in (theta, numbers):
            check_keys(header[name], ("dtype", "shape", "data_offsets"), name)
        n = header[numbers]["shape"][0] if isinstance(header[numbers]["shape"], list) else None
        n = checks.check_count(n, f"{numbers}: shape")
        for name, dtype, shape in (
            (theta, TENSOR_DTYPES[model.dtype.name], [n, model.theta.size]),
            (numbers, "I64", [n]),
        ):
            expected = {"dtype": dtype, "shape": shape}
            found = {key: header[name][key] for key in expected}
            if as_json(found) != as_json(expected):  # True is no 1
                raise ValueError(f"{name}: found {found!r:.100}, expected {expected}")
            shapes[name] = tuple(shape)
        total += n * (model.theta.size * model.dtype.itemsize + 8)
    if total != n_bytes:
        raise ValueError(
            f"found {n_bytes} bytes of numbers, expected {total}: the file was cut or changed"
        )
    return shapes
