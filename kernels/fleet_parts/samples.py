"""Samples, read for all networks of a block: one for all, or each network another."""

from ..simd import at, no_unroll, width
from .numbers import in_order, read_block, spread


@in_order
def row_of(data, b, k, epoch, place, m):
    """Return which row network ``k`` of block ``b`` takes; -1 for none."""
    order = at(data.which, b * m + k)
    return at(data.orders, (order * data.n_epochs + epoch) * data.n_places + place)


@in_order
def read_inputs(data, b, epoch, place, x):
    """Write the inputs of the sample at one place of the epoch's order."""
    m, n_in = width(x), data.n_in
    if at(data.mixed, b) > 0:
        for k in range(m):
            row = max(row_of(data, b, k, epoch, place, m), 0)
            for i in range(n_in):
                no_unroll()
                x[i * m + k] = at(data.X, row * n_in + i)
        return
    spread(data.X, row_of(data, b, 0, epoch, place, m) * n_in, x)


@in_order
def read_targets(data, b, epoch, place, y):
    """Write the targets, likewise."""
    m, n_out = width(y), data.n_out
    if at(data.mixed, b) > 0:
        for k in range(m):
            row = max(row_of(data, b, k, epoch, place, m), 0)
            for j in range(n_out):
                no_unroll()
                start = ((b * data.n + row) * n_out + j) * m + k
                y[j * m + k] = at(data.Y, start if data.each_y else row * n_out + j)
        return
    read_block(data.Y, data.each_y, b, data.n, row_of(data, b, 0, epoch, place, m), y)


@in_order
def read_weights(data, b, epoch, place, w):
    """Write the weight of the sample for each network; 0 where its order has ended."""
    m = width(w)
    for k in range(m):
        row = row_of(data, b, k, epoch, place, m)
        v = w.dtype.type(1)
        if data.weight.shape[0] > 0:
            here = max(row, 0)
            v = at(data.weight, (b * data.n + here) * m + k if data.each_weight else here)
        w[k] = v if row >= 0 else v * 0
