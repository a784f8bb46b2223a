"""A saved network comes back whole; anything else is refused; a crash never leaves half a file."""

import contextlib
import errno
import hashlib
import json
import math
import os
import pickle
import signal
import stat
import struct
import subprocess
import sys
import threading
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file

from fastperc import ModelFileError, ModelVersionWarning, Network, __version__
from fastperc.files import atomic, generators
from fastperc.files import models as storing

if os.name == "posix":
    import resource

CONFIGURATIONS = [
    {"sizes": (3, 1)},
    {"sizes": (3, 5, 2), "hidden": "tanh"},
    {"sizes": (3, 4, 6, 3), "hidden": ("sigmoid", "relu"), "output": "softmax",
     "loss": "cross_entropy"},
    {"sizes": (3, 17, 2), "hidden": "relu", "output": "sigmoid", "loss": "log_loss"},
]  # fmt: skip
CONFIGURATION_IDS = ["linear", "regression", "classes", "labels"]
X = np.random.default_rng(0).standard_normal((12, 3))


def small_network(seed=0):
    return Network((2, 3, 1), seed=seed)


def targets(net):
    if net.loss_name == "cross_entropy":
        return np.arange(len(X)) % net.sizes[-1]
    return np.random.default_rng(1).integers(0, 2, (len(X), net.sizes[-1]))


@pytest.fixture
def path(tmp_path):
    """Where a small network is saved, alone in its folder."""
    path = tmp_path / "net.safetensors"
    small_network().save(path)
    return path


@pytest.fixture
def original(path):
    """The network in ``path`` as it was saved."""
    return small_network()


def assert_same(loaded, net):
    for name in ("sizes", "hidden", "output", "loss_name", "dtype", "labels", "lr"):
        assert getattr(loaded, name) == getattr(net, name), name
    np.testing.assert_array_equal(loaded.theta, net.theta)
    assert loaded.rng.bit_generator.state == net.rng.bit_generator.state


# --- there and back ------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("configuration", CONFIGURATIONS, ids=CONFIGURATION_IDS)
def test_a_loaded_network_predicts_and_trains_on_as_the_saved_one(configuration, dtype, tmp_path):
    net = Network(**configuration, dtype=dtype, seed=5)
    net.train(X, targets(net), epochs=3, lr=0.02)
    net.save(tmp_path / "net")
    loaded = Network.load(tmp_path / "net")
    assert_same(loaded, net)
    np.testing.assert_array_equal(loaded.forward(X), net.forward(X))
    for either in (loaded, net):
        either.train(X, targets(net), epochs=4, lr=0.05, batch_size=5)
        either.learn_one(X[0], targets(net)[0])
    assert_same(loaded, net)


@given(
    sizes=st.lists(st.integers(1, 9), min_size=2, max_size=5),
    dtype=st.sampled_from(["float32", "float64"]),
    seed=st.integers(0, 2**64),
)
def test_any_network_comes_back(tmp_path_factory, sizes, dtype, seed):
    net = Network(sizes, dtype=dtype, seed=seed)
    net.theta *= np.finfo(dtype).max / 20  # as large as numbers get
    net.save(tmp_path_factory.getbasetemp() / "any")
    assert_same(Network.load(tmp_path_factory.getbasetemp() / "any"), net)


@pytest.mark.parametrize("name", generators.GENERATORS)
def test_every_generator_of_numpy_goes_on_where_it_was(name, path):
    rng = np.random.Generator(getattr(np.random, name)(3))
    rng.integers(9, dtype=np.int32)  # leaves half a number behind, which is part of the state
    net = Network((2, 1), seed=rng)
    net.save(path)
    loaded = Network.load(path)
    assert type(loaded.rng.bit_generator) is type(rng.bit_generator)
    for dtype in (np.int32, np.int64):
        drawn = loaded.rng.integers(2**31, size=9, dtype=dtype)
        np.testing.assert_array_equal(drawn, rng.integers(2**31, size=9, dtype=dtype))


def test_a_network_of_the_most_layers_comes_back(path):
    net = Network([2] * 129, seed=1)
    net.save(path)
    assert_same(Network.load(path), net)


def test_the_arrays_can_be_read_with_safetensors(path, original):
    tensors = load_file(path)
    assert sorted(tensors) == [f"layers.{i}.{part}" for i in (0, 1) for part in ("bias", "weight")]
    for i in (0, 1):
        np.testing.assert_array_equal(tensors[f"layers.{i}.weight"], original.weights[i])
        np.testing.assert_array_equal(tensors[f"layers.{i}.bias"], original.biases[i])
        assert tensors[f"layers.{i}.weight"].dtype == np.float32


def test_the_description_says_what_the_file_holds(path, original):
    description = Parts(path).description
    checksum = description.pop("sha256")
    assert description == {
        "format": 1,
        "kind": "Network",
        "fastperc": __version__,
        "configuration": {
            "sizes": [2, 3, 1],
            "hidden": ["relu"],
            "output": "identity",
            "loss": "squared_error",
            "dtype": "float32",
        },
        "labels": [0, 1],
        "lr": 0.01,
        "rng": original.rng.bit_generator.state,
    }
    text = json.dumps(description, sort_keys=True, separators=(",", ":"))
    hashed = hashlib.sha256(text.encode() + original.theta.tobytes())
    assert checksum == hashed.hexdigest()


@pytest.mark.parametrize("labels", [(0, 1), (-1, 1)])
def test_the_labels_of_hinge_come_back(tmp_path, labels):
    X, y = np.array([[-1.0], [1.0]]), list(labels)
    net = Network((1, 1), loss="hinge", seed=0)
    net.train(X, y, epochs=200, lr=0.1)
    assert net.predict(X).tolist() == y
    net.save(tmp_path / "net")
    assert Network.load(tmp_path / "net").predict(X).tolist() == y


class InFolder(os.PathLike):
    def __init__(self, path):
        self.path = path

    def __fspath__(self):
        return str(self.path)


@pytest.mark.parametrize("kind", [str, Path, InFolder])
def test_paths_of_every_kind(kind, path):
    small_network(4).save(kind(path))
    assert_same(Network.load(kind(path)), small_network(4))


@pytest.mark.parametrize("wrong", [None, 3, b"net", ["net"]])
def test_what_is_no_path_is_a_type_error(wrong):
    for use in (small_network().save, Network.load):
        with pytest.raises(TypeError, match=r"path: found .* expected a str or os\.PathLike"):
            use(wrong)


def test_a_name_in_the_current_folder(path, monkeypatch):
    monkeypatch.chdir(path.parent)
    small_network(4).save("other")
    assert_same(Network.load("other"), small_network(4))
    assert sorted(os.listdir()) == ["net.safetensors", "other"]


@pytest.mark.posix
def test_a_link_is_followed(path):
    link = path.with_name("link")
    link.symlink_to(path.name)
    small_network(4).save(link)
    assert link.is_symlink()
    assert_same(Network.load(path), small_network(4))


@pytest.mark.posix
def test_a_private_file_stays_private(path):
    path.chmod(0o600)
    small_network(4).save(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


# --- what cannot be saved ------------------------------------------------------------------------


def assert_refused(net, path, message):
    before = path.read_bytes()
    with pytest.raises(ValueError, match=message):
        net.save(path)
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_weights_that_are_not_finite_are_not_saved(value, path, original):
    original.weights[1][2, 0] = value
    assert_refused(original, path, "theta: found a value that is infinite or NaN, expected finite")


def test_too_many_layers_are_not_saved(path):
    assert_refused(Network([1] * 130, seed=0), path, "found a network of 129 layers, .* most 128")


def test_a_foreign_generator_is_not_saved(path, original):
    class Mine(np.random.PCG64):
        @property
        def state(self):
            return {**super().state, "bit_generator": "Mine"}

    original.rng = np.random.Generator(Mine(0))
    assert_refused(original, path, "rng: found a Mine generator, expected one of PCG64, ")


# --- damaged files -------------------------------------------------------------------------------


def load_bytes(path, content):
    path.write_bytes(content)
    return Network.load(path)


def assert_found_out(path, place, value, net):
    """With another byte there, loading fails with the one error there is, or gives the same."""
    with open(path, "r+b") as file:
        file.seek(place)
        was = file.read(1)
        file.seek(place)
        file.write(bytes([value]))
        file.flush()
        with contextlib.suppress(ModelFileError):
            assert_same(Network.load(path), net)
        file.seek(place)
        file.write(was)


def test_every_flipped_bit_is_found_out(path, original):
    for place, value in enumerate(path.read_bytes()):
        for bit in range(8):
            assert_found_out(path, place, value ^ 1 << bit, original)
    assert_same(Network.load(path), original)


@pytest.mark.slow
def test_every_byte_of_every_other_value_is_found_out(path, original):
    for place, value in enumerate(path.read_bytes()):
        for other in set(range(256)) - {value}:
            assert_found_out(path, place, other, original)
    assert_same(Network.load(path), original)


def test_every_truncation_is_an_error(path):
    content = path.read_bytes()
    for length in range(len(content)):
        with pytest.raises(ModelFileError):
            load_bytes(path, content[:length])


def test_bytes_behind_the_end_are_an_error(path):
    with pytest.raises(ModelFileError, match="found 4 tensors in 53 bytes, expected 4 in 52"):
        load_bytes(path, path.read_bytes() + b"\0")


# --- hostile files -------------------------------------------------------------------------------


# Where the weights and biases of a small network lie among the numbers, layer by layer.
PLACES = [(12, 36), (0, 12), (40, 52), (36, 40)]


class Parts:
    """A model file taken apart: change a part and put it together again, checksum included."""

    def __init__(self, path):
        content = path.read_bytes()
        (length,) = struct.unpack("<Q", content[:8])
        self.header = json.loads(content[8 : 8 + length])
        self.description = json.loads(self.header["__metadata__"]["fastperc"])
        self.payload = content[8 + length :]

    def together(self):
        unsigned = {key: value for key, value in self.description.items() if key != "sha256"}
        text = json.dumps(unsigned, sort_keys=True, separators=(",", ":"))
        theta = b"".join(self.payload[begin:end] for begin, end in PLACES)
        signed = {**unsigned, "sha256": hashlib.sha256(text.encode() + theta).hexdigest()}
        metadata = {"__metadata__": {"fastperc": json.dumps(signed)}}
        return with_header(json.dumps(self.header | metadata), self.payload)


def with_header(header, payload=b""):
    header = header.encode()
    return struct.pack("<Q", len(header)) + header + payload


def test_a_file_taken_apart_and_put_together_is_accepted(path, original):
    assert_same(load_bytes(path, Parts(path).together()), original)


WEIGHT, BIAS = "layers.0.weight", "layers.0.bias"
BIG = 2**40


def set_configuration(**changes):
    return lambda parts: parts.description["configuration"].update(changes)


def set_tensor(name=WEIGHT, **changes):
    return lambda parts: parts.header[name].update(changes)


def set_description(**changes):
    return lambda parts: parts.description.update(changes)


def set_rng(**changes):
    return lambda parts: parts.description["rng"].update(changes)


def set_weight(value):
    def change(parts):
        parts.payload = parts.payload[:-4] + struct.pack("<f", value)

    return change


def drop(*keys):
    def change(parts):
        place = parts.description
        for key in keys[:-1]:
            place = place[key]
        del place[keys[-1]]

    return change


def rename_tensor(parts):
    parts.header["layers.7.bias"] = parts.header.pop(BIAS)


def widen_everything(parts):
    """A network so large that its numbers would fill any memory, declared in all places."""
    parts.description["configuration"]["sizes"] = [BIG, 3, 1]
    parts.header[WEIGHT].update(shape=[BIG, 3], data_offsets=[12, 12 + 12 * BIG])
    for name in ("layers.1.bias", "layers.1.weight"):
        offsets = parts.header[name]["data_offsets"]
        parts.header[name]["data_offsets"] = [offset + 12 * BIG for offset in offsets]


def swap_places(parts):
    """Two arrays of different length, each where the other should begin."""
    one, other = parts.header[WEIGHT], parts.header[BIAS]
    one["data_offsets"], other["data_offsets"] = other["data_offsets"], one["data_offsets"]


def mersenne_at(position):
    state = np.random.MT19937(0).state
    state["state"]["key"] = state["state"]["key"].tolist()
    state["state"]["pos"] = position
    return set_description(rng=state)


def philox_at(position):
    state = json.loads(json.dumps(np.random.Philox(0).state, default=lambda x: x.tolist()))
    return set_description(rng={**state, "buffer_pos": position})


def mersenne_of(key):
    return set_description(rng={"bit_generator": "MT19937", "state": {"key": key, "pos": 624}})


def nested(depth):
    value = 0
    for _ in range(depth):
        value = [value]
    return value


# A state of PCG64 that gives the same number for ever, which its first step leads to.
STILL = {"state": (2**64 - 1) << 64}
STILL["inc"] = STILL["state"] * (1 - 0x2360ED051FC65DA44385DF649FCCF645) % 2**128


CHANGES = {
    "newer format": (set_description(format=3), "found format 3, expected at most 2. .* newer"),
    "format of another type": (set_description(format=True), "found format True"),
    "no format": (drop("format"), "found format None"),
    "another kind": (set_description(kind="Forest"), "kind: found 'Forest', expected 'Network'"),
    "unknown entry": (set_description(code="import os"), "description: found code, "),
    "missing entry": (drop("rng"), "description: found .* expected the entries .* rng"),
    "unknown option": (set_configuration(init="he"), "configuration: found dtype, hidden, init"),
    "missing option": (drop("configuration", "loss"), "configuration: found dtype, hidden, output"),
    "configuration a list": (set_description(configuration=[1]), r"configuration: found \[1\]"),
    "sizes of other arrays": (set_configuration(sizes=[3, 3, 1]), "found 4 tensors in 52 bytes"),
    "more layers": (set_configuration(sizes=[2, 3, 1, 1]), "found 4 tensors in 52 bytes"),
    "half a unit": (set_configuration(sizes=[2, 3.0, 1]), r"sizes\[1\]: found 3.0"),
    "no unit": (set_configuration(sizes=[2, 0, 1]), r"sizes\[1\]: found 0, expected at least 1"),
    "negative sizes": (set_configuration(sizes=[-2, -3, 1]), r"sizes\[0\]: found -2"),
    "sizes as text": (set_configuration(sizes="2,3,1"), "sizes: found '2,3,1'"),
    "endless sizes": (set_configuration(sizes=[10**39, 3, 1]), "more than .* parameters"),
    "far below no unit": (set_configuration(sizes=[-(10**38), 1]), r"sizes\[0\]: found -1000"),
    "huge shape": (widen_everything, "found 4 tensors in 52 bytes"),
    "unknown activation": (set_configuration(hidden=["exec"]), "hidden: found 'exec'"),
    "too many activations": (set_configuration(hidden=["relu"] * 2), "hidden: found 2 activations"),
    "loss that does not fit": (set_configuration(loss="log_loss"), "output: found 'identity'"),
    "another dtype": (set_configuration(dtype="float64"), "found 4 tensors in 52 bytes"),
    "unknown dtype": (set_configuration(dtype="object"), "dtype: found 'object', expected"),
    "dtype of no name": (set_configuration(dtype=[["x"]]), "dtype: found"),
    "unknown tensor": (rename_tensor, "tensors: found layers.0.weight, .* layers.7.bias, expected"),
    "tensor that is none": (lambda p: p.header.update({BIAS: 3}), f"{BIAS}: found 3, expected the"),
    "unknown tensor entry": (set_tensor(code="x"), f"{WEIGHT}: found code, data_offsets, dtype"),
    "tensor dtype": (set_tensor(dtype="F64"), f"{WEIGHT}: found .*F64.*, expected .*F32"),
    "tensor dtype of ints": (set_tensor(dtype="I64"), f"{WEIGHT}: found .*I64.*, expected .*F32"),
    "tensor shape": (set_tensor(shape=[3, 2]), rf"{WEIGHT}: found .*\[3, 2\].* expected"),
    "huge tensor shape": (set_tensor(shape=[BIG, BIG]), f"{WEIGHT}: found"),
    "overlap": (set_tensor(data_offsets=[0, 24]), rf"{WEIGHT}: found data_offsets \[0, 24\]"),
    "same place": (set_tensor(data_offsets=[0, 12]), "found data_offsets"),
    "behind the end": (set_tensor(data_offsets=[52, 76]), "found data_offsets"),
    "beyond any file": (set_tensor(data_offsets=[BIG, BIG + 24]), "found data_offsets"),
    "negative place": (set_tensor(data_offsets=[-24, 0]), r"found data_offsets \[-24, 0\]"),
    "swapped places": (swap_places, "found data_offsets"),
    "place as text": (set_tensor(data_offsets=["12", "36"]), "expected two whole numbers"),
    "one offset": (set_tensor(data_offsets=[12]), "expected two whole numbers"),
    "offsets no list": (set_tensor(data_offsets=12), "expected two whole numbers"),
    "NaN weight": (set_weight(math.nan), "weight: found a value that is infinite or NaN"),
    "infinite weight": (set_weight(math.inf), "weight: found a value that is infinite or NaN"),
    "lr of nothing": (set_description(lr=0), "lr: found 0, expected a finite number greater"),
    "lr as text": (set_description(lr="0.01"), "lr: found '0.01', expected a number"),
    "rng no object": (set_description(rng=3), "rng: found None, expected one of PCG64"),
    "rng of any class": (set_rng(bit_generator="Generator"), "rng: found 'Generator', expected"),
    "rng name a list": (set_rng(bit_generator=[1]), r"rng: found \[1\], expected one of PCG64"),
    "rng without state": (set_rng(state=None), "rng: expected a state of PCG64"),
    "rng of large numbers": (set_rng(state={"state": 2**128, "inc": 1}), "rng: .* of PCG64"),
    "rng of negative numbers": (set_rng(state={"state": -1, "inc": 1}), "rng: .* of PCG64"),
    "rng with more": (set_rng(more=1), "rng: .* of PCG64, but rng: found .* more"),
    "rng beyond its buffer": (mersenne_at(10**6), "rng: .* pos: found 1000000, expected"),
    "rng before its buffer": (mersenne_at(-1), "rng: .* pos: found -1, expected"),
    "philox beyond its buffer": (philox_at(5), "rng: .* buffer_pos: found 5, expected"),
    "rng that stands still": (
        set_rng(state={"state": 0, "inc": 0}),
        "inc: found 0, expected an odd",
    ),
    "rng that soon stands still": (
        set_rng(state=STILL),
        "inc: found [0-9]+, expected an odd number",
    ),
    "PCG64DXSM that stands still": (
        set_rng(bit_generator="PCG64DXSM", state=STILL),
        "inc: found [0-9]+, expected an odd number",
    ),
    "MT19937 of zeros": (mersenne_of([0] * 624), "of MT19937, but key: found only zeros"),
    "MT19937 of unused bits": (mersenne_of([2**31 - 1] + [0] * 623), "key: found only zeros"),
    "MT19937 of large numbers": (mersenne_of([2**32] + [1] * 623), "key: found 4294967296"),
    "MT19937 of few numbers": (mersenne_of([1] * 623), "key: found .*, expected 624 numbers"),
    "MT19937 of text": (mersenne_of("1" * 624), "key: found '111.*, expected 624 numbers"),
    "rng half left of text": (set_rng(uinteger="1"), "uinteger: found '1', expected a whole"),
    "rng half left too large": (set_rng(uinteger=2**32), "uinteger: found 4294967296"),
    "rng half left twice": (set_rng(has_uint32=2), "has_uint32: found 2, expected .* from 0 to 1"),
    "rng half left true": (set_rng(has_uint32=True), "has_uint32: found True, expected a whole"),
    "rng half left 0.0": (set_rng(has_uint32=0.0), "has_uint32: found 0.0, expected a whole"),
    "lr beyond floats": (set_description(lr=10**400), "found a number of 401 digits, .* most 40"),
    "size beyond floats": (set_configuration(sizes=[10**400, 1]), "a number of 401 digits"),
    "rng beyond floats": (set_rng(uinteger=10**400), "a number of 401 digits"),
    "offsets beyond floats": (set_tensor(data_offsets=[0, 10**400]), "a number of 401 digits"),
    "negative labels": (set_description(labels=[-(10**400), 1]), "a number of 402 digits"),
    "labels of bools": (set_description(labels=[False, True]), r"labels: found \[False, True\]"),
    "labels of floats": (set_description(labels=[0.0, 1.0]), r"labels: found \[0.0, 1.0\]"),
    "labels that are others": (set_description(labels=[0, 2]), r"labels: found \[0, 2\], expected"),
    "lr true": (set_description(lr=True), "lr: found True, expected a number"),
    "size true": (set_configuration(sizes=[2, 3, True]), "expected a whole number"),
    "shape true": (set_tensor("layers.1.bias", shape=[True]), r"layers.1.bias: found .*True"),
    "shape of floats": (set_tensor(shape=[2.0, 3]), rf"{WEIGHT}: found .*2.0"),
    "version no text": (
        set_description(fastperc=[1]),
        r"fastperc: found \[1\], expected a version",
    ),
    "deep labels": (set_description(labels=nested(24)), "nested deeper than 24 levels"),
    "deeper labels": (set_description(labels=nested(900)), "nested deeper than 24 levels"),
    "deeper shape": (set_tensor(shape=nested(900)), "header: .* nested deeper than 24 levels"),
    "names that control": (
        set_description(**{"\x1b[2J\ud800": 1}),
        r"found \\x1b\[2J\\ud800, config",
    ),
    "philox before its buffer": (philox_at(-9), "rng: .* buffer_pos: found -9, expected"),
}


@pytest.mark.parametrize(("change", "message"), CHANGES.values(), ids=CHANGES)
def test_a_file_that_lies_is_refused_for_what_it_says(change, message, path):
    parts = Parts(path)
    change(parts)
    assert_refused_cheaply(path, parts.together(), message)


def assert_refused_cheaply(path, content, message):
    path.write_bytes(content)
    begin = time.process_time()
    with pytest.raises(ModelFileError, match=message) as error:
        Network.load(path)
    assert time.process_time() - begin < 0.25
    assert repr(str(path)) in str(error.value)
    assert len(str(error.value)) < 500
    assert peak_of_loading(path) < 50e6


def peak_of_loading(path):
    tracemalloc.start()
    try:
        with pytest.raises(ModelFileError):
            Network.load(path)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def of_other_program(tmp_path):
    save_file({"layers.0.weight": np.ones((2, 3))}, tmp_path / "other", {"format": "np"})
    return (tmp_path / "other").read_bytes()


def described(text):
    """A file whose description is this text."""
    return with_header(json.dumps({"__metadata__": {"fastperc": text}}))


def escaped(text):
    """The same, without a bracket or comma in the header."""
    escapes = {"[": "\\u005b", "]": "\\u005d", ",": "\\u002c"}
    text = text.translate(str.maketrans(escapes))
    return with_header(f'{{"__metadata__":{{"fastperc":"{text}"}}}}')


def entries(n):
    """A file of so many tensors that share one place."""
    tensor = '"%d":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}'
    return with_header("{" + ",".join(tensor % i for i in range(n)) + "}", bytes(4))


MEGABYTE = 1_000_000
FILES = {
    "empty": (b"", "found a file of 0 bytes"),
    "seven bytes": (b"\0" * 7, "found a file of 7 bytes"),
    "no header": (b"\0" * 8, "header: expected JSON, but Expecting value"),
    "text": (b"sizes: 2, 3, 1\n" * 9, "declares a header of [0-9]{19}, expected .* most 1000000"),
    "pickle": (pickle.dumps({"layers.0.weight": np.ones(3)}), "declares a header of [0-9]+, "),
    "endless header": (b"\xff" * 99, "declares a header of 18446744073709551615, expected"),
    "header beyond the file": (struct.pack("<Q", 90) + b"{}", "10 bytes that declares .* of 90"),
    "header too long": (with_header("{" + " " * MEGABYTE + "}"), "header of 1000002, expected"),
    "header no object": (with_header("[1, 2]"), r"header: found \[1, 2\], expected a JSON object"),
    "header in UTF-16": (with_header("{\0}\0"), "header: expected JSON, but Expecting property"),
    "header no UTF-8": (struct.pack("<Q", 4) + b'{"\xff"', "header: expected JSON, .* decode"),
    "deep header": (with_header("[" * MEGABYTE), "header: expected JSON, but it has over 4096"),
    "broad header": (
        with_header("[" + "{}," * 300_000 + "{}]"),
        "header: expected JSON, but it has over",
    ),
    "NaN in the header": (with_header('{"a": NaN}'), "header: expected JSON, but NaN is no number"),
    "digits": (with_header('{"a":' + "9" * 5000 + "}"), "found a number of 5000 digits"),
    "a name twice": (with_header('{"a": 1, "a": 2}'), "header: expected JSON, but a name comes"),
    "300 entries": (entries(300), "found 299 tensors, expected at most 256"),
    "10k entries": (entries(10_000), "header: expected JSON, but it has over 4096 commas"),
    "100k entries": (entries(100_000), "declares a header of 5[0-9]{6}, expected"),
    "nothing in it": (with_header("{}"), "found no description of a model in the metadata"),
    "metadata no object": (with_header('{"__metadata__": []}'), "found no description"),
    "description no text": (with_header('{"__metadata__":{"fastperc":1}}'), "found no description"),
    "description no JSON": (described("Network(2, 3, 1)"), "description: expected JSON"),
    "description no object": (described("3"), "description: found 3, expected a JSON object"),
    "description with a name twice": (described('{"a":1,"a":1}'), "description: .* comes twice"),
    "deep description": (
        described('{"a":' * 100_000),
        "header: .* it has over 4096 commas or 2048",
    ),
    "escaped depth": (escaped("[" * 100_000), "description: .* it has over 4096 commas or 2048"),
    "escaped breadth": (escaped("[" + "1," * 100_000 + "1]"), "description: .* over 4096 commas"),
    "deep but short": (with_header("[" * 1000 + "]" * 1000), "header: expected JSON, but"),
    "float that is infinite": (described('{"lr": 1e999}'), "description: .* found inf, expected"),
    "float of many digits": (described('{"lr": 0.%s1}' % ("0" * 500_000)), "of 500003 digits"),
    "number of all digits": (with_header("9" * (MEGABYTE - 1)), "a number of 999999 digits"),
    "text of a megabyte": (with_header('"' + "a" * (MEGABYTE - 2) + '"'), "header: found 'aaaa"),
    "infinite description": (described('{"lr": Infinity}'), "description: .*Infinity is no number"),
    "empty description": (described("{}"), "kind: found None, expected 'Network'"),
}


@pytest.mark.parametrize(("content", "message"), FILES.values(), ids=FILES)
def test_what_is_no_model_is_refused_for_what_it_is(content, message, path):
    assert_refused_cheaply(path, content, message)


def test_a_safetensors_file_of_another_program_is_refused(path, tmp_path):
    assert_refused_cheaply(path, of_other_program(tmp_path), "another program wrote the file")


def test_endless_layers_are_refused_before_they_are_listed(path):
    parts = Parts(path)
    parts.description["configuration"]["sizes"] = [1] * 200_000
    parts.payload = bytes(8 * 199_999)
    assert_refused_cheaply(path, parts.together(), "it has over 4096 commas")


def test_many_sizes_and_many_tensors_are_refused_before_each_is_looked_at(path):
    parts = Parts(path)
    parts.description["configuration"]["sizes"] = [1] * 300_000
    assert_refused_cheaply(path, parts.together(), "it has over 4096 commas")
    names = ",".join(f'"{i}":0' for i in range(60_000))
    assert_refused_cheaply(path, with_header("{" + names + "}"), "it has over 4096 commas")


def test_a_network_that_fits_no_memory_is_an_error_of_the_file(path, monkeypatch):
    def refuse(*args, **kwargs):
        raise MemoryError

    monkeypatch.setattr(storing.options, "check_model", refuse)
    with pytest.raises(ModelFileError, match="holds more numbers than fit in memory"):
        Network.load(path)


@pytest.mark.posix
def test_what_cannot_be_opened_stays_the_error_of_the_system(tmp_path):
    with pytest.raises(FileNotFoundError):
        Network.load(tmp_path / "nothing")
    with pytest.raises(IsADirectoryError):
        Network.load(tmp_path)
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(OSError, match="loop") as error:
        Network.load(tmp_path / "loop")
    assert error.value.errno == errno.ELOOP


@pytest.mark.posix
def test_a_pipe_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ModelFileError, match="found a pipe or device, expected a regular file"):
        Network.load(tmp_path / "pipe")


# --- saving when the system refuses --------------------------------------------------------------


def failing(function, call, number):
    """The function, but its call of that number fails."""
    calls = iter(range(1, 100))

    def wrapped(*args, **kwargs):
        if next(calls) == call:
            raise OSError(number, os.strerror(number))
        return function(*args, **kwargs)

    return wrapped


def assert_save_fails(path, number):
    with pytest.raises(OSError, match=os.strerror(number)) as error:
        small_network(9).save(path)
    assert error.value.errno == number
    assert error.value.filename == str(path)
    assert os.listdir(path.parent) == [path.name]


@pytest.mark.posix
@pytest.mark.parametrize(
    ("place", "name", "call", "number"),
    [
        (os, "fchmod", 1, errno.EPERM),
        (os, "fsync", 1, errno.EIO),
        (os, "replace", 1, errno.EBUSY),
        (os, "replace", 1, errno.ENOSPC),
    ],
)
def test_a_refused_call_leaves_the_old_file(place, name, call, number, path, original, monkeypatch):
    function = getattr(place, name, open)
    monkeypatch.setattr(place, name, failing(function, call, number), raising=False)
    assert_save_fails(path, number)
    monkeypatch.undo()
    assert_same(Network.load(path), original)


@pytest.mark.posix
@pytest.mark.parametrize("number", [errno.EIO, errno.EACCES])
@pytest.mark.parametrize(("name", "call"), [("open", 2), ("fsync", 2), ("close", 1)])
def test_a_folder_that_is_not_synced_has_the_new_file(name, call, number, path, monkeypatch):
    monkeypatch.setattr(os, name, failing(getattr(os, name), call, number))
    assert_save_fails(path, number)
    monkeypatch.undo()
    assert_same(Network.load(path), small_network(9))


@contextlib.contextmanager
def file_size_limit(n_bytes):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.posix
@pytest.mark.parametrize("share", [0, 0.01, 0.5, 0.999])
def test_a_disk_that_fills_up_leaves_the_old_file(share, path, original):
    with file_size_limit(int(share * path.stat().st_size)):
        assert_save_fails(path, errno.EFBIG)
    assert_same(Network.load(path), original)


def test_the_disk_has_the_content_before_the_name(path, monkeypatch):
    sync, replace, done = os.fsync, os.replace, []

    def recorded_sync(handle):
        status = os.fstat(handle)
        done.append("folder" if stat.S_ISDIR(status.st_mode) else f"{status.st_size} bytes")
        sync(handle)

    def recorded_replace(*names):
        done.append("name")
        replace(*names)

    monkeypatch.setattr(os, "fsync", recorded_sync)
    monkeypatch.setattr(os, "replace", recorded_replace)
    small_network(9).save(path)
    assert done == [f"{path.stat().st_size} bytes", "name", "folder"]


def test_interrupting_a_save_leaves_the_old_file(path, original, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        small_network(9).save(path)
    assert os.listdir(path.parent) == [path.name]
    assert_same(Network.load(path), original)


@pytest.mark.posix
def test_a_folder_system_without_locks_is_saved_to_all_the_same(path, monkeypatch):
    monkeypatch.setattr(atomic.fcntl, "flock", failing(atomic.fcntl.flock, 1, errno.ENOLCK))
    small_network(9).save(path)
    assert_same(Network.load(path), small_network(9))


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("x" * 300, OSError),
        ("no/folder", FileNotFoundError),
        ("net.safetensors/x", NotADirectoryError),
    ],
)
def test_a_place_that_cannot_be_is_the_error_of_the_system(name, error, path):
    with pytest.raises(error) as raised:
        small_network(9).save(path.parent / name)
    assert raised.value.filename == str(path.parent / name)
    assert os.listdir(path.parent) == [path.name]


def test_a_folder_is_not_replaced(path):
    (path.parent / "folder").mkdir()
    with pytest.raises(IsADirectoryError) as raised:
        small_network(9).save(path.parent / "folder")
    assert raised.value.filename == str(path.parent / "folder")
    assert sorted(os.listdir(path.parent)) == ["folder", path.name]


@pytest.mark.posix
@pytest.mark.skipif(os.name == "posix" and os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_keeps_the_old_file(path, original):
    path.parent.chmod(0o500)
    try:
        assert_save_fails(path, errno.EACCES)
    finally:
        path.parent.chmod(0o700)
    assert_same(Network.load(path), original)


# --- saving at the same time, and crashes --------------------------------------------------------


def test_what_a_crash_left_is_used_up_by_the_next_save(path):
    path.with_name(".net.safetensors.tmp").write_bytes(b"half" * 10_000)
    small_network(9).save(path)
    assert_same(Network.load(path), small_network(9))
    assert os.listdir(path.parent) == [path.name]


def test_saves_at_the_same_time_leave_one_of_their_files(path, monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda handle: time.sleep(0.0005))  # leaves the others time
    nets = [small_network(seed) for seed in range(6)]
    vectors = {net.theta.tobytes() for net in nets}
    failures = []

    def save_often(net):
        try:
            for _ in range(30):
                net.save(path)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=save_often, args=(net,)) for net in nets]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        assert Network.load(path).theta.tobytes() in vectors
    for thread in threads:
        thread.join()
    assert failures == []
    assert os.listdir(path.parent) == [path.name]


def test_a_file_of_version_0_1_0_is_read():
    with pytest.warns(ModelVersionWarning, match=r"stored by version 0\.1\.0"):
        net = Network.load(Path(__file__).parent / "files" / "network-0.1.0.safetensors")
    X = np.random.default_rng(3).standard_normal((40, 3))
    before = [[0.9103117705452262, 0.04185630714781499], [0.11597988906061013, 0.27301478450199745]]
    np.testing.assert_allclose(net.forward(X[:2]), before, rtol=1e-12)
    net.train(X, (X[:, :2] > 0).astype(int), epochs=2, lr=0.05)  # in the order it would have had
    after = [[0.952776307310373, 0.030002921647532137], [0.07708741048637752, 0.1761929263301106]]
    np.testing.assert_allclose(net.forward(X[:2]), after, rtol=1e-12)


# A child is killed before and after each call to the system, and by the system itself when its file
# has so many bytes.
KILLS = """
import os, resource, signal, sys
from fastperc import Network
from fastperc.files import atomic, container, models

path, step = sys.argv[1], int(sys.argv[2])
old, new = Network((2, 3, 1), seed=1), Network((2, 3, 1), seed=2)
sync, length = os.fsync, len(container.encode(models.KIND, *models._content(new._stored())))

def killing(function, countdown):
    def wrapped(*args, **kwargs):
        for action in (lambda: None, lambda: function(*args, **kwargs)):
            result = action()
            countdown[0] -= 1
            if countdown[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
        return result
    return wrapped

def kill_at_call(k):
    countdown = [k]
    atomic.open = killing(open, countdown)
    atomic.fcntl.flock = killing(atomic.fcntl.flock, countdown)
    for name in ("fstat", "stat", "lstat", "fchown", "fchmod", "fsync", "replace", "open", "close"):
        setattr(os, name, killing(getattr(os, name), countdown))

def kill_at_byte(k):
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (k, k))

def survivor(kill, k):
    os.fsync = lambda handle: None  # of this process; nothing here outlives the machine
    old.save(path)
    child = os.fork()
    if child == 0:
        kill(k)
        new.save(path)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    theta = Network.load(path).theta.tobytes()
    found = "old" if theta == old.theta.tobytes() else "new"
    assert found == "old" or theta == new.theta.tobytes()
    old.save(path)
    assert os.listdir(os.path.dirname(path)) == [os.path.basename(path)]
    return found, os.WIFSIGNALED(status)

k, killed, found = 0, True, []
while killed:
    k += 1
    state, killed = survivor(kill_at_call, k)
    found += [state]
print(*found)
for k in range(0, length, step):
    assert survivor(kill_at_byte, k) == ("old", True)
print(len(range(0, length, step)))
"""


def states_after_kills(path, step):
    outcome = subprocess.run(
        [sys.executable, "-c", KILLS, str(path), str(step)],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
    )
    assert outcome.returncode == 0, outcome.stderr
    calls, writes = outcome.stdout.splitlines()
    return calls.split(), int(writes)


def assert_old_then_new(states):
    n_old = states.count("old")
    assert states == ["old"] * n_old + ["new"] * (len(states) - n_old)
    assert n_old > 8
    assert len(states) - n_old > 4


@pytest.mark.posix
def test_a_kill_at_any_call_leaves_the_old_file_or_the_new(path):
    states, n_writes = states_after_kills(path, step=100)
    assert_old_then_new(states)
    assert n_writes > 8


@pytest.mark.posix
@pytest.mark.slow
def test_a_kill_at_any_byte_leaves_the_old_file(path):
    _, n_writes = states_after_kills(path, step=1)
    assert n_writes > 800


SAVING = """
import itertools, sys
from fastperc import Network
nets = [Network((2, 30, 1), seed=seed) for seed in range(8)]
print("ready", flush=True)
for net in itertools.cycle(nets):
    net.save(sys.argv[1])
"""


@pytest.mark.posix
@pytest.mark.slow
def test_kills_at_any_moment_leave_one_of_the_files(path):
    vectors = {Network((2, 30, 1), seed=seed).theta.tobytes() for seed in range(8)}
    strays = 0
    for moment in np.random.default_rng(0).uniform(0, 0.1, 40):
        child = subprocess.Popen([sys.executable, "-c", SAVING, str(path)], stdout=subprocess.PIPE)
        with child:
            assert child.stdout.readline() == b"ready\n"
            time.sleep(0.05 + moment)
            child.send_signal(signal.SIGKILL)
        assert Network.load(path).theta.tobytes() in vectors
        strays += len(os.listdir(path.parent)) > 1
    assert strays > 0, "no kill fell into a save: this test tested nothing"
    small_network().save(path)
    assert os.listdir(path.parent) == [path.name]


@pytest.mark.parametrize("missing", [1, 8, 16])
def test_a_header_cut_short_is_told_as_such(path, missing):
    """It is not read at all: what is there might by chance be JSON."""
    header = b"{}" + b" " * 30
    path.write_bytes(struct.pack("<Q", len(header) + missing) + header)
    with pytest.raises(
        ModelFileError, match=r"40 bytes that declares a header of [0-9]+, expected"
    ):
        Network.load(path)
