"""Fleets in files: networks by their shape, all parameters of one shape in one array.

The arrays are called ``shapes.0.theta``, ``shapes.1.theta``, ...: (n_networks, n_parameters) each,
and ``shapes.0.numbers`` says which networks of the fleet these are.
"""

from __future__ import annotations

import os
from typing import NamedTuple

import numpy as np

from .. import checks
from ..model import options
from ..model.dense_fleet import DenseFleet
from ..model.layout import n_parameters
from ..model.losses import Labels
from . import container
from .container import Content, Kind, Tensor
from .generators import generator_of, state_of
from .models import CONFIGURATION, TENSOR_DTYPES, configuration_of, labels_of
from .safetensors import JsonObject, check_keys


class StoredFleet(NamedTuple):
    """What a file holds: networks by their shape, with their numbers in the fleet."""

    shapes: list[tuple[DenseFleet, np.ndarray]]
    labels: Labels
    rng: np.random.Generator
    seeds: list[int] | None


def save(stored: StoredFleet, path: str | os.PathLike) -> None:
    """Write a fleet to a file, as `container.write` does; ValueError if a weight is not finite."""
    path = container.check_path(path)
    container.write(path, KIND, *_content(stored))


def load(path: str | os.PathLike) -> StoredFleet:
    """Read a fleet from a file that `save` wrote, as `container.read` does."""
    return container.read(path, KIND)


def _content(stored: StoredFleet) -> tuple[JsonObject, dict[str, np.ndarray]]:
    """Return the description of a fleet and its arrays."""
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
    description = {
        "configurations": [
            {**configuration_of(fleet.dense), "bias": fleet.dense.bias}
            for fleet, _ in stored.shapes
        ],
        "labels": stored.labels,
        "rng": state_of(stored.rng),
        "seeds": stored.seeds,
    }
    return description, arrays


# --- reading: each function raises ValueError for the first rule that is broken ------------------


def _tensors(format: int, description: JsonObject) -> dict[str, Tensor]:
    """Return the arrays of a fleet of this description; how many networks each has is free."""
    configurations = description["configurations"]
    if not isinstance(configurations, list) or not configurations:
        raise ValueError(f"configurations: found {configurations!r:.60}, expected a list")
    tensors = {}
    for k, configuration in enumerate(configurations):
        check_keys(configuration, CONFIGURATION[2], "configuration")
        sizes = options.check_sizes(configuration["sizes"])
        bias = options.check_bias(configuration["bias"], len(sizes) - 1)
        dtype = checks.check_choice(configuration["dtype"], "dtype", TENSOR_DTYPES)
        tensors[f"shapes.{k}.theta"] = Tensor(dtype, (f"networks {k}", n_parameters(sizes, bias)))
        tensors[f"shapes.{k}.numbers"] = Tensor("int64", (f"networks {k}",))
    return dict(sorted(tensors.items()))


def _build(content: Content) -> StoredFleet:
    """Return the networks of a file."""
    description, found = content.description, []
    for k, configuration in enumerate(description["configurations"]):
        theta, numbers = (content.arrays[f"shapes.{k}.{name}"] for name in ("theta", "numbers"))
        if not len(numbers):
            raise ValueError(f"shapes.{k}: found no network, expected at least 1")
        found.append((DenseFleet(options.check_model(**configuration), theta), numbers))
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


KIND = Kind(
    "Fleet",
    format=1,
    entries=("configurations", "labels", "rng", "seeds"),
    tensors=_tensors,
    build=_build,
)
