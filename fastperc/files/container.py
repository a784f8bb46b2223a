"""The container of all files of models: one description in JSON, and named arrays.

A file has the safetensors layout, so that other programs can read the numbers: eight bytes with the
length of a JSON header, the header, and the numbers of all arrays, little-endian, without gaps. The
header's metadata hold one entry of ours, ``fastperc``: the description, as JSON. It says of which
kind the file is, by which format of that kind and which version of fastperc it was written, what
the kind needs to be built again, and the SHA-256 of all of that and the numbers. No part of a file
is ever executed.

What a file may hold is known to a `Kind`: the names in its description and, computed from that
alone, name, dtype and shape of each array. The header is held against these before any memory is
set aside for numbers. The checksum finds accidents, not attackers: whoever can write the file can
give it weights that predict what they like. Reading it is safe nevertheless.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import math
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from safetensors.numpy import save as to_safetensors

from ..errors import ModelFileError
from ..model.layout import aligned_zeros
from ..versions import warn_of_version
from .atomic import replace_file
from .safetensors import (
    JsonObject,
    as_json,
    check_keys,
    check_tensors,
    parse,
    read_array,
    read_header,
)

ENTRY = "fastperc"  # of the metadata
OWN = ("format", "kind", "fastperc", "sha256")  # of every description


class Tensor(NamedTuple):
    """What a file has to hold under a name.

    A length in ``shape`` may be text: any number then, the same wherever the text occurs.
    """

    dtype: str  # of NumPy, such as "float32": a key of `safetensors.DTYPES`
    shape: tuple[int | str, ...]
    finite: bool = True  # whether infinity and NaN are refused


class Content(NamedTuple):
    """What a file holds, checked against its kind."""

    kind: str
    format: int
    version: str  # of the fastperc that wrote it
    sha256: str
    description: JsonObject  # without these four
    arrays: dict[str, np.ndarray]


class Kind(NamedTuple):
    """What files of one kind hold.

    Raise ``format`` when older readers would misread a file; `encode` can be told an older one.
    ``entries`` are the names in the description. ``tensors(format, description)`` returns name and
    `Tensor` of each array, in the order in which the checksum goes over them. ``build(content)``
    returns what `read` returns. Both raise ValueError or TypeError for a description that makes no
    sense; nothing in it has been checked but its names.
    """

    name: str
    format: int
    entries: tuple[str, ...]
    tensors: Callable[[int, JsonObject], Mapping[str, Tensor]]
    build: Callable[[Content], Any]


# --- writing -------------------------------------------------------------------------------------


def write(
    path: str | os.PathLike,
    kind: Kind,
    description: Mapping[str, Any],
    arrays: Mapping[str, np.ndarray],
    format: int | None = None,
) -> None:
    """Write a file, which holds the old content or the new one at any moment.

    The new content is complete on the disk before it takes the place of the old, whose owner and
    permissions it keeps as far as the system allows. Of writes to one path at the same time, the
    last to end counts.

    Raises
    ------
    TypeError
        If ``path`` is not a path.
    ValueError
        If `read` would refuse the file; nothing was written then.
    OSError
        If the system refuses: no such folder, no permission, disk full; or if the path is that of
        a folder, pipe or device. What is there is intact.
    """
    path = check_path(path)
    content = encode(kind, description, arrays, format)
    try:
        replace_file(path, content)
    except OSError as error:  # a full disk names no file, other errors name the temporary one
        raise OSError(error.errno, error.strerror, path) from error


def encode(
    kind: Kind,
    description: Mapping[str, Any],
    arrays: Mapping[str, np.ndarray],
    format: int | None = None,
) -> bytes:
    """Return the bytes of a file; ValueError if `decode` would refuse them for what they hold."""
    from .. import __version__

    format = kind.format if format is None else format
    own = {"format": format, "kind": kind.name, "fastperc": __version__}
    plain = json.loads(as_json({**own, **description}))
    tensors = kind.tensors(format, plain)
    arrays = {name: np.ascontiguousarray(arrays[name]) for name in tensors}
    for name, array in arrays.items():
        _check_numbers(name, array, tensors[name])
    text = as_json({**plain, "sha256": _checksum(plain, arrays)})
    content = to_safetensors(arrays, {ENTRY: text})
    _read_header(io.BytesIO(content), len(content), (kind,))
    return content


# --- reading: the first rule that is broken is a ValueError, at the door a ModelFileError ---------


def read(path: str | os.PathLike, *kinds: Kind) -> Any:
    """Return what the kind of a file builds of it; nothing in the file is trusted.

    Raises
    ------
    ModelFileError
        If the file is damaged, is of another kind, or comes from a newer fastperc. The message
        names the file and the first rule that it breaks.
    OSError
        If the file cannot be read, such as FileNotFoundError.

    Warns
    -----
    ModelVersionWarning
        If another version of fastperc wrote the file.
    """
    path = check_path(path)
    with refusing(path):
        content = _open(path, kinds)
        found = _kind_named(content.kind, kinds).build(content)
    warn_of_version(content.version, repr(path), stacklevel=3)
    return found


def inspect(path: str | os.PathLike, *kinds: Kind) -> Content:
    """Return what a file holds, without building it; raises what `read` raises."""
    path = check_path(path)
    with refusing(path):
        return _open(path, kinds)


def decode(content: bytes, *kinds: Kind, name: str = "<bytes>") -> Any:
    """Return what `read` returns for a file of these bytes; errors call it by the name."""
    with refusing(name):
        found = _read(io.BytesIO(content), len(content), kinds)
        return _kind_named(found.kind, kinds).build(found)


@contextlib.contextmanager
def refusing(path: str) -> Iterator[None]:
    """Turn what checks raise within this block into ModelFileError, which names the file."""
    try:
        yield
    except ModelFileError:
        raise
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


def _open(path: str, kinds: tuple[Kind, ...]) -> Content:
    status = os.stat(path)
    if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
        raise ValueError("found a pipe or device, expected a regular file")
    with open(path, "rb") as file:
        return _read(file, os.fstat(file.fileno()).st_size, kinds)


def _kind_named(name: object, kinds: tuple[Kind, ...]) -> Kind:
    for kind in kinds:
        if kind.name == name:
            return kind
    more = "" if len(kinds) > 1 else ". fastperc.load reads files of all kinds"
    raise ValueError(
        f"kind: found {name!r:.60}, expected {' or '.join(repr(k.name) for k in kinds)}{more}"
    )


def _read(file: BinaryIO, size: int, kinds: tuple[Kind, ...]) -> Content:
    """Return what an open file of so many bytes holds."""
    plain, tensors, places = _read_header(file, size, kinds)
    description = {key: value for key, value in plain.items() if key not in OWN}
    arrays = {}
    for name, tensor in tensors.items():
        place, shape = places[name]
        array = aligned_zeros(math.prod(shape), np.dtype(tensor.dtype))
        read_array(file, place, array)
        arrays[name] = array.reshape(shape)
    sha256 = plain.pop("sha256")
    if sha256 != _checksum(plain, arrays):
        raise ValueError("found a wrong checksum: the file is damaged. Use another copy of it")
    for name, array in arrays.items():
        _check_numbers(name, array, tensors[name])
    return Content(plain["kind"], plain["format"], plain["fastperc"], sha256, description, arrays)


def _read_header(
    file: BinaryIO, size: int, kinds: tuple[Kind, ...]
) -> tuple[JsonObject, Mapping[str, Tensor], dict[str, tuple[int, list[int]]]]:
    """Return the description, the arrays that it asks for, and place and shape of each."""
    header, start = read_header(file, size)
    plain = _read_description(header, kinds)
    description = {key: value for key, value in plain.items() if key not in OWN}
    tensors = _kind_named(plain["kind"], kinds).tensors(plain["format"], description)
    places = check_tensors(header, tensors, size - start)
    return plain, tensors, {n: (start + places[n], header[n]["shape"]) for n in tensors}


def _read_description(header: JsonObject, kinds: tuple[Kind, ...]) -> JsonObject:
    """Take our entry out of the metadata of a header, and return it."""
    metadata = header.pop("__metadata__", None)
    if not isinstance(metadata, dict) or not isinstance(metadata.get(ENTRY), str):
        raise ValueError(
            f"found no description of a model in the metadata, expected one named {ENTRY!r}: "
            "another program wrote the file. Load a file that save wrote"
        )
    description = parse(metadata[ENTRY], "description")
    kind = _kind_named(description.get("kind"), kinds)
    format = description.get("format")
    if type(format) is not int or not 1 <= format <= kind.format:
        raise ValueError(
            f"found format {format!r:.60}, expected at most {kind.format}. "
            "If the file comes from a newer fastperc, install that"
        )
    check_keys(description, (*OWN, *kind.entries), "description")
    if not isinstance(description["fastperc"], str):
        raise ValueError(f"fastperc: found {description['fastperc']!r:.60}, expected a version")
    return description


def _check_numbers(name: str, array: np.ndarray, tensor: Tensor) -> None:
    """Refuse numbers that an array may not have."""
    if tensor.finite and array.dtype.kind == "f" and not np.isfinite(array).all():
        raise ValueError(
            f"{name}: found a value that is infinite or NaN, expected finite numbers in a file"
        )
    if array.dtype == bool and (array.view(np.uint8) > 1).any():
        raise ValueError(f"{name}: found a byte over 1, expected those of true and false")


def _checksum(description: JsonObject, arrays: Mapping[str, np.ndarray]) -> str:
    """Return the SHA-256 of the description (without this entry) as JSON, then of all arrays."""
    digest = hashlib.sha256(as_json(description).encode())
    for array in arrays.values():
        digest.update(np.ascontiguousarray(array, array.dtype.newbyteorder("<")).data)
    return digest.hexdigest()
