"""T19: training on rows in a file of float32 makes no copy of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np

from .tally import Tally

ROOT = Path(__file__).parents[2]
PROMISE = 0.10  # of X
N_FEATURES = 200
HIDDEN = (4,)


def write_rows(path: Path, megabytes: int) -> int:
    """Write a file of rows; returns how many."""
    n = megabytes * 2**20 // (4 * N_FEATURES)
    rng = np.random.default_rng(0)
    with open(path, "wb") as file:
        for start in range(0, n, 100_000):
            part = rng.standard_normal((min(100_000, n - start), N_FEATURES), np.float32)
            file.write(part.data)
    return n


def fits() -> dict[str, object]:
    """Return functions of (X, y) that train for an epoch or two."""
    from fastperc import (
        Fleet,
        MLPClassifier,
        MLPRegressor,
        Network,
        PassiveAggressiveRegressor,
        SGDClassifier,
        SGDRegressor,
    )

    sizes = (N_FEATURES, *HIDDEN, 1)
    net = {"hidden_layer_sizes": HIDDEN, "max_iter": 1, "random_state": 0}
    linear = {"max_iter": 1, "tol": None, "random_state": 0}
    return {
        "Network": lambda X, y: Network(sizes, seed=0).train(X, y, epochs=1, lr=1e-4),
        "Network, batches": lambda X, y: Network(sizes, seed=0).train(
            X, y, epochs=1, lr=1e-4, batch_size=256, optimizer="adam"
        ),
        "Network, lbfgs": lambda X, y: Network(sizes, seed=0).train(
            X, y, epochs=1, optimizer="lbfgs"
        ),
        "Fleet": lambda X, y: Fleet(sizes, 2, seed=0).train(
            X, y, epochs=1, lr=1e-4, batch_size=256
        ),
        "MLPRegressor": lambda X, y: MLPRegressor(**net, batch_size=256).fit(X, y),
        "MLPRegressor, lbfgs": lambda X, y: MLPRegressor(**net, solver="lbfgs").fit(X, y),
        "MLPClassifier": lambda X, y: MLPClassifier(**net, batch_size=256).fit(X, y > 0),
        "SGDRegressor": lambda X, y: SGDRegressor(**linear).fit(X, y),
        "SGDClassifier": lambda X, y: SGDClassifier(**linear).fit(X, y > 0),
        "PassiveAggressiveRegressor": lambda X, y: PassiveAggressiveRegressor(**linear).fit(X, y),
    }


def status(field: str) -> int:
    """Return a figure of this process's memory, in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return 1024 * int(line.split()[1])
    raise KeyError(field)


def share_beyond(name: str, path: str, n: int) -> float:
    """Return what training held at most beside its rows, as a share of them."""
    train = fits()[name]
    X = np.memmap(path, np.float32, "r", shape=(n, N_FEATURES))
    y = np.random.default_rng(0).standard_normal(n).astype(np.float32)
    train(np.array(X[:300]), y[:300])  # whatever has to be compiled
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before = status("VmRSS")
    train(X, y)
    # What of X is in memory counts, too, since it is mapped: all of it after an epoch.
    return (status("VmHWM") - before - X.nbytes) / X.nbytes


def run(count: int | None = None, megabytes: int = 2048, folder: str | None = None) -> Tally:
    """Fit ``count`` kinds of models, by default all, to a file of that size, a process for each."""
    tally = Tally()
    with tempfile.TemporaryDirectory(dir=folder) as place:
        path = Path(place) / "rows.f4"
        n = write_rows(path, megabytes)
        for name in [*fits()][:count]:
            share = _in_a_process(name, path, n)
            problem = f"{share:.1%} of X beside it" if share > PROMISE else ""
            tally.take(name, problem, f"with {megabytes:,} MB of float32", share)
    return tally


def _in_a_process(name: str, path: Path, n: int) -> float:
    outcome = subprocess.run(
        [sys.executable, "-m", __spec__.name, name, str(path), str(n)],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert outcome.returncode == 0, outcome.stderr
    return json.loads(outcome.stdout)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    print(share_beyond(sys.argv[1], sys.argv[2], int(sys.argv[3])))
