"""One model on shards: how good it becomes, in what time, and by how many bytes.

    python bench/shards.py           measure, write bench/shards.json, draw the picture
    python bench/shards.py --draw    draw it from what is stored

Needs the folder of Fashion-MNIST and Adult in FASTPERC_DATA. A cluster of two workers of one
thread on this machine reads the shards from files.

``accuracy``: on test samples, of one machine and of ``method="local"``, for the same number of
epochs over all samples, from each of two random states. Of local, a batch of each shard is as
many times smaller as there are shards, so that the model is moved by as many samples at a time.

``curves``: log-loss of test samples after each round. The clock is that of `fit` from the call
on, with reading and checking, but without the time that the test takes. Bytes are those given to
tasks of shards and returned by them.

The table of rounds is of the same trainings: what a worker that has shards computes in a round,
on average, and the rest.

``sync``: accuracy where weights are averaged less often, for the same number of epochs.
"""

import argparse
import json
import os
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
from distributed import Client, LocalCluster
from shard_data import Stored, adult, fashion
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import log_loss

from fastperc import MLPClassifier, distributed
from fastperc.measuring import environment
from fastperc.measuring.words import markdown

STORED = Path(__file__).with_suffix(".json")
N_SHARDS, N_WORKERS, BATCH, MOMENTUM = 4, 2, 64, 0.5
USUAL = {"hidden_layer_sizes": (64,), "solver": "adam", "tol": 0.0, "n_iter_no_change": 10**6}
WAYS = {
    "exact, lbfgs": {"solver": "lbfgs", "max_iter": 20},
    "exact, adam": {"solver": "adam", "learning_rate_init": 0.01, "max_iter": 30},
    "local": {"solver": "adam", "max_iter": 10},
}


def classifier(seed=0, **parameters):
    """Return the estimator of all measurements."""
    return MLPClassifier(**USUAL | parameters, random_state=seed)


def local(problem_in_shards, n_shards, client, epochs, seed=0, local_epochs=1, **parameters):
    """Return a model that shards trained on their own for so many epochs of all samples."""
    model = classifier(
        seed, batch_size=max(1, BATCH // n_shards), max_iter=epochs // local_epochs, **parameters
    )
    return distributed.fit(
        model, *problem_in_shards.shards(n_shards), method="local", client=client,
        local_epochs=local_epochs, server_momentum=MOMENTUM if local_epochs < epochs else 0.0,
    )  # fmt: skip


class Both:
    """A problem in any order and sorted by class, as arrays and in files."""

    def __init__(self, problem, folder):
        for name in ("shuffled", "sorted"):
            (folder / name).mkdir(parents=True)
        self.shuffled, self.test = problem.shuffled(), (problem.X_test, problem.y_test)
        self.in_files = {
            "shuffled": Stored(self.shuffled, folder / "shuffled"),
            "sorted": Stored(problem.by_class(), folder / "sorted"),
        }


def measure_accuracy(both, client, epochs, seeds):
    """Return accuracies of one machine, and of shards in either order; and who was warned."""
    one = [
        classifier(seed, batch_size=BATCH, max_iter=epochs)
        .fit(both.shuffled.X, both.shuffled.y)
        .score(*both.test)
        for seed in seeds
    ]
    found = {"epochs": epochs, "one machine": one, "warned": {}}
    for order, stored in both.in_files.items():
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", distributed.ShardSkewWarning)
            found[order] = [
                local(stored, N_SHARDS, client, epochs, seed).score(*both.test)
                for seed in (seeds if order == "shuffled" else seeds[:1])
            ]
        found["warned"][order] = any(w.category is distributed.ShardSkewWarning for w in caught)
    return found


def measure_sync(both, client, epochs):
    """Return accuracies by order and local epochs."""
    found = {}
    for order, stored in both.in_files.items():
        found[order] = {
            n: local(stored, N_SHARDS, client, epochs, local_epochs=n).score(*both.test)
            for n in (1, 2, 4, 8)
            if n <= epochs
        }
    return found


class Clock:
    """A callback that notes the log-loss of test samples, and the time without its own."""

    def __init__(self, X, y):
        self.X, self.y, self.lines, self.own = X, y, [], 0.0
        self.begin = time.time()

    def __call__(self, epoch, model):
        """Note a line: when it was, seconds since the beginning, loss."""
        now = time.time()
        loss = float(log_loss(self.y, model.predict_proba(self.X)))
        self.lines.append((now, now - self.begin - self.own, loss))
        self.own += time.time() - now


def measure_curve(both, client, way, n_shards, epochs):
    """Return the curve of one training, and where its rounds spent their time."""
    parameters = dict(WAYS[way])
    parameters["max_iter"] = min(epochs, parameters["max_iter"])
    shards = both.in_files["shuffled"]
    client.get_task_stream(count=1)  # from now on, the scheduler remembers
    clock = Clock(*both.test)
    if way == "local":
        epochs = parameters["max_iter"]
        model = local(shards, n_shards, client, epochs, callback=clock)
    else:
        model = classifier(**parameters, callback=clock)
        distributed.fit(model, *shards.shards(n_shards), client=client)
    times = tasks_of(client.get_task_stream(start=clock.begin))
    report = model.cluster_report_
    per_task = (report["bytes_out"] + report["bytes_back"]) / len(times)
    ends = np.sort(times[:, 1])
    rounds = len(times) / n_shards
    busy = np.sum(times[:, 1] - times[:, 0]) / (min(N_WORKERS, n_shards) * rounds)
    first = times[:, 0].min()
    inside = clock.lines[-1][1] - (first - clock.begin)
    return {
        "way": way,
        "shards": n_shards,
        "seconds": [line[1] for line in clock.lines],
        "bytes": [per_task * int(np.searchsorted(ends, line[0])) for line in clock.lines],
        "log_loss": [line[2] for line in clock.lines],
        "rounds": rounds,
        "computing": float(busy),
        "round": float(inside / rounds),
    }


def tasks_of(stream):
    """Return when each task on a shard began and ended to compute, (n_tasks, 2)."""
    names = ("fastperc-gradient", "fastperc-local")
    return np.array([
        (part["start"], part["stop"])
        for task in stream
        if str(task["key"]).startswith(names) and "-shared" not in str(task["key"])
        for part in task["startstops"]
        if part["action"] == "compute"
    ])  # fmt: skip


def measure(problems, epochs, seeds, counts):
    """Return all that is measured, for JSON."""
    figures = {"accuracy": {}, "curves": []}
    usual = {"threads_per_worker": 1, "dashboard_address": "127.0.0.1:0"}
    with (
        tempfile.TemporaryDirectory() as folder,
        LocalCluster(n_workers=N_WORKERS, **usual) as cluster,
        Client(cluster) as client,
    ):
        problems = {
            name: Both(problem, Path(folder) / name.replace(" ", "-"))
            for name, problem in problems.items()
        }
        first = next(iter(problems.values()))
        for way in WAYS:  # machine code is loaded
            measure_curve(first, client, way, 4 * N_WORKERS, 1)
        for way in WAYS:
            for n_shards in counts:
                curve = measure_curve(first, client, way, n_shards, 10 * epochs)
                figures["curves"].append(curve)
                print(f"{way}, {n_shards} shards: {curve['seconds'][-1]:.1f} s", flush=True)
        figures["sync"] = measure_sync(first, client, min(epochs, 8))
        for name, both in problems.items():
            figures["accuracy"][name] = measure_accuracy(both, client, epochs, seeds)
    return figures


def machine():
    """Return what it was measured on."""
    packages = ("numpy", "numba", "dask", "distributed")
    return {
        "processor": environment.processor(),
        "cores": environment.n_cores(),
        "load": os.getloadavg()[0],
        **{package: environment.version_of(package) for package in packages},
    }


def accuracy_table(figures):
    """Return the accuracies as a table."""
    lines = [("accuracy", "one machine", "4 shards, shuffled", "4 shards, sorted")]
    for name, found in figures["accuracy"].items():
        cells = [f"{100 * np.mean(found[way]):.2f} %" for way in ("one machine", "shuffled")]
        warned = " (`ShardSkewWarning`)" * found["warned"]["sorted"]
        lines.append((name, *cells, f"{100 * np.mean(found['sorted']):.2f} %{warned}"))
    return markdown(lines)


def rounds_table(figures):
    """Return the times of rounds as a table."""
    lines = [("a round", "shards", "a worker computes, ms", "the rest, ms")]
    for curve in figures["curves"]:
        computing, whole = 1e3 * curve["computing"], 1e3 * curve["round"]
        rest = f"{whole - computing:.1f}"
        lines.append((curve["way"], str(curve["shards"]), f"{computing:.1f}", rest))
    return markdown(lines)


def main():
    """Measure or read, print, draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draw", action="store_true", help="only draw what is stored")
    parser.add_argument("--quick", action="store_true", help="2,000 samples, 2 epochs, 1 state")
    parser.add_argument("--json", metavar="FILE", type=Path, default=STORED)
    parser.add_argument("--pictures", metavar="DIR", type=Path)
    given = parser.parse_args()
    if given.draw:
        content = json.loads(given.json.read_text(encoding="utf-8"))
    else:
        problems = {"Fashion-MNIST, 784-64-10": fashion(), "Adult, 108-64-1": adult()}
        options = (20, (0, 1), (1, 2, 4, 8))
        if given.quick:
            problems = {name: problem.first(2000) for name, problem in problems.items()}
            options = (2, (0,), (1, 2))
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", distributed.ShardSkewWarning)
        begin = time.perf_counter()
        content = {"figures": measure(problems, *options)}
        content["seconds"] = round(time.perf_counter() - begin)
        content["machine"] = machine()
        given.json.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    figures = content["figures"]
    print(accuracy_table(figures), rounds_table(figures), sep="\n\n")
    from shard_pictures import save

    save(figures, given.pictures or STORED.parent / "pictures")


if __name__ == "__main__":
    main()
