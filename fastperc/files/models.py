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
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from safetensors.numpy import save as to_safetensors

from .. import checks
from ..errors import ModelFileError
from ..model import options
from ..model.layout import n_parameters, views
from ..network import Network
from .atomic import replace_file

FORMAT = 1  # to be raised when older readers would misread a file
KIND = "Network"
MAX_HEADER = 1_000_000  # bytes
MAX_TENSORS = 256
MAX_ENTRIES = 4096  # of all objects and lists in a header; a file of 256 tensors has half of that
MAX_BRACKETS = 1024
MAX_DEPTH = 4  # of objects and lists in each other
MAX_DIGITS = 40  # of a number; those of a random state have up to 39
TENSOR_DTYPES = {"float32": "F32", "float64": "F64"}
ENTRIES = ("format", "kind", "fastperc", "configuration", "labels", "lr", "rng", "sha256")
CONFIGURATION = ("sizes", "hidden", "output", "loss", "dtype")

GENERATORS = ("PCG64", "PCG64DXSM", "SFC64", "MT19937", "Philox")
# The largest numbers in a state of theirs, by name, as NumPy trusts a state. There, a position is
# one in a buffer, of 624 numbers or 4.
LARGEST = {
    "state": 2**128 - 1, "inc": 2**128 - 1, "pos": 624, "buffer_pos": 4,
    "has_uint32": 1, "uinteger": 2**32 - 1,
}  # fmt: skip


def save_network(net: Network, path: str | os.PathLike) -> None:
    """Write a network to a file, which holds the old content or the new one at any moment.

    Weights, configuration, learning rate and random state are kept, so that training goes on after
    loading as it would have without; the history is not. If another thread trains the network, the
    weights are those of one moment of it. The new content is complete on the disk before it takes
    the place of the old, whose owner and permissions it keeps as far as the system allows. Of saves
    to one path at the same time, the last to end counts.

    Parameters
    ----------
    net : Network
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
    path = _check_path(path)
    content = _content(net)
    try:
        replace_file(path, content)
    except OSError as error:  # a full disk names no file, other errors name the temporary one
        raise OSError(error.errno, error.strerror, path) from error


def load_network(path: str | os.PathLike) -> Network:
    """Read a network from a file that `save_network` wrote.

    Nothing in the file is trusted: sizes, names, types, shapes, places and a checksum are held
    against each other, and against the size of the file, before memory is set aside. The checksum
    finds accidents, not attackers: whoever can write the file can give it weights that predict
    what they like. Loading it is safe nevertheless.

    Parameters
    ----------
    path : str or os.PathLike

    Returns
    -------
    Network
        Predicts, and trains on, exactly as the one that was saved.

    Raises
    ------
    ModelFileError
        If the file is damaged, is not a model, or comes from a newer fastperc. The message names
        the file and the first rule that it breaks.
    OSError
        If the file cannot be read, such as FileNotFoundError.
    """
    path = _check_path(path)
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


def _check_path(path: Any) -> str:
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(
            f"path: found {path!r:.60}, expected a str or os.PathLike such as 'net.safetensors'"
        )
    return os.fsdecode(path)


# --- what is in a file ---------------------------------------------------------------------------


def _content(net: Network) -> bytes:
    """The bytes of a network's file."""
    # Another thread may be training: what is checked, written and summed up is one copy.
    theta, settings = net.theta.copy(), _settings(net)
    if 2 * (len(net.sizes) - 1) > MAX_TENSORS:
        raise ValueError(
            f"found a network of {len(net.sizes) - 1} layers, expected at most {MAX_TENSORS // 2} "
            "to save it. Keep net.theta and the configuration instead"
        )
    if not np.isfinite(theta).all():
        raise ValueError(
            "theta: found a value that is infinite or NaN, expected finite numbers to save. Train "
            "again with a smaller lr, or mend what was written to the weights"
        )
    arrays = dict(zip(_shapes(net.sizes), _arrays(theta, net.sizes), strict=True))
    return to_safetensors(arrays, {"fastperc": _json(_description(net, theta, settings))})


def _arrays(theta: np.ndarray, sizes: Sequence[int]) -> list[np.ndarray]:
    """Each array in a file, in the order of ``theta``, as views into it."""
    return [array for layer in zip(*views(theta, sizes), strict=True) for array in layer]


def _shapes(sizes: Sequence[int]) -> dict[str, list[int]]:
    """Name and shape of each array in a file, in the order of ``theta``."""
    shapes = {}
    for i, (n_in, n_out) in enumerate(itertools.pairwise(sizes)):
        shapes[f"layers.{i}.weight"] = [n_in, n_out]
        shapes[f"layers.{i}.bias"] = [n_out]
    return shapes


def _settings(net: Network) -> dict[str, Any]:
    """What training changes besides the weights, as a file has it."""
    generator = net.rng.bit_generator
    with generator.lock:  # or another thread may draw from it between one word and the next
        state = generator.state
    if state["bit_generator"] not in GENERATORS:
        raise ValueError(
            f"rng: found a {state['bit_generator']} generator, expected one of "
            f"{', '.join(GENERATORS)} to save it. Give the network another seed"
        )
    settings = {"labels": net.labels, "lr": checks.check_positive(net.lr, "lr"), "rng": state}
    settings = json.loads(_json(settings))
    _read_settings(settings)  # what is written can be read
    return settings


def _description(net: Network, theta: np.ndarray, settings: dict[str, Any]) -> dict[str, Any]:
    """All about a network but its arrays."""
    from .. import __version__

    description = {
        "format": FORMAT,
        "kind": KIND,
        "fastperc": __version__,
        "configuration": {
            "sizes": net.sizes,
            "hidden": net.hidden,
            "output": net.output,
            "loss": net.loss_name,
            "dtype": net.dtype.name,
        },
        **settings,
    }
    return {**description, "sha256": _checksum(description, theta)}


def _checksum(description: dict[str, Any], theta: np.ndarray) -> str:
    """SHA-256 of the description (without this entry) as JSON, then ``theta``, little-endian."""
    digest = hashlib.sha256(_json(description).encode())
    digest.update(np.ascontiguousarray(theta, theta.dtype.newbyteorder("<")).data)
    return digest.hexdigest()


def _json(value: Any) -> str:
    """The one JSON text of a value; NumPy's numbers and arrays become plain ones."""
    separators = (",", ":")
    return json.dumps(value, sort_keys=True, separators=separators, default=lambda x: x.tolist())


# --- reading: each function raises ValueError for the first rule that is broken ------------------


def _read(file: io.BufferedReader, size: int) -> Network:
    """The network in an open file of so many bytes."""
    header, start = _read_header(file, size)
    description = _read_description(header)
    checksum = description.pop("sha256")
    places = _check_tensors(header, description["configuration"], size - start)
    labels, lr, rng = _read_settings(description)
    net = Network(**description["configuration"], init="zeros", seed=0)
    for place, array in zip(places, _arrays(net.theta, net.sizes), strict=True):
        _read_array(file, start + place, array)
    if checksum != _checksum(description, net.theta):
        raise ValueError("found a wrong checksum: the file is damaged. Use another copy of it")
    if not np.isfinite(net.theta).all():
        raise ValueError("found a weight that is infinite or NaN, expected finite numbers")
    net.labels, net.lr, net.rng = labels, lr, rng
    return net


def _read_header(file: io.BufferedReader, size: int) -> tuple[dict[str, Any], int]:
    """The JSON header, and where in the file the numbers start."""
    n_bytes = int.from_bytes(file.read(8), "little")
    if size < 8 or n_bytes > min(MAX_HEADER, size - 8):
        raise ValueError(
            f"found a file of {size} bytes that declares a header of {n_bytes}, expected a header "
            f"that fits in and has at most {MAX_HEADER}. Load a file that save wrote"
        )
    header = _parse(file.read(n_bytes), "header")
    n_tensors = len(header) - 1
    if n_tensors > MAX_TENSORS:
        raise ValueError(f"found {n_tensors} tensors, expected at most {MAX_TENSORS}")
    return header, 8 + n_bytes


def _parse(text: bytes | str, what: str) -> dict[str, Any]:
    """A JSON object in which no name comes twice and every number is finite."""
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


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name comes twice")
    return found


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number")


def _short(digits: str) -> str:
    """A number's text, which is refused unread if it is long: more digits than any float takes."""
    if len(digits) > MAX_DIGITS:
        raise ValueError(f"found a number of {len(digits)} digits, expected at most {MAX_DIGITS}")
    return digits


def _check_depth(value: Any, levels: int = MAX_DEPTH) -> None:
    """Whoever shows, compares or writes a value calls itself at each level of it."""
    if isinstance(value, (dict, list)):
        if levels == 0:
            raise ValueError(f"it is nested deeper than {MAX_DEPTH} levels")
        for inner in value.values() if isinstance(value, dict) else value:
            _check_depth(inner, levels - 1)


def _read_description(header: dict[str, Any]) -> dict[str, Any]:
    """Our entry in the metadata of a header."""
    metadata = header.pop("__metadata__", None)
    if not isinstance(metadata, dict) or not isinstance(metadata.get("fastperc"), str):
        raise ValueError(
            "found no description of a network in the metadata, expected one named 'fastperc': "
            "another program wrote the file. Load a file that save wrote"
        )
    description = _parse(metadata["fastperc"], "description")
    version = description.get("format")
    if type(version) is not int or not 1 <= version <= FORMAT:
        raise ValueError(
            f"found format {version!r:.60}, expected at most {FORMAT}. "
            "If the file comes from a newer fastperc, install that"
        )
    if description.get("kind") != KIND:
        raise ValueError(f"kind: found {description.get('kind')!r:.60}, expected {KIND!r}")
    _check_keys(description, ENTRIES, "description")
    _check_keys(description["configuration"], CONFIGURATION, "configuration")
    if not isinstance(description["fastperc"], str):
        raise ValueError(f"fastperc: found {description['fastperc']!r:.60}, expected a version")
    return description


def _read_settings(description: dict[str, Any]) -> tuple[tuple[int, int], float, Any]:
    """The labels, the learning rate and the random generator of a description."""
    return (
        _labels(description["labels"]),
        checks.check_positive(description["lr"], "lr"),
        _generator(description["rng"]),
    )


def _labels(value: Any) -> tuple[int, int]:
    """The two labels that a network with loss='hinge' predicts."""
    for labels in ((0, 1), (-1, 1)):
        if _json(value) == _json(labels):  # True is no 1
            return labels
    raise ValueError(f"labels: found {value!r:.60}, expected [0, 1] or [-1, 1]")


def _check_keys(value: Any, expected: Iterable[str], what: str) -> None:
    if not isinstance(value, dict) or value.keys() != set(expected):
        # Names are shown in ASCII: nothing in a file gets to control a terminal.
        names = [ascii(name)[1:-1] for name in sorted(value)] if isinstance(value, dict) else []
        found = ", ".join(names) if isinstance(value, dict) else repr(value)
        raise ValueError(
            f"{what}: found {found:.160}, expected the entries {', '.join(sorted(expected))}"
        )


def _check_tensors(header: dict, configuration: dict, n_bytes: int) -> list[int]:
    """Where each array begins among the ``n_bytes`` bytes of numbers, in the order of ``theta``."""
    sizes = options.check_sizes(configuration["sizes"])
    dtype = np.dtype(checks.check_choice(configuration["dtype"], "dtype", TENSOR_DTYPES))
    if len(header) != 2 * (len(sizes) - 1) or n_bytes != n_parameters(sizes) * dtype.itemsize:
        raise ValueError(
            f"found {len(header)} tensors in {n_bytes} bytes, expected a weight and a bias of "
            f"{dtype} for each layer of sizes {sizes!r:.60}: the file was cut or changed"
        )
    shapes = _shapes(sizes)
    _check_keys(header, shapes, "tensors")
    for name, shape in shapes.items():
        _check_keys(header[name], ("dtype", "shape", "data_offsets"), name)
        expected = {"dtype": TENSOR_DTYPES[dtype.name], "shape": shape}
        found = {key: header[name][key] for key in expected}
        if _json(found) != _json(expected):  # True is no 1
            raise ValueError(f"{name}: found {found!r:.100}, expected {expected}")
    lengths = {name: math.prod(shape) * dtype.itemsize for name, shape in shapes.items()}
    places = _check_places({name: header[name]["data_offsets"] for name in shapes}, lengths)
    return [places[name] for name in shapes]


def _check_places(offsets: dict[str, Any], lengths: dict[str, int]) -> dict[str, int]:
    """Where each array begins, if they follow each other without gap or overlap."""
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


def _read_array(file: io.BufferedReader, place: int, array: np.ndarray) -> None:
    """Fill an array from the file."""
    file.seek(place)
    if file.readinto(array.data) != array.nbytes:
        raise ValueError("the file was cut while it was read. Load it again")
    if sys.byteorder == "big":
        array.byteswap(inplace=True)


def _generator(state: Any) -> np.random.Generator:
    """A random generator in the given state."""
    name = state.get("bit_generator") if isinstance(state, dict) else None
    if not isinstance(name, str) or name not in GENERATORS:
        raise ValueError(f"rng: found {name!r:.60}, expected one of {', '.join(GENERATORS)}")
    generator = getattr(np.random, name)(0)
    try:
        _check_state(state, generator.state, "rng")
        _check_random(name, state["state"])
    except ValueError as error:
        raise ValueError(f"rng: expected a state of {name}, but {error}") from error
    generator.state = state
    return np.random.Generator(generator)


def _check_state(value: Any, example: Any, name: str) -> None:
    """A part of a generator's state is like that of another: same names, lengths and ranges."""
    if isinstance(example, dict):
        _check_keys(value, example, name)
        for key in example:
            _check_state(value[key], example[key], key)
    elif isinstance(example, np.ndarray):
        if not isinstance(value, list) or len(value) != len(example):
            raise ValueError(f"{name}: found {value!r:.60}, expected {len(example)} numbers")
        for number in value:
            _check_range(number, name, int(np.iinfo(example.dtype).max))
    elif not isinstance(example, str):
        _check_range(value, name, LARGEST[name])


def _check_range(number: Any, name: str, largest: int) -> None:
    if type(number) is not int or not 0 <= number <= largest:
        raise ValueError(
            f"{name}: found {number!r:.60}, expected a whole number from 0 to {largest}"
        )


def _check_random(name: str, numbers: dict[str, Any]) -> None:
    """A generator that always gives the same number would keep NumPy searching for ever.

    The other generators have a counter, which brings them out of any state.
    """
    if name.startswith("PCG64") and numbers["inc"] % 2 == 0:
        raise ValueError(f"inc: found {numbers['inc']}, expected an odd number")
    # Of the first number, MT19937 uses the highest bit only.
    if name == "MT19937" and not (numbers["key"][0] >> 31 or any(numbers["key"][1:])):
        raise ValueError("key: found only zeros, expected others")
