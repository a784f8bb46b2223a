"""Gradients and outputs of many samples on several threads, the same bits on any number of them.

Rows are cut into shards by how many there are, never by the number of threads; each shard's
gradient is summed on its own, and the shards are added in order. The serial kernels of `batch` do
the same, so they serve as twins: ``threads=2`` changes no digit.
"""

import contextlib
import os
import threading

import numba
import numpy as np
from numba import prange

from .arguments import flat_net, flat_samples
from .batch import clear, shard_start
from .call_by_address import call
from .jit import kernel
from .predict import count_chunks, predict_chunk
from .simd import at, flat, records, view
from .table import LAYER


@kernel(parallel=True)
def shard_gradients(
    address, samples, net, first, rows, scale, gradients, sums, scratch, begin, end
):
    """Compute each shard's gradient, times ``scale``, and loss: its chunks ``begin`` to ``end``.

    Parameters
    ----------
    address : int
        That of `batch.add_rows_gradient`; see `shards.address`.
    samples, net
        See `arguments`.
    first, rows : int
        The batch: the rows ``order[first:first + rows]``, or those of X.
    gradients : array of shape (n_shards, n_parameters)
        Written by the first chunk, added to by the others.
    sums : float64 array of shape (n_shards,)
        The losses, likewise.
    scratch : array of shape (n_shards, batch.work_size(...))
    """
    n_shards, n = gradients.shape[0], net.theta.shape[0]
    chunk = at(records(net.layers, LAYER), 0).chunk
    for k in prange(n_shards):
        s = np.int64(k)  # prange counts in uint64, and uint64 with int64 makes float64
        start, stop = shard_start(s, n_shards, rows), shard_start(s + 1, n_shards, rows)
        here, there = min(start + begin * chunk, stop), min(start + end * chunk, stop)
        gradient = view(flat(gradients), s * n, n)
        own = view(flat(scratch), s * scratch.shape[1], scratch.shape[1])
        if begin == 0:
            clear(gradient)
            sums[s] = 0.0
        arguments = (
            flat_samples(samples), flat_net(net), first + here, there - here, scale, gradient,
            own, sums[s],
        )  # fmt: skip
        sums[s] = call(address, 0.0, arguments)


@kernel(parallel=True)
def predict_shards(X, theta, layers, out, scratch):
    """Apply `predict.predict_rows`, chunks dealt out to as many shards as ``scratch`` has rows."""
    n_chunks = count_chunks(records(layers, LAYER), X.shape[0])
    for k in prange(scratch.shape[0]):
        s = np.int64(k)
        own = view(flat(scratch), s * scratch.shape[1], scratch.shape[1])
        for chunk in range(s, n_chunks, scratch.shape[0]):
            predict_chunk(X, theta, records(layers, LAYER), out, chunk, own)


# Threading layers that several threads may use at the same time.
SHARED_LAYERS = {"omp", "tbb"}


class _Known:
    """Holds the number of the process in which Numba's threads are known to have been started."""

    pid: int | None = None


def threads_are_safe():
    """Return whether a parallel kernel may run here and now.

    GNU OpenMP ends a process that uses it after a fork, whoever used it before; Numba's own
    ``workqueue`` ends one in which two threads use it at once. Where that could happen, the serial
    kernels are taken.
    """
    if not _layer():
        numba.get_num_threads()  # starts one
        _Known.pid = os.getpid()
    if _Known.pid != os.getpid():  # it was started by others, or before a fork
        if _was_forked():
            return False
        _Known.pid = os.getpid()
    return _layer() in SHARED_LAYERS or threading.active_count() == 1


def _layer():
    """Return the name of the threading layer that Numba has started, or ''."""
    try:
        return numba.threading_layer()
    except ValueError:  # what it raises as long as there is nothing to tell
        return ""


def _was_forked():
    """Return whether this process began as a copy of another, with whatever that had started."""
    try:
        with open("/proc/self/stat", encoding="ascii", errors="replace") as file:
            flags = int(file.read().rpartition(")")[2].split()[6])
    except (OSError, ValueError, IndexError):  # not Linux
        return _Known.pid is not None
    return bool(flags & FORKED_WITHOUT_EXEC)


FORKED_WITHOUT_EXEC = 0x40  # PF_FORKNOEXEC of the kernel's sched.h


def at_most(n):
    """Return ``n`` threads, or as many as there are."""
    return min(n, numba.config.NUMBA_NUM_THREADS)


@contextlib.contextmanager
def using_threads(n):
    """Let parallel kernels run on ``n`` threads inside the block, or as many as there are."""
    before = numba.get_num_threads()
    numba.set_num_threads(at_most(n))
    try:
        yield
    finally:
        numba.set_num_threads(before)
