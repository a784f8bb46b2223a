"""Training many networks of one shape at once: SIMD lanes run across networks.

A *block* is as many networks as a SIMD value has lanes, their parameters an array (n_parameters,
lanes): see `fleet_parts.layers`. Networks of a block take their steps together, each with targets,
weights of samples, learning rate and penalties of its own, and each in its own order through the
samples if need be. Small blocks take turns, a step each: none has to wait for the result of its
last step.

What becomes of a network depends on nothing but its own samples and numbers: not on its lane, on
its neighbours, on how many blocks there are, or into how many calls its steps are divided.
"""

import math

from .activations import SOFTMAX
from .arguments import LOSS
from .fleet_parts.arguments import (
    BY_MEANS,
    PLAIN,
    data_of,
)
from .fleet_parts.layers import activate_units
from .fleet_parts.losses import output_deltas, softmax_units
from .fleet_parts.numbers import (
    CHUNK,
    TILE,
    copy,
    copy_where,
    in_order,
    read_block,
    sizes_of,
    turns_of,
    work_of,
)
from .fleet_parts.rules import set_rates
from .fleet_parts.steps import forward_tile, step_on_batch, step_on_sample
from .fleet_parts.sums import complete_sums, sum_at
from .jit import kernel
from .simd import at, flat, full, load, no_unroll, records, store, view, where_greater, width
from .table import LAYER


@kernel(fastmath={"contract"})
def train_fleet(
    net, samples, rule, batch_size, mode, blocks, steps, scratch, numbers, lists, partial,
    last_good, sums, ended,
):  # fmt: skip
    """Take the steps ``steps[0] <= step < steps[1]`` with the networks of some blocks.

    An epoch has ``n_steps = ceil(m / batch_size)`` steps, m the length of ``samples.orders``; step
    s is step ``s % n_steps`` of epoch ``s // n_steps``. Shorter orders have ended by then.

    Parameters
    ----------
    net, samples, rule
        See `FleetNet`, `FleetSamples`, `FleetRule`. Any rule but RPROP; clipping is not done.
    batch_size : int
    mode : int
        PLAIN, BY_FACTORS or BY_MEANS.
    blocks, steps : (int, int)
        The first one, and the one behind the last.
    scratch : array
        ``work_size(layers, dtype)`` elements.
    numbers : float64 array of shape (3, lanes)
    lists : int64 array of shape (lists_size(layers),)
        Scratch.
    partial : array of shape (n_blocks, lanes)
        Losses that are not yet in ``sums``: zeros at the beginning.
    last_good : array of theta's shape
        Written at the beginning of each epoch: theta.
    sums : float64 array of shape (n_blocks, N_SUMS, n_epochs, lanes)
        Added to; see `sums`.
    ended : int64 array of shape (n_blocks, lanes)
        Written where loss or parameters of a network became infinite or NaN: in which epoch. Its
        theta is what it was at that epoch's beginning. -1 where that has not happened.
    """
    layers, data = records(net.layers, LAYER), data_of(samples, rule, sums, partial)
    theta, kept, scratch, numbers = flat(net.theta), flat(last_good), flat(scratch), flat(numbers)
    lists = flat(lists)
    lengths, ended, loss = flat(samples.lengths), flat(ended), net.loss
    n_steps = (data.n_places + batch_size - 1) // batch_size
    m, size = width(theta), net.theta.shape[1] * width(theta)
    turns, sizes = turns_of(net, layers), sizes_of(layers, m)
    for first in range(blocks[0], blocks[1], turns):
        n = min(turns, blocks[1] - first)
        for turn in range(n):
            set_rates(data, first + turn, work_of(scratch, turn, sizes))
        for step in range(steps[0], steps[1]):
            epoch, position = step // n_steps, step % n_steps
            for turn in range(n):
                b = first + turn
                work = work_of(scratch, turn, sizes)
                here, before = view(theta, b * size, size), view(kept, b * size, size)
                alive, length = view(ended, b * m, m), at(lengths, b)
                if position == 0:
                    _mark_alive(alive, work.w)
                    copy_where(work.w, here, before)
                if position * batch_size < length:
                    if mode == BY_MEANS:
                        count = min(batch_size, length - position * batch_size)
                        where = b, epoch, position * batch_size, count
                        step_on_batch(layers, loss, data, here, where, work, numbers, lists)
                    else:
                        begins = position == 0 or step == steps[0]
                        ends = position + 1 == length or step + 1 == steps[1]
                        where = b, epoch, position, begins, ends, mode == PLAIN
                        step_on_sample(layers, loss, data, here, where, work, numbers)
                if position == n_steps - 1:
                    complete_sums(data, b, epoch, length, mode)
                    _take_back(data, here, before, b, epoch, work, alive)


@in_order
def _mark_alive(ended, alive):
    """Write 1 for networks that have not ended, 0 for the others."""
    for k in range(alive.shape[0]):
        alive[k] = 1 if ended[k] < 0 else 0


@in_order
def _take_back(data, theta, before, b, epoch, work, ended):
    """Take back the epoch of networks that diverged in it, or have ended."""
    m = width(theta)
    loss = view(data.sums, sum_at(data, b, LOSS, epoch, m), m)
    zero, p = full(theta, 0.0), 0
    while p < theta.shape[0]:
        no_unroll()
        zero += load(theta, p) * 0.0  # NaN from infinities and NaN
        p += m
    store(work.divisors, 0, zero)
    n_ended = 0
    for k in range(m):
        if ended[k] < 0 and not (work.divisors[k] == 0 and math.isfinite(loss[k])):
            ended[k] = epoch
        work.w[k] = 0 if ended[k] < 0 else 1
        n_ended += 0 if ended[k] < 0 else 1
    if n_ended > 0:
        copy_where(work.w, before, theta)


@kernel(fastmath={"contract"})
def outputs_of_fleet(net, X, blocks, out, scratch):
    """Write the outputs of the networks of some blocks for every row of X.

    Parameters
    ----------
    net : FleetNet
    X : array of shape (1, n, n_inputs, 1) or (n_blocks, n, n_inputs, lanes)
        The same for all networks, or of each one.
    blocks : (int, int)
        The first one, and the one behind the last.
    out : array of shape (n_blocks, n, n_outputs, lanes)
        Written.
    scratch : array
        ``work_size(layers, dtype)`` elements.
    """
    layers = records(net.layers, LAYER)
    n, each, source, target = X.shape[1], X.shape[3] > 1, flat(X), flat(out)
    m, thetas = width(target), flat(net.theta)
    output = at(layers, layers.shape[0] - 1)
    sizes = sizes_of(layers, m)
    work = work_of(flat(scratch), 0, sizes)
    units, n_out, size = sizes[1] // CHUNK, output.n_out * m, sizes[3]
    for b in range(blocks[0], blocks[1]):
        theta, here = view(thetas, b * size, size), view(target, b * n * n_out, n * n_out)
        row = 0
        while row < n:
            rows = min(TILE, n - row)
            u = _forward_rows(theta, layers, source, each, b, n, row, rows, work)
            for r in range(rows):
                z = view(work.a, r * units + u, n_out)
                if output.activation == SOFTMAX:
                    softmax_units(z, output.n_out)
                else:
                    activate_units(output.activation, z, output.n_out)
                copy(z, 0, view(here, (row + r) * n_out, n_out))
            row += rows


@kernel(fastmath={"contract"})
def losses_of_fleet(net, X, Y, weight, blocks, sums, scratch):
    """Add the losses of all rows of X, times their weights, to ``sums[:, 0]``, the weights to 1.

    Parameters
    ----------
    net, X, blocks, scratch
        As for `outputs_of_fleet`.
    Y, weight
        As in `fleet_parts.arguments.FleetSamples`.
    sums : float64 array of shape (n_blocks, 2, lanes)
    """
    layers = records(net.layers, LAYER)
    n, each, source = X.shape[1], X.shape[3] > 1, flat(X)
    thetas, targets, weights, totals = flat(net.theta), flat(Y), flat(weight), flat(sums)
    m = width(thetas)
    output = at(layers, layers.shape[0] - 1)
    sizes = sizes_of(layers, m)
    work = work_of(flat(scratch), 0, sizes)
    units, n_out, size = sizes[1] // CHUNK, output.n_out * m, sizes[3]
    for b in range(blocks[0], blocks[1]):
        theta, total = view(thetas, b * size, size), view(totals, b * 2 * m, 2 * m)
        row = 0
        while row < n:
            rows = min(TILE, n - row)
            u = _forward_rows(theta, layers, source, each, b, n, row, rows, work)
            for r in range(rows):
                z, d = view(work.a, r * units + u, n_out), view(work.d, r * units + u, n_out)
                read_block(targets, Y.shape[3] > 1, b, n, row + r, work.y)
                found = output_deltas(net.loss, output.activation, z, work.y, output.n_out, d)
                store(work.w, 0, full(work.w, 1.0))
                if weights.shape[0] > 0:
                    read_block(weights, weight.shape[2] > 1, b, n, row + r, work.w)
                w = load(work.w, 0)
                store(work.rates, 0, where_greater(w, 0.0, w * found, w * 0.0))
                for k in range(m):
                    total[k] += work.rates[k]
                    total[m + k] += work.w[k]
            row += rows


@in_order
def _forward_rows(theta, layers, X, each, b, n, row, rows, work):
    """Go forward with up to `TILE` rows; return where the output layer's sums begin."""
    n_in = work.x.shape[0] // TILE
    for r in range(rows):
        read_block(X, each, b, n, row + r, view(work.x, r * n_in, n_in))
    return forward_tile(theta, layers, work, rows)
