"""One sample at a time: to be called from Python a million times, or from a user's own kernels.

Both functions take arrays and numbers only, allocate nothing and can be called inside ``@njit``
code; `fastperc.Network.compiled` hands out what they need. Their signatures are stable.
"""

import math

from . import online_rules
from .activations import SOFTMAX, activate_layer
from .arguments import Net, Rule, flat_net, flat_rule
from .jit import inlined, kernel
from .losses import softmax_layer
from .online import backward, copy, first_sums, forward, outputs_of, sample_inputs, split_scratch
from .online import work_size as online_work_size
from .online_rules import pack_all, split_scratch_by_rule, step_on_sample, unpack_all
from .packing import pack, padded, unpack
from .predict import all_finite
from .simd import at, flat, full, load, load_n, no_unroll, records, store, store_n, view, width
from .sums import squares_of_rows
from .table import LAYER, LAYOUT, theta_size
from .updates import L2_PER_WEIGHT, needs_whole_gradient


def work_size(layers, dtype):
    """Return the number of elements of scratch that `learn_one` takes; `predict_one` takes less."""
    return theta_size(layers) + 16 + online_work_size(layers, dtype)


@kernel
def predict_one(x, theta, layers, out, work):
    """Write the network's outputs for one sample to ``out``.

    Parameters
    ----------
    x : array of shape (n_inputs,)
    theta : array of shape (n_parameters,)
    layers : int64 array of shape (n_layers, COLUMNS)
        See `table`.
    out : array of shape (n_outputs,)
        Written.
    work : array
        Scratch; all arrays but ``layers`` are C-contiguous and of one dtype.

    Returns
    -------
    bool
        Whether all of ``x`` is finite. False too, and ``out`` as it was, if ``layers`` is a table
        of another version of fastperc than the one that this code was compiled from.
    """
    theta, layers, work = flat(theta), records(layers, LAYER), flat(work)
    if at(layers, 0).version != LAYOUT:
        return False
    a = flat(x)
    l = 0
    while l < layers.shape[0]:
        no_unroll()
        layer = at(layers, l)
        n_out = layer.n_out
        z = outputs_of(layer, work)
        _add_unpadded_rows(theta, layer, a, z)
        if layer.activation == SOFTMAX:
            softmax_layer(z, n_out)
        else:
            activate_layer(layer.activation, z, n_out)
        a = z
        l += 1
    j = 0
    while j < out.shape[0]:
        no_unroll()
        store_n(out, j, out.shape[0] - j, load(a, j))
        j += width(a)
    return all_finite(flat(x))


@inlined
def _add_unpadded_rows(theta, layer, x, z):
    """Compute ``z = b + x @ W`` where ``theta`` has them: `dense.add_rows` with partial loads."""
    n_in, n_out, o, m = layer.n_in, layer.n_out, layer.offset, width(z)
    j = 0
    while j < n_out:
        no_unroll()
        n = n_out - j
        r, i = o + j, 0
        even = load_n(theta, r + n_in * n_out, n if layer.has_bias else 0)
        odd = full(z, 0.0)
        while i + 2 <= n_in:
            no_unroll()
            even += at(x, i) * load_n(theta, r, n)
            odd += at(x, i + 1) * load_n(theta, r + n_out, n)
            r += 2 * n_out
            i += 2
        if i < n_in:
            even += at(x, i) * load_n(theta, r, n)
        store(z, j, even + odd)
        j += m


@kernel
def learn_one(x, y, theta, layers, loss, lr, work):
    """Take one step of plain stochastic gradient descent on one sample.

    Parameters
    ----------
    x, y : arrays of shape (n_inputs,) and (n_outputs,)
    theta : array of shape (n_parameters,)
        Read and written.
    layers, loss
        See `table` and `losses`.
    lr : float
        Learning rate.
    work : array
        ``work_size(layers, dtype)`` elements of scratch.

    Returns
    -------
    float64
        The loss before the step; NaN, and ``theta`` as it was, if anything became infinite or NaN,
        or if ``layers`` is a table of another version of fastperc.
    """
    theta, layers, work = flat(theta), records(layers, LAYER), flat(work)
    if at(layers, 0).version != LAYOUT:
        return math.nan
    before = view(work, 0, theta.shape[0])
    used = padded(theta.shape[0], width(work))
    a, d, x_padded, _, packed = split_scratch(view(work, used, work.shape[0] - used), layers)
    copy(theta, before)
    pack(theta, packed, layers)
    inputs = sample_inputs(flat(x), 0, layers, x_padded)
    first_sums(theta, packed, layers, inputs, a)
    loss_before = forward(theta, packed, layers, a, flat(y), 0, loss, d)
    top = layers.shape[0] - 1
    backward(theta, packed, layers, top, theta.dtype.type(lr), inputs, a, d, inputs)
    unpack(packed, layers, theta)
    if not (math.isfinite(loss_before) and all_finite(theta)):
        copy(before, theta)
        return math.nan
    return loss_before


def work_size_by_rule(rule, layers, dtype):
    """Return the number of elements of scratch that `learn_one_by_rule` takes."""
    return online_rules.work_size(rule, layers, dtype)


@kernel
def learn_one_by_rule(x, y, weight, theta, layers, loss, rule, settings, state, step_state, work):
    """Take one step of any rule on one sample, as `online_rules.train_online_by_rule` does.

    Parameters
    ----------
    x, y : arrays of shape (n_inputs,) and (n_outputs,)
    weight : float
        Factor of the gradient; with 0, no step is taken.
    theta : array of shape (n_parameters,)
        Read and written.
    layers : int64 array of shape (n_layers, COLUMNS)
        The table made with ``direct=False``.
    loss
        See `losses`.
    rule, settings, state, step_state
        See `arguments.Rule`. The last two are read and written.
    work : array
        ``work_size_by_rule(rule, layers, dtype)`` elements of scratch.

    Returns
    -------
    loss : float64
        The loss before the step, times ``weight``; NaN, and ``theta``, ``state`` and ``step_state``
        as they were, if loss or parameters became infinite or NaN, or if ``layers`` is a table of
        another version of fastperc.
    squares : float64
        ``sum(W**2)`` from before the step where the penalty L2_PER_WEIGHT is given, otherwise 0.
    """
    net = flat_net(Net(theta, layers, loss))
    by = flat_rule(Rule(rule, settings, state, step_state))
    w = net.theta.dtype.type(weight)
    if at(net.layers, 0).version != LAYOUT:
        return math.nan, 0.0
    if not w > 0:
        return 0.0, 0.0
    parts = split_scratch_by_rule(flat(work), net, by)
    pack_all(net, by, parts)
    steps, power1, power2 = step_state[0], step_state[1], step_state[2]
    inputs = sample_inputs(flat(x), 0, net.layers, parts.x)
    has_squares = at(by.settings, L2_PER_WEIGHT) > 0
    squares = squares_of_rows(parts.rows, net.layers) if has_squares else 0.0
    found = w * step_on_sample(inputs, flat(y), 0, w, net, by, needs_whole_gradient(by), parts)
    if not (math.isfinite(found + squares) and all_finite(parts.rows)):
        step_state[0], step_state[1], step_state[2] = steps, power1, power2
        return math.nan, 0.0
    unpack_all(parts, net, by)
    return found, squares
