"""T7: the same seed gives the same weights, bit for bit, whoever computes them."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from fastperc.model import slices

from .tally import Tally
from .trainers import Trainer, all_trainers, samples

RUNS = 20
THREADS = (1, 2, 4, 8)
WORKERS = (1, 2, 3)
MANY = 3000  # samples: more than one thread's part of the largest batches here


@contextmanager
def threads_for_any_work() -> Iterator[None]:
    """Let threads take part in what is too little work for them."""
    worth, slices.WORTH_THREADS = slices.WORTH_THREADS, 0
    try:
        yield
    finally:
        slices.WORTH_THREADS = worth


def digest(trainer: Trainer, model: object) -> str:
    """Return a hash of the weights."""
    found = hashlib.sha256()
    for array in trainer.weights(model):
        found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest()[:16]


def hash_of(trainer: Trainer, dtype: str, threads: int | None = None, n: int = 60) -> str:
    """Return the hash after training on ``n`` samples."""
    X, y = samples(n)
    return digest(trainer, trainer.trained(X.astype(dtype), y, dtype=dtype, threads=threads))


def hash_after_pickling(trainer: Trainer, dtype: str) -> str:
    """Return the same of a model that was stored, and read again, before it was trained."""
    X, y = samples()
    model = trainer.new(dtype=dtype)
    model = pickle.loads(pickle.dumps(model))
    trainer.train(model, X.astype(dtype), trainer.targets(y))
    return digest(trainer, pickle.loads(pickle.dumps(model)))


def hashes(names: list[str]) -> dict[str, str]:
    """Return the hash of each trainer and dtype."""
    trainers = all_trainers()
    return {f"{n} {d}": hash_of(trainers[n], d) for n in names for d in trainers[n].dtypes}


def hashes_of_another_process(names: list[str]) -> dict[str, str]:
    """Return the same, found by a new process."""
    code = (
        "import json, sys; from tests.promises.bits import hashes; "
        "print(json.dumps(hashes(sys.argv[1:])))"
    )
    outcome = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, *names],
        cwd=os.path.join(os.path.dirname(__file__), "..", ".."),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert outcome.returncode == 0, outcome.stderr
    return json.loads(outcome.stdout)


def run(count: int | None = None, runs: int = RUNS, processes: int = 2) -> Tally:
    """Train each trainer again and again; ``count``: that many trainers."""
    tally = Tally()
    trainers = [*all_trainers().values()][:count]
    elsewhere = [hashes_of_another_process([t.name for t in trainers]) for _ in range(processes)]
    for trainer in trainers:
        # What scikit-learn calls n_jobs is how many of its workers there are, here of threads too.
        numbers = sorted({*THREADS, *WORKERS}) if trainer.threads else []
        for dtype in trainer.dtypes:
            what = f"{trainer.name} {dtype}"
            wanted = hash_of(trainer, dtype)
            for _ in range(runs - 1):
                _compare(tally, what, wanted, hash_of(trainer, dtype), "again")
            alone = hash_of(trainer, dtype, 1, MANY) if numbers else ""
            for n in numbers:
                with threads_for_any_work():
                    found = hash_of(trainer, dtype, n, MANY)
                _compare(tally, what, alone, found, "with threads or workers")
            for found in elsewhere:
                _compare(tally, what, wanted, found[what], "in another process")
            _compare(tally, what, wanted, hash_after_pickling(trainer, dtype), "after pickling")
    return tally


def _compare(tally: Tally, what: str, wanted: str, found: str, how: str) -> None:
    tally.take(f"{what}, {how}", "" if found == wanted else f"{found} is not {wanted}", how)
