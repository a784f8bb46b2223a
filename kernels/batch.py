"""Training with one update per batch: the mean gradient of a few samples, or of all.

The layers' work is three matrix products each, see `matmul`. A batch of more than `CHUNK` rows
is cut into slabs (see `parallel`), and these into chunks, so that scratch stays small.
"""

import math

import numpy as np

from .activations import times_slope
from .arguments import LOSS, flat_net, flat_rule, flat_samples
from .jit import inlined, kernel, outlined
from .losses import loss_and_delta_rows
from .matmul import add_column_sums, add_outer, add_transposed, product, transpose
from .online import copy
from .packing import padded, write_row
from .predict import all_finite, forward_rows, rows_work_size
from .simd import at, flat, load, no_unroll, store, view, width
from .simd_numpy import BYTES
from .sums import add_batch, plus, sum_of_weights
from .table import ACTIVATION, CHUNK, CHUNK_ROWS, COLUMNS, N_IN, N_OUT, OFFSET, WIDE, theta_size
from .updates import LR, SGD, has_penalties, penalise, update

SLABS = 16  # at most; each has a gradient of its own


def work_size(layers, dtype, batch_size):
    """Number of elements of the scratch array of the kernels of this module."""
    block = BYTES // np.dtype(dtype).itemsize
    rows = min(int(layers[0, CHUNK_ROWS]), batch_size)
    widest, n_out = int(layers[:, N_OUT].max()), int(layers[-1, N_OUT])
    parts = [
        theta_size(layers),
        theta_size(layers),
        _largest_transpose(layers),
        rows * widest,
        rows * widest,
    ]
    parts += [rows * int(layers[0, N_IN]), rows * n_out, rows]
    return sum(-(-part // block) * block for part in parts) + rows_work_size(layers, dtype, rows)


def _largest_transpose(layers):
    """Elements of the largest W that is transposed on the way: not that of a wide first layer."""
    transposed = layers[(np.arange(len(layers)) > 0) | (layers[:, WIDE] == 0)]
    return int((transposed[:, N_IN] * transposed[:, N_OUT]).max(initial=0))


@kernel
def train_batches(samples, net, rule, batch_size, first, last, scratch, last_good, sums):
    """Take the steps ``first <= step < last``, one batch each; see `online.train_online`.

    An epoch has ``ceil(n / batch_size)`` steps; its last batch may be smaller. The gradient of a
    step is ``sum_r(weight[r] * gradient(r)) / sum_r(weight[r])`` plus that of the penalties. A
    batch whose weights are all 0 is passed over.

    Parameters
    ----------
    samples, net, rule
        See `arguments`.
    scratch : array
        ``work_size(layers, dtype, batch_size)`` elements.
    sums : float64 array of shape (N_SUMS, n_epochs)
        Added to; see `sums`.
    """
    n = samples.X.shape[0]
    n_steps = (n + batch_size - 1) // batch_size
    samples, net, rule = flat_samples(samples), flat_net(net), flat_rule(rule)
    theta, layers, settings = net.theta, net.layers, rule.settings
    gradient, rest = split(flat(scratch), theta.shape[0])
    part, rest = split(rest, theta.shape[0])
    plain = rule.code == SGD and not has_penalties(settings)
    for step in range(first, last):
        epoch, position = step // n_steps, step % n_steps
        if position == 0:
            copy(theta, last_good)
        start = position * batch_size
        rows = min(batch_size, n - start)
        row = epoch * n + start if samples.order.shape[0] > 0 else start
        weight_sum = sum_of_weights(samples.weight, samples.order, row, rows)
        if weight_sum > 0:
            # Plain descent of one chunk adds the gradient to theta at once: when a layer's turn
            # comes, those below it have been served.
            at_once = plain and batch_size <= at(layers, CHUNK_ROWS)
            if not at_once:
                clear(gradient)
            target = theta if at_once else gradient
            scale = theta.dtype.type((-at(settings, LR) if at_once else 1.0) / weight_sum)
            found = add_slabs(samples, net, row, rows, scale, target, part, rest)
            add_batch(sums, epoch, found, weight_sum, samples, net, settings, row, rows)
            if not at_once:
                take_step(rule, net, gradient, weight_sum)
        if position == n_steps - 1 and not (math.isfinite(sums[LOSS, epoch]) and all_finite(theta)):
            copy(last_good, theta)
            return -1 - epoch
    return last


@inlined
def take_step(rule, net, gradient, weight_sum):
    """Take the rule's step, given the gradient of the mean loss; see `updates`."""
    penalise(rule.code, rule.settings, net.theta, gradient, net.layers, False, weight_sum)
    update(rule.code, rule.settings, net.theta, gradient, rule.state, rule.step_state)


@kernel
def gradient_rows(samples, net, gradient, scratch):
    """Sum over all rows of X of the gradient, written to ``gradient``, laid out as theta.

    ``samples.order`` has no rows. Returns the (weighted) sums of the losses and of the weights.
    """
    n = samples.X.shape[0]
    samples, net, gradient = flat_samples(samples), flat_net(net), flat(gradient)
    part, rest = split(flat(scratch), net.theta.shape[0])
    clear(gradient)
    one = gradient.dtype.type(1)
    loss_sum = add_slabs(samples, net, 0, n, one, gradient, part, rest)
    return loss_sum, sum_of_weights(samples.weight, samples.order, 0, n)


@kernel
def loss_rows(samples, net, scratch, sums):
    """Add the losses of all rows of X, times their weights, to ``sums[0]``, the weights to ``[1]``.

    ``samples.order`` has no rows. Row groups of whole chunks may be given one after the other: the
    sums are the same.
    """
    n, n_in, n_out = samples.X.shape[0], samples.X.shape[1], samples.Y.shape[1]
    X, Y, weight, _ = flat_samples(samples)
    theta, t, loss = flat_net(net)
    activation, chunk = at(t, t.shape[0] - COLUMNS + ACTIVATION), at(t, CHUNK_ROWS)
    d, work = split(flat(scratch), min(n, chunk) * n_out)
    for first in range(0, n, chunk):
        rows = min(chunk, n - first)
        z, room = forward_rows(view(X, first * n_in, rows * n_in), rows, theta, t, work)
        y = view(Y, first * n_out, rows * n_out)
        w = view(weight, min(first, weight.shape[0]), min(rows, weight.shape[0]))
        found = loss_and_delta_rows(loss, activation, z, y, 0, w, rows, n_out, d, room)
        sums[0] = plus(sums[0], found)
        sums[1] = plus(sums[1], float(rows) if w.shape[0] == 0 else float(w.sum()))


@inlined
def split(work, n):
    """The first ``n`` elements of ``work``, and what lies behind them, from a whole block on."""
    used = padded(n, width(work))
    return view(work, 0, n), view(work, used, work.shape[0] - used)


@inlined
def clear(v):
    """``v[:] = 0``."""
    for i in range(v.shape[0]):
        v[i] = 0


@inlined
def slabs_of(rows):
    """Into how many slabs a batch is cut, on any number of threads."""
    return min(SLABS, (rows + CHUNK - 1) // CHUNK)


@inlined
def slab_start(s, n_slabs, rows):
    """Where slab ``s`` of ``n_slabs`` begins."""
    return s * rows // n_slabs


@inlined
def add_slabs(samples, net, first, rows, scale, target, part, scratch):
    """`add_gradient`, slab by slab, the way `parallel` does it."""
    n_slabs = slabs_of(rows)
    loss_sum = 0.0
    for s in range(n_slabs):
        begin, end = slab_start(s, n_slabs, rows), slab_start(s + 1, n_slabs, rows)
        if s > 0:
            clear(part)
        out = part if s > 0 else target
        found = add_gradient(samples, net, first + begin, end - begin, scale, out, scratch, 0.0)
        loss_sum = plus(loss_sum, found)
        if s > 0:
            add_part(part, target)
    return loss_sum


@inlined
def add_part(part, total):
    """``total += part``."""
    for i in range(total.shape[0]):
        total[i] += part[i]


@kernel
def add_rows_gradient(samples, net, first, rows, scale, target, scratch, loss_sum):
    """`add_gradient` as a kernel, to be called by address."""
    scale = target.dtype.type(scale)
    return add_gradient(samples, net, first, rows, scale, target, scratch, loss_sum)


@inlined
def add_gradient(samples, net, first, rows, scale, target, scratch, loss_sum):
    """``target += scale * gradient`` for the rows ``order[first:first + rows]``, or X's own.

    The gradient is that of the weighted sum of the losses, which is returned, added to
    ``loss_sum``. All arrays are flat. A slab may be served in parts of whole chunks.
    """
    X, Y, weight, order = samples
    theta, t, loss = net
    n_in, n_out = at(t, N_IN), at(t, t.shape[0] - COLUMNS + N_OUT)
    chunk = at(t, CHUNK_ROWS)
    size = min(rows, chunk)
    x_room, work = split(scratch, size * n_in)
    y_room, work = split(work, size * n_out)
    w_room, work = split(work, size)
    for row in range(first, first + rows, chunk):
        n = min(chunk, first + rows - row)
        if order.shape[0] > 0:
            x, y = view(x_room, 0, n * n_in), view(y_room, 0, n * n_out)
            w = view(w_room, 0, min(n, weight.shape[0]))
            _gather(X, order, row, n, n_in, x)
            _gather(Y, order, row, n, n_out, y)
            if weight.shape[0] > 0:
                _gather(weight, order, row, n, 1, w)
        else:
            x, y = view(X, row * n_in, n * n_in), view(Y, row * n_out, n * n_out)
            w = view(weight, min(row, weight.shape[0]), min(n, weight.shape[0]))
        found = _add_chunk_gradient(x, y, w, n, theta, t, loss, scale, target, work)
        loss_sum = plus(loss_sum, found)
    return loss_sum


@inlined
def _gather(source, order, first, n, columns, target):
    """Copy ``n`` rows of ``source`` in the order given."""
    for r in range(n):
        write_row(source, at(order, first + r) * columns, columns, target, r * columns)


@inlined
def _add_chunk_gradient(x, y, w, rows, theta, t, loss, scale, target, work):
    """Forward and backward for one chunk: ``target += scale * gradient``; returns the loss."""
    c = t.shape[0] - COLUMNS
    widest = largest = end = 0
    for k in range(0, t.shape[0], COLUMNS):
        widest = max(widest, at(t, k + N_OUT))
        if k > 0 or not at(t, WIDE):
            largest = max(largest, at(t, k + N_IN) * at(t, k + N_OUT))
        if k < c:  # the activations of the layer below the output end here
            end += padded(rows * at(t, k + N_OUT), width(work))
    here, work = split(work, rows * widest)
    below, work = split(work, rows * widest)
    room, work = split(work, largest)
    z, two_rows = forward_rows(x, rows, theta, t, work)
    n_out = at(t, c + N_OUT)
    loss_sum = loss_and_delta_rows(
        loss, at(t, c + ACTIVATION), z, y, 0, w, rows, n_out, here, two_rows
    )
    if w.shape[0] > 0:
        _clear_weightless(w, rows, t, work)
    while c >= 0:
        no_unroll()
        a = x
        if c > 0:
            n_in, n_out, o = at(t, c + N_IN), at(t, c + N_OUT), at(t, c + OFFSET)
            end -= padded(rows * n_in, width(work))
            a = view(work, end, rows * n_in)
            transpose(theta, o, n_in, n_out, room)
            product(here, rows, n_out, room, 0, n_in, room, 0, below)
            _times_slope(at(t, c - COLUMNS + ACTIVATION), a, below, rows * n_in)
        _add_layer_gradient(a, here, rows, t, c, scale, target, room)
        here, below = below, here
        c -= COLUMNS
    return loss_sum


@outlined
def _clear_weightless(w, rows, t, work):
    """Set the hidden outputs of rows of weight 0 to 0: infinity times their delta would be NaN."""
    used = 0
    for c in range(0, t.shape[0] - COLUMNS, COLUMNS):
        n = at(t, c + N_OUT)
        for r in range(rows):
            if w[r] == 0:
                clear(view(work, used + r * n, n))
        used += padded(rows * n, width(work))


@inlined
def _add_layer_gradient(a, d, rows, t, c, scale, target, room):
    """``W += scale * a.T @ d`` and ``b += scale * sum(d)`` where ``target`` has layer ``c``.

    Lanes run along the longer rows: those of W, or its columns.
    """
    n_in, n_out, o = at(t, c + N_IN), at(t, c + N_OUT), at(t, c + OFFSET)
    left, right, n_left, n_right = a, d, n_in, n_out
    out, start = target, o
    narrow = not at(t, c + WIDE)
    aside = narrow and n_out > 1  # one column lies in memory as a row does
    if narrow:
        left, right, n_left, n_right = d, a, n_out, n_in
    if aside:
        out, start = view(room, 0, n_in * n_out), 0
        clear(out)
    add_outer(left, right, rows, n_left, n_right, scale, out, start)
    if aside:
        add_transposed(out, n_in, n_out, target, o)
    add_column_sums(d, rows, n_out, scale, target, o + n_in * n_out)


@inlined
def _times_slope(code, a, d, n):
    """``d`` times the slope at the outputs ``a``, over whole blocks."""
    j = 0
    while j < n:
        no_unroll()
        store(d, j, times_slope(code, load(a, j), load(d, j)))
        j += width(a)
