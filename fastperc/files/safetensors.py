"""The safetensors layout, read with suspicion.

Eight bytes with the length of a JSON header, the header, and the numbers of all arrays,
little-endian, without gaps. Each function raises ValueError for the first rule that is broken.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias

import numpy as np

from .. import checks

if TYPE_CHECKING:
    from .container import Tensor

JsonObject: TypeAlias = dict[str, Any]  # what a file says, until it was checked
DTYPES = {  # in NumPy, and in a header
    "bool": "BOOL", "uint8": "U8", "uint16": "U16", "uint32": "U32", "uint64": "U64",
    "int8": "I8", "int16": "I16", "int32": "I32", "int64": "I64",
    "float32": "F32", "float64": "F64",
}  # fmt: skip
MAX_HEADER = 1_000_000  # bytes
MAX_TENSORS = 256
MAX_ENTRIES = 4096  # of all objects and lists in a header; a file of 256 tensors has half of that
MAX_BRACKETS = 2048
MAX_DEPTH = 24  # of objects and lists in each other
MAX_DIGITS = 40  # of a number; those of a random state have up to 39


def as_json(value: object) -> str:
    """Return the one JSON text of a value; NumPy's numbers and arrays become plain ones."""
    separators = (",", ":")
    return json.dumps(value, sort_keys=True, separators=separators, default=lambda x: x.tolist())


def read_header(file: BinaryIO, size: int) -> tuple[JsonObject, int]:
    """Return the JSON header of a file of ``size`` bytes, and where its numbers start."""
    n_bytes = int.from_bytes(file.read(8), "little")
    if size < 8 or n_bytes > min(MAX_HEADER, size - 8):
        raise ValueError(
            f"found a file of {size} bytes that declares a header of {n_bytes}, expected a header "
            f"that fits in and has at most {MAX_HEADER}. Load a file that save wrote"
        )
    header = parse(file.read(n_bytes), "header")
    n_tensors = len(header) - 1
    if n_tensors > MAX_TENSORS:
        raise ValueError(f"found {n_tensors} tensors, expected at most {MAX_TENSORS}")
    return header, 8 + n_bytes


def parse(text: bytes | str, what: str) -> JsonObject:
    """Return a JSON object in which no name comes twice and every number is finite."""
    try:
        text = text if isinstance(text, str) else text.decode("utf-8")
        if text.count(",") > MAX_ENTRIES or text.count("[") + text.count("{") > MAX_BRACKETS:
            raise ValueError(
                f"it has over {MAX_ENTRIES} commas or {MAX_BRACKETS} brackets, more than those of "
                f"{MAX_TENSORS} tensors. Load a file that save wrote"
            )
        value = json.loads(
            text,
            object_pairs_hook=_unique,
            parse_constant=_refuse,
            parse_int=lambda digits: int(_short(digits)),
            parse_float=lambda digits: checks.check_number(float(_short(digits)), "number"),
        )
        _check_depth(value)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{what}: expected JSON, but {error}") from error
    if not isinstance(value, dict):
        raise ValueError(f"{what}: found {value!r:.60}, expected a JSON object")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> JsonObject:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name comes twice")
    return found


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number")


def _short(digits: str) -> str:
    """Return a number's text, unless it has more digits than any float takes."""
    if len(digits) > MAX_DIGITS:
        raise ValueError(f"found a number of {len(digits)} digits, expected at most {MAX_DIGITS}")
    return digits


def _check_depth(value: object, levels: int = MAX_DEPTH) -> None:
    """Refuse deep values: whoever shows, compares or writes one calls itself at each level."""
    if isinstance(value, (dict, list)):
        if levels == 0:
            raise ValueError(f"it is nested deeper than {MAX_DEPTH} levels")
        for inner in value.values() if isinstance(value, dict) else value:
            _check_depth(inner, levels - 1)


def check_keys(value: object, expected: Iterable[str], what: str) -> None:
    """Refuse a value that is no object of exactly these entries."""
    if not isinstance(value, dict) or value.keys() != set(expected):
        # Names are shown in ASCII: nothing in a file gets to control a terminal.
        names = [ascii(name)[1:-1] for name in sorted(value)] if isinstance(value, dict) else []
        found = ", ".join(names) if isinstance(value, dict) else repr(value)
        raise ValueError(
            f"{what}: found {found:.160}, expected the entries {', '.join(sorted(expected))}"
        )


def check_tensors(
    header: JsonObject, tensors: Mapping[str, Tensor], n_bytes: int
) -> dict[str, int]:
    """Return where each array begins among so many bytes of numbers.

    The header has to have exactly the arrays that are expected, which fill these bytes one after
    the other, without gap or overlap.
    """
    shapes = _shapes(header, tensors)
    lengths = {
        name: math.prod(shapes[name]) * np.dtype(tensor.dtype).itemsize
        for name, tensor in tensors.items()
    }
    if len(header) != len(tensors) or sum(lengths.values()) != n_bytes:
        raise ValueError(
            f"found {len(header)} tensors in {n_bytes} bytes, expected {len(tensors)} in "
            f"{sum(lengths.values())} as the description has it: the file was cut or changed"
        )
    check_keys(header, tensors, "tensors")
    for name, tensor in tensors.items():
        check_keys(header[name], ("dtype", "shape", "data_offsets"), name)
        expected = {"dtype": DTYPES[tensor.dtype], "shape": shapes[name]}
        found = {key: header[name][key] for key in expected}
        if as_json(found) != as_json(expected):  # True is no 1
            raise ValueError(f"{name}: found {found!r:.100}, expected {expected}")
    return check_places({name: header[name]["data_offsets"] for name in tensors}, lengths)


def _shapes(header: JsonObject, tensors: Mapping[str, Tensor]) -> dict[str, list[int]]:
    """Return the shapes that arrays have to have; lengths that are free are those in the header."""
    free: dict[str, int] = {}
    for name, tensor in tensors.items():
        entry = header.get(name)
        shape = entry.get("shape") if isinstance(entry, dict) else None
        if isinstance(shape, list) and len(shape) == len(tensor.shape):
            for expected, length in zip(tensor.shape, shape, strict=True):
                if isinstance(expected, str) and type(length) is int and length >= 0:
                    free.setdefault(expected, length)
    return {
        name: [free.get(n, 0) if isinstance(n, str) else n for n in tensor.shape]
        for name, tensor in tensors.items()
    }


def check_places(offsets: JsonObject, lengths: dict[str, int]) -> dict[str, int]:
    """Return where each array begins, if they follow each other without gap or overlap."""
    for name, span in offsets.items():
        if not isinstance(span, list) or [type(number) for number in span] != [int, int]:
            raise ValueError(f"{name}: found data_offsets {span!r:.60}, expected two whole numbers")
    places, end = {}, 0
    for name in sorted(offsets, key=offsets.__getitem__):
        places[name], end = end, end + lengths[name]
        if offsets[name] != [places[name], end]:
            raise ValueError(
                f"{name}: found data_offsets {offsets[name]!r:.60}, expected "
                f"{[places[name], end]}, without gap or overlap"
            )
    return places


def read_array(file: BinaryIO, place: int, array: np.ndarray) -> None:
    """Fill an array from the file."""
    file.seek(place)
    if file.readinto(array.data) != array.nbytes:  # type: ignore[attr-defined]
        raise ValueError("the file was cut while it was read. Load it again")
    if sys.byteorder == "big":
        array.byteswap(inplace=True)
