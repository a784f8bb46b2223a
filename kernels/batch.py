"""Training with one update per batch: the mean gradient of a few samples, or of all.

The layers' work is three matrix products each, see `matmul`. A batch of more than `CHUNK` rows
is cut into shards (see `parallel`), and these into chunks, so that scratch stays small.
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
from .table import CHUNK, as_records, chunk_size, theta_size
from .updates import LR, SGD, divisor_of, has_penalties, penalise, update

SHARDS = 16  # at most; each has a gradient of its own


def work_size(layers, dtype, batch_size):
    """Return the number of elements of the scratch array of the kernels of this module."""
    block = BYTES // np.dtype(dtype).itemsize
    rows, records = min(chunk_size(layers), batch_size), as_records(layers)
    widest, n_out = int(records["n_out"].max()), int(records["n_out"][-1])
    parts = [
        theta_size(layers),
        theta_size(layers),
        _largest_transpose(records),
        rows * widest,
        rows * widest,
    ]
    parts += [rows * int(records["n_in"][0]), rows * n_out, rows]
    return sum(-(-part // block) * block for part in parts) + rows_work_size(layers, dtype, rows)


def _largest_transpose(layers):
    """Return the size of the largest W that is transposed: not that of a wide first layer."""
    transposed = layers[(np.arange(len(layers)) > 0) | (layers["wide"] == 0)]
    return int((transposed["n_in"] * transposed["n_out"]).max(initial=0))


@kernel
def train_batches(samples, net, rule, batch_size, first, last, scratch, last_good, sums):
    """Take the steps ``first <= step < last``, one batch each; see `online.train_online`.

    An epoch has ``ceil(n / batch_size)`` steps, where ``n = samples.order.shape[1]``; its last
    batch may be smaller. The gradient of a step is ``sum_r(weight[r] * gradient(r)) /
    sum_r(weight[r])``, with the setting SUM its numerator alone, plus that of the penalties. A
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
    n = samples.order.shape[1]
    n_steps = (n + batch_size - 1) // batch_size
    samples, net, rule = flat_samples(samples), flat_net(net), flat_rule(rule)
    theta, layers, settings = net.theta, net.layers, rule.settings
    gradient, rest = split(flat(scratch), theta.shape[0])
    partial, rest = split(rest, theta.shape[0])
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
            at_once = plain and batch_size <= at(layers, 0).chunk
            if not at_once:
                clear(gradient)
            target = theta if at_once else gradient
            scale = (-at(settings, LR) if at_once else 1.0) / divisor_of(settings, weight_sum)
            scale = theta.dtype.type(scale)
            found = add_shards(samples, net, row, rows, scale, target, partial, rest)
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
    penalise(rule, net.theta, gradient, net.layers, False, weight_sum)
    update(rule, net.theta, gradient)


@kernel
def gradient_rows(samples, net, gradient, scratch):
    """Sum over all rows of X of the gradient, written to ``gradient``, laid out as theta.

    ``samples.order`` has no rows. Returns the (weighted) sums of the losses and of the weights.
    """
    n = samples.X.shape[0]
    samples, net, gradient = flat_samples(samples), flat_net(net), flat(gradient)
    partial, rest = split(flat(scratch), net.theta.shape[0])
    clear(gradient)
    one = gradient.dtype.type(1)
    loss_sum = add_shards(samples, net, 0, n, one, gradient, partial, rest)
    return loss_sum, sum_of_weights(samples.weight, samples.order, 0, n)


@kernel
def loss_rows(samples, net, scratch, sums):
    """Add the losses of all rows of X, times their weights, to ``sums[0]``, the weights to ``[1]``.

    ``samples.order`` has no rows. Row groups of whole chunks may be given one after the other: the
    sums are the same.
    """
    n, n_in, n_out = samples.X.shape[0], samples.X.shape[1], samples.Y.shape[1]
    X, Y, weight, _ = flat_samples(samples)
    theta, layers, loss = flat_net(net)
    activation, chunk = at(layers, layers.shape[0] - 1).activation, at(layers, 0).chunk
    d, rest = split(flat(scratch), min(n, chunk) * n_out)
    for first in range(0, n, chunk):
        rows = min(chunk, n - first)
        x = view(X, first * n_in, rows * n_in)
        z, two_rows = forward_rows(x, rows, theta, layers, rest)
        y = view(Y, first * n_out, rows * n_out)
        w = view(weight, min(first, weight.shape[0]), min(rows, weight.shape[0]))
        found = loss_and_delta_rows(loss, activation, z, y, 0, w, rows, n_out, d, two_rows)
        sums[0] = plus(sums[0], found)
        sums[1] = plus(sums[1], float(rows) if w.shape[0] == 0 else float(w.sum()))


@inlined
def split(scratch, n):
    """Return the first ``n`` elements, and the rest behind them, from a whole block on."""
    used = padded(n, width(scratch))
    return view(scratch, 0, n), view(scratch, used, scratch.shape[0] - used)


@inlined
def clear(v):
    """Set ``v[:] = 0``."""
    for i in range(v.shape[0]):
        v[i] = 0


@inlined
def shards_of(rows):
    """Return into how many shards a batch is cut, on any number of threads."""
    return min(SHARDS, (rows + CHUNK - 1) // CHUNK)


@inlined
def shard_start(s, n_shards, rows):
    """Return where shard ``s`` of ``n_shards`` begins."""
    return s * rows // n_shards


@inlined
def add_shards(samples, net, first, rows, scale, target, partial, scratch):
    """Apply `add_gradient` shard by shard, as `parallel` does."""
    n_shards = shards_of(rows)
    loss_sum = 0.0
    for s in range(n_shards):
        begin, end = shard_start(s, n_shards, rows), shard_start(s + 1, n_shards, rows)
        if s > 0:
            clear(partial)
        out = partial if s > 0 else target
        found = add_gradient(samples, net, first + begin, end - begin, scale, out, scratch, 0.0)
        loss_sum = plus(loss_sum, found)
        if s > 0:
            add_to(target, partial)
    return loss_sum


@inlined
def add_to(total, partial):
    """Add ``partial`` to ``total``, in place."""
    for i in range(total.shape[0]):
        total[i] += partial[i]


@kernel
def add_rows_gradient(samples, net, first, rows, scale, target, scratch, loss_sum):
    """Apply `add_gradient`: as a kernel, to be called by address."""
    scale = target.dtype.type(scale)
    return add_gradient(samples, net, first, rows, scale, target, scratch, loss_sum)


@inlined
def add_gradient(samples, net, first, rows, scale, target, scratch, loss_sum):
    """Add ``scale * gradient`` for the rows ``order[first:first + rows]``, or X's own, to target.

    The gradient is that of the weighted sum of the losses, which is returned, added to
    ``loss_sum``. All arrays are flat. A shard may be served in parts of whole chunks.
    """
    X, Y, weight, order = samples
    layers = net.layers
    n_in, n_out = at(layers, 0).n_in, at(layers, layers.shape[0] - 1).n_out
    chunk = at(layers, 0).chunk
    size = min(rows, chunk)
    gathered_x, rest = split(scratch, size * n_in)
    gathered_y, rest = split(rest, size * n_out)
    gathered_w, rest = split(rest, size)
    for row in range(first, first + rows, chunk):
        n = min(chunk, first + rows - row)
        if order.shape[0] > 0:
            x, y = view(gathered_x, 0, n * n_in), view(gathered_y, 0, n * n_out)
            w = view(gathered_w, 0, min(n, weight.shape[0]))
            _gather(X, order, row, n, n_in, x)
            _gather(Y, order, row, n, n_out, y)
            if weight.shape[0] > 0:
                _gather(weight, order, row, n, 1, w)
        else:
            x, y = view(X, row * n_in, n * n_in), view(Y, row * n_out, n * n_out)
            w = view(weight, min(row, weight.shape[0]), min(n, weight.shape[0]))
        loss_sum = plus(loss_sum, _add_chunk_gradient(x, y, w, n, net, scale, target, rest))
    return loss_sum


@inlined
def _gather(source, order, first, n, columns, target):
    """Copy ``n`` rows of ``source`` in the order given."""
    for r in range(n):
        write_row(source, at(order, first + r) * columns, columns, target, r * columns)


@inlined
def _add_chunk_gradient(x, y, w, rows, net, scale, target, scratch):
    """Go forward and backward for one chunk: ``target += scale * gradient``; return the loss."""
    theta, layers, loss = net
    l = layers.shape[0] - 1
    output = at(layers, l)
    widest = largest = end = 0
    for k in range(layers.shape[0]):
        layer = at(layers, k)
        widest = max(widest, layer.n_out)
        if k > 0 or not layer.wide:
            largest = max(largest, layer.n_in * layer.n_out)
        if k < l:  # the activations of the layer below the output end here
            end += padded(rows * layer.n_out, width(scratch))
    delta, rest = split(scratch, rows * widest)
    delta_below, rest = split(rest, rows * widest)
    transposed, rest = split(rest, largest)
    z, two_rows = forward_rows(x, rows, theta, layers, rest)
    loss_sum = loss_and_delta_rows(
        loss, output.activation, z, y, 0, w, rows, output.n_out, delta, two_rows
    )
    if w.shape[0] > 0:
        _clear_weightless(w, rows, layers, rest)
    while l >= 0:
        no_unroll()
        layer, a = at(layers, l), x
        if l > 0:
            n_in, n_out = layer.n_in, layer.n_out
            end -= padded(rows * n_in, width(rest))
            a = view(rest, end, rows * n_in)
            transpose(theta, layer.offset, n_in, n_out, transposed)
            product(delta, rows, n_out, transposed, 0, n_in, transposed, 0, delta_below)
            _times_slope(at(layers, l - 1).activation, a, delta_below, rows * n_in)
        _add_layer_gradient(a, delta, rows, layer, scale, target, transposed)
        delta, delta_below = delta_below, delta
        l -= 1
    return loss_sum


@outlined
def _clear_weightless(w, rows, layers, activations):
    """Set the hidden outputs of rows of weight 0 to 0: infinity times their delta would be NaN."""
    used = 0
    for l in range(layers.shape[0] - 1):
        n = at(layers, l).n_out
        for r in range(rows):
            if w[r] == 0:
                clear(view(activations, used + r * n, n))
        used += padded(rows * n, width(activations))


@inlined
def _add_layer_gradient(a, d, rows, layer, scale, target, transposed):
    """Add ``scale * a.T @ d`` to W and ``scale * sum(d)`` to b, where ``target`` has the layer.

    What training may not change is left out.
    """
    n_out = layer.n_out
    if layer.trains_weights:
        _add_weights_gradient(a, d, rows, layer, scale, target, transposed)
    if layer.trains_bias:
        add_column_sums(d, rows, n_out, scale, target, layer.offset + layer.n_in * n_out)


@inlined
def _add_weights_gradient(a, d, rows, layer, scale, target, transposed):
    """Add ``scale * a.T @ d`` to W. Lanes run along the longer rows: those of W, or its columns."""
    n_in, n_out, o = layer.n_in, layer.n_out, layer.offset
    left, right, n_left, n_right = a, d, n_in, n_out
    out, start = target, o
    narrow = not layer.wide
    aside = narrow and n_out > 1  # one column lies in memory as a row does
    if narrow:
        left, right, n_left, n_right = d, a, n_out, n_in
    if aside:
        out, start = view(transposed, 0, n_in * n_out), 0
        clear(out)
    add_outer(left, right, rows, n_left, n_right, scale, out, start)
    if aside:
        add_transposed(out, n_in, n_out, target, o)


@inlined
def _times_slope(code, a, d, n):
    """Multiply ``d`` by the slope at the outputs ``a``, in whole blocks."""
    j = 0
    while j < n:
        no_unroll()
        store(d, j, times_slope(code, load(a, j), load(d, j)))
        j += width(a)
