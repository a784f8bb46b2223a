"""Checkpoint files: the state of a call that trains, see `training.checkpoints`.

A state is a tree of dictionaries and lists. In the file it is one JSON text, in which each array is
replaced by the dtype and the shape that it has; the numbers of all arrays of one dtype follow each
other in one tensor.
"""

from __future__ import annotations

import json
import math
import os
from typing import Any

import numpy as np

from ..checks import check_count
from .atomic import check_place
from .container import Content, Kind, Tensor, check_path, read, write
from .generators import check_generator
from .safetensors import DTYPES, JsonObject, as_json, check_keys

TEXT = "text"  # the tensor of the JSON text; the others are named by their dtypes
MOST_LEVELS = 24


class CheckpointFile:
    """A file that holds one state or, before the first one was written, is not there.

    Parameters
    ----------
    path : str or os.PathLike
    """

    def __init__(self, path: str | os.PathLike):
        self.path = check_path(path)

    def check_place(self) -> None:
        """Raise OSError where a file could not be written there."""
        check_place(self.path)

    def write(self, state: JsonObject) -> None:
        """Put a state in the place of the one that is there, which is intact if that fails."""
        text, arrays = flatten(state)
        arrays = {TEXT: np.frombuffer(text.encode(), np.uint8), **arrays}
        write(self.path, CHECKPOINT, {"sizes": {k: a.size for k, a in arrays.items()}}, arrays)

    def read(self) -> JsonObject | None:
        """Return the state, or None where there is no file.

        Raises
        ------
        ModelFileError
            If the file is damaged, or is no checkpoint.
        """
        if not os.path.lexists(self.path):
            return None
        found: JsonObject = read(self.path, CHECKPOINT)
        return found


def flatten(state: JsonObject) -> tuple[str, dict[str, np.ndarray]]:
    """Return a state as JSON, and the arrays that it refers to, joined by dtype."""
    parts: dict[str, list[np.ndarray]] = {}

    def encode(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            name = value.dtype.name
            if name not in DTYPES:
                raise TypeError(f"found an array of {value.dtype}, expected one of {DTYPES}")
            parts.setdefault(name, []).append(value.ravel())
            return {"dtype": name, "shape": [*value.shape]}
        if isinstance(value, dict):
            return {"items": {key: encode(value[key]) for key in sorted(value)}}
        if isinstance(value, (list, tuple)):
            return [encode(inner) for inner in value]
        if isinstance(value, (float, np.floating)):  # JSON has no NaN
            return {"float": repr(float(value))}
        return value.item() if isinstance(value, np.generic) else value

    text = as_json(encode(state))
    return text, {name: np.concatenate(arrays) for name, arrays in parts.items()}


def unflatten(text: str, arrays: dict[str, np.ndarray]) -> JsonObject:
    """Return the state that `flatten` made these of; nothing in them is trusted.

    Raises
    ------
    ValueError
        For the first thing that is not as it has to be.
    """
    taken = dict.fromkeys(arrays, 0)

    def array_of(name: str, shape: list[int]) -> np.ndarray:
        are_counts = isinstance(shape, list) and all(type(n) is int and n >= 0 for n in shape)
        if name not in arrays or not are_counts:
            raise ValueError(f"found an array {name!r:.40} of shape {shape!r:.60}")
        first = taken[name]
        taken[name] = last = first + math.prod(shape)
        if last > arrays[name].size:
            raise ValueError(f"found too few numbers of {name} for an array of shape {shape}")
        return arrays[name][first:last].reshape(shape).copy()

    def decode(value: Any, levels: int) -> Any:
        if levels == 0:
            raise ValueError(f"it is nested deeper than {MOST_LEVELS} levels")
        if isinstance(value, list):
            return [decode(inner, levels - 1) for inner in value]
        if not isinstance(value, dict):
            return value
        if value.keys() == {"dtype", "shape"}:
            return array_of(value["dtype"], value["shape"])
        if value.keys() == {"float"} and isinstance(value["float"], str):
            return float(value["float"])
        if value.keys() != {"items"} or not isinstance(value["items"], dict):
            raise ValueError(f"found the entries {sorted(value)!r:.80}")
        found = {key: decode(inner, levels - 1) for key, inner in value["items"].items()}
        if "bit_generator" in found:
            check_generator(found)
        return found

    try:
        state = decode(json.loads(text), MOST_LEVELS)
    except (ValueError, TypeError, RecursionError) as error:
        raise ValueError(f"state: expected what a checkpoint has, but {error}") from error
    if taken != {name: array.size for name, array in arrays.items()}:
        raise ValueError("state: found numbers that belong to no array")
    if not isinstance(state, dict) or state.keys() != {"streams", "runs"}:
        raise ValueError("state: found other entries, expected streams and runs")
    return state


def _tensors(format: int, description: JsonObject) -> dict[str, Tensor]:
    """Return what a file has to hold: as many numbers of each dtype as its description says."""
    sizes = description["sizes"]
    if not isinstance(sizes, dict) or TEXT not in sizes:
        raise ValueError(f"sizes: found {sizes!r:.60}, expected those of text and arrays")
    check_keys(sizes, [name for name in (TEXT, *DTYPES) if name in sizes], "sizes")
    return {
        name: Tensor("uint8" if name == TEXT else name, (check_count(size, name, least=0),), False)
        for name, size in sorted(sizes.items())
    }


def _build(content: Content) -> JsonObject:
    arrays = dict(content.arrays)
    return unflatten(arrays.pop(TEXT).tobytes().decode(), arrays)


CHECKPOINT = Kind("Checkpoint", 1, ("sizes",), _tensors, _build)
