"""Model files: networks saved whole or not at all, and read with suspicion.

A file has the safetensors layout, so that other programs can read the weights: eight bytes with the
length of a JSON header, the header, and the numbers of all arrays, little-endian, without gaps. The
header's metadata hold one entry of ours, ``fastperc``: the description of the network, as JSON. No
part of a file is ever executed.
"""

from __future__ import annotations

import contextlib
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

from . import checks, options
from .errors import ModelFileError
from .layout import n_parameters
from .network import Network

if sys.platform != "win32":
    import fcntl

FORMAT = 1  # to be raised when older readers would misread a file
KIND = "Network"
MAX_HEADER = 1_000_000  # bytes
MAX_TENSORS = 256
TENSOR_DTYPES = {"float32": "F32", "float64": "F64"}
ENTRIES = ("format", "kind", "fastperc", "configuration", "labels", "lr", "rng", "sha256")
CONFIGURATION = ("sizes", "hidden", "output", "loss", "dtype")

# NumPy's bit generators, and the largest position in a buffer of theirs: NumPy trusts that number.
GENERATORS = {"PCG64": 0, "PCG64DXSM": 0, "SFC64": 0, "MT19937": 624, "Philox": 4}


def save_network(net: Network, path: str | os.PathLike) -> None:
    """Write a network to a file, which holds the old content or the new one at any moment.

    Weights, configuration, learning rate and random state are kept, so that training goes on after
    loading as it would have without; the history is not. The new content is complete on the disk
    before it takes the place of the old. Saves to one path at the same time wait for each other
    (except on Windows).

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
        If the system refuses: no such folder, no permission, disk full. The old file is intact.

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
        _replace_file(os.path.realpath(path), content)
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
    if 2 * len(net.weights) > MAX_TENSORS:
        raise ValueError(
            f"found a network of {len(net.weights)} layers, expected at most {MAX_TENSORS // 2} "
            "to save it. Keep net.theta and the configuration instead"
        )
    if not np.isfinite(net.theta).all():
        raise ValueError(
            "theta: found a value that is infinite or NaN, expected finite numbers to save. Train "
            "again with a smaller lr, or mend what was written to the weights"
        )
    arrays = [array for layer in zip(net.weights, net.biases, strict=True) for array in layer]
    metadata = {"fastperc": _json(_description(net))}
    return to_safetensors(dict(zip(_shapes(net.sizes), arrays, strict=True)), metadata)


def _shapes(sizes: Sequence[int]) -> dict[str, list[int]]:
    """Name and shape of each array in a file, in the order of ``theta``."""
    shapes = {}
    for i, (n_in, n_out) in enumerate(itertools.pairwise(sizes)):
        shapes[f"layers.{i}.weight"] = [n_in, n_out]
        shapes[f"layers.{i}.bias"] = [n_out]
    return shapes


def _description(net: Network) -> dict[str, Any]:
    """All about a network but its arrays."""
    from . import __version__

    generator = net.rng.bit_generator.state
    if generator["bit_generator"] not in GENERATORS:
        raise ValueError(
            f"rng: found a {generator['bit_generator']} generator, expected one of "
            f"{', '.join(GENERATORS)} to save it. Give the network another seed"
        )
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
        "labels": net.labels,
        "lr": checks.check_positive(net.lr, "lr"),
        "rng": generator,
    }
    return {**description, "sha256": _checksum(description, net.theta)}


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
    net = Network(**description["configuration"], init="zeros", seed=0)
    arrays = [array for layer in zip(net.weights, net.biases, strict=True) for array in layer]
    for place, array in zip(places, arrays, strict=True):
        _read_array(file, start + place, array)
    if checksum != _checksum(description, net.theta):
        raise ValueError("found a wrong checksum: the file is damaged. Use another copy of it")
    if not np.isfinite(net.theta).all():
        raise ValueError("found a weight that is infinite or NaN, expected finite numbers")
    net.labels = _labels(description["labels"])
    net.lr = checks.check_positive(description["lr"], "lr")
    net.rng = _generator(description["rng"])
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

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            raise ValueError("a name comes twice")
        return found

    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is no number")

    try:
        text = text if isinstance(text, str) else text.decode("utf-8")
        value = json.loads(text, object_pairs_hook=unique, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{what}: expected JSON, but {error}") from error
    if not isinstance(value, dict):
        raise ValueError(f"{what}: found {value!r:.60}, expected a JSON object")
    return value


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
    return description


def _labels(value: Any) -> tuple[int, int]:
    """The two labels that a network with loss='hinge' predicts."""
    for labels in ((0, 1), (-1, 1)):
        if value == list(labels):
            return labels
    raise ValueError(f"labels: found {value!r:.60}, expected [0, 1] or [-1, 1]")


def _check_keys(value: Any, expected: Iterable[str], what: str) -> None:
    if not isinstance(value, dict) or value.keys() != set(expected):
        found = ", ".join(sorted(value)) if isinstance(value, dict) else repr(value)
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
        if found != expected:
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
        position = state.get("buffer_pos", state["state"].get("pos", 0))
        if not 0 <= position <= GENERATORS[name]:
            raise ValueError(f"its position is {position!r:.60}")
        generator.state = state
    except (ValueError, TypeError, LookupError, AttributeError, OverflowError) as error:
        raise ValueError(f"rng: expected a state of {name}, but {error}") from error
    if _json(generator.state) != _json(state):
        raise ValueError(f"rng: found numbers that are no state of {name}")
    return np.random.Generator(generator)


# --- writing -------------------------------------------------------------------------------------


def _replace_file(path: str, content: bytes) -> None:
    """Put a complete new file in the place of another, so that a crash leaves either."""
    folder, name = os.path.split(path)
    temporary = os.path.join(folder, f".{name}.tmp")  # one name: what a crash left is used again
    with _claim(temporary) as file:
        try:
            file.truncate(0)
            with contextlib.suppress(FileNotFoundError):  # a private file stays private
                os.chmod(temporary, stat.S_IMODE(os.stat(path).st_mode))
            rest = memoryview(content)
            while rest:
                rest = rest[file.write(rest) :]
            os.fsync(file.fileno())
            _let_go(file)
            os.replace(temporary, path)
        except BaseException:
            _let_go(file)
            with contextlib.suppress(OSError):  # what went wrong first is what to hear of
                os.unlink(temporary)
            raise
    _sync_folder(folder)


def _claim(path: str) -> io.FileIO:
    """Open a temporary file, which may exist, for this save alone."""
    while True:
        with contextlib.ExitStack() as stack:
            file = stack.enter_context(open(path, "ab", buffering=0))
            _lock(file)
            if _is_at(file, path):  # or else another save had the file, and moved it into place
                stack.pop_all()
                return file


def _is_at(file: io.FileIO, path: str) -> bool:
    """Whether a path still leads to an open file."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), os.stat(path))
    except FileNotFoundError:
        return False


def _lock(file: io.FileIO) -> None:
    """Wait until no other save has the file open."""
    if sys.platform != "win32":
        # A network folder may know no locks: there, one save at a time has to do.
        with contextlib.suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_EX)


def _let_go(file: io.FileIO) -> None:
    """Close a file where an open one cannot be moved; elsewhere it stays locked until it is."""
    if sys.platform == "win32":
        file.close()


def _sync_folder(folder: str) -> None:
    """Put the new name of a file on the disk."""
    if sys.platform == "win32":  # opens no folders
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
