"""Gradients and outputs of many samples on several threads, the same bits on any number of them.

Rows are cut into slabs by how many there are, never by the number of threads; each slab's gradient
is summed on its own, and the slabs are added in order. The serial kernels of `batch` do the same,
so they serve as twins: ``threads=2`` changes no digit.
"""

import contextlib
import functools
import os
import threading

import numba
import numpy as np
from numba import prange

from .batch import CHUNK, SLABS, add_part, add_rows_gradient, clear, slab_start, sum_of_weights
from .calling import address_of, call
from .jit import kernel
from .lanes import flat, view
from .predict import predict_chunk
from .updates import penalise, update


def count_slabs(rows):
    """`batch.slabs_of`, for Python."""
    return min(SLABS, -(-rows // CHUNK))


def slab_gradients(
    X, Y, weight, order, first, rows, theta, layers, loss, scale, gradients, sums, work
):
    """Each slab's gradient, times ``scale``, and loss, for the rows ``order[first:first + rows]``.

    Parameters
    ----------
    gradients : array of shape (n_slabs, n_parameters)
        Written.
    sums : float64 array of shape (n_slabs,)
        Written: the losses.
    work : array of shape (n_slabs, batch.work_size(...))
        Scratch.
    """
    _slab_gradients(
        _address(theta.dtype), X, Y, weight, order, first, rows, theta, layers, loss, scale,
        gradients, sums, work,
    )  # fmt: skip


@functools.cache
def _address(dtype):
    """That of the kernel that each thread runs, for arrays of one dtype."""
    v, i = np.empty(0, dtype), np.empty(0, np.int64)
    return address_of(add_rows_gradient, v, v, v, i, 0, 0, 0, 0, v, i, 0, 0.0, v, v)


@kernel(parallel=True)
def _slab_gradients(
    address, X, Y, weight, order, first, rows, theta, layers, loss, scale, gradients, sums, work
):
    n_slabs, n_in, n_out = gradients.shape[0], X.shape[1], Y.shape[1]
    for k in prange(n_slabs):
        s = np.int64(k)  # prange counts in uint64, and uint64 with int64 makes float64
        begin, end = slab_start(s, n_slabs, rows), slab_start(s + 1, n_slabs, rows)
        gradient = view(flat(gradients), s * theta.shape[0], theta.shape[0])
        room = view(flat(work), s * work.shape[1], work.shape[1])
        clear(gradient)
        arguments = (
            flat(X), flat(Y), flat(weight), flat(order), n_in, n_out, first + begin, end - begin,
            flat(theta), flat(layers), loss, scale, gradient, room,
        )  # fmt: skip
        sums[s] = call(address, 0.0, arguments)


@kernel
def step_of_slabs(gradients, theta, layers, rule, rates, state, clock, weight_sum):
    """Add the slabs' gradients in order, and take the step; see `updates`."""
    n = theta.shape[0]
    total = view(flat(gradients), 0, n)
    for s in range(1, gradients.shape[0]):
        add_part(view(flat(gradients), s * n, n), total)
    theta, t, rates = flat(theta), flat(layers), flat(rates)
    penalise(rule, rates, theta, total, t, False, weight_sum)
    update(rule, rates, theta, total, flat(state), flat(clock))


@kernel
def add_up(sums):
    """The sum from first to last."""
    s = 0.0
    for i in range(sums.shape[0]):
        s += sums[i]
    return s


@kernel
def weight_of_batch(weight, order, first, rows):
    """The sum of the sample weights of a batch."""
    return sum_of_weights(weight, order, first, rows)


@kernel(parallel=True)
def predict_slabs(X, theta, layers, out, work):
    """`predict.predict_rows`, chunks dealt out to as many slabs as ``work`` has rows."""
    n_chunks = (X.shape[0] + CHUNK - 1) // CHUNK
    for k in prange(work.shape[0]):
        s = np.int64(k)
        room = view(flat(work), s * work.shape[1], work.shape[1])
        for chunk in range(s, n_chunks, work.shape[0]):
            predict_chunk(X, theta, layers, out, chunk, room)


_used = threading.Event()  # whether Numba's threads have been started, here or before a fork
_forked_after_use = threading.Event()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=lambda: _used.is_set() and _forked_after_use.set())


def threads_are_safe():
    """Whether a parallel kernel may run here and now.

    GNU OpenMP ends a process that uses it after a fork; Numba's own ``workqueue`` ends one in which
    two threads use it at once. Where that could happen, the serial kernels are taken.
    """
    if _forked_after_use.is_set():
        return False
    if threading.current_thread() is threading.main_thread():
        return True
    return _used.is_set() and numba.threading_layer() in {"omp", "tbb"}


@contextlib.contextmanager
def using_threads(n):
    """Let parallel kernels run on ``n`` threads inside the block, or as many as there are."""
    before = numba.get_num_threads()
    numba.set_num_threads(min(n, numba.config.NUMBA_NUM_THREADS))
    try:
        yield
        _used.set()
    finally:
        numba.set_num_threads(before)
