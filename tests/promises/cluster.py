"""T23: workers of a Dask cluster that die, hang or are slow cost no bit and nothing hangs."""

from __future__ import annotations

import hashlib
import itertools
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from .tally import Tally

sys.path.insert(0, str(Path(__file__).parents[1]))  # where `clusters` is, for a command, too
from clusters import cluster, kill, pids, time_limit

HANGS = 30.0  # seconds beyond which a call hangs
WORKERS = 1, 2, 3, 4
X = np.random.default_rng(0).uniform(-1, 1, (3000, 8))
Y = np.sin(X.sum(axis=1))


# --- what is trained: functions of a client, or None for this process -----------------------------


def fleet(client) -> bytes:
    """Many networks."""
    from fastperc import Fleet

    made = Fleet((8, 16, 1), 320, hidden="tanh", seed=0)
    made.train(X, Y, epochs=12, batch_size=16, lr=np.geomspace(1e-3, 0.05, 320), client=client)
    return made.theta.tobytes() + made.history.loss.tobytes()


def groups(client) -> bytes:
    """A network for each group."""
    from fastperc import MLPRegressor, fit_groups

    one = MLPRegressor(hidden_layer_sizes=(8,), max_iter=40, tol=0.0, random_state=0)
    model = fit_groups(one, X, Y, groups=np.arange(len(X)) % 60, client=client)
    return model.predict(X, groups=np.arange(len(X)) % 60).tobytes()


def search(client) -> bytes:
    """Candidates times folds."""
    from fastperc import GridSearchCV, MLPRegressor

    one = MLPRegressor(max_iter=15, tol=0.0, random_state=0)
    grid = {"hidden_layer_sizes": [(8,), (16,)], "learning_rate_init": [1e-3, 3e-3, 1e-2]}
    found = GridSearchCV(one, grid, cv=4, refit=False).fit(X, Y, client=client)
    return found.cv_results_["mean_test_score"].tobytes()


def on_shards(method: str) -> Callable:
    """One model on seven shards; with no client, on a cluster that is let alone."""

    def train(client) -> bytes:
        import dask.array as da

        from fastperc import MLPRegressor, distributed

        one = MLPRegressor(hidden_layer_sizes=(8,), max_iter=12, tol=0.0, random_state=0)
        rows = -(-len(X) // 7)
        shards = da.from_array(X, chunks=(rows, 8)), da.from_array(Y, chunks=rows)
        with connected(client) as found:
            distributed.fit(one, *shards, method=method, client=found)
        return b"".join(part.tobytes() for part in (*one.coefs_, *one.intercepts_))

    return train


@contextmanager
def connected(client) -> Iterator[object]:
    if client is not None:
        yield client
        return
    with cluster(1) as made:
        yield made


KINDS = {"fleet": fleet, "groups": groups, "search": search, "exact shards": on_shards("exact"),
         "local shards": on_shards("local")}  # fmt: skip


# --- what is done to the workers meanwhile, until an event says stop ------------------------------


def nothing(client, over):
    """Let them work."""


def killed_again_and_again(client, over):
    """End a worker, and another one when it is back."""
    while not over.wait(random.uniform(0.1, 0.6)):
        kill(client, slice(1))
        over.wait(4.0)  # or a worker alone would never come to anything


def all_but_one_killed(client, over):
    """End all workers but one at the same time."""
    if not over.wait(random.uniform(0.1, 0.8)):
        kill(client, slice(1, None))


def all_killed(client, over):
    """End all workers at the same time."""
    if not over.wait(random.uniform(0.1, 0.8)):
        kill(client, slice(None))


def one_hangs(client, over):
    """Let a worker stand still for two seconds."""
    if not over.wait(random.uniform(0.1, 0.5)):
        pid = next(iter(pids(client).values()))
        os.kill(pid, signal.SIGSTOP)
        over.wait(2.0)
        os.kill(pid, signal.SIGCONT)


def one_is_slow(client, over):
    """Let a worker stand still for nine tenths of the time."""
    pid = next(iter(pids(client).values()))
    while not over.is_set():
        os.kill(pid, signal.SIGSTOP)
        over.wait(0.09)
        os.kill(pid, signal.SIGCONT)
        over.wait(0.01)


FAULTS = (nothing, killed_again_and_again, all_but_one_killed, all_killed, one_hangs, one_is_slow)


@contextmanager
def meanwhile(fault: Callable, client: object) -> Iterator[None]:
    """Do something to the workers during the block."""
    over, errors = threading.Event(), []

    def run():
        try:
            fault(client, over)
        except (OSError, ProcessLookupError, StopIteration):
            pass  # the worker that was meant is gone already
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
    assert errors == []


def run(count: int | None = None, kinds=tuple(KINDS), faults=FAULTS, workers=WORKERS) -> Tally:
    """Train everything on clusters of a random size whose workers die; ``count`` rounds."""
    tally, expected, alone = Tally(), {}, {}
    for kind in kinds:
        begin = time.monotonic()
        expected[kind] = digest(KINDS[kind](None))
        alone[kind] = time.monotonic() - begin
    for _ in range(count or 1):
        for kind, fault in itertools.product(kinds, faults):
            n = random.choice(workers)
            # One that is alone and stands still nine tenths of the time takes ten times as long.
            slower = 10 * alone[kind] if fault is one_is_slow and n == 1 else 0.0
            with patient(), cluster(n) as client:
                attempt(tally, client, n, kind, fault, expected[kind], HANGS + slower)
    return tally


def patient() -> object:
    """Let Dask try a task again, however many of its workers were killed, and none long."""
    import dask

    from fastperc.distributed.connecting import WAIT

    return dask.config.set({"distributed.scheduler.allowed-failures": 100, **WAIT})


def attempt(
    tally: Tally, client, n: int, kind: str, fault: Callable, expected: str, limit: float = HANGS
) -> None:
    """Train once, and see what came out."""
    what = f"{kind} on {n} workers, {fault.__name__.replace('_', ' ')}"
    begin, problem = time.monotonic(), ""
    try:
        with time_limit(240), meanwhile(fault, client):
            found = digest(KINDS[kind](client))
        if found != expected:
            problem = "other bits"
    except Exception as error:
        problem = f"{type(error).__name__}: {error}"
    seconds = time.monotonic() - begin
    if not problem and seconds > limit:
        problem = f"took {seconds:.0f} s"
    tally.take(what, problem, fault.__name__.replace("_", " "), seconds)


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
