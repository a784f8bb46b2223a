"""Sums over an epoch, those of `sums` for each network."""

from ..arguments import BATCH_LOSS, LOSS, N_SUMS, ROWS, SQUARES
from ..simd import at, full, load, no_unroll, store, view, width
from .arguments import BY_MEANS, OWN, OWN_L2_PER_WEIGHT
from .numbers import in_order

PARTIAL = 16  # losses that are added up in the networks' dtype; their sums are float64


@in_order
def sum_at(data, b, row, epoch, m):
    """Return where the sums of the networks of a block begin, each in one place behind another."""
    return ((b * N_SUMS + row) * data.n_epochs + epoch) * m


@in_order
def flush(data, b, epoch, m):
    """Add losses to their sums."""
    total = view(data.sums, sum_at(data, b, LOSS, epoch, m), m)
    partial = view(data.partial, b * m, m)
    for k in range(m):
        total[k] += partial[k]
        partial[k] = 0


@in_order
def complete_sums(data, b, epoch, length, mode):
    """Complete the sums of an epoch, where its steps have not done so."""
    m = width(data.partial)
    flush(data, b, epoch, m)
    if mode == BY_MEANS:
        return
    loss = view(data.sums, sum_at(data, b, LOSS, epoch, m), m)
    batch_loss = view(data.sums, sum_at(data, b, BATCH_LOSS, epoch, m), m)
    rows = view(data.sums, sum_at(data, b, ROWS, epoch, m), m)
    counts = at(data.mixed, b) == 0 and data.weight.shape[0] == 0
    for k in range(m):
        batch_loss[k] = loss[k]
        rows[k] = length if counts else rows[k]


@in_order
def count_sample(data, b, epoch, w):
    """Count the sample for the networks for which it has weight."""
    m = width(w)
    rows = view(data.sums, sum_at(data, b, ROWS, epoch, m), m)
    for k in range(m):
        rows[k] += 1.0 if w[k] > 0 else 0.0


@in_order
def add_batch(data, b, epoch, squares, numbers):
    """Add a batch to the sums, as `sums.add_batch` does; ``numbers``: see `_add_tile`."""
    m = width(squares)
    p = sum_at(data, b, 0, epoch, m)
    step = data.n_epochs * m
    for k in range(m):
        loss, weight, count = numbers[k], numbers[m + k], numbers[2 * m + k]
        share = count / weight if count > 0 else 1.0
        data.sums[p + LOSS * step + k] += loss
        data.sums[p + BATCH_LOSS * step + k] += share * loss
        data.sums[p + ROWS * step + k] += count
        if count > 0 and at(data.own, (b * len(OWN) + OWN_L2_PER_WEIGHT) * m + k) > 0:
            data.sums[p + SQUARES * step + k] += share * squares[k]


@in_order
def sum_squares(theta, layers, out):
    """Write ``sum(W**2)`` over all layers."""
    m, s0 = width(theta), full(theta, 0.0)
    s1 = s0
    for l in range(layers.shape[0]):
        layer = at(layers, l)
        p, end = layer.offset * m, (layer.offset + layer.n_in * layer.n_out) * m
        while p + 2 * m <= end:
            no_unroll()
            w0, w1 = load(theta, p), load(theta, p + m)
            s0 += w0 * w0
            s1 += w1 * w1
            p += 2 * m
        if p < end:
            w0 = load(theta, p)
            s0 += w0 * w0
    store(out, 0, s0 + s1)
