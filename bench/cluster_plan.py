"""A plan for one model on 1e9 rows and 1,000 workers: measured parts, a formula, a simulation.

    python bench/cluster_plan.py             measure the parts here, write bench/cluster_plan.json
    python bench/cluster_plan.py --stored    reckon and simulate with what is stored

Measured, on a cluster of this machine: how long a worker computes on a shard, for each row, with
the spread of it; and how long Dask's scheduler is busy with a task, from rounds of tasks that do
nothing. Assumed, because this machine has no network: bandwidth and latency of each worker's, and
the share of workers that take several times as long.

Each worker has one shard. A round, in the simulation: the scheduler, which does one thing at a
time, sends out the tasks; each worker fetches the weights from another that has them, and
computes; results are added 16 at a time by a worker that has one of them, which fetches the
others one after the other, level by level; and the last sum is fetched by the client, which takes
the step.
"""

import argparse
import heapq
import json
import math
import time
import warnings
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import dask.array as da
import numpy as np
from distributed import Client, LocalCluster
from sklearn.exceptions import ConvergenceWarning

from fastperc import MLPRegressor, distributed
from fastperc.distributed.work import FAN_IN
from fastperc.measuring.words import duration, markdown

STORED = Path(__file__).with_suffix(".json")
SIZES, ROWS_MEASURED, SHARDS_MEASURED = (50, 64, 1), 1_000_000, 10


class Plan(NamedTuple):
    """What is planned, and what is assumed of the machines.

    Attributes
    ----------
    rows, workers : int
    bandwidth : float, bytes a second of each worker, in and out
    latency : float, seconds of a message
    slow, slowness : float, share of tasks on slow workers, and how many times as long they take
    """

    rows: int = 10**9
    workers: int = 1000
    bandwidth: float = 1.25e9
    latency: float = 2e-4
    slow: float = 0.01
    slowness: float = 3.0


class Parts(NamedTuple):
    """What was measured, and follows from the network.

    Attributes
    ----------
    row_times : ndarray, seconds a row of single tasks
    scheduler : float, seconds that the scheduler is busy with one task
    n_bytes : int, of weights or gradients
    """

    row_times: np.ndarray
    scheduler: float
    n_bytes: int


def measure(n_tasks=2000):
    """Return the parts, by exact rounds and by tasks that do nothing."""
    rows = ROWS_MEASURED // SHARDS_MEASURED
    X = da.random.default_rng(0).normal(size=(ROWS_MEASURED, SIZES[0]), chunks=(rows, SIZES[0]))
    X = X.astype(np.float32)
    data = X, X[:, 0] * X[:, 1]
    warnings.simplefilter("ignore", ConvergenceWarning)
    model = MLPRegressor(hidden_layer_sizes=SIZES[1:-1], solver="adam", max_iter=12, tol=0.0,
                         n_iter_no_change=100, random_state=0)  # fmt: skip
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0") as local,
        Client(local) as client,
    ):
        client.get_task_stream(count=1)
        distributed.fit(model, *data, client=client)
        since = time.time()
        distributed.fit(model, *data, client=client)
        spans = [
            part["stop"] - part["start"]
            for task in client.get_task_stream(start=since)
            if str(task["key"]).startswith("fastperc-gradient") and "shared" not in str(task["key"])
            for part in task["startstops"]
            if part["action"] == "compute"
        ]
        scheduler = min(scheduler_time(client, n_tasks, k) for k in range(3))
    n_bytes = 8 * sum((a + 1) * b for a, b in pairwise(SIZES))
    return Parts(np.array(spans) / rows, scheduler, n_bytes)


def scheduler_time(client, n_tasks, seed):
    """Return the processor's seconds that the scheduler's thread takes for a task of nothing."""
    before = client.run_on_scheduler(time.thread_time)
    futures = client.map(_nothing, range(seed * n_tasks, (seed + 1) * n_tasks), pure=False)
    client.gather(futures)
    return (client.run_on_scheduler(time.thread_time) - before) / n_tasks


def _nothing(number):
    return number


def depth(n_shards):
    """Return how many levels the tree of sums has."""
    levels = 0
    while n_shards > 1 or not levels:
        n_shards, levels = math.ceil(n_shards / FAN_IN), levels + 1
    return levels


def n_sums(n_shards):
    """Return how many tasks add."""
    total, n = 0, n_shards
    while n > 1 or not total:
        n = math.ceil(n / FAN_IN)
        total += n
    return total


def expected(plan, parts):
    """Return the seconds of a round, and of its parts, by formula."""
    n = plan.workers
    one = plan.latency + parts.n_bytes / plan.bandwidth
    found = {
        "scheduler": (n + n_sums(n)) * parts.scheduler,
        "weights to workers": math.ceil(math.log2(n)) * one,
        "the slowest shard": plan.rows / n * slowest(plan, parts.row_times),
        "sums to the client": (depth(n) * (FAN_IN - 1) + 1) * one,
    }
    return found, sum(found.values())


def slowest(plan, times):
    """Return the mean of the largest of as many times as there are workers, some of them slow."""
    every = np.concatenate([times, plan.slowness * times])
    weights = np.repeat([1 - plan.slow, plan.slow], len(times)) / len(times)
    order = np.argsort(every)
    below = np.minimum(np.cumsum(weights[order]), 1.0) ** plan.workers
    return float(every[order] @ np.diff(below, prepend=0.0))


def simulate(plan, parts, rng):
    """Return the seconds of one round, event by event."""
    rows, one = plan.rows / plan.workers, plan.latency + parts.n_bytes / plan.bandwidth
    scheduler, holders = Server(parts.scheduler), Holders(one)
    slow = rng.random(plan.workers) < plan.slow
    seconds = rows * rng.choice(parts.row_times, plan.workers) * np.where(slow, plan.slowness, 1.0)
    done = np.array([holders.fetch(scheduler.serve(0.0) + plan.latency) for _ in seconds]) + seconds
    while True:
        ready = []
        groups = [done[k : k + FAN_IN] for k in range(0, len(done), FAN_IN)]
        for group in sorted(groups, key=lambda group: group.max()):
            start = scheduler.serve(float(group.max()) + plan.latency)
            ready.append(start + plan.latency + (len(group) - 1) * one)
        done = np.array(ready)
        if len(done) == 1:
            return float(done[0] + one)


class Server:
    """One who does one thing at a time, each in the same time."""

    def __init__(self, seconds):
        self.seconds, self.free = seconds, 0.0

    def serve(self, at):
        """Return when it is done with what came at a time."""
        self.free = max(self.free, at) + self.seconds
        return self.free


class Holders:
    """Those who have the weights: each gives them to one at a time, who then has them as well."""

    def __init__(self, seconds):
        self.seconds, self.free = seconds, [0.0]

    def fetch(self, at):
        """Return when they are there, if they are asked for at a time."""
        end = max(at, heapq.heappop(self.free)) + self.seconds
        heapq.heappush(self.free, end)
        heapq.heappush(self.free, end)
        return end


def show(parts, n_rounds):
    """Print the plan: the formula beside the simulation, for several plans."""
    spread = np.percentile(parts.row_times, [5, 50, 95]) * 1e9
    print(f"{'-'.join(map(str, SIZES))}: {parts.n_bytes:,} bytes of weights in float64")
    shown = ", ".join(f"{value:.0f}" for value in spread)
    print(f"a row: {shown} ns (5th, 50th, 95th percentile)")
    print(f"the scheduler, a task: {duration(parts.scheduler)}\n")
    rng = np.random.default_rng(0)
    head = ("workers", "depth", "MB a round", "scheduler", "weights", "slowest shard", "sums",
            "formula", "simulated", "95th percentile")  # fmt: skip
    lines = [head]
    plans = [Plan(workers=n) for n in (16, 100, 1000)]
    plans += [Plan(slow=0.0), Plan(bandwidth=1.25e8)]
    for plan in plans:
        found, total = expected(plan, parts)
        rounds = [simulate(plan, parts, rng) for _ in range(n_rounds)]
        moved = 2 * plan.workers * parts.n_bytes / 1e6
        lines.append((
            f"{plan.workers:,}" + note(plan), str(depth(plan.workers)), f"{moved:,.0f}",
            *map(duration, found.values()), duration(total),
            duration(float(np.median(rounds))), duration(float(np.percentile(rounds, 95))),
        ))  # fmt: skip
    print(markdown(lines))


def note(plan):
    """Return how a plan differs from the usual one, in words."""
    usual, words = Plan(), ""
    if plan.slow != usual.slow:
        words += ", none slow"
    if plan.bandwidth != usual.bandwidth:
        words += f", {8e-9 * plan.bandwidth:g} Gbit/s"
    return words


def main():
    """Measure or read, reckon, simulate, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--stored", action="store_true", help="measure nothing")
    parser.add_argument("--rounds", type=int, default=200, help="that are simulated")
    parser.add_argument("--json", metavar="FILE", type=Path, default=STORED)
    given = parser.parse_args()
    if given.stored:
        content = json.loads(given.json.read_text(encoding="utf-8"))
        parts = Parts(np.array(content["row_times"]), content["scheduler"], content["n_bytes"])
    else:
        parts = measure()
        content = parts._asdict() | {"row_times": [float(f"{t:.4g}") for t in parts.row_times]}
        given.json.write_text(json.dumps(content) + "\n", encoding="utf-8")
    show(parts, given.rounds)


if __name__ == "__main__":
    main()
