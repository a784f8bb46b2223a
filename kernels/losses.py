"""Loss functions, chosen by an integer code: from weighted sums to outputs, loss and delta.

The delta is the derivative of the loss by the output layer's weighted sums z. Where loss and
output activation belong together (log loss with sigmoid, cross-entropy with softmax, poisson with
exp) it is ``p - y`` exactly, and the loss is computed from z, not from the outputs, so that it
stays finite and precise when these round to 0 or 1. To add one: a code and a name here, a branch in
`elementwise`, and its twin in `reference`.
"""

import math

from .activations import EXP, IDENTITY, SOFTMAX, activate, activate_layer, times_slope
from .elementary import exp, expm1, log, softplus
from .jit import inlined, outlined
from .packing import copy_row, write_row
from .simd import (
    absolute,
    at,
    copysign,
    first_n,
    first_n_or,
    full,
    load,
    load_n,
    max_lanes,
    maximum,
    minimum,
    no_unroll,
    store,
    sum_lanes,
    view,
    where_greater,
    width,
)

(
    SQUARED_ERROR,
    LOG_LOSS,
    CROSS_ENTROPY,
    ABSOLUTE_ERROR,
    HUBER,
    POISSON,
    HINGE,
    PERCEPTRON,
) = range(8)

# Codes without a name, for the estimators: the same deltas, but a loss that counts no output as
# closer to 0 or 1 than the dtype's epsilon, as learning curves of probabilities are often drawn.
CAPPED_LOG_LOSS, CAPPED_CROSS_ENTROPY = 64, 65  # behind all that have a name

# A quantile's level lies in its code, behind the others: QUANTILE + level * LEVELS.
QUANTILE, LEVELS = 1 << 20, 1 << 24

CODES = {
    "squared_error": SQUARED_ERROR,
    "absolute_error": ABSOLUTE_ERROR,
    "huber": HUBER,
    "poisson": POISSON,
    "log_loss": LOG_LOSS,
    "cross_entropy": CROSS_ENTROPY,
    "hinge": HINGE,
    "perceptron": PERCEPTRON,
}


def quantile_code(level):
    """Return the code of the loss whose minimum is at a quantile, 0 < level < 1.

    >>> quantile_code(0.5) - QUANTILE == LEVELS // 2
    True
    """
    return QUANTILE + round(level * LEVELS)


@inlined
def loss_and_delta(loss, activation, z, Y, start, n, d):
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
        The loss, summed over outputs.

    Notes
    -----
    With p the outputs, z the weighted sums, e = p - y::

        squared_error    e**2 / 2
        absolute_error   |e|
        huber            e**2 / 2 where |e| < 1, elsewhere |e| - 1/2
        poisson          p - y + y log(y / p)
        log_loss         -(y log p + (1 - y) log(1 - p))
        cross_entropy    -y log p
        hinge            max(0, 1 - y p), y = -1 or 1
        perceptron       (p - y) z, p = step(z) or sign(z)
        quantile         max(q (y - p), (q - 1) (y - p))
    """
    if loss in (CROSS_ENTROPY, CAPPED_CROSS_ENTROPY):
        return _loss_and_delta_softmax(z, Y, start, n, d, loss_cap(loss, z))
    if activation == SOFTMAX:
        return _loss_and_delta_of_shares(loss, z, Y, start, n, d)
    return _loss_and_delta_elementwise(loss, activation, z, Y, start, n, d)


@inlined
def _loss_and_delta_elementwise(loss, activation, z, Y, start, n, d):
    most = loss_cap(loss, z)
    loss_sum = 0.0
    j = 0
    while j < n:
        no_unroll()
        p, delta, e = elementwise(loss, activation, load(z, j), load_n(Y, start + j, n - j), most)
        store(z, j, first_n(p, n - j))
        store(d, j, first_n(delta, n - j))
        loss_sum += sum_lanes(first_n(e, n - j))
        j += width(z)
    return loss_sum


@inlined
def elementwise(loss, activation, z, y, most):
    """Compute outputs, deltas and losses of one block, where losses are sums over the outputs."""
    p = activate(activation, z)
    if loss == LOG_LOSS:
        return p, p - y, log_loss(z, y)
    if loss == SQUARED_ERROR:
        e = p - y
        return p, times_slope(activation, p, e), 0.5 * e * e
    delta, e = elementwise_uncommon(loss, activation, z, p, y, most)
    return p, delta, e


@outlined
def elementwise_uncommon(loss, activation, z, p, y, most):
    """Compute deltas and losses for all other codes, as in `activations.activate_uncommon`."""
    if loss == CAPPED_LOG_LOSS:
        return p - y, minimum(log_loss(z, y), most)
    if loss == POISSON:
        return _poisson(activation, z, p, y)
    if loss == PERCEPTRON:
        return p - y, (p - y) * z
    if loss == HINGE:
        margin = 1.0 - y * p
        slope = where_greater(margin, 0.0, 0.0 - y, y * 0.0)
        return times_slope(activation, p, slope), maximum(margin, 0.0)
    e = p - y
    if loss >= QUANTILE:
        q = (loss - QUANTILE) / LEVELS
        slope = where_greater(
            e, 0.0, e * 0.0 + (1.0 - q), where_greater(0.0 - e, 0.0, e * 0.0 - q, e * 0.0)
        )
        return times_slope(activation, p, slope), slope * e
    if loss == ABSOLUTE_ERROR:
        # The derivative at 0 is taken as 0, which is one of its values.
        sign = where_greater(absolute(e), 0.0, copysign(e * 0.0 + 1.0, e), e * 0.0)
        return times_slope(activation, p, sign), absolute(e)
    c = minimum(maximum(e, -1.0), 1.0)  # HUBER
    return times_slope(activation, p, c), c * (e - 0.5 * c)


@inlined(fastmath={"contract"})
def _poisson(activation, z, p, y):
    """Compute deltas and losses for counts: ``log p`` is known from z where p rounds to 0."""
    log_p = z if activation == EXP else where_greater(z, -15.0, log(p), z - 0.5 * exp(z))
    log_y = log(where_greater(y, 0.0, y, y * 0.0 + 1.0))
    loss = (p - y) + y * (log_y - log_p)
    if activation == EXP:
        return p - y, loss
    # softplus: (1 - y / p) slope, and slope / p, which goes to 1 where both go to 0
    slope = 0.0 - expm1(0.0 - p)
    ratio = where_greater(p, 1e-30, slope / maximum(p, 1e-30), p * 0.0 + 1.0)
    return slope - y * ratio, loss


@inlined(fastmath={"contract"})  # in this order: (max(z, 0) - y z) is exactly 0 for a sure, right z
def log_loss(z, y):
    """Compute ``-(y log p + (1 - y) log(1 - p))`` for ``p = sigmoid(z)``: log(1 + exp(z)) - y z."""
    return (maximum(z, 0.0) - y * z) + softplus(0.0 - absolute(z))


@inlined(fastmath={"contract"})  # in this order, again: the largest z goes out exactly
def cross_entropy_term(z, y, top, log_sum, most):
    """Compute ``-y log p`` for ``p = exp(z - top - log_sum)``; ``-log p`` is at most ``most``."""
    return y * minimum((top - z) + log_sum, most)


@inlined
def loss_cap(loss, z):
    """Return the most that an output can cost: ``-log(epsilon)`` of the dtype, or infinity."""
    if loss != CAPPED_LOG_LOSS and loss != CAPPED_CROSS_ENTROPY:
        return math.inf
    return 36.04365338911715 if z.itemsize == 8 else 15.942385152878742


@inlined(fastmath={"contract"})  # in this order: what a large power would swallow is added apart
def softmax_layer(z, n):
    """Replace z by ``exp(z[k]) / sum(exp(z))``.

    Returns the largest z, and the logarithm of ``sum(exp(z - largest))``: that of a number just
    above 1 where the network is sure, so of 1 and the rest.
    """
    m = width(z)
    top = -math.inf
    j = 0
    while j < n:
        no_unroll()
        top = max(top, float(max_lanes(first_n_or(load(z, j), n - j, -math.inf))))
        j += m
    ones = rest = none = full(z, 0.0)
    j = 0
    while j < n:
        no_unroll()
        e = first_n(exp(load(z, j) - top), n - j)
        store(z, j, e)
        whole = where_greater(e, 0.5, none + 1.0, none)
        ones += whole
        rest += e - whole
        j += m
    above = (float(sum_lanes(ones)) - 1.0) + float(sum_lanes(rest))
    s = 1.0 + above
    j = 0
    while j < n:
        no_unroll()
        store(z, j, load(z, j) * (1.0 / s))
        j += m
    return top, math.log1p(above)


@inlined
def _loss_and_delta_softmax(z, Y, start, n, d, most):
    m = width(z)
    j = 0
    while j < n:  # the delta's place keeps z until it is needed
        no_unroll()
        store(d, j, load(z, j))
        j += m
    top, log_sum = softmax_layer(z, n)
    loss_sum = 0.0
    j = 0
    while j < n:
        no_unroll()
        y = load_n(Y, start + j, n - j)
        loss_sum += sum_lanes(cross_entropy_term(load(d, j), y, top, log_sum, most))
        store(d, j, load(z, j) - y)
        j += m
    return loss_sum


@outlined
def _loss_and_delta_of_shares(loss, z, Y, start, n, d):
    """Compute losses of each softmax output by itself, such as their squared errors.

    With g the derivatives by the outputs p, the delta is ``p * (g - sum(g * p))``.
    """
    softmax_layer(z, n)
    loss_sum = mean_slope = 0.0
    j = 0
    while j < n:
        no_unroll()
        p, y = load(z, j), load_n(Y, start + j, n - j)
        _, g, e = elementwise(loss, IDENTITY, p, y, math.inf)
        store(d, j, first_n(g, n - j))
        loss_sum += sum_lanes(first_n(e, n - j))
        mean_slope += sum_lanes(first_n(g * p, n - j))
        j += width(z)
    s = z.dtype.type(mean_slope)
    j = 0
    while j < n:
        no_unroll()
        store(d, j, load(z, j) * (load(d, j) - s))
        j += width(z)
    return loss_sum


@inlined
def loss_and_delta_rows(loss, activation, z, Y, start, weight, rows, n, d, two_rows):
    """Compute `loss_and_delta` for ``rows`` samples, whose sums lie row after row in ``z``.

    ``weight`` holds a factor for each row's loss and delta, or is empty; ``two_rows`` is scratch of
    two padded rows. Returns the weighted sum of the losses.
    """
    loss_sum = 0.0
    if activation == SOFTMAX or weight.shape[0] > 0:
        q = two_rows.shape[0] // 2
        zr, dr = view(two_rows, 0, q), view(two_rows, q, q)
        for r in range(rows):
            w = at(weight, r) if weight.shape[0] > 0 else z.dtype.type(1)
            copy_row(z, r * n, n, zr, 0, q)
            found = loss_and_delta(loss, activation, zr, Y, start + r * n, n, dr)
            write_row(zr, 0, n, z, r * n)
            loss_sum += w * found if w > 0 else 0.0  # and not 0 times infinity
            scale(dr, w)
            write_row(dr, 0, n, d, r * n)
        return loss_sum
    return _loss_and_delta_elementwise(loss, activation, z, Y, start, rows * n, d)


@inlined
def scale(v, s):
    """Multiply ``v`` by ``s``; where ``s`` is 0, it becomes 0 even if infinite. Whole blocks."""
    j = 0
    while j < v.shape[0]:
        no_unroll()
        store(v, j, load(v, j) * s if s != 0 else full(v, 0.0))
        j += width(v)


@inlined
def output_rows(activation, z, rows, n, two_rows):
    """Apply the output layer's activation alone, in place, to rows as in `loss_and_delta_rows`."""
    if activation == SOFTMAX:
        q = two_rows.shape[0] // 2
        for r in range(rows):
            copy_row(z, r * n, n, two_rows, 0, q)
            softmax_layer(two_rows, n)
            write_row(two_rows, 0, n, z, r * n)
    else:
        activate_layer(activation, z, rows * n)
