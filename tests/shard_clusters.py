"""Small clusters for tests, and time limits: nothing that waits for one may hang."""

import faulthandler
import os
import signal
import subprocess
import sys
import tempfile
from contextlib import contextmanager

import distributed


@contextmanager
def cluster_of(n_workers, **options):
    """A cluster on this machine, and its client."""
    with (
        distributed.LocalCluster(
            n_workers=n_workers, threads_per_worker=1, dashboard_address=":0", **options
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


@contextmanager
def in_processes():
    """The client of a scheduler and a worker in processes of their own, which may be killed."""
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
            with distributed.Client(scheduler_file=file, timeout=30) as client:
                client.wait_for_workers(1, timeout=30)
                yield client
        finally:
            for process in (worker, scheduler):
                process.kill()
                process.wait(10)


@contextmanager
def time_limit(seconds):
    """Raise TimeoutError after some seconds; where even that hangs, end the process."""

    def fail(number, frame):
        raise TimeoutError(f"took longer than {seconds} s")

    before = signal.signal(signal.SIGALRM, fail)
    signal.alarm(seconds)
    faulthandler.dump_traceback_later(seconds + 30, exit=True, file=sys.__stderr__)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def pids(client):
    """The processes of the workers, as they report them."""
    return sorted(client.run(os.getpid).values())


def kill(client, n=1):
    """End workers at once, as the system does that has no memory left."""
    for pid in pids(client)[:n]:
        os.kill(pid, signal.SIGKILL)
