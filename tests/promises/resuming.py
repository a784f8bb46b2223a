"""T12: a call that trains, killed and made again, ends with the bits of one that was not."""

from __future__ import annotations

import hashlib
import os
import random
import tempfile
import time
import warnings
from pathlib import Path
from unittest import mock

from .children import in_a_child, leftovers
from .resumable import CASES, bits, resumed
from .tally import Tally

# Calls that take some tenths of a second, and write after each epoch.
CALLS = (
    "online", "mini-batch", "rprop", "fleet, validation", "fleet, shapes", "early stopping",
    "adaptive", "ensemble of shapes", "groups", "grid", "random", "halving",
)  # fmt: skip


def resume_each(tally: Tally, case: str, n_checkpoints: int, folder: Path) -> None:
    """End a call after each of its first checkpoints."""
    model, train = CASES[case]()
    train()
    expected = bits(model)
    for n in range(1, n_checkpoints + 1):
        path = folder / f"run {n}"
        found = resumed(CASES[case], path, n)
        path.unlink()
        if found is None:
            return
        problem = "" if bits(found) == expected else "other bits"
        tally.take(f"{case}, after checkpoint {n}", problem, "ended after a checkpoint")


def digest(model: object) -> str:
    """Return a short name for what training has made of a model."""
    return hashlib.sha256(repr(bits(model)).encode()).hexdigest()


def kill_call(tally: Tally, case: str, count: int, moments: random.Random, folder: Path) -> None:
    """Kill a call and make it again until it ends; all over again, for enough kills."""
    model, train = CASES[case]()
    begin = time.monotonic()
    train()
    expected, seconds = digest(model), time.monotonic() - begin
    path, result = folder / "run", folder / "result"

    def work() -> None:
        again, resume = CASES[case]()
        resume(checkpoint=path, every=1, resume=True)
        result.write_text(digest(again))

    kills = 0
    while kills < count:
        path.unlink(missing_ok=True)
        lives = 0
        # Longer and longer: a call that takes longer than any of its lives would never end.
        while not in_a_child(work, moments.uniform(0, (1 + 0.3 * lives) * seconds)):
            lives += 1
            tally.take(f"{case}, kill {kills + lives}", "", "killed at a random moment")
        kills += lives
        problem = "" if result.read_text() == expected else "other bits"
        tally.take(f"{case}, after {lives} kills", problem, "over, after some kills")
    if leftovers(folder):
        tally.take(case, ", ".join(leftovers(folder)))


def run(
    count: int | None = None, cases: tuple[str, ...] = tuple(CASES), calls: tuple[str, ...] = CALLS,
    kills: int = 500, seed: int = 0,
) -> Tally:  # fmt: skip
    """End calls after each of ``count`` checkpoints, by default 20; and kill them at any moment."""
    tally, moments = Tally(), random.Random(seed)
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as name:
        warnings.simplefilter("ignore")
        with mock.patch.object(os, "fsync"):
            for case in cases:
                resume_each(tally, case, count or 20, Path(name))
        for case in calls:
            kill_call(tally, case, -(-kills // len(calls)), moments, Path(name))
    return tally
