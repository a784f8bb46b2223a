"""Steps of all networks of a block: on one sample, or on a batch."""

from ..arguments import SQUARES
from ..simd import at, full, load, no_unroll, store, view, where_greater, width
from ..updates import PENALIZE_BIASES
from .arguments import OWN, OWN_L2_PER_WEIGHT, has_penalty, is_masked
from .inputs import add_first_gradient, first_sums, has_lists, note_rows
from .layers import (
    activate_units,
    add_gradient,
    add_gradient_of_4,
    backward_and_update,
    move_layer,
    update_and_sums,
    weighted_sums,
    weighted_sums_of_4,
)
from .losses import output_deltas
from .numbers import CHUNK, TILE, clear, in_order
from .rules import begin_step, is_rare, take_step
from .samples import read_inputs, read_targets, read_weights
from .sums import PARTIAL, add_batch, count_sample, flush, sum_at, sum_squares


@in_order
def step_on_sample(layers, loss, data, theta, where, work, numbers):
    """Take a step on one sample, as in `online.train_online` or `online_rules`.

    Plain ones go on to the first layer's sums for the next sample; ``begins`` where no step before
    has done so, ``ends`` where none will follow.
    """
    b, epoch, position, begins, ends, is_plain = where
    m = width(theta)
    first, output = at(layers, 0), at(layers, layers.shape[0] - 1)
    n_x = first.n_in * m
    x, x_next = view(work.x, position % 2 * n_x, n_x), view(work.x, (position + 1) % 2 * n_x, n_x)
    if begins or not is_plain:
        read_inputs(data, b, epoch, position, x)
        weighted_sums(theta, first, x, work.a, False)
    u = _hidden_layers(theta, layers, work.a)
    z, d = view(work.a, u, output.n_out * m), view(work.d, u, output.n_out * m)
    read_targets(data, b, epoch, position, work.y)
    found = output_deltas(loss, output.activation, z, work.y, output.n_out, d)
    if is_masked(data, b):
        read_weights(data, b, epoch, position, work.w)
        found = _weigh(found, load(work.w, 0), d, output.n_out, work.a, u)
        count_sample(data, b, epoch, work.w)
    store(data.partial, b * m, load(data.partial, b * m) + found)
    if position % PARTIAL == PARTIAL - 1:
        flush(data, b, epoch, m)
    if not is_plain:
        _step_by_rule(layers, data, theta, b, epoch, x, u, work, numbers)
        return
    _scale(d, load(work.rates, 0))
    delta = _backward_and_update(layers, theta, u, work)
    if not ends:
        read_inputs(data, b, epoch, position + 1, x_next)
    update_and_sums(theta, first, x, delta, x if ends else x_next, work.a)


@in_order
def _scale(d, rate):
    """Multiply deltas by the learning rates."""
    p = 0
    while p < d.shape[0]:
        no_unroll()
        store(d, p, load(d, p) * rate)
        p += width(d)


@in_order
def _backward_and_update(layers, theta, u, work):
    """Go from the last delta, at ``u``, down to the first layer's, which is returned."""
    m, l = width(theta), layers.shape[0] - 1
    d = view(work.d, u, work.d.shape[0] - u)
    while l > 0:
        no_unroll()
        layer, below = at(layers, l), at(layers, l - 1)
        n = below.n_out * m
        u -= n
        g = view(work.d, u, work.d.shape[0] - u)
        backward_and_update(theta, layer, view(work.a, u, n), d, below.activation, g)
        d = g
        l -= 1
    return d


@in_order
def _step_by_rule(layers, data, theta, b, epoch, x, u, work, numbers):
    """Take the rule's step, given the outputs and deltas of one sample; the last ones are at ``u``.

    Without weights and rare penalties, each parameter is moved as its derivative is computed.
    """
    m, masked = width(theta), is_masked(data, b)
    for k in range(m):
        numbers[m + k] = 1.0 if not masked or work.w[k] > 0 else 0.0
    if has_penalty(data, b, OWN_L2_PER_WEIGHT, m):
        sum_squares(theta, layers, work.divisors)
        squares = view(data.sums, sum_at(data, b, SQUARES, epoch, m), m)
        for k in range(m):
            has = at(data.own, (b * len(OWN) + OWN_L2_PER_WEIGHT) * m + k) > 0
            squares[k] += numbers[m + k] * work.divisors[k] if has else 0.0
    if is_rare(data, b, m):
        clear(work.gradient)
        _backward_rows(theta, layers, work, 1, u)
        none = view(work.d, 0, 0)
        add_gradient(theta, at(layers, 0), x, work.d, 0, none, work.gradient)
        take_step(layers, data, theta, b, work, numbers)
        return
    c, first, second = begin_step(data, theta, b, work, numbers)
    l2 = load(work.l2, 0)
    l2_of_biases = l2 if at(data.settings, PENALIZE_BIASES) > 0 else full(theta, 0.0)
    l = layers.shape[0] - 1
    d = view(work.d, u, work.d.shape[0] - u)
    while l >= 0:
        no_unroll()
        layer, a, g, slope = at(layers, l), x, view(work.d, 0, 0), 0
        if l > 0:
            u -= layer.n_in * m
            a, g = view(work.a, u, layer.n_in * m), view(work.d, u, work.d.shape[0] - u)
            slope = at(layers, l - 1).activation
        move_layer(data.code, c, theta, layer, a, d, slope, g, l2, l2_of_biases, first, second)
        d = g
        l -= 1


@in_order
def _hidden_layers(theta, layers, a):
    """Go from the first layer's sums to those of the output layer; return where these begin."""
    m, u = width(theta), 0
    for l in range(layers.shape[0] - 1):
        no_unroll()
        layer, above = at(layers, l), at(layers, l + 1)
        n = layer.n_out * m
        x = view(a, u, n)
        activate_units(layer.activation, x, layer.n_out)
        u += n
        weighted_sums(theta, above, x, view(a, u, above.n_out * m), True)
    return u


@in_order
def _weigh(found, w, d, n_out, a, n_hidden):
    """Multiply loss and deltas by the sample's weight.

    Where that is 0, deltas and hidden outputs become 0: 0 times an overflow would be NaN.
    """
    none, p = full(a, 0.0), 0
    for j in range(n_out):
        no_unroll()
        store(d, j * width(a), where_greater(w, 0.0, load(d, j * width(a)) * w, none))
    while p < n_hidden:
        no_unroll()
        store(a, p, where_greater(w, 0.0, load(a, p), none))
        p += width(a)
    return where_greater(w, 0.0, found * w, none)


@in_order
def step_on_batch(layers, loss, data, theta, where, work, numbers, lists):
    """Take a step on ``count`` samples of an epoch's order, from the place ``start`` on."""
    b, epoch, start, count = where
    clear(work.gradient)
    for k in range(numbers.shape[0]):
        numbers[k] = 0
    place = start
    while place < start + count:
        rows = min(CHUNK if has_lists(data, b) else TILE, start + count - place)
        _add_rows(layers, loss, data, theta, (b, epoch, place, rows), work, numbers, lists)
        place += rows
    if has_penalty(data, b, OWN_L2_PER_WEIGHT, width(theta)):
        sum_squares(theta, layers, work.divisors)
    else:
        clear(work.divisors)
    add_batch(data, b, epoch, work.divisors, numbers)
    take_step(layers, data, theta, b, work, numbers)


@in_order
def _add_rows(layers, loss, data, theta, where, work, numbers, lists):
    """Add the gradient of a few samples: up to `CHUNK`, or `TILE` without lists of their inputs.

    For each network, ``numbers`` counts losses, weights, and samples of some weight.
    """
    b, epoch, place, rows = where
    m, first = width(theta), at(layers, 0)
    units, listed, n_in = work.a.shape[0] // CHUNK, has_lists(data, b), first.n_in * m
    if not listed:
        for r in range(rows):
            read_inputs(data, b, epoch, place + r, view(work.x, r * n_in, n_in))
        _sums_of_rows(theta, first, work.x, n_in, work.a, units, rows, False)
    else:
        note_rows(data, b, epoch, place, rows, lists)
        first_sums(theta, first, data, rows, lists, work.a, units, work.panel)
    u = _forward_rows(theta, layers, work, rows)
    for r in range(rows):
        _deltas(layers, loss, data, (b, epoch, place + r), work, r * units, u, numbers)
    _backward_rows(theta, layers, work, rows, u)
    if not listed:
        none = view(work.d, 0, 0)
        _add_gradient_of_rows(
            theta, first, work.x, n_in, work.d, units, 0, none, work.gradient, rows
        )
    else:
        add_first_gradient(first, data, rows, lists, work.d, units, work.gradient)


@in_order
def _deltas(layers, loss, data, where, work, start, u, numbers):
    """End the forward pass of one sample, whose outputs begin at ``start``, and count it."""
    b, epoch, place = where
    output = at(layers, layers.shape[0] - 1)
    m = width(work.a)
    n_out = output.n_out * m
    z, d = view(work.a, start + u, n_out), view(work.d, start + u, n_out)
    read_targets(data, b, epoch, place, work.y)
    found = output_deltas(loss, output.activation, z, work.y, output.n_out, d)
    if is_masked(data, b):
        read_weights(data, b, epoch, place, work.w)
        hidden = view(work.a, start, u)
        found = _weigh(found, load(work.w, 0), d, output.n_out, hidden, u)
    else:
        store(work.w, 0, full(work.w, 1.0))
    store(work.epsilons, 0, found)
    for k in range(m):
        numbers[k] += work.epsilons[k]
        numbers[m + k] += work.w[k]
        numbers[2 * m + k] += 1.0 if work.w[k] > 0 else 0.0


@in_order
def _sums_of_rows(theta, layer, x, x_step, z, z_step, rows, in_parts):
    """Compute weighted sums of a few samples, four at a time as long as there are four."""
    r, n_in, n_out = 0, layer.n_in * width(theta), layer.n_out * width(theta)
    while r + TILE <= rows:
        no_unroll()
        here = view(x, r * x_step, (TILE - 1) * x_step + n_in)
        there = view(z, r * z_step, (TILE - 1) * z_step + n_out)
        weighted_sums_of_4(theta, layer, here, x_step, there, z_step, in_parts)
        r += TILE
    while r < rows:
        no_unroll()
        here, there = view(x, r * x_step, n_in), view(z, r * z_step, n_out)
        weighted_sums(theta, layer, here, there, in_parts)
        r += 1


@in_order
def _forward_rows(theta, layers, work, rows):
    """Go from the first layer's sums to the output layer's; return where these begin."""
    m, u, units = width(theta), 0, work.a.shape[0] // CHUNK
    for l in range(layers.shape[0] - 1):
        no_unroll()
        layer, above = at(layers, l), at(layers, l + 1)
        n = layer.n_out * m
        for r in range(rows):
            activate_units(layer.activation, view(work.a, r * units + u, n), layer.n_out)
        x = view(work.a, u, work.a.shape[0] - u)
        u += n
        z = view(work.a, u, work.a.shape[0] - u)
        _sums_of_rows(theta, above, x, units, z, units, rows, True)
    return u


@in_order
def forward_tile(theta, layers, work, rows):
    """Go forward with up to `TILE` samples, whose inputs are in ``work.x``; see `_forward_rows`."""
    units, n_in = work.a.shape[0] // CHUNK, work.x.shape[0] // TILE
    _sums_of_rows(theta, at(layers, 0), work.x, n_in, work.a, units, rows, False)
    return _forward_rows(theta, layers, work, rows)


@in_order
def _backward_rows(theta, layers, work, rows, u):
    """Add the gradients of all layers but the first, given the deltas of the last at ``u``."""
    m, units = width(theta), work.a.shape[0] // CHUNK
    l = layers.shape[0] - 1
    while l > 0:
        no_unroll()
        layer, code = at(layers, l), at(layers, l - 1).activation
        d = view(work.d, u, work.d.shape[0] - u)
        u -= layer.n_in * m
        a, g = view(work.a, u, work.a.shape[0] - u), view(work.d, u, work.d.shape[0] - u)
        _add_gradient_of_rows(theta, layer, a, units, d, units, code, g, work.gradient, rows)
        l -= 1


@in_order
def _add_gradient_of_rows(theta, layer, a, a_step, d, d_step, code, g, gradient, rows):
    """Add the gradients of a few samples, four at a time as long as there are four."""
    r, n_in, n_out = 0, layer.n_in * width(theta), layer.n_out * width(theta)
    has_below = g.shape[0] > 0
    while r < rows:
        no_unroll()
        n = TILE if r + TILE <= rows else 1
        here = view(a, r * a_step, (n - 1) * a_step + n_in)
        delta = view(d, r * d_step, (n - 1) * d_step + n_out)
        below = view(g, r * a_step if has_below else 0, here.shape[0] if has_below else 0)
        if n == TILE:
            add_gradient_of_4(theta, layer, here, a_step, delta, d_step, code, below, gradient)
        else:
            add_gradient(theta, layer, here, delta, code, below, gradient)
        r += n
