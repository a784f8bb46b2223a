"""Training with one update per sample by any rule of `updates`, with penalties and clipping.

As `online`, but backward first and then the update, layer by layer; and with penalties or clipping
the whole gradient is written down, in rows like the weights, before the rule loops over it. All
rows lie in one array here, and so does what the rule remembers: a call packs both when it begins
and unpacks them when it ends.
"""

import math
from typing import NamedTuple

import numpy as np

from .arguments import BATCH_LOSS, LOSS, ROWS, SQUARES, Rule, flat_net, flat_rule, flat_samples
from .dense import backward_narrow, backward_wide, outer_rows, scaled_row
from .jit import inlined, kernel
from .online import (
    copy,
    forward,
    outputs_of,
    prefetch_sample,
    row_of,
    sample_inputs,
    steps_of,
    weighted_sums,
)
from .packing import pack, padded, unpack
from .predict import all_finite
from .simd import at, flat, load, no_unroll, view, width
from .simd_numpy import BYTES
from .sums import squares_of_rows
from .table import as_records, rows_size, units_size
from .updates import (
    L2,
    L2_PER_WEIGHT,
    MEMORY,
    MOMENTUM,
    PENALIZE_BIASES,
    SGD,
    apply_rule,
    begin_step,
    memories,
    needs_whole_gradient,
    penalise,
    update,
    weights_of,
)


class Parts(NamedTuple):
    """The parts of the scratch array.

    Attributes
    ----------
    a, d
        Activations and deltas.
    x
        One input, padded.
    rows, gradient
        The parameters and their gradient, in rows.
    state
        What the rule remembers of each parameter, in rows.
    """

    a: np.ndarray
    d: np.ndarray
    x: np.ndarray
    rows: np.ndarray
    gradient: np.ndarray
    state: np.ndarray


def work_size(rule, layers, dtype):
    """Return the number of elements of the scratch array of `train_online_by_rule`."""
    block = BYTES // np.dtype(dtype).itemsize
    one_input = -(-int(as_records(layers)["n_in"][0]) // block) * block
    return 2 * units_size(layers) + one_input + (2 + MEMORY[rule]) * rows_size(layers, dtype)


@kernel
def train_online_by_rule(samples, net, rule, first, last, scratch, last_good, sums):
    """Take the steps ``first <= step < last``; see `online.train_online`.

    Parameters
    ----------
    samples, net, rule
        See `arguments`. The table ``net.layers`` is made with ``direct=False``.
    first, last : int
        Which steps.
    scratch : array
        ``work_size(rule, layers, dtype)`` elements.
    last_good : array of theta's shape
        Written at the beginning of each epoch: theta.
    sums : float64 array of shape (N_SUMS, n_epochs)
        Added to; see `sums`.

    Returns
    -------
    int
        See `online.train_online`. Where an epoch diverged, what the rule remembers is of no use.
    """
    n, n_out = samples.order.shape[1], samples.Y.shape[1]
    X, Y, weight, order = flat_samples(samples)
    net, rule = flat_net(net), flat_rule(rule)
    theta, layers = net.theta, net.layers
    parts = split_scratch_by_rule(flat(scratch), net, rule)
    if first % n == 0:
        copy(theta, last_good)
    pack_all(net, rule, parts)
    whole_gradient = needs_whole_gradient(rule)
    has_squares = at(rule.settings, L2_PER_WEIGHT) > 0
    epoch, left = first // n, n - first % n
    for step in range(first, last):
        prefetch_sample(X, Y, order, step, at(layers, 0).n_in, n_out)
        row = row_of(order, step, n)
        w = at(weight, row) if weight.shape[0] > 0 else theta.dtype.type(1)
        if w > 0:  # a sample of weight 0 leaves no trace in what the rule remembers
            x = sample_inputs(X, row, layers, parts.x)
            if has_squares:
                sums[SQUARES, epoch] += squares_of_rows(parts.rows, layers)
            found = step_on_sample(x, Y, row * n_out, w, net, rule, whole_gradient, parts)
            sums[LOSS, epoch] += w * found
            sums[BATCH_LOSS, epoch] = sums[LOSS, epoch]
            sums[ROWS, epoch] += 1
        left -= 1
        if left == 0:
            unpack(parts.rows, layers, theta)
            if not (math.isfinite(sums[LOSS, epoch]) and all_finite(theta)):
                copy(last_good, theta)
                return -1 - epoch
            copy(theta, last_good)
            epoch, left = epoch + 1, n
    unpack_all(parts, net, rule)
    return last


@inlined
def split_scratch_by_rule(scratch, net, rule):
    """Cut the scratch array into its `Parts`."""
    first, last = at(net.layers, 0), at(net.layers, net.layers.shape[0] - 1)
    units = last.units + last.padded
    x = padded(first.n_in, width(scratch))
    used = 2 * units + x
    start, n = weights_of(last, True, scratch)
    n += start + last.padded  # all rows end with the last layer's b
    return Parts(
        view(scratch, 0, units),
        view(scratch, units, units),
        view(scratch, 2 * units, x),
        view(scratch, used, n),
        view(scratch, used + n, n),
        view(scratch, used + 2 * n, rule.state.shape[0] // net.theta.shape[0] * n),
    )


@inlined
def pack_all(net, rule, parts):
    """Write theta, and each vector that the rule remembers, as rows."""
    n, n_rows = net.theta.shape[0], parts.rows.shape[0]
    pack(net.theta, parts.rows, net.layers)
    for k in range(rule.state.shape[0] // n):
        pack(view(rule.state, k * n, n), view(parts.state, k * n_rows, n_rows), net.layers)


@inlined
def unpack_all(parts, net, rule):
    """Write the rows back to theta and to what the rule remembers."""
    n, n_rows = net.theta.shape[0], parts.rows.shape[0]
    unpack(parts.rows, net.layers, net.theta)
    for k in range(rule.state.shape[0] // n):
        unpack(view(parts.state, k * n_rows, n_rows), net.layers, view(rule.state, k * n, n))


@inlined
def step_on_sample(x, Y, start, w, net, rule, whole_gradient, parts):
    """Take the rule's step on one sample of weight ``w``; return its loss before.

    Its target begins at ``Y[start]``. ``whole_gradient``: see `updates.needs_whole_gradient`.
    """
    rows, layers = parts.rows, net.layers
    weighted_sums(rows, at(layers, 0), x, parts.a)
    loss = forward(net.theta, rows, layers, parts.a, Y, start, net.loss, parts.d)
    by_rows = Rule(rule.code, rule.settings, parts.state, rule.step_state)
    if whole_gradient:
        write_gradient(layers, x, w, parts)
        penalise(by_rows, rows, parts.gradient, layers, True, 1.0)
        update(by_rows, rows, parts.gradient)
    else:
        backward_by_rule(by_rows, layers, x, w, parts)
    return loss


@inlined
def backward_by_rule(rule, layers, x, w, parts):
    """Go from the last delta back to the first layer, with a step of the rule for each parameter.

    For plain penalties, see `updates.needs_whole_gradient`. The sample's gradient, times w, is
    taken as it comes and written nowhere.
    """
    rows, settings = parts.rows, rule.settings
    first, second = memories(rule.state, rows.shape[0])
    coefficients = begin_step(rule, second)
    l2 = rows.dtype.type(at(settings, L2) + at(settings, L2_PER_WEIGHT))
    code, l2_of_biases = rule.code, l2 if at(settings, PENALIZE_BIASES) > 0 else l2 * 0
    l = layers.shape[0] - 1
    while l >= 0:
        no_unroll()
        layer = at(layers, l)
        delta, left, n, right, q = gradient_factors(layers, l, x, parts.a, parts.d)
        backward_layer(rows, layers, l, parts.a, parts.d)
        r = layer.rows
        for i in range(n if layer.trains_weights else 0):
            no_unroll()
            s = w * at(left, i)
            start = r + i * q
            apply_rule_to_row(code, coefficients, rows, start, s, right, q, l2, first, second)
        if layer.trains_bias:
            start, q = r + n * q, layer.padded
            l2_b = l2_of_biases
            apply_rule_to_row(code, coefficients, rows, start, w, delta, q, l2_b, first, second)
        l -= 1


@inlined
def apply_rule_to_row(code, coefficients, rows, r, s, v, q, l2, first, second):
    """Move the row at ``r``, whose gradient is ``s * v``, and ``l2`` times the row itself.

    The cheapest rules have a loop of their own: to ask for the rule in each block takes as long as
    their step.
    """
    if code == MOMENTUM:
        _move_row(MOMENTUM, coefficients, rows, r, s, v, q, l2, first, second)
    elif code == SGD:
        _move_row(SGD, coefficients, rows, r, s, v, q, l2, first, second)
    else:
        _move_row(code, coefficients, rows, r, s, v, q, l2, first, second)


@inlined
def _move_row(code, coefficients, rows, r, s, v, q, l2, first, second):
    j = 0
    while j < q:
        no_unroll()
        g = add_penalty(times(s, load(v, j)), l2, load(rows, r + j))
        apply_rule(code, coefficients, rows, r + j, width(rows), g, first, second)
        j += width(rows)


# Rounded alike in all these loops, whatever the rule goes on to do with the gradient.


@inlined(fastmath=False)
def times(s, v):
    return s * v


@inlined(fastmath={"contract"})
def add_penalty(g, l2, w):
    return g + l2 * w


@inlined
def write_gradient(layers, x, w, parts):
    """Write the sample's gradient, times w, from the last delta back to the first layer."""
    l = layers.shape[0] - 1
    while l >= 0:
        no_unroll()
        layer = at(layers, l)
        delta, left, n, right, q = gradient_factors(layers, l, x, parts.a, parts.d)
        backward_layer(parts.rows, layers, l, parts.a, parts.d)
        r = layer.rows
        w_weights, w_bias = steps_of(layer, w)
        outer_rows(w_weights, left, n, right, q, parts.gradient, r)
        scaled_row(w_bias, delta, layer.padded, parts.gradient, r + n * q)
        l -= 1


@inlined
def gradient_factors(layers, l, x, a, d):
    """Return layer l's delta, and the two vectors whose outer product its gradient is.

    Row i of W's gradient is ``left[i] * right``; returns ``delta, left, n, right, q``: n rows, each
    of padded length q.
    """
    layer = at(layers, l)
    delta, p = outputs_of(layer, d), padded(layer.n_in, width(a))
    inputs = view(a, at(layers, l - 1).units, p) if l > 0 else x
    if layer.wide:
        return delta, inputs, layer.n_in, delta, layer.padded
    return delta, delta, layer.n_out, inputs, p


@inlined
def backward_layer(rows, layers, l, a, d):
    """Compute the delta of the layer below l, where there is one."""
    if l > 0:
        layer, below = at(layers, l), at(layers, l - 1)
        W = view(rows, layer.rows, rows.shape[0] - layer.rows)
        delta, outputs, g = outputs_of(layer, d), outputs_of(below, a), outputs_of(below, d)
        if layer.wide:
            backward_wide(W, layer.n_in, layer.padded, outputs, delta, below.activation, g)
        else:
            backward_narrow(W, layer.n_out, below.padded, outputs, delta, below.activation, g)
