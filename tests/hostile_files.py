"""Files that lie, each in its own way; ``python -m tests.hostile_files`` writes them.

Most have the right checksum, since a wrong one ends all reading: what is looked at is what the
description and the header say. They are committed in tests/files/hostile, so that later readers
meet the same ones.
"""

import pathlib
import pickle
import struct
import sys
import warnings

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import saved_models
from fuzz.model_files import Parts, content_of

FOLDER = pathlib.Path(__file__).parent / "files" / "hostile"
BIG = 2**40


def with_header(text, payload=b""):
    """Return a file of this header."""
    header = text if isinstance(text, bytes) else text.encode()
    return struct.pack("<Q", len(header)) + header + payload


class Liar(Parts):
    """A file taken apart, to be changed."""

    def model(self, *way):
        """Return what lies at the end of a way in the description of an estimator."""
        value = self.description["model"]
        for step in way:
            value = value[step]
        return value

    def parameter(self, name):
        """Return key and value of a parameter of the model."""
        pairs = self.model("parameters", "dict")
        return next(pair for pair in pairs if pair[0] == name)

    def number(self, tensor, value, dtype="<f8"):
        """Write a number over the first of an array."""
        begin = self.header[tensor]["data_offsets"][0]
        size = np.dtype(dtype).itemsize
        payload = bytearray(self.payload)
        payload[begin : begin + size] = np.array(value, dtype).tobytes()
        self.payload = bytes(payload)


def of_entries(n):
    """Return a file of so many tensors, which share one place."""
    tensor = '"%d":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}'
    entries = ",".join(tensor % i for i in range(n))
    return with_header("{" + entries + "}", bytes(4))


def liars():
    """Yield the name of each file and its bytes."""
    made = {name: content_of(saved_models.MAKERS[name]()) for name in NEEDED}

    def of(name, change):
        parts = Liar(made[name])
        change(parts)
        return parts.together()

    yield "empty", b""
    yield "text", b"sizes: 3, 2, 1\n" * 20
    yield "pickle", pickle.dumps({"layers.0.weight": np.ones(3)}, protocol=4)
    yield "pickle-in-header", with_header(pickle.dumps(print, protocol=4))
    yield "header-too-long", struct.pack("<Q", BIG) + b"{}"
    yield "header-of-brackets", with_header("[" * 5_000)
    yield "300-entries", of_entries(300)
    header = made["Network"][8:].split(b"}}")[0]
    twice = b'{"layers.0.bias":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},' + header[1:]
    yield "duplicate-key", with_header(twice + b"}}", bytes(80))
    for name, changes in CHANGES.items():
        for number, change in enumerate(changes):
            yield f"{name}-{number:02}", of(name, change)


def description(**changes):
    return lambda parts: parts.description.update(changes)


def state(*way, **changes):
    return lambda parts: parts.model(*way).update(changes)


def parameter(name, value):
    def change(parts):
        parts.parameter(name)[1] = value

    return change


def tensor(name, **changes):
    return lambda parts: parts.header[name].update(changes)


def number(name, value, dtype="<f8"):
    return lambda parts: parts.number(name, value, dtype)


def huge(name, *way):
    """A shape beyond any memory, the same in header and description."""

    def change(parts):
        parts.model(*way)["shape"] = [BIG, BIG]
        parts.header[name]["shape"] = [BIG, BIG]
        parts.header[name]["data_offsets"] = [0, 8 * BIG * BIG]

    return change


def wide_network(parts):
    parts.description["configuration"]["sizes"] = [BIG, BIG, 1]
    parts.header["layers.0.weight"]["shape"] = [BIG, BIG]


def drop(*way):
    def change(parts):
        del parts.model(*way[:-1])[way[-1]]

    return change


NAN, INF = float("nan"), float("inf")
MLP = "MLPClassifier"
CHANGES = {
    "Network": [
        wide_network,
        description(format=99),
        description(kind="Forest"),
        description(code="import os"),
        tensor("layers.0.weight", data_offsets=[0, 24]),
        tensor("layers.0.weight", dtype="F64"),
        number("layers.0.weight", NAN, "<f4"),
        number("layers.1.bias", INF, "<f4"),
        description(rng={"bit_generator": "os.system", "state": {}}),
        description(lr=-1),
    ],
    "Fleet": [
        description(seeds=[1] * 50),
        description(configurations=[]),
        number("shapes.0.numbers", 7, "<i8"),
        number("shapes.0.theta", NAN, "<f4"),
        tensor("shapes.0.theta", shape=[BIG, 9]),
    ],
    MLP: [
        huge("model.coefs_.0", "coefs_", 0, "array"),
        number("model.coefs_.0", NAN),
        number("model.coefs_.0", INF),
        description(format=2),
        description(model={"is": "subprocess.Popen", "args": ["true"]}),
        description(model={"is": "LabelBinarizer"}),
        description(model=[]),
        state(**{"is": "MLPRegressor"}),
        state(**{"is": "Labels"}),
        state(__class__="os.system"),
        state(n_features_in_=2),
        state(n_outputs_=1),
        state(t_=-1),
        state(n_iter_=True),
        drop("coefs_"),
        drop("intercepts_"),
        drop("_labels"),
        state("_labels", type="binary"),
        number("model._labels.classes", 99, "<i8"),
        state("_settings", widths={"tuple": ["4"]}),
        state("_settings", activation="exec"),
        state("_settings", loss="mse"),
        state("_optimizer", code=77),
        state("_optimizer", code=0),
        state("_optimizer", kind="eval"),
        state("_optimizer", plan={"tuple": []}),
        parameter("solver", "sgd; import os"),
        parameter("hidden_layer_sizes", {"tuple": ["exec"]}),
        parameter("max_iter", -5),
        parameter("callback", {"is": "print"}),
        parameter("learning_rate", {"schedule": ["__import__", "os"]}),
        parameter("learning_rate", {"schedule": ["step", 0.1, 0]}),
        parameter("random_state", {"stream": {"key": [], "position": 0}}),
        parameter("alpha", {"scalar": 3, "dtype": "object"}),
        parameter("alpha", {"float": "nan"}),
        parameter("alpha", {"column": {"same": 1}, "number": BIG}),
        parameter("activation", {"texts": ["relu"], "shape": [1], "width": BIG}),
        state(feature_names_in_={"texts": ["a"], "shape": [1], "width": None}),
        state(loss_curve_=["a"]),
        state(feature_names_in_={"objects": [1, 2, 3], "shape": [3]}),
    ],
    "SGDClassifier": [
        state("_linear", n_features=4),
        state("_linear", n_outputs=BIG),
        state("_linear", rule=2),
        state("_linear", rule=9),
        state("_linear", loss=99),
        state("_linear", loss=8.0),
        state("_linear", average_from=1),
        state("_linear", t=0.0),
        state("_linear", scale={"float": "nan"}),
        number("model._linear.theta", NAN),
        number("model._linear.behind", INF),
        huge("model._linear.theta", "_linear", "theta", "array"),
        number("model._classes", 99, "<i8"),
        state(learns_rows=1),
        drop("_linear"),
        drop("_classes"),
    ],
    "SGDClassifier-hashed": [parameter("n_features", 0), state(n_features_in_=3)],
    "MLPEnsembleRegressor": [
        state("_networks", "fleets", 0, code=1),
        state("_networks", "fleets", 0, n_outputs=2),
        state("_networks", "fleets", 0, features={"dict": []}),
        state("_networks", fleets=[]),
        number("model._networks.place", 99, "<i8"),
        number("model._networks.fleet", -1, "<i8"),
        number("model._networks.fleets.0.theta", NAN),
        number("model._networks.fleets.0.estimators.number", 5, "<i8"),
        number("model.weights_", -50.0),
        drop("_networks"),
        drop("_is_kept"),
        drop("_columns"),
    ],
    "GroupedMLPClassifier": [
        drop("_like"),
        drop("groups_"),
        state(n_outputs_=1),
        state("_networks", fitted=[{"is": "MLPClassifier"}]),
        parameter("estimator", {"is": "MLPRegressor"}),
        state(pooled_estimator_=None),
    ],
}
NEEDED = ("Network", *CHANGES)


def main():
    """Write all files anew."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for path in FOLDER.iterdir():
        path.unlink()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, content in liars():
            (FOLDER / name).write_bytes(content)
    print(f"{len([*FOLDER.iterdir()])} files in {FOLDER.name}")


if __name__ == "__main__":
    main()
