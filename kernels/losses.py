"""Loss functions, chosen by an integer code: from weighted sums to outputs, loss and delta.

The delta is the derivative of the loss by the output layer's weighted sums z. Where loss and output
activation belong together (log loss with sigmoid, cross-entropy with softmax) it is ``p - y``
exactly, and the loss is computed from z, not from the outputs, so that it stays finite and precise
when these round to 0 or 1. To add one: a code and a name here, a branch in `finish`, and its twin
in `reference`.
"""

import math

from .activations import SOFTMAX, activate, activate_layer, times_slope
from .elementary import exp, softplus
from .jit import piece, routine
from .lanes import (
    absolute,
    at,
    at_least,
    fill,
    highest,
    keep,
    keep_or,
    load,
    load_part,
    rolled,
    store,
    total,
    view,
    width,
)
from .packing import copy_row, write_row

SQUARED_ERROR, LOG_LOSS, CROSS_ENTROPY = range(3)

CODES = {
    "squared_error": SQUARED_ERROR,
    "log_loss": LOG_LOSS,
    "cross_entropy": CROSS_ENTROPY,
}

# The output activation that a loss insists on, because its formulas take it for granted.
OUTPUT_OF = {"log_loss": "sigmoid", "cross_entropy": "softmax"}


@piece
def finish(loss, activation, z, Y, start, n, d):
    """End the forward pass of one sample and begin its backward pass.

    Parameters
    ----------
    loss, activation : int
        Codes.
    z : array, padded
        The output layer's weighted sums; overwritten by the outputs p.
    Y : 1-D array
        Targets; those of this sample begin at ``start``.
    n : int
        Number of outputs.
    d : array, padded
        Written: the delta, and zeros behind it.

    Returns
    -------
    float64
        ``sum((p - y)**2) / 2``, ``-sum(y log p + (1 - y) log(1 - p))`` or ``-sum(y log p)``.
    """
    if loss == CROSS_ENTROPY:
        return _finish_softmax(z, Y, start, n, d)
    loss_sum = 0.0
    j = 0
    while j < n:
        rolled()
        p, delta, e = _elementwise(loss, activation, load(z, j), load_part(Y, start + j, n - j))
        store(z, j, keep(p, n - j))
        store(d, j, keep(delta, n - j))
        loss_sum += total(keep(e, n - j))
        j += width(z)
    return loss_sum


@piece
def _elementwise(loss, activation, z, y):
    """Outputs, deltas and losses of one block, for losses that are sums over the outputs."""
    p = activate(activation, z)
    if loss == SQUARED_ERROR:
        e = p - y
        return p, times_slope(activation, p, e), 0.5 * e * e
    return p, p - y, log_loss(z, y)


@piece(fastmath={"contract"})  # in this order: (max(z, 0) - y z) is exactly 0 for a sure, right z
def log_loss(z, y):
    """``-(y log p + (1 - y) log(1 - p))`` for ``p = sigmoid(z)``: log(1 + exp(z)) - y z."""
    return (at_least(z, 0.0) - y * z) + softplus(0.0 - absolute(z))


@piece(fastmath={"contract"})  # in this order, again: the largest z goes out exactly
def surprise(z, y, top, log_sum):
    """``-y log p`` for ``p = exp(z - top) / exp(log_sum)``."""
    return y * ((top - z) + log_sum)


@piece
def softmax_layer(z, n):
    """``z[k] = exp(z[k]) / sum(exp(z))`` in place; returns the largest z and log(sum(exp(z - it)))."""
    m = width(z)
    top = -math.inf
    j = 0
    while j < n:
        rolled()
        top = max(top, float(highest(keep_or(load(z, j), n - j, -math.inf))))
        j += m
    powers = fill(z, 0.0)
    j = 0
    while j < n:
        rolled()
        e = keep(exp(load(z, j) - top), n - j)
        store(z, j, e)
        powers += e
        j += m
    s = float(total(powers))
    j = 0
    while j < n:
        rolled()
        store(z, j, load(z, j) * (1.0 / s))
        j += m
    return top, math.log(s)


@piece
def _finish_softmax(z, Y, start, n, d):
    m = width(z)
    j = 0
    while j < n:  # the delta's place keeps z until it is needed
        rolled()
        store(d, j, load(z, j))
        j += m
    top, log_sum = softmax_layer(z, n)
    loss_sum = 0.0
    j = 0
    while j < n:
        rolled()
        y = load_part(Y, start + j, n - j)
        loss_sum += total(surprise(load(d, j), y, top, log_sum))
        store(d, j, load(z, j) - y)
        j += m
    return loss_sum


@routine
def finish_rows(loss, activation, z, Y, start, weight, rows, n, d, room):
    """`finish` for ``rows`` samples at once, whose sums lie row after row in ``z``, unpadded.

    ``weight`` holds a factor for each row's loss and delta, or is empty; ``room`` is scratch of two
    padded rows. Returns the weighted sum of the losses.
    """
    loss_sum = 0.0
    if loss == CROSS_ENTROPY or weight.shape[0] > 0:
        q = room.shape[0] // 2
        zr, dr = view(room, 0, q), view(room, q, q)
        for r in range(rows):
            w = at(weight, r) if weight.shape[0] > 0 else z.dtype.type(1)
            copy_row(z, r * n, n, zr, 0, q)
            loss_sum += w * finish(loss, activation, zr, Y, start + r * n, n, dr)
            write_row(zr, 0, n, z, r * n)
            scale(dr, w)
            write_row(dr, 0, n, d, r * n)
        return loss_sum
    return finish(loss, activation, z, Y, start, rows * n, d)


@piece
def scale(v, s):
    """``v *= s``; whole blocks."""
    j = 0
    while j < v.shape[0]:
        rolled()
        store(v, j, load(v, j) * s)
        j += width(v)


@piece
def output_rows(activation, z, rows, n, room):
    """The output layer's activation alone, in place, for rows as in `finish_rows`."""
    if activation == SOFTMAX:
        q = room.shape[0] // 2
        for r in range(rows):
            copy_row(z, r * n, n, room, 0, q)
            softmax_layer(room, n)
            write_row(room, 0, n, z, r * n)
    else:
        activate_layer(activation, z, rows * n)
