"""Epochs with a learning curve: the steps of `batch` and `online_rules`, and a mean over batches.

There, an epoch's loss is a sum over samples. Here it is a mean over batches of each batch's own
mean, penalty included, as learning curves have it where samples have weights. And what a rule
remembers lies in theta's order in both kernels, so that batches of one sample and of many can
follow one another.

``tally`` holds three float64 sums over batches, each batch counted as often as it has rows of some
weight: its (weighted) mean loss; from before its step, ``sum(W**2)`` over the sum of its weights;
and 1, so the rows that took part. A row of weight 0 is as good as removed.
"""

from .batch import add_slabs, clear, split, sum_of_weights
from .jit import inlined, kernel
from .online import forward, prefetch_sample, sample_inputs, weighted_sums
from .online_rules import backward_by_rule, parts_by_rule, write_gradient
from .packing import pack, unpack
from .simd import at, flat, full, load, load_n, no_unroll, sum_lanes, view, width
from .table import COLUMNS, N_IN
from .updates import L2_PER_WEIGHT, needs_whole_gradient, penalise, update, weights_of


@kernel
def train_batches(
    X, Y, weight, order, theta, layers, loss, rule, settings, state, step_state, batch_size, first,
    last, work, tally,
):  # fmt: skip
    """Take the steps ``first <= step < last`` of one epoch, one batch each.

    Parameters
    ----------
    order : int64 array of shape (1, n) or (0, n)
        The samples' order; without a row, that of X.
    tally : float64 array of shape (3,)
        Added to.

    Notes
    -----
    All others as in `batch.train_batches`. It does not stop where numbers become infinite or NaN:
    the tally or theta show it.
    """
    n = X.shape[0]
    theta, t, settings = flat(theta), flat(layers), flat(settings)
    gradient, rest = split(flat(work), theta.shape[0])
    part, rest = split(rest, theta.shape[0])
    for step in range(first, last):
        start = step * batch_size
        rows = min(batch_size, n - start)
        weight_sum = sum_of_weights(weight, order, start, rows)
        if weight_sum > 0:
            squares = 0.0
            if at(settings, L2_PER_WEIGHT) > 0:
                squares = squares_in_order(theta, t)
            clear(gradient)
            scale = theta.dtype.type(inverse(weight_sum))
            loss_sum = add_slabs(
                X, Y, weight, order, start, rows, theta, t, loss, scale, gradient, part, rest
            )  # fmt: skip
            live = count_rows(weight, order, start, rows)
            add_batch(tally, live, weight_sum, loss_sum, squares)
            penalise(rule, settings, theta, gradient, t, False, weight_sum)
            update(rule, settings, theta, gradient, flat(state), flat(step_state))


@kernel
def train_online(
    X, Y, weight, order, theta, layers, loss, rule, settings, state, step_state, first, last, work,
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
    theta, t, settings, step_state = flat(theta), flat(layers), flat(settings), flat(step_state)
    state, packed_state = flat(state), flat(packed_state)
    a, d, room, rows, gradient = parts_by_rule(flat(work), t)
    whole_gradient, counts = needs_whole_gradient(rule, settings), at(settings, L2_PER_WEIGHT) > 0
    pack(theta, rows, t)
    pack_all(state, theta.shape[0], packed_state, rows.shape[0], t)
    for step in range(first, last):
        prefetch_sample(X, Y, order, step, at(t, N_IN), n_out)
        row = order[step] if order.shape[0] > 0 else step
        w = at(weight, row) if weight.shape[0] > 0 else theta.dtype.type(1)
        if w > 0:
            tally[2] += 1
            if counts:
                tally[1] += sum_of_squares(rows, t)
            x = sample_inputs(X, row, t, room)
            weighted_sums(rows, t, 0, x, a)
            tally[0] += w * forward(theta, rows, t, a, Y, row * n_out, loss, d)
            if whole_gradient:
                write_gradient(rows, t, x, a, d, w, gradient)
                penalise(rule, settings, rows, gradient, t, True, 1.0)
                update(rule, settings, rows, gradient, packed_state, step_state)
            else:
                backward_by_rule(rule, settings, rows, t, x, a, d, w, packed_state, step_state)
    unpack(rows, t, theta)
    unpack_all(packed_state, rows.shape[0], state, theta.shape[0], t)


@inlined
def sum_of_squares(rows, t):
    """``sum(W**2)`` over all layers, whose weights lie in padded rows."""
    s = rows.dtype.type(0)
    for c in range(0, t.shape[0], COLUMNS):
        start, n = weights_of(t, c, True, rows)
        w = view(rows, start, n)
        for i in range(n):
            s += w[i] * w[i]
    return float(s)


# What follows is the same to the last bit in `train_batches` and where threads take its steps: sums
# in one order, no product and sum in one rounding.


@inlined(fastmath=False)
def squares_in_order(theta, t):
    """``sum(W**2)`` over all layers, in four lanes of whole blocks."""
    m = width(theta)
    none = full(theta, 0.0)
    s0, s1, s2, s3 = none, none, none, none
    for c in range(0, t.shape[0], COLUMNS):
        start, n = weights_of(t, c, False, theta)
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


@inlined(fastmath=False)
def inverse(weight_sum):
    """One over the sum of a batch's weights."""
    return 1.0 / weight_sum


@inlined(fastmath=False)
def count_rows(weight, order, first, rows):
    """How many of the rows ``order[first:first + rows]`` have weight."""
    if weight.shape[0] == 0:
        return rows
    order = flat(order)
    n = 0
    for r in range(first, first + rows):
        row = order[r] if order.shape[0] > 0 else r
        n += 1 if weight[row] > 0 else 0
    return n


@inlined(fastmath=False)
def add_batch(tally, rows, weight_sum, loss_sum, squares):
    """A batch's part of the tally."""
    share = rows / weight_sum
    tally[0] += share * loss_sum
    tally[1] += share * squares
    tally[2] += rows


@kernel(fastmath=False)
def squares_of(theta, layers):
    """`squares_in_order` for the steps that threads take."""
    return squares_in_order(flat(theta), flat(layers))


@kernel(fastmath=False)
def rows_with_weight(weight, order, first, rows):
    """`count_rows` for the steps that threads take."""
    return count_rows(weight, order, first, rows)


@kernel(fastmath=False)
def note(tally, rows, weight_sum, loss_sum, squares):
    """`add_batch` for the steps that threads take."""
    add_batch(tally, rows, weight_sum, loss_sum, squares)


@inlined
def pack_all(state, n, packed, n_packed, t):
    """Each vector of ``state``, which are ``n`` long, as rows."""
    for k in range(state.shape[0] // n):
        pack(view(state, k * n, n), view(packed, k * n_packed, n_packed), t)


@inlined
def unpack_all(packed, n_packed, state, n, t):
    """The other way round."""
    for k in range(state.shape[0] // n):
        unpack(view(packed, k * n_packed, n_packed), t, view(state, k * n, n))
