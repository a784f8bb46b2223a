"""Threads: the same bits on any number of them, and serial kernels where they are not safe."""

import hashlib
import subprocess
import sys
import threading

import numba
import numpy as np
import pytest

from fastperc.kernels import parallel
from networks import problem

pytestmark = pytest.mark.skipif(
    numba.config.DISABLE_JIT, reason="the compiler is off: NUMBA_DISABLE_JIT=1"
)


def trained(threads, batch_size=700, optimizer="sgd", weighted=False, n=1500):
    p = problem((6, 20, 3), head=("softmax", "cross_entropy"), dtype="float32", n=n)
    history = p.net.train(
        p.X, p.y, epochs=3, lr=0.05, batch_size=batch_size, threads=threads, optimizer=optimizer,
        sample_weight=p.weight if weighted else None,
    )  # fmt: skip
    return p.net.theta.tobytes(), history.loss


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("batch_size", [257, 700, 10**6])
def test_same_bits_on_any_number_of_threads(batch_size, weighted, optimizer):
    one = trained(1, batch_size, optimizer, weighted)
    for threads in (2, 4):
        assert trained(threads, batch_size, optimizer, weighted) == one


def test_same_bits_every_time():
    hashes = {hashlib.sha256(trained(2)[0]).hexdigest() for _ in range(20)}
    code = (
        "import hashlib, sys; sys.path.insert(0, 'tests'); from test_parallel import trained; "
        "print(hashlib.sha256(trained(2)[0]).hexdigest())"
    )
    other = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    hashes.add(other.stdout.strip())
    assert len(hashes) == 1


def test_forward_on_threads():
    p = problem((6, 20, 3), n=5000, dtype="float32")
    assert np.array_equal(p.net.forward(p.X), p.net.forward(p.X, threads=2))


def test_the_callers_number_of_threads_is_restored():
    before = numba.get_num_threads()
    trained(1 if before > 1 else 2)
    trained(2)
    assert numba.get_num_threads() == before


def test_another_thread_gets_the_same_bits():
    results = []
    thread = threading.Thread(target=lambda: results.append(trained(2)))
    thread.start()
    thread.join()
    assert results == [trained(1)]


def test_serial_kernels_after_a_fork(monkeypatch):
    assert parallel.threads_are_safe()
    monkeypatch.setattr(parallel._Known, "pid", None)  # as for threads that somebody else started
    monkeypatch.setattr(parallel, "_was_forked", lambda: True)
    assert not parallel.threads_are_safe()
    assert trained(2) == trained(1)


@pytest.mark.posix
def test_a_forked_child_trains_after_its_parent_did(run_python):
    out = run_python(
        "import os, warnings, numpy as np\n"
        "from fastperc import Network\n"
        "X = np.random.default_rng(0).standard_normal((2000, 5)); y = X.sum(1)\n"
        "def train():\n"
        "    net = Network((5, 8, 1), seed=0)\n"
        "    net.train(X, y, epochs=2, batch_size=1000, threads=2)\n"
        "    return net.theta.tobytes()\n"
        "want = train()\n"
        "warnings.simplefilter('ignore')\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    os._exit(0 if train() == want else 1)\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
    )
    assert out.strip() == "0"


def test_divergence_on_threads_keeps_the_last_good_epoch():
    from fastperc import DivergedError

    p, q = (
        problem((3, 8, 1), hidden="identity", n=600),
        problem((3, 8, 1), hidden="identity", n=600),
    )
    for net, threads in ((p.net, 1), (q.net, 2)):
        with pytest.raises(DivergedError):
            net.train(p.X * 10, p.y, epochs=500, lr=1.0, batch_size=300, threads=threads)
    assert np.array_equal(p.net.theta, q.net.theta)
    assert np.isfinite(p.net.theta).all()


FOREIGN = """
import os, threading, warnings, numba, numpy as np
from numba import njit, prange

@njit(parallel=True)
def total(x):
    s = 0.0
    for i in prange(len(x)):
        s += x[i]
    return s

def train():
    from fastperc import Network
    X = np.random.default_rng(0).standard_normal((2000, 5))
    net = Network((5, 8, 1), seed=0)
    net.train(X, X.sum(1), epochs=2, batch_size=1000, threads=2)
    return net.theta.tobytes()
"""


def exit_code_of_child(run_python, before, **environment):
    code = FOREIGN + before + (
        "\nwarnings.simplefilter('ignore')\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    train()\n"
        "    os._exit(0)\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
    )  # fmt: skip
    return run_python(code, **environment).split()[-1]


@pytest.mark.posix
@pytest.mark.parametrize(
    "layer",
    [
        pytest.param(
            "omp",
            marks=pytest.mark.skipif(
                sys.platform == "darwin", reason="Numba's wheels for macOS have no OpenMP"
            ),
        ),
        "workqueue",
    ],
)
def test_a_forked_child_after_somebody_elses_threads(run_python, layer):
    before = "total(np.ones(100000))"
    assert exit_code_of_child(run_python, before, NUMBA_THREADING_LAYER=layer) == "0"


@pytest.mark.posix
def test_a_forked_child_after_threads_that_ctrl_c_ended(run_python):
    before = """
from fastperc.model import shards
before = shards.ShardGradients._at_once
def interrupted(self, *arguments):
    before(self, *arguments)
    raise KeyboardInterrupt
shards.ShardGradients._at_once = interrupted
try:
    train()
except KeyboardInterrupt:
    pass
shards.ShardGradients._at_once = before
"""
    assert exit_code_of_child(run_python, before) == "0"


def test_a_layer_of_one_caller_is_left_to_who_else_may_call(monkeypatch):
    monkeypatch.setattr(numba, "threading_layer", lambda: "workqueue")
    monkeypatch.setattr(parallel._Known, "pid", parallel.os.getpid())
    stop = threading.Event()
    other = threading.Thread(target=stop.wait)
    alone = parallel.threads_are_safe()
    other.start()
    try:
        assert not parallel.threads_are_safe()
    finally:
        stop.set()
        other.join()
    assert alone is (threading.active_count() == 1)
    assert trained(2) == trained(1)
