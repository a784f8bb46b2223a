"""Networks of 8-16-1 on a Dask cluster of this machine, against one process.

    python bench/fleet_on_dask.py --networks 10000 --workers 2

The runs alternate; the best of each is printed, with the share of the time in which the client was
busy, and whether the weights are the same to the last bit.
"""

import argparse
import os
import time

import numpy as np
from distributed import Client, LocalCluster

from fastperc import Fleet, distributed


def train(n, epochs, client):
    """Return seconds, the weights, and the report of one training."""
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (500, 8)).astype(np.float32)
    fleet = Fleet((8, 16, 1), n, hidden="tanh", seed=0)
    rates = np.geomspace(1e-3, 0.1, n)
    with distributed.on(client) as session:
        begin = time.perf_counter()
        fleet.train(X, np.sin(X.sum(axis=1)), epochs=epochs, batch_size=16, lr=rates)
        return time.perf_counter() - begin, fleet.theta, session.report


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", type=int, default=10_000)
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    options = {"threads_per_worker": 1, "dashboard_address": "127.0.0.1:0"}
    here, there = [], []
    with LocalCluster(n_workers=given.workers, **options) as cluster, Client(cluster) as client:
        train(64, 1, client)
        for _ in range(given.rounds):
            here.append(train(given.networks, given.epochs, None))
            there.append(train(given.networks, given.epochs, client))
            same = (here[-1][1] == there[-1][1]).all()
            print(f"one process {here[-1][0]:.2f} s, cluster {there[-1][0]:.2f} s, same: {same}")
    alone, (seconds, _, report) = min(run[0] for run in here), min(there, key=lambda run: run[0])
    idle = report.waiting / (report.seconds * max(1, report.threads))
    print(f"{given.networks} networks on {given.workers} workers: {alone / seconds:.2f} times")
    print(f"client busy {100 * report.own_share:.1f} %, workers without a task {100 * idle:.1f} %")
    print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    print(report)


if __name__ == "__main__":
    main()
