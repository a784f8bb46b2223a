"""From the weighted sums of the output layer to outputs, losses and deltas; see `losses`."""

import math

from ..activations import IDENTITY, SOFTMAX
from ..elementary import exp, log1p
from ..losses import (
    CAPPED_CROSS_ENTROPY,
    CROSS_ENTROPY,
    cross_entropy_term,
    elementwise,
    loss_cap,
)
from ..simd import full, load, no_unroll, store, where_greater, width
from .numbers import in_order


@in_order
def output_deltas(loss, activation, z, y, n, d):
    """Compute outputs and deltas of one sample; return its loss. See `losses.loss_and_delta`.

    ``z`` is overwritten by the outputs.
    """
    if loss in (CROSS_ENTROPY, CAPPED_CROSS_ENTROPY):
        return _deltas_of_softmax(z, y, n, d, loss_cap(loss, z))
    if activation == SOFTMAX:
        return _deltas_of_shares(loss, z, y, n, d)
    m, most = width(z), loss_cap(loss, z)
    found = full(z, 0.0)
    for j in range(n):
        no_unroll()
        k = j * m
        p, delta, e = elementwise(loss, activation, load(z, k), load(y, k), most)
        store(z, k, p)
        store(d, k, delta)
        found += e
    return found


@in_order
def softmax_units(z, n):
    """Replace z by its softmax; return the largest z, and the logarithm of the sum over it."""
    m = width(z)
    top = load(z, 0)
    for j in range(1, n):
        no_unroll()
        v = load(z, j * m)
        top = where_greater(v - top, 0.0, v, top)
    ones = rest = none = full(z, 0.0)
    for j in range(n):
        no_unroll()
        e = exp(load(z, j * m) - top)
        store(z, j * m, e)
        whole = where_greater(e, 0.5, none + 1.0, none)
        ones += whole
        rest += e - whole
    above = (ones - 1.0) + rest
    share = 1.0 / (1.0 + above)
    for j in range(n):
        no_unroll()
        store(z, j * m, load(z, j * m) * share)
    return top, log1p(above)


@in_order
def _deltas_of_softmax(z, y, n, d, most):
    m = width(z)
    for j in range(n):  # the delta's place keeps z until it is needed
        no_unroll()
        store(d, j * m, load(z, j * m))
    top, log_sum = softmax_units(z, n)
    found = full(z, 0.0)
    for j in range(n):
        no_unroll()
        k = j * m
        target = load(y, k)
        found += cross_entropy_term(load(d, k), target, top, log_sum, most)
        store(d, k, load(z, k) - target)
    return found


@in_order
def _deltas_of_shares(loss, z, y, n, d):
    """Compute losses of each softmax output by itself; see `losses`."""
    m = width(z)
    softmax_units(z, n)
    found = mean_slope = full(z, 0.0)
    for j in range(n):
        no_unroll()
        k = j * m
        p = load(z, k)
        _, g, e = elementwise(loss, IDENTITY, p, load(y, k), math.inf)
        store(d, k, g)
        found += e
        mean_slope += g * p
    for j in range(n):
        no_unroll()
        k = j * m
        store(d, k, load(z, k) * (load(d, k) - mean_slope))
    return found
