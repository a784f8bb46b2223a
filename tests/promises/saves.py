"""T10: kill -9 while a model is saved over another: there is the one or the other."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path

import fastperc

from .kills import in_a_child, leftovers
from .resumable import CASES
from .tally import Tally


def run(count: int | None = None, seed: int = 0) -> Tally:
    """Kill a process that saves again and again, so many times; by default 500."""
    tally, moments, models = Tally(), random.Random(seed), []
    for name in ("online", "mini-batch"):
        model, train = CASES[name]()
        train()
        models.append(model)
    expected = {model.theta.tobytes() for model in models}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "model"

        def save_for_ever() -> None:
            while True:
                for model in models:
                    fastperc.save(model, path)

        fastperc.save(models[0], path)
        for k in range(count or 500):
            in_a_child(save_for_ever, moments.uniform(0, 0.05))
            problem = "" if fastperc.load(path).theta.tobytes() in expected else "a third state"
            if k % 10 == 9:
                fastperc.save(models[0], path)
                problem = problem or ", ".join(leftovers(folder))
            tally.take(f"kill {k}", problem, "kills")
    return tally
