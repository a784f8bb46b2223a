"""Training with one update per batch: the mean gradient of a few samples, or of all.

The layers' work is three matrix products each, on (rows, units) arrays: ``z = a @ W`` forward,
``d @ W.T`` and ``a.T @ d`` backward. A batch of more than `CHUNK` rows passes through in chunks
whose gradients are added in order, so that scratch stays small whatever the batch.
"""

import math

import numpy as np

from .activations import times_slope
from .jit import kernel, piece
from .lanes import at, flat, load, matrix, rolled, store, view, width
from .lanes_numpy import BYTES
from .losses import finish_rows
from .online import copy
from .packing import padded
from .predict import CHUNK, all_finite, forward_rows, rows_work_size
from .table import ACTIVATION, COLUMNS, N_IN, N_OUT, OFFSET, theta_size
from .updates import descend


def work_size(layers, dtype, batch_size):
    """Number of elements of the scratch array of the kernels of this module."""
    block = BYTES // np.dtype(dtype).itemsize
    rows = min(CHUNK, batch_size)
    gathered = rows * int(layers[0, N_IN] + layers[-1, N_OUT] + 1) + 3 * block
    deltas = 2 * (rows * int(layers[:, N_OUT].max()) + block)
    parameters = theta_size(layers) + block
    return gathered + deltas + 2 * parameters + rows_work_size(layers, dtype, rows)


@kernel
def train_batches(
    X, Y, weight, order, theta, layers, loss, lr, batch_size, first, last, work, last_good, losses
):
    """Take the steps ``first <= step < last``, one batch each; see `online.train_online`.

    An epoch has ``ceil(n / batch_size)`` steps; its last batch may be smaller. A step is::

        theta -= lr * sum_r(weight[r] * gradient(r)) / sum_r(weight[r])

    and none where the weights of a batch are all 0.
    """
    n = X.shape[0]
    n_steps = (n + batch_size - 1) // batch_size
    order_rows = order.shape[0]
    order, theta, good, t = flat(order), flat(theta), flat(last_good), flat(layers)
    gradient = view(work, 0, theta.shape[0])
    rest = view(work, padded(theta.shape[0], width(work)), work.shape[0])
    for step in range(first, last):
        epoch, position = step // n_steps, step % n_steps
        if position == 0:
            copy(theta, good)
        start = position * batch_size
        rows = min(batch_size, n - start)
        at_row = epoch * n + start if order_rows > 0 else start
        loss_sum, weight_sum = gradient_of(
            X, Y, weight, order, at_row, rows, theta, t, loss, gradient, rest
        )
        losses[epoch] += loss_sum
        if weight_sum > 0:
            descend(theta, gradient, lr / theta.dtype.type(weight_sum))
        if position == n_steps - 1 and not (math.isfinite(losses[epoch]) and all_finite(theta)):
            copy(good, theta)
            return -1 - epoch
    return last


@kernel
def gradient_rows(X, Y, weight, theta, layers, loss, gradient, work):
    """Sum over all rows of X of the gradient, written to ``gradient``, laid out as theta.

    Returns the (weighted) sums of the losses and of the weights.
    """
    order = np.zeros(0, np.int64)
    return gradient_of(
        X, Y, weight, order, 0, X.shape[0], flat(theta), flat(layers), loss, flat(gradient), work
    )


@kernel
def loss_rows(X, Y, weight, theta, layers, loss, work):
    """The (weighted) sums of the losses of all rows of X and of their weights."""
    n, n_in, n_out, m = X.shape[0], X.shape[1], Y.shape[1], width(work)
    X, Y, weight, theta, t = flat(X), flat(Y), flat(weight), flat(theta), flat(layers)
    activation = at(t, t.shape[0] - COLUMNS + ACTIVATION)
    d, work = _split(flat(work), min(n, CHUNK) * n_out, m)
    loss_sum = weight_sum = 0.0
    for first in range(0, n, CHUNK):
        rows = min(CHUNK, n - first)
        z, room = forward_rows(matrix(X, first * n_in, rows, n_in), rows, theta, t, work)
        y = view(Y, first * n_out, rows * n_out)
        w = view(weight, min(first, weight.shape[0]), min(rows, weight.shape[0]))
        loss_sum += finish_rows(loss, activation, z, y, 0, w, rows, n_out, d, room)
        weight_sum += rows if w.shape[0] == 0 else w.sum()
    return loss_sum, weight_sum


@piece
def gradient_of(X, Y, weight, order, first, rows, theta, t, loss, gradient, work):
    """The same for the rows ``order[first:first + rows]``, or X's own where there is no order."""
    n_in, n_out = X.shape[1], Y.shape[1]
    X, Y, weight, order = flat(X), flat(Y), flat(weight), flat(order)
    size = min(rows, CHUNK)
    m = width(work)
    part, work = _split(work, theta.shape[0], m)
    x_room, work = _split(work, size * n_in, m)
    y_room, work = _split(work, size * n_out, m)
    w_room, work = _split(work, size, m)
    loss_sum = weight_sum = 0.0
    done = 0
    while done < rows:
        n = min(CHUNK, rows - done)
        at_row = first + done
        if order.shape[0] > 0:
            _gather(X, order, at_row, n, n_in, x_room)
            _gather(Y, order, at_row, n, n_out, y_room)
            if weight.shape[0] > 0:
                _gather(weight, order, at_row, n, 1, w_room)
            x, y = matrix(x_room, 0, n, n_in), view(y_room, 0, n * n_out)
            w = view(w_room, 0, min(n, weight.shape[0]))
        else:
            x, y = matrix(X, at_row * n_in, n, n_in), view(Y, at_row * n_out, n * n_out)
            w = view(weight, min(at_row, weight.shape[0]), min(n, weight.shape[0]))
        target = gradient if done == 0 else part
        loss_sum += _chunk_gradient(x, y, w, n, theta, t, loss, target, work)
        if done > 0:
            for i in range(theta.shape[0]):
                gradient[i] += part[i]
        weight_sum += n if w.shape[0] == 0 else w.sum()
        done += n
    return loss_sum, weight_sum


@piece
def _split(work, n, m):
    """The first ``n`` elements of ``work``, and what lies behind them, from a whole block on."""
    used = padded(n, m)
    return view(work, 0, n), view(work, used, work.shape[0] - used)


@piece
def _gather(source, order, first, n, columns, target):
    """Copy ``n`` rows of ``source`` in the order given."""
    for r in range(n):
        here, there = r * columns, order[first + r] * columns
        for k in range(columns):
            target[here + k] = source[there + k]


@piece
def _chunk_gradient(x, y, w, rows, theta, t, loss, gradient, work):
    """Forward and backward for one chunk; the gradient's sum is written, the loss returned."""
    c = t.shape[0] - COLUMNS
    m = width(work)
    widest = 0
    for k in range(0, t.shape[0], COLUMNS):
        widest = max(widest, at(t, k + N_OUT))
    here, rest = _split(work, rows * widest, m)
    below, rest = _split(rest, rows * widest, m)
    z, room = forward_rows(x, rows, theta, t, rest)
    n_out = at(t, c + N_OUT)
    loss_sum = finish_rows(loss, at(t, c + ACTIVATION), z, y, 0, w, rows, n_out, here, room)
    end = 0  # where the activations of the layer below begin
    for k in range(0, c, COLUMNS):
        end += padded(rows * at(t, k + N_OUT), m)
    while c > 0:
        n_in, n_out = at(t, c + N_IN), at(t, c + N_OUT)
        end -= padded(rows * n_in, m)
        a = view(rest, end, rows * n_in)
        d = matrix(here, 0, rows, n_out)
        _weight_gradient(matrix(a, 0, rows, n_in), d, rows, t, c, gradient)
        W = matrix(theta, at(t, c + OFFSET), n_in, n_out)
        np.dot(d, W.T, matrix(below, 0, rows, n_in))
        _slope(at(t, c - COLUMNS + ACTIVATION), a, below, rows * n_in)
        here, below = below, here
        c -= COLUMNS
    _weight_gradient(x, matrix(here, 0, rows, at(t, N_OUT)), rows, t, 0, gradient)
    return loss_sum


@piece
def _weight_gradient(a, d, rows, t, c, gradient):
    """``a.T @ d`` and the column sums of ``d``, where layer ``c`` has W and b."""
    n_in, n_out, o = at(t, c + N_IN), at(t, c + N_OUT), at(t, c + OFFSET)
    np.dot(a.T, d, matrix(gradient, o, n_in, n_out))
    b = view(gradient, o + n_in * n_out, n_out)
    for k in range(n_out):
        b[k] = 0
    for r in range(rows):
        for k in range(n_out):
            b[k] += d[r, k]


@piece
def _slope(code, a, d, n):
    """``d`` times the slope at the outputs ``a``, over whole blocks."""
    j = 0
    while j < n:
        rolled()
        store(d, j, times_slope(code, load(a, j), load(d, j)))
        j += width(a)
