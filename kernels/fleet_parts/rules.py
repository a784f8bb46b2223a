"""Steps by any rule of `updates`."""

import math

from ..online_rules import add_penalty, times
from ..simd import at, full, load, no_unroll, store, view, where_greater, width
from ..updates import (
    ADAM,
    ADAMW,
    BETA1,
    BETA2,
    DAMPENING,
    EPSILON,
    EPSILON_SCALED,
    MOMENTUM,
    MOMENTUM_FACTOR,
    NESTEROV,
    PENALIZE_BIASES,
    SGD,
    SUM,
    Coefficients,
    apply_rule,
)
from .arguments import OWN, OWN_L1, OWN_L2, OWN_L2_PER_WEIGHT, OWN_LR, has_penalty, is_masked
from .numbers import in_order


@in_order
def set_rates(data, b, work):
    """Write the learning rates of block ``b``, in the networks' dtype."""
    m = work.rates.shape[0]
    for k in range(m):
        work.rates[k] = at(data.own, (b * len(OWN) + OWN_LR) * m + k)


@in_order
def is_rare(data, b, m):
    """Return whether a step takes more than the common loops: see `_move_rarely`."""
    return is_masked(data, b) or data.code == ADAMW or has_penalty(data, b, OWN_L1, m)


@in_order
def take_step(layers, data, theta, b, work, numbers):
    """Move each parameter by the rule; networks whose batch has no weight stay as they are."""
    m, settings = width(theta), data.settings
    c, first, second = begin_step(data, theta, b, work, numbers)
    gradient, inverse, l2 = work.gradient, load(work.divisors, 0), load(work.l2, 0)
    penalizes = at(settings, PENALIZE_BIASES) > 0
    l2_of_biases = l2 if penalizes else full(theta, 0.0)
    rare = is_rare(data, b, m)
    for l in range(layers.shape[0]):
        layer = at(layers, l)
        p = layer.offset * m
        q = p + layer.n_in * layer.n_out * m
        end = q + layer.has_bias * layer.n_out * m
        if rare:
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
def begin_step(data, theta, b, work, numbers):
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
    n_state, start = data.n_state, b * data.n_state
    n_first = min(size, n_state)
    first = view(data.state, start, n_first)
    return c, first, view(data.state, start + n_first, n_state - n_first)


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
