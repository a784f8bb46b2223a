"""Epochs with a learning curve: the steps of `batch` and `online_rules`, and a mean over batches.

There, an epoch's loss is a sum over samples. Here it is a mean over batches of each batch's own
mean, penalty included, as learning curves have it where samples have weights. And what a rule
remembers lies in theta's order in both kernels, so that batches of one sample and of many can
follow one another.

``tally`` holds two float64 sums over batches, each batch counted as often as it has rows: its
(weighted) mean loss, and, from before its step, ``sum(W**2)`` over the sum of its weights.
"""

from .batch import add_slabs, clear, split, sum_of_weights
from .jit import kernel, piece
from .lanes import at, flat, view
from .online import fetch_ahead, forward, input_of, take
from .online_rules import descend, parts_by_rule, write_gradient
from .packing import pack, unpack
from .table import COLUMNS, N_IN
from .updates import L2_PER_WEIGHT, is_involved, penalise, update, weights_of


@kernel
def train_batches(
    X, Y, weight, order, theta, layers, loss, rule, rates, state, clock, batch_size, first, last,
    work, tally,
):  # fmt: skip
    """Take the steps ``first <= step < last`` of one epoch, one batch each.

    Parameters
    ----------
    order : int64 array of shape (1, n) or (0, n)
        The samples' order; without a row, that of X.
    tally : float64 array of shape (2,)
        Added to.

    Notes
    -----
    All others as in `batch.train_batches`. It does not stop where numbers become infinite or NaN:
    the tally or theta show it.
    """
    n = X.shape[0]
    theta, t, rates = flat(theta), flat(layers), flat(rates)
    gradient, rest = split(flat(work), theta.shape[0])
    part, rest = split(rest, theta.shape[0])
    one = theta.dtype.type(1)
    for step in range(first, last):
        start = step * batch_size
        rows = min(batch_size, n - start)
        weight_sum = sum_of_weights(weight, order, start, rows)
        if weight_sum > 0:
            share = rows / weight_sum
            if at(rates, L2_PER_WEIGHT) > 0:
                tally[1] += share * sum_of_squares(theta, t, False)
            clear(gradient)
            scale = one / theta.dtype.type(weight_sum)
            tally[0] += share * add_slabs(
                X, Y, weight, order, start, rows, theta, t, loss, scale, gradient, part, rest
            )  # fmt: skip
            penalise(rule, rates, theta, gradient, t, False, weight_sum)
            update(rule, rates, theta, gradient, flat(state), flat(clock))


@kernel
def train_online(
    X, Y, weight, order, theta, layers, loss, rule, rates, state, clock, first, last, work,
    packed_state, tally,
):  # fmt: skip
    """`train_batches` with batches of one sample, whose weights are factors of their gradients.

    Parameters
    ----------
    layers
        The table made with ``direct=False``.
    work : array
        ``online_rules.work_size(layers, dtype)`` elements of scratch.
    packed_state : array
        ``online_rules.state_size(rule, layers, dtype)`` elements of scratch.
    """
    n_out = Y.shape[1]
    X, Y, weight, order = flat(X), flat(Y), flat(weight), flat(order)
    theta, t, rates, clock = flat(theta), flat(layers), flat(rates), flat(clock)
    state, packed_state = flat(state), flat(packed_state)
    a, d, room, rows, gradient = parts_by_rule(flat(work), t)
    involved, counts = is_involved(rule, rates), at(rates, L2_PER_WEIGHT) > 0
    pack(theta, rows, t)
    pack_all(state, theta.shape[0], packed_state, rows.shape[0], t)
    for step in range(first, last):
        fetch_ahead(X, Y, order, step, at(t, N_IN), n_out)
        row = order[step] if order.shape[0] > 0 else step
        w = at(weight, row) if weight.shape[0] > 0 else theta.dtype.type(1)
        if w > 0:
            if counts:
                tally[1] += sum_of_squares(rows, t, True)
            x = input_of(X, row, t, room)
            take(rows, t, 0, x, a)
            tally[0] += w * forward(theta, rows, t, a, Y, row * n_out, loss, d)
            if involved:
                write_gradient(rows, t, x, a, d, w, gradient)
                penalise(rule, rates, rows, gradient, t, True, 1.0)
                update(rule, rates, rows, gradient, packed_state, clock)
            else:
                descend(rule, rates, rows, t, x, a, d, w, packed_state, clock)
    unpack(rows, t, theta)
    unpack_all(packed_state, rows.shape[0], state, theta.shape[0], t)


@kernel
def squares_of_weights(theta, layers):
    """`sum_of_squares` of plain theta, from Python."""
    return sum_of_squares(flat(theta), flat(layers), False)


@piece
def sum_of_squares(theta, t, as_rows):
    """``sum(W**2)`` over all layers; ``as_rows`` as in `updates.penalise`."""
    s = theta.dtype.type(0)
    for c in range(0, t.shape[0], COLUMNS):
        start, n = weights_of(t, c, as_rows, theta)
        w = view(theta, start, n)
        for i in range(n):
            s += w[i] * w[i]
    return float(s)


@piece
def pack_all(state, n, packed, n_packed, t):
    """Each vector of ``state``, which are ``n`` long, as rows."""
    for k in range(state.shape[0] // n):
        pack(view(state, k * n, n), view(packed, k * n_packed, n_packed), t)


@piece
def unpack_all(packed, n_packed, state, n, t):
    """The other way round."""
    for k in range(state.shape[0] // n):
        unpack(view(packed, k * n_packed, n_packed), t, view(state, k * n, n))
