"""Files of models that lie: a reader raises ModelFileError, or makes a model that works.

``python -m tests.fuzz.model_files --seed 0 --count 2000`` changes small files of each kind at
random: bytes, and what their descriptions say. Each gets the right checksum, without which the
reader would look no further. ``--minutes 10`` lets atheris, where it is installed, look for inputs
instead; what it finds of interest it keeps in the folder ``--corpus``.
"""

import argparse
import copy
import hashlib
import io
import json
import pathlib
import random
import struct
import sys
import time
import warnings

import numpy as np

from fastperc import ModelFileError, saving
from fastperc.files import container
from fastperc.files import safetensors as layout

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
import saved_models

LARGEST = 1 << 16  # bytes of an input


class Parts:
    """A file taken apart; the description is an object."""

    def __init__(self, content):
        (length,) = struct.unpack("<Q", content[:8])
        self.header = json.loads(content[8 : 8 + length])
        self.description = json.loads(self.header["__metadata__"]["fastperc"])
        self.payload = content[8 + length :]

    def together(self):
        """Return the bytes of the file, signed if it is one that can be."""
        text = json.dumps(self.description)
        self.header["__metadata__"] = {"fastperc": text}
        header = json.dumps(self.header).encode()
        content = struct.pack("<Q", len(header)) + header + self.payload
        checksum = checksum_of(content)
        if checksum is not None:
            self.description["sha256"] = checksum
            self.header["__metadata__"] = {"fastperc": json.dumps(self.description)}
            header = json.dumps(self.header).encode()
            content = struct.pack("<Q", len(header)) + header + self.payload
        return content


def checksum_of(content):
    """Return the checksum that the reader computes of a file, None if it gets not so far."""
    file = io.BytesIO(content)
    try:
        plain, tensors, places = container._read_header(file, len(content), saving.KINDS)
        digest = hashlib.sha256()
        del plain["sha256"]
        digest.update(layout.as_json(plain).encode())
        for name, tensor in tensors.items():
            place, shape = places[name]
            size = int(np.prod(shape)) * np.dtype(tensor.dtype).itemsize
            digest.update(content[place : place + size])
        return digest.hexdigest()
    except (ValueError, TypeError, MemoryError):
        return None


def signed(content):
    """Return a file with the right checksum, where it can be taken apart."""
    try:
        return Parts(content).together()
    except (ValueError, TypeError, KeyError, AttributeError, struct.error, RecursionError):
        return content


def check(content):
    """Read a file; returns whether it was refused. Whatever else than that happens is raised."""
    begin = time.process_time()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = container.decode(content, *saving.KINDS)
    except ModelFileError:
        return True
    finally:
        assert time.process_time() - begin < 1, "reading took more than a second"
    use(model)
    return False


def use(model):
    """Predict and train on: no more than ValueError may come of it."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            saved_models.answers(model)
            if hasattr(model, "partial_fit"):
                y = saved_models.CLASSES if hasattr(model, "classes_") else saved_models.NUMBERS
                model.set_params(verbose=False, max_iter=2) if hasattr(model, "max_iter") else None
                model.partial_fit(saved_models.X, y)
                saved_models.answers(model)
        except (ValueError, FloatingPointError, AttributeError, LookupError) as error:
            allowed(error)


def allowed(error):
    """Raise errors that are not what a model says of other data, or before it was fitted."""
    from sklearn.exceptions import NotFittedError

    if isinstance(error, (AttributeError, LookupError)) and not isinstance(error, NotFittedError):
        raise error


# --- random changes ------------------------------------------------------------------------------

VALUES = [
    None, True, False, 0, 1, -1, 2, 3, 7, 2**31, 2**63, -(2**63), 10**30, 0.0, 0.5, 1e308, -1e-320,
    "", "a", "float64", "int64", "float32", "uint8", "sgd", "relu", "hinge", "log_loss", [], {},
    [[]], {"tuple": []}, {"float": "nan"}, {"float": "inf"}, {"dict": []}, [1, 2], {"is": "Labels"},
]  # fmt: skip


def places(value, found=None):
    """Return each place in a JSON value: the container and the key."""
    found = [] if found is None else found
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in list(items):
        found.append((value, key))
        if isinstance(inner, (dict, list)):
            places(inner, found)
    return found


def mutated(content, rng):
    """Return a file with one or a few changes."""
    parts = Parts(content)
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        where = rng.random()
        if where < 0.75:
            change_value(parts.description, rng)
        elif where < 0.85:
            change_value({k: v for k, v in parts.header.items() if k != "__metadata__"}, rng)
        else:
            payload = bytearray(parts.payload)
            for _ in range(rng.choice([1, 8])):
                if payload:
                    payload[rng.randrange(len(payload))] = rng.randrange(256)
            parts.payload = bytes(payload)
    return parts.together()


def change_value(value, rng):
    """Change one place of a JSON value."""
    found = places(value)
    if not found:
        return
    where, key = rng.choice(found)
    kind = rng.random()
    if kind < 0.15:
        del where[key]
    elif kind < 0.5:
        where[key] = copy.deepcopy(rng.choice(VALUES))
    elif kind < 0.75:
        other, name = rng.choice(found)
        where[key] = copy.deepcopy(other[name])
    elif type(where[key]) is int:
        where[key] += rng.choice([-1, 1, 100])
    elif isinstance(where, list):
        where.insert(key, copy.deepcopy(where[key]))
    else:
        where["more"] = 1


def seeds():
    """Return the bytes of a small file of each kind."""
    return {name: content_of(make()) for name, make in saved_models.MAKERS.items()}


def content_of(model):
    """Return the bytes of a model's file."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "model"
        saving.save(model, path)
        return path.read_bytes()


def campaign(seed, count, files=None):
    """Try so many random files; returns how many were refused. The first failure is raised."""
    files = files or seeds()
    names, n_refused = sorted(files), 0
    for number in range(seed, seed + count):
        rng = random.Random(number)
        name = rng.choice(names)
        try:
            n_refused += check(mutated(files[name], rng))
        except Exception as error:
            raise AssertionError(f"seed {number}, {name}: {error!r:.300}") from error
    return n_refused


def replay(folder):
    """Try each file of a folder; returns how many there were."""
    paths = sorted(pathlib.Path(folder).iterdir())
    for path in paths:
        content = path.read_bytes()
        check(content)
        check(signed(content))
    return len(paths)


def search(minutes, corpus):
    """Let atheris look for inputs that raise something else."""
    import atheris

    corpus = pathlib.Path(corpus)
    corpus.mkdir(parents=True, exist_ok=True)
    for name, content in seeds().items():
        if not any(corpus.glob(f"{name}*")):
            (corpus / name).write_bytes(content)
    modules = ("fastperc.files.container", "fastperc.files.safetensors", "fastperc.files.models",
               "fastperc.files.fleets", "fastperc.files.generators", "fastperc.saving")  # fmt: skip
    for name, module in list(sys.modules.items()):
        if name.startswith(modules):
            for attribute, value in list(vars(module).items()):
                if getattr(value, "__module__", None) == name and hasattr(value, "__code__"):
                    setattr(module, attribute, atheris.instrument_func(value))

    def one(data):
        check(data)
        check(signed(data))

    def mutator(data, max_size, seed):
        rng = random.Random(seed)
        if rng.random() < 0.8:
            try:
                return mutated(data, rng)[:max_size]
            except (ValueError, TypeError, KeyError, AttributeError, struct.error, RecursionError):
                pass
        return atheris.Mutate(data, max_size)

    options = [sys.argv[0], f"-max_total_time={int(60 * minutes)}", f"-max_len={LARGEST}",
               "-timeout=20", "-rss_limit_mb=4096", str(corpus)]  # fmt: skip
    atheris.Setup(options, one, custom_mutator=mutator)
    atheris.Fuzz()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--corpus", default="model-files-corpus")
    given = parser.parse_args()
    if given.minutes:
        search(given.minutes, given.corpus)
    else:
        n = campaign(given.seed, given.count)
        print(f"{given.count} files: {n} refused, {given.count - n} read, nothing else")
