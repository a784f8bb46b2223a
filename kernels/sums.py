"""Sums that training keeps for each epoch, the same to the last bit on any number of threads.

Their rows, in the float64 array ``sums`` of shape (N_SUMS, n_epochs):

- LOSS: the samples' losses as they were met, times their weights.
- BATCH_LOSS: the batches' weighted mean losses, each counted as often as the batch has rows of
  some weight. With one update per sample, weights are factors of the steps: the same as LOSS.
- SQUARES: ``sum(W**2)`` from before each step over the sum of the batch's weights, counted
  likewise; only where there is a penalty L2_PER_WEIGHT, which it is for.
- ROWS: rows of some weight.

An epoch's learning curve is ``BATCH_LOSS / ROWS``, the penalty ``L2_PER_WEIGHT / 2 * SQUARES /
ROWS`` added; or, without a penalty, LOSS over the sum of all weights.
"""

from .arguments import BATCH_LOSS, LOSS, ROWS, SQUARES
from .jit import inlined
from .simd import at, full, load, load_n, no_unroll, sum_lanes, view, width
from .updates import L2_PER_WEIGHT, weights_of


@inlined(fastmath=False)  # one order, whoever adds up
def plus(a, b):
    """Return ``a + b``, which the compiler may not draw into another sum."""
    return a + b


@inlined(fastmath=False)  # one order in all kernels
def sum_of_weights(weight, order, first, rows, s=0.0):
    """Add the weights of the rows ``order[first:first + rows]`` to ``s``."""
    if weight.shape[0] == 0:
        return s + float(rows)
    for r in range(first, first + rows):
        s += weight[order[r]] if order.shape[0] > 0 else weight[r]
    return s


@inlined(fastmath=False)
def count_rows(weight, order, first, rows):
    """Count those of the rows ``order[first:first + rows]`` that have weight."""
    if weight.shape[0] == 0:
        return rows
    n = 0
    for r in range(first, first + rows):
        row = order[r] if order.shape[0] > 0 else r
        n += 1 if weight[row] > 0 else 0
    return n


@inlined(fastmath=False)
def add_batch(sums, epoch, loss, weight_sum, samples, net, settings, first, rows):
    """Add a batch to all rows of ``sums[:, epoch]``, before its step is taken."""
    live = count_rows(samples.weight, samples.order, first, rows)
    share = live / weight_sum
    sums[LOSS, epoch] += loss
    sums[BATCH_LOSS, epoch] += share * loss
    sums[ROWS, epoch] += live
    if at(settings, L2_PER_WEIGHT) > 0:
        sums[SQUARES, epoch] += share * squares_in_order(net.theta, net.layers)


@inlined(fastmath=False)
def squares_in_order(theta, layers):
    """Compute ``sum(W**2)`` over all layers, in four lanes of whole blocks."""
    m = width(theta)
    none = full(theta, 0.0)
    s0, s1, s2, s3 = none, none, none, none
    for l in range(layers.shape[0]):
        start, n = weights_of(at(layers, l), False, theta)
        j, end = start, start + n
        while j + 4 * m <= end:
            no_unroll()
            w0, w1 = load(theta, j), load(theta, j + m)
            w2, w3 = load(theta, j + 2 * m), load(theta, j + 3 * m)
            s0 += w0 * w0
            s1 += w1 * w1
            s2 += w2 * w2
            s3 += w3 * w3
            j += 4 * m
        while j < end:
            no_unroll()
            w0 = load_n(theta, j, end - j)
            s0 += w0 * w0
            j += m
    return float(sum_lanes((s0 + s1) + (s2 + s3)))


@inlined
def squares_of_rows(rows, layers):
    """Compute ``sum(W**2)`` over all layers, whose weights lie in padded rows."""
    s = rows.dtype.type(0)
    for l in range(layers.shape[0]):
        start, n = weights_of(at(layers, l), True, rows)
        w = view(rows, start, n)
        for i in range(n):
            s += w[i] * w[i]
    return float(s)
