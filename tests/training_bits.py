"""Trainings whose results are known to the last bit, so that a change of the code that is meant to
change no result can show that it does not.

``python -m tests.training_bits`` prints a hash of each training's weights, losses and predictions;
``python -m tests.training_bits --store`` writes them to ``training_bits.json`` beside this file.
Kernels are compiled for one processor, AVX2 without AVX-512, whatever the present one is: sums are
grouped by the width of registers. To be stored again with a new version of Numba, and where results
are meant to change.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

STORED = Path(__file__).with_suffix(".json")

# What machine code is made for here, so that it is the same on every machine that can run it.
PROCESSOR = {"NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": "+avx2,+fma"}

REGRESSION = {"output": "identity", "loss": "squared_error"}
BINARY = {"output": "sigmoid", "loss": "log_loss"}
CLASSES = {"output": "softmax", "loss": "cross_entropy"}
COUNTS = {"output": "exp", "loss": "poisson"}

# (sizes, what `Network` takes, what `train` takes): sizes, rules, losses, dtypes, batches, threads.
TRAININGS = [
    ((2, 4, 1), BINARY, {"epochs": 200, "lr": 0.5}),
    ((3, 1), REGRESSION, {"epochs": 5}),
    ((13, 8, 1), BINARY, {"momentum": 0.9}),
    ((8, 32, 1), REGRESSION, {"epochs": 4, "dtype": "float32"}),
    ((8, 32, 3), REGRESSION | {"hidden": "tanh"}, {"sample_weight": True}),
    ((64, 64, 10), CLASSES, {"dtype": "float32"}),
    ((64, 64, 10), CLASSES, {"batch_size": 32, "dtype": "float32"}),
    ((64, 64, 10), CLASSES, {"batch_size": 32, "optimizer": "adam", "lr": 1e-3}),
    ((40, 20, 2), REGRESSION | {"loss": "huber"}, {"batch_size": 7, "alpha": 1e-3}),
    ((5, 20), REGRESSION | {"loss": "absolute_error"}, {"shuffle": False}),
    ((6, 33, 17, 4), REGRESSION | {"hidden": "elu"}, {"optimizer": "adam", "lr": 1e-3}),
    ((6, 33, 17, 4), REGRESSION | {"hidden": "softplus"}, {"optimizer": "adamw", "alpha": 0.01}),
    ((7, 70, 2), REGRESSION | {"hidden": "leaky_relu"}, {"momentum": 0.8, "nesterov": True}),
    ((7, 70, 2), REGRESSION, {"optimizer": "rprop", "lr": 1e-3, "epochs": 10}),
    ((4, 16, 16, 16, 2), REGRESSION | {"hidden": ("tanh", "relu", "elu")}, {"l1": 1e-3}),
    ((3, 10, 1), COUNTS, {"epochs": 4}),
    ((3, 10, 1), COUNTS | {"output": "softplus"}, {"batch_size": 16, "dtype": "float32"}),
    ((9, 12, 1), {"output": "identity", "loss": "hinge"}, {"epochs": 4}),
    ((9, 12, 2), {"output": "tanh", "loss": "hinge"}, {"batch_size": 5, "dtype": "float32"}),
    ((9, 12, 3), BINARY | {"hidden": "sigmoid"}, {"sample_weight": True, "batch_size": 10}),
    ((13, 8, 1), BINARY, {"clip_norm": 0.1, "lr": 0.5}),
    ((13, 8, 1), BINARY, {"clip_norm": 0.1, "lr": 0.5, "batch_size": 4, "momentum": 0.5}),
    ((13, 8, 1), BINARY, {"validation": 0.25, "patience": 3, "epochs": 30, "lr": 0.3}),
    ((13, 8, 1), BINARY, {"tol": 1e-3, "epochs": 30, "dtype": "float32"}),
    ((10, 24, 3), CLASSES, {"batch_size": 700, "threads": 2, "n": 1500}),
    ((10, 24, 3), CLASSES, {"batch_size": 700, "threads": 1, "n": 1500}),
    ((10, 24, 3), CLASSES | {"dtype": "float32"}, {"batch_size": 1500, "threads": 2, "n": 1500,
        "optimizer": "adam", "sample_weight": True}),
    ((30, 200, 5), REGRESSION, {"batch_size": 64, "dtype": "float32", "n": 300}),
    ((300, 20, 2), REGRESSION, {"n": 40, "dtype": "float32"}),
    ((2, 300, 1), REGRESSION, {"optimizer": "adam", "dtype": "float32", "alpha": 1e-4}),
    ((13, 8, 1), REGRESSION, {"optimizer": "rprop", "sample_weight": True, "dtype": "float32"}),
    ((5, 64, 70, 2), REGRESSION, {"batch_size": 1, "optimizer": "adamw", "l1": 1e-4,
        "dtype": "float32"}),
    ((8, 32, 1), REGRESSION, {"optimizer": "adam", "sample_weight": True, "lr": 1e-3}),
    ((64, 64, 10), CLASSES, {"momentum": 0.9, "sample_weight": True, "alpha": 1e-3}),
    ((13, 8, 1), BINARY, {"alpha": 1e-2, "sample_weight": True, "lr": 0.1}),
]  # fmt: skip


def targets(rng, X, n_outputs, loss):
    """Targets that the loss takes, rounded: NumPy's last bits depend on the processor."""
    import numpy as np

    z = (X @ rng.standard_normal((X.shape[1], n_outputs))).round(9)
    if loss == "poisson":
        return rng.poisson(1.0, z.shape)
    if loss == "cross_entropy":
        return z.argmax(axis=1)
    if loss == "log_loss":
        return (z > 0).astype(np.int64)
    return np.where(z > 0, 1, -1) if loss == "hinge" else np.sin(z).round(9)


def hash_of(number):
    """The hash of one training: weights, curves, outputs and a step more."""
    import numpy as np

    from fastperc import Network

    sizes, network, training = TRAININGS[number]
    rng = np.random.default_rng(number)
    training = {"epochs": 3, "lr": 0.005} | training
    dtype, n = training.pop("dtype", "float64"), training.pop("n", 60)
    net = Network(sizes, **{"dtype": dtype, "seed": number} | network)
    X = rng.standard_normal((n, sizes[0]))
    y = targets(rng, X, sizes[-1], net.loss_name)
    if training.pop("sample_weight", False):
        training["sample_weight"] = rng.integers(0, 4, n) / 2
    history = net.train(X, y, **training)
    parts = [net.theta, np.array(history.loss), np.array(history.validation_loss)]
    parts += [net.forward(X), net.backward(X, y), np.array(net.loss(X, y))]
    parts += [np.array(net.learn_one(X[0], y[0])), net.theta, np.array(net.forward_one(X[1]))]
    digest = hashlib.sha256()
    for part in parts:
        digest.update(np.ascontiguousarray(part).tobytes())
    return digest.hexdigest()[:16]


def versions():
    """The packages that decide on machine code and random numbers."""
    from importlib.metadata import version

    return {name: version(name) for name in ("numba", "numpy")}


def hashes(cache):
    """The hash of every training, by a process that compiles for `PROCESSOR`."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.training_bits"],
        env={**os.environ, **PROCESSOR, "NUMBA_CACHE_DIR": str(cache)},
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--store", action="store_true", help="keep the hashes as those to expect")
    store = parser.parse_args().store
    if os.environ.get("NUMBA_CPU_NAME") != PROCESSOR["NUMBA_CPU_NAME"]:
        os.environ.update(PROCESSOR)
        os.execv(sys.executable, [sys.executable, "-m", "tests.training_bits", *sys.argv[1:]])
    found = {"versions": versions(), "hashes": [hash_of(k) for k in range(len(TRAININGS))]}
    text = json.dumps(found, indent=1) + "\n"
    if store:
        STORED.write_text(text, encoding="utf-8")
    else:
        print(text, end="")


if __name__ == "__main__":
    main()
