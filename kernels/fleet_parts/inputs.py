"""The first layer of a batch that all networks of a block share: inputs that are 0 are left out.

A sample's inputs are then plain numbers, the same for all networks. Which of them are not 0 was put
down once for all of X: often half of the pixels of a picture, or nearly all indicators of
categories, are. Adding 0 times a weight changes nothing, so the bits are those of `layers`.

A panel of weights stays in the first cache while all samples of a chunk pass by. So this also pays
for large networks whose inputs are not 0.
"""

from ..simd import at, full, load, no_unroll, store, width
from .layers import WIDE, bias_of, store_4
from .numbers import in_order


@in_order
def has_lists(data, b):
    """Return whether the networks of a block take the same rows, whose inputs are listed."""
    return at(data.mixed, b) == 0 and data.columns.shape[0] > 0


@in_order
def note_rows(data, b, epoch, place, n, lists):
    """Write which rows of X the next ``n`` samples are, and for each column which have it.

    ``lists``: the rows; then, from ``n`` on, where each column's part begins in what follows, and
    one more; then the places of samples in the chunk, column by column.
    """
    n_in = data.n_in
    order = at(data.which, b * data.lanes)
    first = (order * data.n_epochs + epoch) * data.n_places + place
    for i in range(n_in + 1):
        lists[n + i] = 0
    for r in range(n):
        row = at(data.orders, first + r)
        lists[r] = row
        for k in range(at(data.starts, row), at(data.starts, row + 1)):
            lists[n + 1 + at(data.columns, k)] += 1
    for i in range(n_in):
        lists[n + i + 1] += lists[n + i]
    entries = n + n_in + 1
    for r in range(n):
        row = lists[r]
        for k in range(at(data.starts, row), at(data.starts, row + 1)):
            i = n + at(data.columns, k)
            lists[entries + lists[i]] = r
            lists[i] += 1
    for i in range(n_in, 0, -1):  # each has moved to where the next one begins
        lists[n + i] = lists[n + i - 1]
    lists[n] = 0


@in_order
def first_sums(theta, layer, data, n, lists, z, step, panel):
    """Compute the weighted sums of ``n`` samples; those of one lie ``step`` behind the last's.

    Eight columns of W at a time are copied to ``panel``: rows of W that are a power of two apart
    would push each other out of the cache.
    """
    m, n_out = width(theta), layer.n_out
    j = 0
    while j + 8 <= n_out and WIDE:
        no_unroll()
        _copy_panel(theta, layer, j, panel)
        for r in range(n):
            _sums_of_8(theta, layer, data, at(lists, r), j, panel, z, r * step + j * m)
        j += 8
    while j + 4 <= n_out:
        no_unroll()
        for r in range(n):
            _sums_of_4(theta, layer, data, at(lists, r), j, z, r * step + j * m)
        j += 4
    while j < n_out:
        no_unroll()
        for r in range(n):
            s, row = bias_of(theta, layer, j), at(lists, r)
            for k in range(at(data.starts, row), at(data.starts, row + 1)):
                no_unroll()
                i = at(data.columns, k)
                x = at(data.X, row * data.n_in + i)
                s += x * load(theta, (layer.offset + i * n_out + j) * m)
            store(z, r * step + j * m, s)
        j += 1


@in_order
def _copy_panel(theta, layer, j, panel):
    m = width(theta)
    p, q = (layer.offset + j) * m, 0
    for _ in range(layer.n_in):
        for k in range(8):
            store(panel, q + k * m, load(theta, p + k * m))
        p += layer.n_out * m
        q += 8 * m


@in_order
def _sums_of_8(theta, layer, data, row, j, panel, z, at_z):
    m = width(theta)
    z0, z1 = bias_of(theta, layer, j), bias_of(theta, layer, j + 1)
    z2, z3 = bias_of(theta, layer, j + 2), bias_of(theta, layer, j + 3)
    z4, z5 = bias_of(theta, layer, j + 4), bias_of(theta, layer, j + 5)
    z6, z7 = bias_of(theta, layer, j + 6), bias_of(theta, layer, j + 7)
    for k in range(at(data.starts, row), at(data.starts, row + 1)):
        no_unroll()
        i = at(data.columns, k)
        x = full(theta, at(data.X, row * data.n_in + i))
        p = i * 8 * m
        z0 += x * load(panel, p)
        z1 += x * load(panel, p + m)
        z2 += x * load(panel, p + 2 * m)
        z3 += x * load(panel, p + 3 * m)
        z4 += x * load(panel, p + 4 * m)
        z5 += x * load(panel, p + 5 * m)
        z6 += x * load(panel, p + 6 * m)
        z7 += x * load(panel, p + 7 * m)
    store_4(z, at_z, m, 2 * m, 3 * m, z0, z1, z2, z3)
    store_4(z, at_z + 4 * m, m, 2 * m, 3 * m, z4, z5, z6, z7)


@in_order
def _sums_of_4(theta, layer, data, row, j, z, at_z):
    m, n_out = width(theta), layer.n_out
    z0, z1 = bias_of(theta, layer, j), bias_of(theta, layer, j + 1)
    z2, z3 = bias_of(theta, layer, j + 2), bias_of(theta, layer, j + 3)
    for k in range(at(data.starts, row), at(data.starts, row + 1)):
        no_unroll()
        i = at(data.columns, k)
        x = full(theta, at(data.X, row * data.n_in + i))
        p = (layer.offset + i * n_out + j) * m
        z0 += x * load(theta, p)
        z1 += x * load(theta, p + m)
        z2 += x * load(theta, p + 2 * m)
        z3 += x * load(theta, p + 3 * m)
    store_4(z, at_z, m, 2 * m, 3 * m, z0, z1, z2, z3)


@in_order
def add_first_gradient(layer, data, n, lists, d, step, gradient):
    """Add the gradient of ``n`` samples, whose deltas lie ``step`` apart.

    Of each weight, a sum over the samples that have its input; it stays in a register meanwhile.
    """
    m, n_in, n_out = width(d), data.n_in, layer.n_out
    j = 0
    while j < n_out:
        no_unroll()
        units = 8 if j + 8 <= n_out and WIDE else (4 if j + 4 <= n_out else 1)
        for i in range(n_in):
            begin, end = n + n_in + 1 + at(lists, n + i), n + n_in + 1 + at(lists, n + i + 1)
            if units == 8:
                _gradient_of_8(layer, data, i, j, lists, begin, end, d, step, gradient)
            elif units == 4:
                _gradient_of_4(layer, data, i, j, lists, begin, end, d, step, gradient)
            else:
                _gradient_of_1(layer, data, i, j, lists, begin, end, d, step, gradient)
        j += units
    p = (layer.offset + n_in * n_out) * m
    for j in range(n_out if layer.has_bias else 0):
        no_unroll()
        s = load(gradient, p)
        for r in range(n):
            no_unroll()
            s += load(d, r * step + j * m)
        store(gradient, p, s)
        p += m


@in_order
def _gradient_of_1(layer, data, i, j, lists, begin, end, d, step, gradient):
    m = width(d)
    p = (layer.offset + i * layer.n_out + j) * m
    s = load(gradient, p)
    for k in range(begin, end):
        no_unroll()
        r = at(lists, k)
        s += at(data.X, at(lists, r) * data.n_in + i) * load(d, r * step + j * m)
    store(gradient, p, s)


@in_order
def _gradient_of_8(layer, data, i, j, lists, begin, end, d, step, gradient):
    m = width(d)
    p = (layer.offset + i * layer.n_out + j) * m
    g0, g1 = load(gradient, p), load(gradient, p + m)
    g2, g3 = load(gradient, p + 2 * m), load(gradient, p + 3 * m)
    g4, g5 = load(gradient, p + 4 * m), load(gradient, p + 5 * m)
    g6, g7 = load(gradient, p + 6 * m), load(gradient, p + 7 * m)
    for k in range(begin, end):
        no_unroll()
        r = at(lists, k)
        x = full(d, at(data.X, at(lists, r) * data.n_in + i))
        q = r * step + j * m
        g0 += x * load(d, q)
        g1 += x * load(d, q + m)
        g2 += x * load(d, q + 2 * m)
        g3 += x * load(d, q + 3 * m)
        g4 += x * load(d, q + 4 * m)
        g5 += x * load(d, q + 5 * m)
        g6 += x * load(d, q + 6 * m)
        g7 += x * load(d, q + 7 * m)
    store_4(gradient, p, m, 2 * m, 3 * m, g0, g1, g2, g3)
    store_4(gradient, p + 4 * m, m, 2 * m, 3 * m, g4, g5, g6, g7)


@in_order
def _gradient_of_4(layer, data, i, j, lists, begin, end, d, step, gradient):
    m = width(d)
    p = (layer.offset + i * layer.n_out + j) * m
    g0, g1 = load(gradient, p), load(gradient, p + m)
    g2, g3 = load(gradient, p + 2 * m), load(gradient, p + 3 * m)
    for k in range(begin, end):
        no_unroll()
        r = at(lists, k)
        x = full(d, at(data.X, at(lists, r) * data.n_in + i))
        q = r * step + j * m
        g0 += x * load(d, q)
        g1 += x * load(d, q + m)
        g2 += x * load(d, q + 2 * m)
        g3 += x * load(d, q + 3 * m)
    store_4(gradient, p, m, 2 * m, 3 * m, g0, g1, g2, g3)
