"""Small Dask clusters for tests, and what is done to them."""

import faulthandler
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager

import numpy as np
import pytest

SECONDS = (
    300  # that a test may take: what hangs is found, what a busy machine compiles is waited for
)


@contextmanager
def time_limit(seconds=SECONDS):
    """Fail the test where a block takes too long; where even that hangs, end the process."""

    def stop(number, frame):
        pytest.fail(f"the test took more than {seconds} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    faulthandler.dump_traceback_later(seconds + 30, exit=True, file=sys.__stderr__)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def cluster(n_workers=2, **options):
    """A client of a cluster on this machine, with workers of one thread each."""
    from distributed import Client, LocalCluster

    usual = {"threads_per_worker": 1, "dashboard_address": "127.0.0.1:0", "silence_logs": 50}
    options = {**usual, **options}
    with LocalCluster(n_workers=n_workers, **options) as local, Client(local) as client:
        yield client


@contextmanager
def in_processes():
    """The client of a scheduler and a worker in processes of their own, which may be killed."""
    from distributed import Client

    with tempfile.TemporaryDirectory() as folder:
        file = f"{folder}/scheduler.json"
        options = {"stderr": subprocess.DEVNULL, "start_new_session": True, "cwd": folder}
        program = [sys.executable, "-m", "distributed.cli.dask_scheduler"]
        scheduler = subprocess.Popen(
            [*program, "--port", "0", "--dashboard-address", ":0", "--scheduler-file", file],
            **options,
        )
        program = [sys.executable, "-m", "distributed.cli.dask_worker"]
        worker = subprocess.Popen(
            [*program, "--scheduler-file", file, "--nthreads", "1", "--no-nanny"], **options
        )
        try:
            with Client(scheduler_file=file, timeout=SECONDS) as client:
                client.wait_for_workers(1, timeout=SECONDS)
                yield client
        finally:
            for process in (worker, scheduler):
                process.kill()
                process.wait(10)


def pids(client):
    """The process of each worker, as it reports it, by address."""
    return client.run(os.getpid)


def kill(client, which=slice(1)):
    """End some workers at once, as the system would that is out of memory; returns their pids."""
    chosen = [*pids(client).values()][which]
    for pid in chosen:
        os.kill(pid, signal.SIGKILL)
    return chosen


@contextmanager
def meanwhile(action, after):
    """Do something in another thread some seconds after the block begins; wait for its end."""
    errors = []

    def run():
        time.sleep(after)
        try:
            action()
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        thread.join()
    assert errors == []


def same(a, b):
    """Whether two arrays, or lists of them, have the same bits."""
    a, b = np.asarray(a), np.asarray(b)
    if a.dtype == object or a.dtype.kind in "US":
        return a.shape == b.shape and bool((a == b).all())
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
