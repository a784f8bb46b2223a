"""Results of the benchmark suite as tests need them: made up, but as a busy machine makes them."""

import numpy as np

from fastperc.benchmarks.results import Result, Results
from fastperc.measuring.stillness import Stillness

GROUPS = {
    "online", "batches", "full", "libraries online", "libraries batches", "predicting",
    "estimators", "updates", "elementary", "tutorials", "samples", "width", "depth", "batch size",
    "threads", "starting", "compiling", "memory", "fleets", "linear",
}  # fmt: skip


class Calm(Stillness):
    """What a machine without other work would find."""

    def is_still(self, slack=0.0):
        return True


def passes(level, noise=0.01, n=5, seed=0):
    """The best rounds of passes on a busy machine: never faster than the code, often slower."""
    rng = np.random.default_rng(seed)
    return (level * (1 + rng.exponential(noise, n))).tolist()


def made_up():
    """A small run of the suite."""
    race = {"numpy": passes(2000), "fastperc": passes(100), "jax": passes(400)}
    made = [
        Result("online", "8-32-1", "sample", {"numpy": passes(20_000), "fastperc": passes(80)},
               work=(1200.0, 2600.0)),
        Result("libraries online", "8-32-1", "sample", race),
        Result("libraries online", "2-4-1", "sample",
               {"numpy": passes(2000), "fastperc": passes(100), "jax": passes(100)}),
        *(Result("threads", f"on {n}", "sample", {way: passes(100 / n)}, x=n)
          for n, way in ((1, "fastperc"), (2, "2 threads"))),
        Result("starting", "bare <Python>", "process", {"fastperc": passes(2e7)}),
        Result("compiling", "all", "kernel", {"compiled": [9e9], "from disk": [1e8]}),
        *(Result("memory", f"{n} samples, in order", "MB",
                 {"samples": [3.6 * n], "fastperc adds": [0.0]}, x=n) for n in (1, 10)),
    ]  # fmt: skip
    facts = {"processor": "a <fast> one", "Python": "3.11", "numpy": "2.4", "numba": "0.68"}
    machine = {"gflops": 60.0, "gbytes": 14.0, "cached": 80.0, "nearest": 200.0, "loop": 60.0,
               "probe": 30_000.0}  # fmt: skip
    skipped = {"not installed": ["libraries online: 2-4-1, x"]}
    return Results(facts, machine, made, skipped)
