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
from .table import as_records, rows_size, units_size

AHEAD = 8  # steps: longer than main memory takes to answer


@kernel
def train_online(samples, net, lr, first, last, scratch, last_good, losses):
    """Take the steps ``first <= step < last``; step s is sample ``s % n`` of epoch ``s // n``.

    An epoch has ``n = samples.order.shape[1]`` samples, whatever X has. In the plain form, with the
    outputs a[0] = x, a[1], ..., a[L] and the loss E of a sample::

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
    n, n_out = samples.order.shape[1], samples.Y.shape[1]
    # Views that own nothing, because a slice counts references (see `simd.view`); and flat ones,
    # because a row is then a view too.
    X, Y, weight, order = flat_samples(samples)
    theta, layers, loss = flat_net(net)
    a, d, x_here, x_there, packed = split_scratch(flat(scratch), layers)

    if first % n == 0:
        copy(theta, last_good)
    pack(theta, packed, layers)
    row = row_of(order, first, n)
    x = sample_inputs(X, row, layers, x_here)
    begin_sample(theta, packed, layers, x, a)
    last_layer = top = layers.shape[0] - 1
    output = at(layers, last_layer)
    has_one_output = last_layer > 0 and output.n_out == 1 and not output.wide
    epoch, left = first // n, n - first % n
    for step in range(first, last):
        w = at(weight, row) if weight.shape[0] > 0 else theta.dtype.type(1)
        if w > 0:
            hidden_layers(theta, packed, layers, a)
            if has_one_output:
                found = _one_output(theta, packed, layers, a, Y, row, loss, lr * w, d)
                top = last_layer - 1
            else:
                found = output_layer(theta, packed, layers, a, Y, row * n_out, loss, d)
                top = last_layer
            losses[epoch] += w * found
        prefetch_sample(X, Y, order, step, at(layers, 0).n_in, n_out)
        row = row_of(order, min(step + 1, last - 1), n)
        x_next = sample_inputs(X, row, layers, x_there)
        if w > 0:
            backward(theta, packed, layers, top, lr * w, x, a, d, x_next)
        else:  # the sample is left out, since 0 times an overflow would be NaN
            begin_sample(theta, packed, layers, x_next, a)
        x = x_next
        x_here, x_there = x_there, x_here
        left -= 1
        if left == 0:
            unpack(packed, layers, theta)
            if not (math.isfinite(losses[epoch]) and all_finite(theta)):
                copy(last_good, theta)
                return -1 - epoch
            copy(theta, last_good)
            epoch, left = epoch + 1, n
    unpack(packed, layers, theta)
    return last


def work_size(layers, dtype):
    """Return the number of elements of the scratch array of `train_online`."""
    block = BYTES // np.dtype(dtype).itemsize
    one_input = -(-int(as_records(layers)["n_in"][0]) // block) * block
    return 2 * units_size(layers) + 2 * one_input + rows_size(layers, dtype)


@inlined
def split_scratch(scratch, layers):
    """Cut the scratch array into activations, deltas, two padded inputs and the packed rows."""
    last = at(layers, layers.shape[0] - 1)
    units = last.units + last.padded
    x = padded(at(layers, 0).n_in, width(scratch))
    used = 2 * units + 2 * x
    return (
        view(scratch, 0, units),
        view(scratch, units, units),
        view(scratch, 2 * units, x),
        view(scratch, 2 * units + x, x),
        view(scratch, used, scratch.shape[0] - used),
    )


@inlined
def row_of(order, step, n):
    """Return which row of X a step takes."""
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
def sample_inputs(X, row, layers, x_padded):
    """Return the sample's inputs; for a narrow first layer, in ``x_padded`` with zeros behind."""
    n_in = at(layers, 0).n_in
    if at(layers, 0).wide:
        return view(X, row * n_in, n_in)
    copy_row(X, row * n_in, n_in, x_padded, 0, x_padded.shape[0])
    return view(x_padded, 0, n_in)


@inlined
def weighted_sums(W, layer, x, z):
    """Compute the weighted sums of a layer for the inputs ``x``."""
    if layer.wide:
        add_rows(W, layer.n_in, layer.padded, x, z)
    else:
        dot_rows(W, layer.n_out, padded(layer.n_in, width(z)), x, z)


@inlined
def outputs_of(layer, a):
    """Return a layer's part of the activations, or of the deltas."""
    return view(a, layer.units, layer.padded)


@inlined
def forward(theta, packed, layers, a, Y, start, loss, d):
    """Go from the first layer's weighted sums to outputs and the last delta; return the loss."""
    if layers.shape[0] > 1:
        first = at(layers, 0)
        activate_layer(first.activation, outputs_of(first, a), first.n_out)
    hidden_layers(theta, packed, layers, a)
    return output_layer(theta, packed, layers, a, Y, start, loss, d)


@outlined
def begin_sample(theta, packed, layers, x, a):
    """Compute the first layer's outputs for the inputs x, where no step before has done so."""
    first_sums(theta, packed, layers, x, a)
    if layers.shape[0] > 1:
        first = at(layers, 0)
        activate_layer(first.activation, outputs_of(first, a), first.n_out)


@inlined
def first_sums(theta, packed, layers, x, a):
    """Compute the first layer's weighted sums for the inputs x."""
    first = at(layers, 0)
    weighted_sums(rows_of(theta, packed, first), first, x, outputs_of(first, a))


@inlined
def hidden_layers(theta, packed, layers, a):
    """Go from the first layer's outputs to those of the last hidden layer."""
    z = outputs_of(at(layers, 0), a)
    l = 1
    while l < layers.shape[0] - 1:
        no_unroll()
        layer = at(layers, l)
        x, z = z, outputs_of(layer, a)
        weighted_sums(rows_of(theta, packed, layer), layer, x, z)
        activate_layer(layer.activation, z, layer.n_out)
        l += 1


@inlined
def output_layer(theta, packed, layers, a, Y, start, loss, d):
    """Go from the last hidden outputs to the network's and the last delta; return the loss."""
    l = layers.shape[0] - 1
    layer = at(layers, l)
    z = outputs_of(layer, a)
    if l > 0:
        x = outputs_of(at(layers, l - 1), a)
        weighted_sums(rows_of(theta, packed, layer), layer, x, z)
    delta = outputs_of(layer, d)
    return loss_and_delta(loss, layer.activation, z, Y, start, layer.n_out, delta)


@inlined
def _one_output(theta, packed, layers, a, Y, start, loss, step, d):
    """Do all of a last layer of one unit at once: forward, backward, update; return the loss.

    The sum, the output and its delta stay in a register, the same number in every lane.
    """
    layer, below = at(layers, layers.shape[0] - 1), at(layers, layers.shape[0] - 2)
    W, x, g = rows_of(theta, packed, layer), outputs_of(below, a), outputs_of(below, d)
    y, code = at(Y, start), below.activation
    step_w, step_b = steps_of(layer, step)
    return one_output(loss, layer.activation, W, below.padded, x, y, step_w, step_b, code, g)


@inlined
def backward(theta, packed, layers, top, step, x, a, d, x_next):
    """Go from the delta of the layer ``top`` down, updating each; then x_next into the first."""
    l = top
    delta = outputs_of(at(layers, l), d)
    while l > 0:
        no_unroll()
        layer, below = at(layers, l), at(layers, l - 1)
        W = rows_of(theta, packed, layer)
        p, code = below.padded, below.activation  # p: this layer's inputs, padded
        outputs, g = outputs_of(below, a), outputs_of(below, d)
        step_w, step_b = steps_of(layer, step)
        if layer.wide:
            n_in, q = layer.n_in, layer.padded
            backward_update_wide(W, n_in, q, step_w, step_b, outputs, delta, code, g)
        else:
            backward_update_narrow(W, layer.n_out, p, step_w, step_b, outputs, delta, code, g)
        delta = g
        l -= 1
    first = at(layers, 0)
    W, n_out = rows_of(theta, packed, first), first.n_out
    z = outputs_of(first, a)
    code = first.activation if layers.shape[0] > 1 else IDENTITY
    step_w, step_b = steps_of(first, step)
    if first.wide:
        n_in, q = first.n_in, first.padded
        update_forward_wide(W, n_in, q, step_w, step_b, x, delta, x_next, code, n_out, z)
    else:
        p = padded(first.n_in, width(z))
        update_forward_narrow(W, n_out, p, step_w, step_b, x, delta, x_next, z)
        activate_layer(code, z, n_out)


@inlined
def steps_of(layer, step):
    """Return the steps of W and of b: 0 for what training may not change."""
    none = step * 0
    return step if layer.trains_weights else none, step if layer.trains_bias else none


@inlined
def copy(source, target):
    for i in range(source.shape[0]):
        target[i] = source[i]
