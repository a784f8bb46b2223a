"""Threads: the same bits on any number of them, and serial kernels where they are not safe."""

import hashlib
import subprocess
import sys
import threading

import numba
import numpy as np
import pytest

from fastperc import Fleet
from fastperc.kernels import parallel
from fastperc.model import slices
from fastperc.training import fleet_lanes, fleets
from networks import problem

pytestmark = [
    pytest.mark.skipif(numba.config.DISABLE_JIT, reason="the compiler is off: NUMBA_DISABLE_JIT=1"),
    pytest.mark.usefixtures("threads_for_any_work"),
]

WORTH_THREADS = slices.WORTH_THREADS
ANY_WORK = "from fastperc.model import slices; slices.WORTH_THREADS = 0\n"


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
    code = ANY_WORK + (
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
        ANY_WORK + "import os, warnings, numpy as np\n"
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
    from fastperc.model import slices
    slices.WORTH_THREADS = 0
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


@pytest.fixture
def calls(monkeypatch):
    """The names of what was asked of threads, call by call."""
    found = []
    for name in ("shard_gradients", "predict_shards"):
        kernel = getattr(parallel, name)
        monkeypatch.setattr(
            parallel, name, lambda *given, f=kernel, n=name: (found.append(n), f(*given))[1]
        )
    for module in (fleets, fleet_lanes):
        pool = module.ThreadPoolExecutor
        monkeypatch.setattr(
            module, "ThreadPoolExecutor", lambda n, f=pool: (found.append("pool"), f(n))[1]
        )
    monkeypatch.setattr(slices, "WORTH_THREADS", WORTH_THREADS)
    return found


def test_little_work_is_done_on_one_thread(calls):
    p = problem((2, 3, 2), n=300, dtype="float32")
    p.net.train(p.X, p.y, epochs=3, batch_size=300, threads=2)
    p.net.forward(p.X, threads=2)
    for sizes in ((2, 3, 2), (2, 70, 70, 2)):
        fleet = Fleet(sizes, 3, seed=0)
        fleet.train(p.X[:9], p.y[:9], epochs=2, threads=2)
        fleet.forward(p.X[:9], threads=2)
    assert calls == []


def test_much_work_is_done_on_threads(calls):
    p = problem((64, 64, 10), n=900, dtype="float32")
    p.net.train(p.X, p.y, epochs=2, batch_size=900, lr=1e-3, threads=2)
    assert set(calls) == {"shard_gradients"}
    calls.clear()
    p.net.forward(p.X, threads=2)
    assert set(calls) == {"predict_shards"}
    calls.clear()
    for sizes, n in (((64, 20, 10), 200), ((64, 70, 70, 10), 4)):
        fleet = Fleet(sizes, n, seed=0)
        fleet.train(p.X[:99], p.y[:99], epochs=1, lr=1e-3, threads=2)
        assert calls == ["pool"]
        calls.clear()


def test_the_work_is_that_of_a_batch_and_not_of_all(calls):
    p = problem((64, 64, 10), n=900, dtype="float32")
    p.net.train(p.X, p.y, epochs=1, batch_size=450, lr=1e-3, threads=2)
    assert calls == []
