"""Training many networks of one shape at once: SIMD lanes run across networks.

A *block* is as many networks as a SIMD value has lanes, their parameters an array (n_parameters,
lanes): see `fleet_layers`. Networks of a block take their steps together, each with targets,
weights of samples, learning rate and penalties of its own, and each in its own order through the
samples if need be. Small blocks take turns, a step each: none has to wait for the result of its
last step.

What becomes of a network depends on nothing but its own samples and numbers: not on its lane, on
its neighbours, on how many blocks there are, or into how many calls its steps are divided.
"""

import math
from typing import NamedTuple

import numpy as np

from .activations import SOFTMAX
from .arguments import BATCH_LOSS, LOSS, N_SUMS, ROWS, SQUARES
from .fleet_layers import (
    activate_units,
    add_gradient,
    add_gradient_of_4,
    backward_and_update,
    in_order,
    move_layer,
    output_deltas,
    softmax_units,
    update_and_sums,
    weighted_sums,
    weighted_sums_of_4,
)
from .jit import kernel
from .online_rules import add_penalty, times
from .simd import at, flat, full, load, no_unroll, records, store, view, where_greater, width
from .simd_numpy import BYTES
from .table import LAYER, as_records, theta_size
from .updates import (
    ADAM,
    ADAMW,
    BETA1,
    BETA2,
    DAMPENING,
    EPSILON,
    EPSILON_SCALED,
    L1,
    L2,
    L2_PER_WEIGHT,
    LR,
    MEMORY,
    MOMENTUM,
    MOMENTUM_FACTOR,
    NESTEROV,
    PENALIZE_BIASES,
    SGD,
    SUM,
    Coefficients,
    apply_rule,
)

TILE = 4  # samples that go through the layers together
TURNS = 4  # blocks that take turns, at most,
FIRST_CACHE = 1 << 14  # and only while their parameters and outputs have no more bytes than this
PLAIN, BY_FACTORS, BY_MEANS = range(3)
# How steps are taken: PLAIN, one update per sample by gradient descent without penalties;
# BY_FACTORS, by any rule, a sample's weight being a factor of its gradient; BY_MEANS, a batch's
# gradient being the weighted mean of its samples'.

PARTIAL = 16  # losses that are added up in the networks' dtype; their sums are float64

# What may differ from network to network, in `FleetRule.own`, and where it stands in ``settings``.
OWN = (LR, L2, L2_PER_WEIGHT, L1)
MEMORY_OF = np.array([MEMORY[code] for code in range(len(MEMORY))])
OWN_LR, OWN_L2, OWN_L2_PER_WEIGHT, OWN_L1 = range(4)


class FleetSamples(NamedTuple):
    """Samples to learn from.

    Attributes
    ----------
    X : array of shape (n, n_inputs)
    Y : array of shape (1, n, n_outputs, 1) or (n_blocks, n, n_outputs, lanes)
        Targets, the same for all networks or of each one.
    weight : array of shape (0, 0, 0), (1, n, 1) or (n_blocks, n, lanes)
        Weights of the samples: none, the same for all networks, or of each one.
    orders : int64 array of shape (n_orders, n_epochs, m)
        Orders of rows, each filled up with -1 at its end.
    which : int64 array of shape (n_blocks, lanes)
        Which of the orders each network takes.
    lengths : int64 array of shape (n_blocks,)
        Rows of the longest order in the block.
    mixed : int64 array of shape (n_blocks,)
        1 where the networks of a block take different rows.
    """

    X: np.ndarray
    Y: np.ndarray
    weight: np.ndarray
    orders: np.ndarray
    which: np.ndarray
    lengths: np.ndarray
    mixed: np.ndarray


class FleetNet(NamedTuple):
    """Networks: ``theta`` of shape (n_blocks, n_parameters, lanes); see `arguments.Net`."""

    theta: np.ndarray
    layers: np.ndarray
    loss: int


class FleetRule(NamedTuple):
    """How a step follows from a gradient; see `arguments.Rule`.

    Attributes
    ----------
    code : int
    settings : float64 array of shape (N_SETTINGS,)
        What is the same for all networks; not what `OWN` names.
    own : float64 array of shape (n_blocks, len(OWN), lanes)
    state : array of shape (n_blocks, MEMORY[code] * n_parameters, lanes)
    step_state : float64 array of shape (n_blocks, 3, lanes)
    """

    code: int
    settings: np.ndarray
    own: np.ndarray
    state: np.ndarray
    step_state: np.ndarray


class Data(NamedTuple):
    """Samples, rule and sums as flat views, which are not counted when they are handed on.

    Attributes
    ----------
    X, Y, weight, orders, which, mixed
        Of `FleetSamples`.
    n, n_in, n_out, n_epochs, n_places
        Rows of X, its columns, those of Y; epochs of an order, and its places for rows.
    each_y, each_weight
        Whether targets and weights are of each network.
    code, settings, own, state, step_state
        Of `FleetRule`.
    sums, partial
        See `train_fleet`.
    """

    X: np.ndarray
    Y: np.ndarray
    weight: np.ndarray
    orders: np.ndarray
    which: np.ndarray
    mixed: np.ndarray
    n: int
    n_in: int
    n_out: int
    n_epochs: int
    n_places: int
    each_y: bool
    each_weight: bool
    code: int
    settings: np.ndarray
    own: np.ndarray
    state: np.ndarray
    step_state: np.ndarray
    sums: np.ndarray
    partial: np.ndarray


@in_order
def _data(samples, rule, sums, partial):
    """Return all but networks and scratch as `Data`."""
    X, Y, weight, orders = samples.X, samples.Y, samples.weight, samples.orders
    return Data(
        flat(X),
        flat(Y),
        flat(weight),
        flat(orders),
        flat(samples.which),
        flat(samples.mixed),
        X.shape[0],
        X.shape[1],
        Y.shape[2],
        orders.shape[1],
        orders.shape[2],
        Y.shape[3] > 1,
        weight.shape[2] > 1,
        rule.code,
        flat(rule.settings),
        flat(rule.own),
        flat(rule.state),
        flat(rule.step_state),
        flat(sums),
        flat(partial),
    )


class Work(NamedTuple):
    """Scratch of one block.

    Attributes
    ----------
    x, a, d
        Inputs, outputs and deltas of `TILE` samples.
    y, w
        Targets and weights of one.
    gradient
    rates, epsilons, divisors, l2, l1, kept
        Of this step, one for each network.
    """

    x: np.ndarray
    a: np.ndarray
    d: np.ndarray
    y: np.ndarray
    w: np.ndarray
    rates: np.ndarray
    epsilons: np.ndarray
    divisors: np.ndarray
    l2: np.ndarray
    l1: np.ndarray
    kept: np.ndarray
    gradient: np.ndarray


def lanes_of(dtype):
    """Return how many networks a block has."""
    return BYTES // np.dtype(dtype).itemsize


def _work_parts(layers):
    """Return how many numbers each part of `Work` has for one network."""
    table = as_records(layers)
    units, n_in, n_out = int(table["n_out"].sum()), int(table["n_in"][0]), int(table["n_out"][-1])
    return [TILE * n_in, TILE * units, TILE * units, n_out, 7, theta_size(layers)]


def work_size(layers, dtype):
    """Return the number of elements of the scratch array of `train_fleet`."""
    return TURNS * sum(_work_parts(layers)) * lanes_of(dtype)


@in_order
def _sizes(layers, m):
    """Return how many numbers the parts of `Work` have that are not a block each."""
    units = size = 0
    for l in range(layers.shape[0]):
        layer = at(layers, l)
        units += layer.n_out
        size += (layer.n_in + layer.has_bias) * layer.n_out
    n_in, n_out = at(layers, 0).n_in, at(layers, layers.shape[0] - 1).n_out
    return TILE * n_in * m, TILE * units * m, n_out * m, size * m


@in_order
def _work_of(scratch, turn, sizes):
    """Return the scratch of the block whose turn it is."""
    m = width(scratch)
    n_x, n_a, n_y, n_theta = sizes
    x = turn * (n_x + 2 * n_a + n_y + 7 * m + n_theta)
    a = x + n_x
    d = a + n_a
    y = d + n_a
    w = y + n_y
    return Work(
        view(scratch, x, n_x),
        view(scratch, a, n_a),
        view(scratch, d, n_a),
        view(scratch, y, n_y),
        view(scratch, w, m),
        view(scratch, w + m, m),
        view(scratch, w + 2 * m, m),
        view(scratch, w + 3 * m, m),
        view(scratch, w + 4 * m, m),
        view(scratch, w + 5 * m, m),
        view(scratch, w + 6 * m, m),
        view(scratch, w + 7 * m, n_theta),
    )


@kernel(fastmath={"contract"})
def train_fleet(
    net, samples, rule, batch_size, mode, blocks, steps, scratch, numbers, partial, last_good, sums,
    ended,
):  # fmt: skip
    """Take the steps ``steps[0] <= step < steps[1]`` with the networks of some blocks.

    An epoch has ``n_steps = ceil(m / batch_size)`` steps, m the length of ``samples.orders``; step
    s is step ``s % n_steps`` of epoch ``s // n_steps``. Shorter orders have ended by then.

    Parameters
    ----------
    net, samples, rule
        See `FleetNet`, `FleetSamples`, `FleetRule`. Any rule but RPROP; clipping is not done.
    batch_size : int
    mode : int
        PLAIN, BY_FACTORS or BY_MEANS.
    blocks, steps : (int, int)
        The first one, and the one behind the last.
    scratch : array
        ``work_size(layers, dtype)`` elements.
    numbers : float64 array of shape (3, lanes)
        Scratch.
    partial : array of shape (n_blocks, lanes)
        Losses that are not yet in ``sums``: zeros at the beginning.
    last_good : array of theta's shape
        Written at the beginning of each epoch: theta.
    sums : float64 array of shape (n_blocks, N_SUMS, n_epochs, lanes)
        Added to; see `sums`.
    ended : int64 array of shape (n_blocks, lanes)
        Written where loss or parameters of a network became infinite or NaN: in which epoch. Its
        theta is what it was at that epoch's beginning. -1 where that has not happened.
    """
    layers, data = records(net.layers, LAYER), _data(samples, rule, sums, partial)
    theta, kept, scratch, numbers = flat(net.theta), flat(last_good), flat(scratch), flat(numbers)
    lengths, ended, loss = flat(samples.lengths), flat(ended), net.loss
    n_steps = (data.n_places + batch_size - 1) // batch_size
    m, size = width(theta), net.theta.shape[1] * width(theta)
    turns, sizes = _turns(net, layers), _sizes(layers, m)
    for first in range(blocks[0], blocks[1], turns):
        n = min(turns, blocks[1] - first)
        for turn in range(n):
            _set_rates(data, first + turn, _work_of(scratch, turn, sizes))
        for step in range(steps[0], steps[1]):
            epoch, position = step // n_steps, step % n_steps
            for turn in range(n):
                b = first + turn
                work = _work_of(scratch, turn, sizes)
                here, before = view(theta, b * size, size), view(kept, b * size, size)
                alive, length = view(ended, b * m, m), at(lengths, b)
                if position == 0:
                    _mark_alive(alive, work.w)
                    _copy_where(work.w, here, before)
                if position * batch_size < length:
                    if mode == BY_MEANS:
                        count = min(batch_size, length - position * batch_size)
                        where = b, epoch, position * batch_size, count
                        _step_on_batch(layers, loss, data, here, where, work, numbers)
                    else:
                        begins = position == 0 or step == steps[0]
                        ends = position + 1 == length or step + 1 == steps[1]
                        where = b, epoch, position, begins, ends, mode == PLAIN
                        _step_on_sample(layers, loss, data, here, where, work, numbers)
                if position == n_steps - 1:
                    _complete_sums(data, b, epoch, length, mode)
                    _take_back(data, here, before, b, epoch, work, alive)


@in_order
def _turns(net, layers):
    """Return how many blocks may take turns."""
    numbers = net.theta.shape[1]
    for l in range(layers.shape[0]):
        numbers += 2 * at(layers, l).n_out
    n_bytes = numbers * width(net.theta) * net.theta.itemsize
    return max(1, min(TURNS, FIRST_CACHE // n_bytes))


# --- one epoch ---------------------------------------------------------------------------------


@in_order
def _mark_alive(ended, alive):
    """Write 1 for networks that have not ended, 0 for the others."""
    for k in range(alive.shape[0]):
        alive[k] = 1 if ended[k] < 0 else 0


@in_order
def _copy_where(mask, source, target):
    """Copy the numbers of the networks whose ``mask`` is above 0."""
    m, here = width(source), load(mask, 0)
    p = 0
    while p < source.shape[0]:
        no_unroll()
        store(target, p, where_greater(here, 0.0, load(source, p), load(target, p)))
        p += m


@in_order
def _set_rates(data, b, work):
    """Write the learning rates of block ``b``, in the networks' dtype."""
    m = work.rates.shape[0]
    for k in range(m):
        work.rates[k] = at(data.own, (b * len(OWN) + OWN_LR) * m + k)


@in_order
def _sum_at(data, b, row, epoch, m):
    """Return where the sums of the networks of a block begin, each in one place behind another."""
    return ((b * N_SUMS + row) * data.n_epochs + epoch) * m


@in_order
def _flush(data, b, epoch, m):
    """Add losses to their sums."""
    total = view(data.sums, _sum_at(data, b, LOSS, epoch, m), m)
    partial = view(data.partial, b * m, m)
    for k in range(m):
        total[k] += partial[k]
        partial[k] = 0


@in_order
def _complete_sums(data, b, epoch, length, mode):
    """Complete the sums of an epoch, where its steps have not done so."""
    m = width(data.partial)
    _flush(data, b, epoch, m)
    if mode == BY_MEANS:
        return
    loss = view(data.sums, _sum_at(data, b, LOSS, epoch, m), m)
    batch_loss = view(data.sums, _sum_at(data, b, BATCH_LOSS, epoch, m), m)
    rows = view(data.sums, _sum_at(data, b, ROWS, epoch, m), m)
    counts = at(data.mixed, b) == 0 and data.weight.shape[0] == 0
    for k in range(m):
        batch_loss[k] = loss[k]
        rows[k] = length if counts else rows[k]


@in_order
def _take_back(data, theta, before, b, epoch, work, ended):
    """Take back the epoch of networks that diverged in it, or have ended."""
    m = width(theta)
    loss = view(data.sums, _sum_at(data, b, LOSS, epoch, m), m)
    zero, p = full(theta, 0.0), 0
    while p < theta.shape[0]:
        no_unroll()
        zero += load(theta, p) * 0.0  # NaN from infinities and NaN
        p += m
    store(work.divisors, 0, zero)
    n_ended = 0
    for k in range(m):
        if ended[k] < 0 and not (work.divisors[k] == 0 and math.isfinite(loss[k])):
            ended[k] = epoch
        work.w[k] = 0 if ended[k] < 0 else 1
        n_ended += 0 if ended[k] < 0 else 1
    if n_ended > 0:
        _copy_where(work.w, before, theta)


# --- samples -----------------------------------------------------------------------------------


@in_order
def _row(data, b, k, epoch, place, m):
    """Return which row network ``k`` of block ``b`` takes; -1 for none."""
    order = at(data.which, b * m + k)
    return at(data.orders, (order * data.n_epochs + epoch) * data.n_places + place)


@in_order
def _read_inputs(data, b, epoch, place, x):
    """Write the inputs of the sample at one place of the epoch's order."""
    m, n_in = width(x), data.n_in
    if at(data.mixed, b) > 0:
        for k in range(m):
            row = max(_row(data, b, k, epoch, place, m), 0)
            for i in range(n_in):
                no_unroll()
                x[i * m + k] = at(data.X, row * n_in + i)
        return
    _spread(data.X, _row(data, b, 0, epoch, place, m) * n_in, x)


@in_order
def _read_targets(data, b, epoch, place, y):
    """Write the targets, likewise."""
    m, n_out = width(y), data.n_out
    if at(data.mixed, b) > 0:
        for k in range(m):
            row = max(_row(data, b, k, epoch, place, m), 0)
            for j in range(n_out):
                no_unroll()
                start = ((b * data.n + row) * n_out + j) * m + k
                y[j * m + k] = at(data.Y, start if data.each_y else row * n_out + j)
        return
    row = _row(data, b, 0, epoch, place, m)
    for j in range(n_out):
        no_unroll()
        if data.each_y:
            store(y, j * m, load(data.Y, ((b * data.n + row) * n_out + j) * m))
        else:
            store(y, j * m, full(y, at(data.Y, row * n_out + j)))


@in_order
def _read_weights(data, b, epoch, place, w):
    """Write the weight of the sample for each network; 0 where its order has ended."""
    m = width(w)
    for k in range(m):
        row = _row(data, b, k, epoch, place, m)
        v = w.dtype.type(1)
        if data.weight.shape[0] > 0:
            here = max(row, 0)
            v = at(data.weight, (b * data.n + here) * m + k if data.each_weight else here)
        w[k] = v if row >= 0 else v * 0


@in_order
def _is_masked(data, b):
    """Return whether a sample may have another weight than 1 for some network."""
    return at(data.mixed, b) > 0 or data.weight.shape[0] > 0


# --- one update per sample ---------------------------------------------------------------------


@in_order
def _step_on_sample(layers, loss, data, theta, where, work, numbers):
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
        _read_inputs(data, b, epoch, position, x)
        weighted_sums(theta, first, x, work.a)
    u = _hidden_layers(theta, layers, work.a)
    z, d = view(work.a, u, output.n_out * m), view(work.d, u, output.n_out * m)
    _read_targets(data, b, epoch, position, work.y)
    found = output_deltas(loss, output.activation, z, work.y, output.n_out, d)
    if _is_masked(data, b):
        _read_weights(data, b, epoch, position, work.w)
        found = _weigh(found, load(work.w, 0), d, output.n_out, work.a, u)
        _count(data, b, epoch, work.w)
    store(data.partial, b * m, load(data.partial, b * m) + found)
    if position % PARTIAL == PARTIAL - 1:
        _flush(data, b, epoch, m)
    if not is_plain:
        _step_by_rule(layers, data, theta, b, epoch, x, u, work, numbers)
        return
    _scale(d, load(work.rates, 0))
    delta = _backward_and_update(layers, theta, u, work)
    if not ends:
        _read_inputs(data, b, epoch, position + 1, x_next)
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
    m, masked = width(theta), _is_masked(data, b)
    for k in range(m):
        numbers[m + k] = 1.0 if not masked or work.w[k] > 0 else 0.0
    if _has(data, b, OWN_L2_PER_WEIGHT, m):
        _sum_squares(theta, layers, work.divisors)
        squares = view(data.sums, _sum_at(data, b, SQUARES, epoch, m), m)
        for k in range(m):
            has = at(data.own, (b * len(OWN) + OWN_L2_PER_WEIGHT) * m + k) > 0
            squares[k] += numbers[m + k] * work.divisors[k] if has else 0.0
    if _is_rare(data, b, m):
        _clear(work.gradient)
        _backward_tile(theta, layers, x, work, 1, u)
        _take_step(layers, data, theta, b, work, numbers)
        return
    c, first, second = _begin_step(data, theta, b, work, numbers)
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
        weighted_sums(theta, above, x, view(a, u, above.n_out * m))
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
def _count(data, b, epoch, w):
    """Count the sample for the networks for which it has weight."""
    m = width(w)
    rows = view(data.sums, _sum_at(data, b, ROWS, epoch, m), m)
    for k in range(m):
        rows[k] += 1.0 if w[k] > 0 else 0.0


# --- one update per batch, or by any rule ------------------------------------------------------


@in_order
def _step_on_batch(layers, loss, data, theta, where, work, numbers):
    """Take a step on ``count`` samples of an epoch's order, from the place ``start`` on."""
    b, epoch, start, count = where
    _clear(work.gradient)
    for k in range(numbers.shape[0]):
        numbers[k] = 0
    place = start
    while place < start + count:
        rows = min(TILE, start + count - place)
        _add_tile(layers, loss, data, theta, (b, epoch, place, rows), work, numbers)
        place += rows
    if _has(data, b, OWN_L2_PER_WEIGHT, width(theta)):
        _sum_squares(theta, layers, work.divisors)
    else:
        _clear(work.divisors)
    _add_to_sums(data, b, epoch, work.divisors, numbers)
    _take_step(layers, data, theta, b, work, numbers)


@in_order
def _add_to_sums(data, b, epoch, squares, numbers):
    """Add a batch to the sums, as `sums.add_batch` does; ``numbers``: see `_add_tile`."""
    m = width(squares)
    p = _sum_at(data, b, 0, epoch, m)
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
def _clear(v):
    none, p = full(v, 0.0), 0
    while p < v.shape[0]:
        no_unroll()
        store(v, p, none)
        p += width(v)


@in_order
def _has(data, b, kind, m):
    """Return whether any network of the block has such a penalty."""
    found = False
    for k in range(m):
        found = found or at(data.own, (b * len(OWN) + kind) * m + k) != 0
    return found


@in_order
def _sum_squares(theta, layers, out):
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


@in_order
def _add_tile(layers, loss, data, theta, where, work, numbers):
    """Add the gradient of one sample, or of two to `TILE`, a missing one having weight 0.

    For each network, ``numbers`` counts losses, weights, and samples of some weight.
    """
    b, epoch, place, rows = where
    m, n_layers = width(theta), layers.shape[0]
    first, output = at(layers, 0), at(layers, n_layers - 1)
    units = work.a.shape[0] // TILE
    n_in, n_out, tile = first.n_in * m, output.n_out * m, 1 if rows == 1 else TILE
    for r in range(tile):
        at_r = place + min(r, rows - 1)
        _read_inputs(data, b, epoch, at_r, view(work.x, r * n_in, n_in))
    u = _forward_tile(theta, layers, work, tile)
    for r in range(tile):
        a, d = view(work.a, r * units, units), view(work.d, r * units + u, n_out)
        if r >= rows:
            _clear(d)
            continue
        _read_targets(data, b, epoch, place + r, work.y)
        z = view(a, u, n_out)
        found = output_deltas(loss, output.activation, z, work.y, output.n_out, d)
        if _is_masked(data, b):
            _read_weights(data, b, epoch, place + r, work.w)
            found = _weigh(found, load(work.w, 0), d, output.n_out, a, u)
        else:
            store(work.w, 0, full(work.w, 1.0))
        store(work.epsilons, 0, found)
        for k in range(m):
            numbers[k] += work.epsilons[k]
            numbers[m + k] += work.w[k]
            numbers[2 * m + k] += 1.0 if work.w[k] > 0 else 0.0
    _backward_tile(theta, layers, work.x, work, tile, u)


@in_order
def _forward_tile(theta, layers, work, tile):
    """Go forward with a tile to the output layer's sums; return where these begin."""
    m, u = width(theta), 0
    units = work.a.shape[0] // TILE
    x, step = work.x, work.x.shape[0] // TILE
    for l in range(layers.shape[0]):
        no_unroll()
        layer = at(layers, l)
        z = view(work.a, u, work.a.shape[0] - u)
        if tile == 1:
            weighted_sums(theta, layer, x, z)
        else:
            weighted_sums_of_4(theta, layer, x, step, z, units)
        if l < layers.shape[0] - 1:
            for r in range(tile):
                activate_units(layer.activation, view(z, r * units, layer.n_out * m), layer.n_out)
            u += layer.n_out * m
        x, step = z, units
    return u


@in_order
def _backward_tile(theta, layers, x, work, tile, u):
    """Add a tile's gradient, layer by layer, given the deltas of the output layer at ``u``."""
    m, units = width(theta), work.a.shape[0] // TILE
    l = layers.shape[0] - 1
    while l >= 0:
        no_unroll()
        layer, code = at(layers, l), 0
        d = view(work.d, u, work.d.shape[0] - u)
        a, step, g = x, work.x.shape[0] // TILE, view(work.d, 0, 0)
        if l > 0:
            code = at(layers, l - 1).activation
            u -= layer.n_in * m
            a, step = view(work.a, u, work.a.shape[0] - u), units
            g = view(work.d, u, work.d.shape[0] - u)
        if tile == 1:
            add_gradient(theta, layer, a, d, code, g, work.gradient)
        else:
            add_gradient_of_4(theta, layer, a, step, d, units, code, g, work.gradient)
        l -= 1


# --- steps by any rule -------------------------------------------------------------------------


@in_order
def _is_rare(data, b, m):
    """Return whether a step takes more than the common loops: see `_move_rarely`."""
    return _is_masked(data, b) or data.code == ADAMW or _has(data, b, OWN_L1, m)


@in_order
def _take_step(layers, data, theta, b, work, numbers):
    """Move each parameter by the rule; networks whose batch has no weight stay as they are."""
    m, settings = width(theta), data.settings
    c, first, second = _begin_step(data, theta, b, work, numbers)
    gradient, inverse, l2 = work.gradient, load(work.divisors, 0), load(work.l2, 0)
    penalizes = at(settings, PENALIZE_BIASES) > 0
    l2_of_biases = l2 if penalizes else full(theta, 0.0)
    is_rare = _is_rare(data, b, m)
    for l in range(layers.shape[0]):
        layer = at(layers, l)
        p = layer.offset * m
        q = p + layer.n_in * layer.n_out * m
        end = q + layer.has_bias * layer.n_out * m
        if is_rare:
            _move_rarely(data, c, theta, p, q, inverse, True, first, second, work)
            _move_rarely(data, c, theta, q, end, inverse, penalizes, first, second, work)
        else:
            _move(data.code, c, theta, p, q, gradient, inverse, l2, first, second)
            _move(data.code, c, theta, q, end, gradient, inverse, l2_of_biases, first, second)


@in_order
def _move(code, c, theta, p, end, gradient, inverse, l2, first, second):
    """Move parameters by the rule, with the penalty L2 alone.

    Common rules have a loop of their own: to ask for the rule each time takes longer than a step.
    """
    if code == SGD:
        _move_by(SGD, c, theta, p, end, gradient, inverse, l2, first, second)
    elif code == MOMENTUM:
        _move_by(MOMENTUM, c, theta, p, end, gradient, inverse, l2, first, second)
    elif code == NESTEROV:
        _move_by(NESTEROV, c, theta, p, end, gradient, inverse, l2, first, second)
    else:
        _move_by(code, c, theta, p, end, gradient, inverse, l2, first, second)


@in_order
def _move_by(code, c, theta, p, end, gradient, inverse, l2, first, second):
    m = width(theta)
    while p < end:
        no_unroll()
        g = add_penalty(times(inverse, load(gradient, p)), l2, load(theta, p))
        apply_rule(code, c, theta, p, m, g, first, second)
        p += m


@in_order
def _move_rarely(data, c, theta, p, end, inverse, has_penalty, first, second, work):
    """Move parameters with any penalty, of the networks alone whose batch has weight."""
    m = width(theta)
    while p < end:
        no_unroll()
        g = times(inverse, load(work.gradient, p))
        if has_penalty:
            g = _penalised(data.code, g, theta, p, work)
        _move_where(data.code, c, theta, p, g, first, second, work.w)
        p += m


@in_order
def _begin_step(data, theta, b, work, numbers):
    """Count the step; return its `Coefficients` and what the rule remembers, as two views."""
    settings, size = data.settings, theta.shape[0]
    _set_coefficients(data, b, work, numbers)
    number = theta.dtype.type
    c = Coefficients(
        load(work.rates, 0),
        number(at(settings, MOMENTUM_FACTOR)),
        number(at(settings, BETA1)),
        number(1 - at(settings, BETA1)),
        number(at(settings, BETA2)),
        number(1 - at(settings, BETA2)),
        load(work.epsilons, 0),
    )
    n_state = MEMORY_OF[data.code] * size
    n_first = min(size, n_state)
    first = view(data.state, b * n_state, n_first)
    return c, first, view(data.state, b * n_state + n_first, n_state - n_first)


@in_order
def _set_coefficients(data, b, work, numbers):
    """Count the step, and write what it takes of each network: see `updates.begin_step`.

    ``work.divisors`` becomes 1 over the sum of weights, ``work.w`` whether there is any weight, and
    ``work.l2``, ``work.l1`` and ``work.kept`` the factors of the penalties.
    """
    settings, state, m = data.settings, data.step_state, width(work.w)
    adam = data.code == ADAM or data.code == ADAMW
    own, t = b * len(OWN) * m, b * 3 * m
    for k in range(m):
        lr, epsilon = at(data.own, own + OWN_LR * m + k), at(settings, EPSILON)
        rate, weight = lr, numbers[m + k]
        if weight > 0:
            state[t + k] += 1
        if adam and weight > 0:
            begun = state[t + k] > 1
            beta1 = at(settings, BETA1) * (state[t + m + k] if begun else 1.0)
            beta2 = at(settings, BETA2) * (state[t + 2 * m + k] if begun else 1.0)
            state[t + m + k], state[t + 2 * m + k] = beta1, beta2
            correction = math.sqrt(1 - beta2)
            rate *= correction / (1 - beta1)
            epsilon *= correction if at(settings, EPSILON_SCALED) > 0 else 1.0
        if data.code == MOMENTUM:
            rate *= 1 - at(settings, DAMPENING)
        divisor = weight if weight > 0 else 1.0
        l2 = at(data.own, own + OWN_L2_PER_WEIGHT * m + k) / divisor
        l2 += at(data.own, own + OWN_L2 * m + k)
        l1 = at(data.own, own + OWN_L1 * m + k)
        work.rates[k], work.epsilons[k] = rate, epsilon
        work.divisors[k] = 1.0 if at(settings, SUM) > 0 else 1.0 / divisor
        work.w[k] = 1 if weight > 0 else 0
        work.l2[k], work.l1[k] = l2, l1
        work.kept[k] = 1 - lr * l2 if weight > 0 else 1.0


@in_order
def _penalised(code, g, theta, p, work):
    """Add the penalties' derivatives to ``g``; AdamW shrinks the weight instead by its own."""
    w, l1 = load(theta, p), load(work.l1, 0)
    none = w * 0.0
    if code == ADAMW:
        store(theta, p, load(work.kept, 0) * w)
    else:
        g = add_penalty(g, load(work.l2, 0), w)
    return g + where_greater(w, 0.0, l1, where_greater(none - w, 0.0, none - l1, none))


@in_order
def _move_where(code, c, theta, p, g, first, second, mask):
    """Apply the rule to the networks whose ``mask`` is above 0."""
    m, here = width(theta), load(mask, 0)
    w = v = u = load(theta, p)
    if first.shape[0] > 0:
        v = load(first, p)
    if second.shape[0] > 0:
        u = load(second, p)
    apply_rule(code, c, theta, p, m, g, first, second)
    store(theta, p, where_greater(here, 0.0, load(theta, p), w))
    if first.shape[0] > 0:
        store(first, p, where_greater(here, 0.0, load(first, p), v))
    if second.shape[0] > 0:
        store(second, p, where_greater(here, 0.0, load(second, p), u))


# --- outputs -----------------------------------------------------------------------------------


@kernel(fastmath={"contract"})
def outputs_of_fleet(net, X, blocks, out, scratch):
    """Write the outputs of the networks of some blocks for every row of X.

    Parameters
    ----------
    net : FleetNet
    X : array of shape (1, n, n_inputs, 1) or (n_blocks, n, n_inputs, lanes)
        The same for all networks, or of each one.
    blocks : (int, int)
        The first one, and the one behind the last.
    out : array of shape (n_blocks, n, n_outputs, lanes)
        Written.
    scratch : array
        ``work_size(layers, dtype)`` elements.
    """
    layers = records(net.layers, LAYER)
    n, each, source, target = X.shape[1], X.shape[3] > 1, flat(X), flat(out)
    m, thetas = width(target), flat(net.theta)
    first, output = at(layers, 0), at(layers, layers.shape[0] - 1)
    sizes = _sizes(layers, m)
    work = _work_of(flat(scratch), 0, sizes)
    units, n_in, n_out, size = sizes[1] // TILE, first.n_in * m, output.n_out * m, sizes[3]
    for b in range(blocks[0], blocks[1]):
        theta, here = view(thetas, b * size, size), view(target, b * n * n_out, n * n_out)
        row = 0
        while row < n:
            rows = min(TILE, n - row)
            tile = 1 if rows == 1 else TILE
            for r in range(tile):
                at_r = row + min(r, rows - 1)
                x = view(work.x, r * n_in, n_in)
                if each:
                    _copy(source, (b * n + at_r) * n_in, x)
                else:
                    _spread(source, at_r * first.n_in, x)
            u = _forward_tile(theta, layers, work, tile)
            for r in range(rows):
                z = view(work.a, r * units + u, n_out)
                if output.activation == SOFTMAX:
                    softmax_units(z, output.n_out)
                else:
                    activate_units(output.activation, z, output.n_out)
                _copy(z, 0, view(here, (row + r) * n_out, n_out))
            row += rows


@in_order
def _copy(source, start, target):
    """Copy numbers of a block."""
    p = 0
    while p < target.shape[0]:
        no_unroll()
        store(target, p, load(source, start + p))
        p += width(target)


@in_order
def _spread(source, start, target):
    """Write one number after the other to all networks of a block."""
    m = width(target)
    for i in range(target.shape[0] // m):
        no_unroll()
        store(target, i * m, full(target, at(source, start + i)))
