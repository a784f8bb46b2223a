"""Training with one update per sample: stochastic gradient descent as the textbook has it.

For each sample, forward, backward and update are one pass over the layers; SIMD lanes run along
the units of a layer. Loops over layers, not over a tuple of arrays, so that one compiled kernel per
dtype serves every network. It does not choose the order of the samples, and it never stops to look
at the clock: both belong to the caller, who asks for as many steps as are wanted at a time.
"""

import math

import numpy as np

from .activations import IDENTITY, activate_layer
from .arguments import flat_net, flat_samples
from .dense import add_rows, dot_rows
from .fused import (
    backward_update_narrow,
    backward_update_wide,
    one_output,
    update_forward_narrow,
    update_forward_wide,
)
from .jit import inlined, kernel, outlined
from .losses import loss_and_delta
from .packing import copy_row, pack, padded, rows_of, unpack
from .predict import all_finite
from .simd import at, flat, no_unroll, prefetch, view, width
from .simd_numpy import BYTES
from .table import (
    ACTIVATION,
    COLUMNS,
    N_IN,
    N_OUT,
    PADDED,
    UNITS,
    WIDE,
    rows_size,
    units_size,
)

AHEAD = 8  # steps: longer than main memory takes to answer


@kernel
def train_online(samples, net, lr, first, last, scratch, last_good, losses):
    """Take the steps ``first <= step < last``; step s is sample ``s % n`` of epoch ``s // n``.

    In the plain form, with the outputs a[0] = x, a[1], ..., a[L] and the loss E of a sample::

        delta[L] = dE / dz[L]
        delta[l] = (W[l] @ delta[l+1]) * slope(a[l])       # with the weights of before the update
        W[l] -= lr * weight * outer(a[l], delta[l+1])
        b[l] -= lr * weight * delta[l+1]

    Parameters
    ----------
    samples, net
        See `arguments`. The weights are factors of the samples' steps.
    lr : float
        Learning rate.
    first, last : int
        Which steps.
    scratch : array
        ``work_size(layers, dtype)`` elements.
    last_good : array of theta's shape
        Written at the beginning of each epoch: theta.
    losses : float64 array of shape (n_epochs,)
        The weighted sum of the samples' losses is added to their epoch's entry.

    Returns
    -------
    int
        ``last``; or, if loss or parameters became infinite or NaN in epoch e, ``-1 - e``, and
        theta is what it was at that epoch's beginning.
    """
    n, n_out = samples.X.shape[0], samples.Y.shape[1]
    # Views that own nothing, because a slice counts references (see `simd.view`); and flat ones,
    # because a row is then a view too.
    X, Y, weight, order = flat_samples(samples)
    theta, t, loss = flat_net(net)
    a, d, x_here, x_there, packed = parts(flat(scratch), t)

    if first % n == 0:
        copy(theta, last_good)
    pack(theta, packed, t)
    row = row_of(order, first, n)
    x = sample_inputs(X, row, t, x_here)
    begin_sample(theta, packed, t, x, a)
    last_layer = top = t.shape[0] - COLUMNS
    one_output = last_layer > 0 and at(t, last_layer + N_OUT) == 1 and not at(t, last_layer + WIDE)
    epoch, left = first // n, n - first % n
    for step in range(first, last):
        w = at(weight, row) if weight.shape[0] > 0 else theta.dtype.type(1)
        if w > 0:
            hidden_layers(theta, packed, t, a)
            if one_output:
                found = _one_output(theta, packed, t, a, Y, row, loss, lr * w, d)
                top = last_layer - COLUMNS
            else:
                found = output_layer(theta, packed, t, a, Y, row * n_out, loss, d)
                top = last_layer
            losses[epoch] += w * found
        prefetch_sample(X, Y, order, step, at(t, N_IN), n_out)
        row = row_of(order, min(step + 1, last - 1), n)
        x_next = sample_inputs(X, row, t, x_there)
        if w > 0:
            backward(theta, packed, t, top, lr * w, x, a, d, x_next)
        else:  # the sample is left out, since 0 times an overflow would be NaN
            begin_sample(theta, packed, t, x_next, a)
        x = x_next
        x_here, x_there = x_there, x_here
        left -= 1
        if left == 0:
            unpack(packed, t, theta)
            if not (math.isfinite(losses[epoch]) and all_finite(theta)):
                copy(last_good, theta)
                return -1 - epoch
            copy(theta, last_good)
            epoch, left = epoch + 1, n
    unpack(packed, t, theta)
    return last


def work_size(layers, dtype):
    """Number of elements of the scratch array of `train_online`."""
    block = BYTES // np.dtype(dtype).itemsize
    one_input = -(-int(layers[0, N_IN]) // block) * block
    return 2 * units_size(layers) + 2 * one_input + rows_size(layers, dtype)


@inlined
def parts(work, t):
    """Activations, deltas, two padded inputs and the packed rows: parts of one array."""
    c = t.shape[0] - COLUMNS
    units = at(t, c + UNITS) + at(t, c + PADDED)
    x = padded(at(t, N_IN), width(work))
    rest = 2 * units + 2 * x
    return (
        view(work, 0, units),
        view(work, units, units),
        view(work, 2 * units, x),
        view(work, 2 * units + x, x),
        view(work, rest, work.shape[0] - rest),
    )


@inlined
def row_of(order, step, n):
    """Which row of X a step takes."""
    return at(order, step) if order.shape[0] > 0 else step % n


@inlined
def prefetch_sample(X, Y, order, step, n_in, n_out):
    """Begin to load a sample some steps ahead: shuffled ones come from anywhere in memory."""
    if order.shape[0] > 0:
        row = at(order, min(step + AHEAD, order.shape[0] - 1))
        for j in range(0, n_in, width(X)):
            no_unroll()
            prefetch(X, row * n_in + j)
        prefetch(Y, row * n_out)


@inlined
def sample_inputs(X, row, t, room):
    """The sample's inputs; copied to ``room``, and padded, for a narrow first layer."""
    n_in = at(t, N_IN)
    if at(t, WIDE):
        return view(X, row * n_in, n_in)
    copy_row(X, row * n_in, n_in, room, 0, room.shape[0])
    return view(room, 0, n_in)


@inlined
def weighted_sums(W, t, c, x, z):
    """The weighted sums of the layer at ``c`` for the inputs ``x``."""
    if at(t, c + WIDE):
        add_rows(W, at(t, c + N_IN), at(t, c + PADDED), x, z)
    else:
        dot_rows(W, at(t, c + N_OUT), padded(at(t, c + N_IN), width(z)), x, z)


@inlined
def forward(theta, packed, t, a, Y, start, loss, d):
    """From the first layer's weighted sums to outputs, loss (returned) and the last delta."""
    if t.shape[0] > COLUMNS:
        activate_layer(at(t, ACTIVATION), view(a, 0, at(t, PADDED)), at(t, N_OUT))
    hidden_layers(theta, packed, t, a)
    return output_layer(theta, packed, t, a, Y, start, loss, d)


@outlined
def begin_sample(theta, packed, t, x, a):
    """The first layer's outputs for the inputs x, where no step before has computed them."""
    first_sums(theta, packed, t, x, a)
    if t.shape[0] > COLUMNS:
        activate_layer(at(t, ACTIVATION), view(a, 0, at(t, PADDED)), at(t, N_OUT))


@inlined
def first_sums(theta, packed, t, x, a):
    """The first layer's weighted sums for the inputs x."""
    weighted_sums(rows_of(theta, packed, t, 0), t, 0, x, view(a, 0, at(t, PADDED)))


@inlined
def hidden_layers(theta, packed, t, a):
    """From the first layer's outputs to those of the last hidden layer."""
    c = COLUMNS
    z = view(a, 0, at(t, PADDED))
    while c < t.shape[0] - COLUMNS:
        no_unroll()
        x, z = z, view(a, at(t, c + UNITS), at(t, c + PADDED))
        weighted_sums(rows_of(theta, packed, t, c), t, c, x, z)
        activate_layer(at(t, c + ACTIVATION), z, at(t, c + N_OUT))
        c += COLUMNS


@inlined
def output_layer(theta, packed, t, a, Y, start, loss, d):
    """From the last hidden outputs to the network's, their loss (returned) and the last delta."""
    c = t.shape[0] - COLUMNS
    z = view(a, at(t, c + UNITS), at(t, c + PADDED))
    if c > 0:
        x = view(a, at(t, c - COLUMNS + UNITS), at(t, c - COLUMNS + PADDED))
        weighted_sums(rows_of(theta, packed, t, c), t, c, x, z)
    delta = view(d, at(t, c + UNITS), at(t, c + PADDED))
    return loss_and_delta(loss, at(t, c + ACTIVATION), z, Y, start, at(t, c + N_OUT), delta)


@inlined
def _one_output(theta, packed, t, a, Y, start, loss, step, d):
    """All of a last layer of one unit at once: forward, loss (returned), backward and update.

    The sum, the output and its delta stay in a register, the same number in every lane.
    """
    c = t.shape[0] - COLUMNS
    below, p = at(t, c - COLUMNS + UNITS), at(t, c - COLUMNS + PADDED)
    W = rows_of(theta, packed, t, c)
    x, g = view(a, below, p), view(d, below, p)
    code = at(t, c - COLUMNS + ACTIVATION)
    return one_output(loss, at(t, c + ACTIVATION), W, p, x, at(Y, start), step, code, g)


@inlined
def backward(theta, packed, t, top, step, x, a, d, x_next):
    """From the delta of the layer at ``top`` down, updating each; then x_next into the first."""
    c = top
    delta = view(d, at(t, c + UNITS), at(t, c + PADDED))
    while c > 0:
        no_unroll()
        W = rows_of(theta, packed, t, c)
        below = at(t, c - COLUMNS + UNITS)
        q = at(t, c - COLUMNS + PADDED)  # this layer's inputs, padded
        outputs, g = view(a, below, q), view(d, below, q)
        code = at(t, c - COLUMNS + ACTIVATION)
        if at(t, c + WIDE):
            backward_update_wide(
                W, at(t, c + N_IN), at(t, c + PADDED), step, outputs, delta, code, g
            )
        else:
            backward_update_narrow(W, at(t, c + N_OUT), q, step, outputs, delta, code, g)
        delta = g
        c -= COLUMNS
    W, n_out = rows_of(theta, packed, t, 0), at(t, N_OUT)
    z = view(a, 0, at(t, PADDED))
    code = at(t, ACTIVATION) if t.shape[0] > COLUMNS else IDENTITY
    if at(t, WIDE):
        update_forward_wide(W, at(t, N_IN), at(t, PADDED), step, x, delta, x_next, code, n_out, z)
    else:
        p = padded(at(t, N_IN), width(z))
        update_forward_narrow(W, n_out, p, step, x, delta, x_next, z)
        activate_layer(code, z, n_out)


@inlined
def copy(source, target):
    for i in range(source.shape[0]):
        target[i] = source[i]
