"""Training with one update per sample by any rule of `updates`, with penalties and clipping.

As `online`, but backward first and then the update, layer by layer; and with penalties or clipping
the whole gradient is written down, in rows like the weights, before the rule loops over it. All
rows lie in one array here, and so does what the rule remembers: a call packs both when it begins
and unpacks them when it ends.
"""

import math

import numpy as np

from . import arguments
from .arguments import BATCH_LOSS, LOSS, SQUARES, flat_net, flat_rule, flat_samples
from .dense import backward_narrow, backward_wide, outer_rows, scaled_row
from .jit import inlined, kernel
from .online import copy, forward, prefetch_sample, row_of, sample_inputs, weighted_sums
from .packing import pack, padded, unpack
from .predict import all_finite
from .simd import at, flat, load, no_unroll, view, width
from .simd_numpy import BYTES
from .sums import squares_of_rows
from .table import (
    ACTIVATION,
    COLUMNS,
    N_IN,
    N_OUT,
    PADDED,
    ROWS,
    UNITS,
    WIDE,
    rows_size,
    units_size,
)
from .updates import (
    L2,
    L2_PER_WEIGHT,
    MEMORY,
    apply_rule,
    begin_step,
    memories,
    needs_whole_gradient,
    penalise,
    update,
    weights_of,
)


def work_size(rule, layers, dtype):
    """Number of elements of the scratch array of `train_online_by_rule`.

    Activations, deltas and an input; the weights, their gradient and what the rule remembers of
    them as rows.
    """
    block = BYTES // np.dtype(dtype).itemsize
    one_input = -(-int(layers[0, N_IN]) // block) * block
    return 2 * units_size(layers) + one_input + (2 + MEMORY[rule]) * rows_size(layers, dtype)


@kernel
def train_online_by_rule(samples, net, rule, first, last, scratch, last_good, sums):
    """Take the steps ``first <= step < last``; see `online.train_online`.

    Parameters
    ----------
    samples, net, rule
        See `arguments`. The table ``net.layers`` is made with ``direct=False``.
    scratch : array
        ``work_size(rule, layers, dtype)`` elements.
    sums : float64 array of shape (N_SUMS, n_epochs)
        Added to; see `sums`.
    """
    n, n_out = samples.X.shape[0], samples.Y.shape[1]
    X, Y, weight, order = flat_samples(samples)
    net, rule = flat_net(net), flat_rule(rule)
    theta, t = net.theta, net.layers
    a, d, room, rows, gradient, packed = parts_by_rule(flat(scratch), t, theta, rule.state)
    if first % n == 0:
        copy(theta, last_good)
    pack(theta, rows, t)
    pack_state(rule.state, theta.shape[0], packed, rows.shape[0], t)
    whole_gradient = needs_whole_gradient(rule.code, rule.settings)
    has_squares = at(rule.settings, L2_PER_WEIGHT) > 0
    epoch, left = first // n, n - first % n
    for step in range(first, last):
        prefetch_sample(X, Y, order, step, at(t, N_IN), n_out)
        row = row_of(order, step, n)
        w = at(weight, row) if weight.shape[0] > 0 else theta.dtype.type(1)
        if w > 0:  # a sample of weight 0 leaves no trace in what the rule remembers
            x = sample_inputs(X, row, t, room)
            if has_squares:
                sums[SQUARES, epoch] += squares_of_rows(rows, t)
            loss = step_on_sample(
                x, Y, row * n_out, w, net, rule, whole_gradient, a, d, rows, gradient, packed
            )
            sums[LOSS, epoch] += loss
            sums[BATCH_LOSS, epoch] += loss
            sums[arguments.ROWS, epoch] += 1
        left -= 1
        if left == 0:
            unpack(rows, t, theta)
            if not (math.isfinite(sums[LOSS, epoch]) and all_finite(theta)):
                copy(last_good, theta)
                return -1 - epoch
            copy(theta, last_good)
            epoch, left = epoch + 1, n
    unpack(rows, t, theta)
    unpack_state(packed, rows.shape[0], rule.state, theta.shape[0], t)
    return last


@inlined
def parts_by_rule(scratch, t, theta, state):
    """Activations, deltas, a padded input, then in rows: theta, gradient and the rule's memory."""
    c = t.shape[0] - COLUMNS
    units = at(t, c + UNITS) + at(t, c + PADDED)
    x = padded(at(t, N_IN), width(scratch))
    used = 2 * units + x
    start, n = weights_of(t, c, True, theta)
    n += start + at(t, c + PADDED)  # all rows end with the last layer's b
    return (
        view(scratch, 0, units),
        view(scratch, units, units),
        view(scratch, 2 * units, x),
        view(scratch, used, n),
        view(scratch, used + n, n),
        view(scratch, used + 2 * n, state.shape[0] // theta.shape[0] * n),
    )


@inlined
def pack_state(state, n, packed, n_packed, t):
    """Write each vector of ``state``, of length ``n``, as rows."""
    for k in range(state.shape[0] // n):
        pack(view(state, k * n, n), view(packed, k * n_packed, n_packed), t)


@inlined
def unpack_state(packed, n_packed, state, n, t):
    """Write the rows of each vector back to ``state``."""
    for k in range(state.shape[0] // n):
        unpack(view(packed, k * n_packed, n_packed), t, view(state, k * n, n))


@inlined
def step_on_sample(x, Y, start, w, net, rule, whole_gradient, a, d, rows, gradient, packed):
    """Take the rule's step on one sample of weight ``w``; returns its loss before, times w."""
    t = net.layers
    weighted_sums(rows, t, 0, x, a)
    loss = w * forward(net.theta, rows, t, a, Y, start, net.loss, d)
    if whole_gradient:
        write_gradient(rows, t, x, a, d, w, gradient)
        penalise(rule.code, rule.settings, rows, gradient, t, True, 1.0)
        update(rule.code, rule.settings, rows, gradient, packed, rule.step_state)
    else:
        backward_by_rule(rule.code, rule.settings, rows, t, x, a, d, w, packed, rule.step_state)
    return loss


@inlined
def backward_by_rule(rule, settings, rows, t, x, a, d, w, state, step_state):
    """From the last delta back to the first layer, a step of the rule for each parameter.

    For plain penalties, see `updates.needs_whole_gradient`. The sample's gradient, times w, is
    taken as it comes and written nowhere.
    """
    first, second = memories(state, rows.shape[0])
    numbers = begin_step(rule, settings, second, step_state)
    l2 = rows.dtype.type(at(settings, L2) + at(settings, L2_PER_WEIGHT))
    c = t.shape[0] - COLUMNS
    while c >= 0:
        no_unroll()
        delta, left, n, right, q = gradient_factors(t, c, x, a, d)
        backward_layer(rows, t, c, a, d)
        r = at(t, c + ROWS)
        for i in range(n):
            no_unroll()
            apply_rule_to_row(rule, numbers, rows, r, w * at(left, i), right, q, l2, first, second)
            r += q
        none = l2 * 0
        apply_rule_to_row(rule, numbers, rows, r, w, delta, at(t, c + PADDED), none, first, second)
        c -= COLUMNS


@inlined
def apply_rule_to_row(rule, numbers, rows, r, s, v, q, l2, first, second):
    """Move the row at ``r``, whose gradient is ``s * v``, and ``l2`` times the row itself."""
    j = 0
    while j < q:
        no_unroll()
        g = s * load(v, j) + l2 * load(rows, r + j)
        apply_rule(rule, numbers, rows, r + j, width(rows), g, first, second)
        j += width(rows)


@inlined
def write_gradient(rows, t, x, a, d, w, gradient):
    """The sample's gradient, times w, from the last delta back to the first layer."""
    c = t.shape[0] - COLUMNS
    while c >= 0:
        no_unroll()
        delta, left, n, right, q = gradient_factors(t, c, x, a, d)
        backward_layer(rows, t, c, a, d)
        r = at(t, c + ROWS)
        outer_rows(w, left, n, right, q, gradient, r)
        scaled_row(w, delta, at(t, c + PADDED), gradient, r + n * q)
        c -= COLUMNS


@inlined
def gradient_factors(t, c, x, a, d):
    """The delta of the layer at ``c``, and the two vectors whose outer product its gradient is.

    Row i of W's gradient is ``left[i] * right``; returns ``delta, left, n, right, q``: n rows, each
    of padded length q.
    """
    delta = view(d, at(t, c + UNITS), at(t, c + PADDED))
    p = padded(at(t, c + N_IN), width(a))
    inputs = view(a, at(t, c - COLUMNS + UNITS), p) if c > 0 else x
    if at(t, c + WIDE):
        return delta, inputs, at(t, c + N_IN), delta, at(t, c + PADDED)
    return delta, delta, at(t, c + N_OUT), inputs, p


@inlined
def backward_layer(rows, t, c, a, d):
    """The delta of the layer below that at ``c``, where there is one."""
    if c > 0:
        n_in, n_out, q = at(t, c + N_IN), at(t, c + N_OUT), at(t, c + PADDED)
        W = view(rows, at(t, c + ROWS), rows.shape[0] - at(t, c + ROWS))
        delta, p = view(d, at(t, c + UNITS), q), padded(n_in, width(a))
        below, code = at(t, c - COLUMNS + UNITS), at(t, c - COLUMNS + ACTIVATION)
        outputs, g = view(a, below, p), view(d, below, p)
        if at(t, c + WIDE):
            backward_wide(W, n_in, q, outputs, delta, code, g)
        else:
            backward_narrow(W, n_out, p, outputs, delta, code, g)
