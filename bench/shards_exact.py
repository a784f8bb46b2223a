"""Exact steps on shards against one machine: California housing, 8-16-1 in float64.

    python bench/shards_exact.py [--quick]

Each solver trains on 1, 3 and 7 shards by 1, 2 and 3 workers, and on one machine. Printed is the
largest difference of a weight and of a loss, and whether all numbers of workers gave the same bits;
the exit status is 1 where a difference exceeds 1e-10, or bits differ.
"""

import argparse
import hashlib
import sys
import warnings

import dask.array as da
import numpy as np
from distributed import Client, LocalCluster
from sklearn.exceptions import ConvergenceWarning

from fastperc import MLPRegressor, datasets, distributed
from fastperc.measuring.words import markdown

BOUND = 1e-10
SOLVERS = ("lbfgs", "adam", "rprop", "sgd")
SHARDS, WORKERS, EPOCHS = (1, 3, 7), (1, 2, 3), 30


def regressor(solver, epochs, **parameters):
    """Return what is trained."""
    return MLPRegressor(
        hidden_layer_sizes=(16,), activation="tanh", solver=solver, scale="standard", tol=0.0,
        max_iter=epochs, random_state=0, **parameters,
    )  # fmt: skip


def weights_of(model):
    """Return all weights in one array."""
    return np.concatenate([part.ravel() for part in (*model.coefs_, *model.intercepts_)])


def train(solver, X, y, n_shards, epochs, client):
    """Return a model that was trained on shards."""
    rows = -(-len(X) // n_shards)
    data = da.from_array(X, chunks=(rows, X.shape[1])), da.from_array(y, chunks=rows)
    return distributed.fit(regressor(solver, epochs), *data, client=client)


def measure(solvers, counts, workers, epochs, max_rows=None):
    """Yield solver, shards, the largest differences of weights and losses, and how many hashes."""
    data = datasets.load("california_housing")
    X, y = data.X[:max_rows], data.y[:max_rows]
    cases = [(solver, n) for solver in solvers for n in counts]
    models = {case: [] for case in cases}
    with (
        LocalCluster(
            n_workers=workers[0], threads_per_worker=1, dashboard_address="127.0.0.1:0"
        ) as cluster,
        Client(cluster) as client,
    ):
        for n_workers in workers:
            cluster.scale(n_workers)
            client.wait_for_workers(n_workers, timeout=60)
            for solver, n in cases:
                models[solver, n].append(train(solver, X, y, n, epochs, client))
    for solver in solvers:
        one = regressor(solver, epochs, batch_size=len(X)).fit(X, y)
        for n in counts:
            found = models[solver, n]
            hashes = {hashlib.sha256(weights_of(model)).hexdigest() for model in found}
            weights = max(np.abs(weights_of(model) - weights_of(one)).max() for model in found)
            losses = max(np.abs(np.subtract(m.loss_curve_, one.loss_curve_)).max() for m in found)
            yield solver, n, float(weights), float(losses), len(hashes)


def main():
    """Train, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="1,000 rows, 3 epochs, 2 solvers")
    given = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    options = SOLVERS, SHARDS, WORKERS, EPOCHS
    if given.quick:
        options = ("lbfgs", "adam"), (1, 3), (1, 2), 3, 1000
    lines, is_good = [("solver", "shards", "weights differ by", "losses by", "the same bits")], True
    for solver, n, weights, losses, n_hashes in measure(*options):
        is_good &= weights < BOUND and losses < BOUND and n_hashes == 1
        lines.append(
            (solver, str(n), f"{weights:.1e}", f"{losses:.1e}", "no" if n_hashes > 1 else "yes")
        )
    print(markdown(lines))
    if not is_good:
        sys.exit(f"found a difference above {BOUND:g}, or other bits for other numbers of workers")


if __name__ == "__main__":
    main()
