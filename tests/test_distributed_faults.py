"""What happens to a run on a Dask cluster when workers, data or the scheduler are lost."""

import _thread
import hashlib
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from clusters import SECONDS, cluster, kill, meanwhile, pids, time_limit

from fastperc import Fleet

dask = pytest.importorskip("dask")
pytest.importorskip("distributed")
pytestmark = pytest.mark.posix

from fastperc import distributed as ours  # noqa: E402 (needs what comes before)
from fastperc.distributed.chunks import FleetWork  # noqa: E402

N = 640


@pytest.fixture(autouse=True)
def limited():
    with time_limit():
        yield


@pytest.fixture(scope="module")
def client():
    with cluster(2) as client:
        yield client


@pytest.fixture
def doomed():
    """A cluster for one test: where workers are killed, their nannies may not come back."""
    with cluster(2) as client:
        yield client


@pytest.fixture(scope="module")
def data():
    X = np.random.default_rng(0).uniform(-1, 1, (5000, 8)).astype(np.float32)  # more than LARGE
    return X, np.sin(X.sum(axis=1))


def hash_of(client, data, *, epochs=15, chunk_seconds=0.15, **options):
    """Train on a cluster, or here; returns a hash of all weights and losses, and the report."""
    fleet = Fleet((8, 16, 1), N, hidden="tanh", seed=0)
    rates = np.geomspace(1e-3, 0.05, N)
    with ours.on(client, chunk_seconds=chunk_seconds) as session:
        fleet.train(*data, **{"epochs": epochs, "batch_size": 16, "lr": rates, **options})
    digest = hashlib.sha256(fleet.theta.tobytes() + fleet.history.loss.tobytes())
    return digest.hexdigest(), session.report


@pytest.fixture(scope="module")
def expected(data):
    return hash_of(None, data)[0]


def test_a_killed_worker_costs_no_bit(doomed, data, expected):
    with meanwhile(lambda: kill(doomed), 0.4):
        found, report = hash_of(doomed, data)
    assert found == expected
    assert report.seconds > 0.4  # it was killed meanwhile


@pytest.mark.slow
def test_all_workers_killed_but_one(data, expected):
    with cluster(3) as client, meanwhile(lambda: kill(client, slice(2)), 0.4):
        found, report = hash_of(client, data)
    assert found == expected
    assert report.seconds > 0.4


def test_data_that_all_workers_have_lost_are_made_again(doomed, data, expected):
    with meanwhile(lambda: kill(doomed, slice(2)), 0.5):
        found, report = hash_of(doomed, data)
    assert found == expected
    assert report.seconds > 0.5
    assert report.shared < 2 * data[0].nbytes  # this process sends them once, nevertheless


@pytest.mark.slow
def test_a_worker_that_hangs_for_a_while(client, data, expected):
    pid = next(iter(pids(client).values()))

    def pause():
        os.kill(pid, signal.SIGSTOP)
        time.sleep(2)
        os.kill(pid, signal.SIGCONT)

    with meanwhile(pause, 0.3):
        found, _ = hash_of(client, data)
    assert found == expected


def test_ctrl_c_leaves_whole_networks(client, data, monkeypatch):
    put = FleetWork.put

    def put_and_press(self, numbers, result):
        put(self, numbers, result)
        _thread.interrupt_main()

    monkeypatch.setattr(FleetWork, "put", put_and_press)
    fleet = Fleet((8, 16, 1), N, hidden="tanh", seed=0)
    start = fleet.theta.copy()
    with ours.on(client, chunk_seconds=0.1), pytest.raises(KeyboardInterrupt):
        fleet.train(*data, epochs=5, batch_size=16, lr=0.01)
    changed = (fleet.theta != start).any(axis=1)
    assert 0 < changed.sum() < N
    assert (fleet.history.epochs == np.where(changed, 5, 0)).all()
    assert set(fleet.history.stopped) == {"epochs", "interrupted"}


@pytest.mark.slow
def test_one_hash_for_any_number_of_workers_and_a_kill_in_each_round(data, expected):
    for n in (1, 2, 3):
        with cluster(n) as client:
            assert hash_of(client, data)[0] == expected
            if n == 2:
                for _ in range(2):
                    with meanwhile(lambda client=client: kill(client), 0.3):
                        assert hash_of(client, data)[0] == expected


@pytest.mark.slow
def test_a_chunk_that_ends_each_of_its_workers_is_named(data):
    here = os.getpid()

    def rate(epoch):
        if os.getpid() != here:
            os._exit(1)
        return 0.01

    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        cluster(1) as client,
        pytest.raises(ours.ClusterError, match=r"each worker died which was given networks \d+ to"),
    ):
        hash_of(client, data, lr=rate)


@pytest.mark.slow
def test_a_cluster_without_workers_says_so(data, monkeypatch):
    monkeypatch.setattr("fastperc.distributed.running.PATIENCE", 1.0)
    with (
        cluster(0) as client,
        pytest.raises(ours.ClusterError, match="there was no scheduler, or no worker"),
    ):
        hash_of(client, data)


@pytest.mark.slow
def test_a_scheduler_that_is_gone_says_so(data, tmp_path):
    from distributed import Client

    def start(what, *more):
        command = [sys.executable, "-m", f"distributed.cli.dask_{what}", *more]
        return subprocess.Popen(command, stderr=subprocess.DEVNULL, cwd=tmp_path)

    file = tmp_path / "scheduler.json"
    named = "--scheduler-file", str(file), "--no-dashboard"
    scheduler = start("scheduler", "--host", "127.0.0.1", "--port", "0", *named)
    worker = start("worker", *named, "--nthreads", "1", "--death-timeout", "5")
    try:
        with Client(scheduler_file=str(file), timeout=SECONDS) as client:
            client.wait_for_workers(1, timeout=SECONDS)
            begin = time.monotonic()
            with (
                pytest.raises(ours.ClusterError, match="the cluster is lost"),
                meanwhile(scheduler.kill, 1.0),
            ):
                hash_of(client, data, epochs=400)
            assert time.monotonic() - begin < 30
    finally:
        for process in (scheduler, worker):
            process.kill()
            process.wait()
