"""What a step does with a gradient: one loop on the flat vector of parameters per rule.

`apply_rule` picks the rule by its code. All take the gradient of a mean (with penalties, clipped)
and keep their memory in two arrays of the caller: ``state``, one or two vectors as long as theta,
and ``step_state``, three float64: steps taken, beta1 and beta2 to their power. To add one: a code,
a name, how many vectors it remembers, a branch in `apply_rule` (and in `begin_step`, if a step has
numbers of its own), and its twin in `reference`.
"""

import math
from typing import NamedTuple

from .jit import inlined, outlined
from .packing import padded
from .simd import (
    at,
    full,
    load_n,
    maximum,
    minimum,
    no_unroll,
    sqrt,
    store_n,
    view,
    where_greater,
    width,
)

(
    SGD,
    MOMENTUM,
    NESTEROV,
    ADAM,
    ADAMW,
    RPROP,
    RMSPROP,
    ADAGRAD,
    ADADELTA,
    LAST_GRADIENT,
) = range(10)

# What users call them.
CODES = {
    "sgd": SGD,
    "momentum": MOMENTUM,
    "nesterov": NESTEROV,
    "adam": ADAM,
    "adamw": ADAMW,
    "rprop": RPROP,
    "rmsprop": RMSPROP,
    "adagrad": ADAGRAD,
    "adadelta": ADADELTA,
    "last_gradient": LAST_GRADIENT,
}

# Vectors of theta's length that a rule remembers.
MEMORY = {
    SGD: 0,
    MOMENTUM: 1,
    NESTEROV: 1,
    ADAM: 2,
    ADAMW: 2,
    RPROP: 2,
    RMSPROP: 1,
    ADAGRAD: 1,
    ADADELTA: 2,
    LAST_GRADIENT: 1,
}

# Where each number lies in the vector ``settings``, float64.
(
    LR,  # learning rate; RPROP's first step
    L2,  # penalty L2 / 2 * sum(W**2) on the mean loss; weights only, as are the next two
    L2_PER_WEIGHT,  # the same divided by the sum of the batch's sample weights
    L1,  # penalty L1 * sum(|W|)
    CLIP,  # largest norm of the gradient; 0: any
    MOMENTUM_FACTOR,  # MOMENTUM, NESTEROV: how much velocity is kept; LAST_GRADIENT: its factor
    BETA1,
    BETA2,  # of the mean of squares; rho of RMSPROP and ADADELTA
    EPSILON,
    EPSILON_SCALED,  # 1: EPSILON is added to the square root of the corrected second moment
    DAMPENING,  # MOMENTUM: what part of the gradient its velocity does not take
    PENALIZE_BIASES,  # 1: the penalties hold for biases too
    SUM,  # 1: the gradient of a batch is the sum over its samples, not the mean
) = range(13)
N_SETTINGS = 13

# RPROP (Riedmiller and Braun 1993): factors of a step and its bounds.
GROWTH, SHRINKAGE, SMALLEST_STEP, LARGEST_STEP = 1.2, 0.5, 1e-6, 50.0


class Coefficients(NamedTuple):
    """Numbers of a step, in the network's dtype."""

    lr: float
    momentum: float
    beta1: float
    one_minus_beta1: float
    beta2: float
    one_minus_beta2: float
    epsilon: float


@inlined
def update(rule, theta, gradient):
    """Take a step from ``theta``, in place."""
    n = theta.shape[0]
    first, second = memories(rule.state, n)
    coefficients = begin_step(rule, second)
    j = 0
    while j < n:
        no_unroll()
        g = load_n(gradient, j, n - j)
        apply_rule(rule.code, coefficients, theta, j, n - j, g, first, second)
        j += width(theta)


@inlined
def memories(state, n):
    """Return the two vectors of length ``n`` in ``state``; for a rule with less, empty ones."""
    first = view(state, 0, min(n, state.shape[0]))
    return first, view(state, first.shape[0], state.shape[0] - first.shape[0])


@inlined
def begin_step(rule, second):
    """Count the step; return its `Coefficients`. ``second`` is what `memories` returns."""
    number = second.dtype.type
    settings, step_state = rule.settings, rule.step_state
    lr = at(settings, LR)
    epsilon = at(settings, EPSILON)
    step_state[0] += 1
    if rule.code in (ADAM, ADAMW):
        step_state[1] = at(settings, BETA1) * (step_state[1] if step_state[0] > 1 else 1.0)
        step_state[2] = at(settings, BETA2) * (step_state[2] if step_state[0] > 1 else 1.0)
        correction = math.sqrt(1 - step_state[2])
        lr *= correction / (1 - step_state[1])
        epsilon *= correction if at(settings, EPSILON_SCALED) > 0 else 1.0
    elif rule.code == RPROP and step_state[0] == 1:
        for i in range(second.shape[0]):
            second[i] = number(lr)
    elif rule.code == MOMENTUM:
        lr *= 1 - at(settings, DAMPENING)
    return Coefficients(
        number(lr),
        number(at(settings, MOMENTUM_FACTOR)),
        number(at(settings, BETA1)),
        number(1 - at(settings, BETA1)),
        number(at(settings, BETA2)),
        number(1 - at(settings, BETA2)),
        number(epsilon),
    )


@inlined
def apply_rule(code, coefficients, theta, j, n, g, first, second):
    """Move one block of parameters, the first ``n`` from ``theta[j]`` on; ``g`` is their gradient.

    - SGD: gradient descent, ``theta -= lr g``.
    - MOMENTUM (Polyak 1964): ``v = momentum v - lr g; theta += v``. Dampened, its velocity takes
      ``(1 - dampening) lr g``: with ``dampening = momentum`` an average of the gradients.
    - LAST_GRADIENT: ``theta -= lr g + momentum g'``, g' the gradient of the step before.
    - NESTEROV (1983), who looks one step ahead: ``theta += momentum v - lr g``.
    - ADAM (Kingma and Ba 2015): the mean of gradients over the root of their squares'::

          m = beta1 m + (1 - beta1) g
          v = beta2 v + (1 - beta2) g**2
          theta -= lr sqrt(1 - beta2**t) / (1 - beta1**t) * m / (sqrt(v) + epsilon)

      That is the paper's last form, with its epsilon-hat; with EPSILON_SCALED, epsilon stands
      beside ``sqrt(v / (1 - beta2**t))``, as in its first.
    - RPROP: see `_resilient`.
    - RMSPROP (Tieleman and Hinton 2012): ``v = rho v + (1 - rho) g**2``,
      ``theta -= lr g / (sqrt(v) + epsilon)``.
    - ADAGRAD (Duchi, Hazan and Singer 2011): the same with ``v = v + g**2``.
    - ADADELTA (Zeiler 2012): see `_adadelta`.
    """
    c = coefficients
    w = load_n(theta, j, n)
    if code == SGD:
        w -= c.lr * g
    elif code in (ADAM, ADAMW):
        m = c.beta1 * load_n(first, j, n) + c.one_minus_beta1 * g
        v = c.beta2 * load_n(second, j, n) + (c.one_minus_beta2 * g) * g
        store_n(first, j, n, m)
        store_n(second, j, n, v)
        w -= (c.lr * m) / (sqrt(v) + c.epsilon)
    elif code == RPROP:
        w -= _resilient(j, n, g, first, second)
    elif code > RPROP:
        w -= _uncommon_step(code, c, j, n, g, first, second)
    else:
        v = c.momentum * load_n(first, j, n) - c.lr * g
        store_n(first, j, n, v)
        w += c.momentum * v - c.lr * g if code == NESTEROV else v
    store_n(theta, j, n, w)


@inlined
def _uncommon_step(code, c, j, n, g, first, second):
    """Return what RMSPROP, ADAGRAD, ADADELTA and LAST_GRADIENT take from the parameters."""
    if code == ADADELTA:
        return _adadelta(c, j, n, g, first, second)
    before = load_n(first, j, n)
    if code == LAST_GRADIENT:
        store_n(first, j, n, g)
        return c.lr * g + c.momentum * before
    kept, square = before, g * g
    if code == RMSPROP:
        kept, square = c.beta2 * before, (c.one_minus_beta2 * g) * g
    v = kept + square
    store_n(first, j, n, v)
    return (c.lr * g) / (sqrt(v) + c.epsilon)


@inlined
def _adadelta(c, j, n, g, first, second):
    """Return ADADELTA's step, whose unit is that of the parameters, times the learning rate::

    v = rho v + (1 - rho) g**2
    step = sqrt(u + epsilon) / sqrt(v + epsilon) * g
    u = rho u + (1 - rho) step**2
    """
    v = c.beta2 * load_n(first, j, n) + (c.one_minus_beta2 * g) * g
    u = load_n(second, j, n)
    step = sqrt(u + c.epsilon) / sqrt(v + c.epsilon) * g
    store_n(first, j, n, v)
    store_n(second, j, n, c.beta2 * u + (c.one_minus_beta2 * step) * step)
    return c.lr * step


@inlined
def _resilient(j, n, g, before, steps):
    """Return RPROP's steps: each parameter's grows while its gradient keeps its sign.

    Where the sign turned, the step shrinks and none is taken (RPROP-, as PyTorch has it).
    """
    step, none = load_n(steps, j, n), full(steps, 0.0)
    same = g * load_n(before, j, n)
    turned = none - same
    shorter = maximum(step * SHRINKAGE, SMALLEST_STEP)
    step = where_greater(
        same, 0.0, minimum(step * GROWTH, LARGEST_STEP), where_greater(turned, 0.0, shorter, step)
    )
    g = where_greater(turned, 0.0, none, g)
    store_n(before, j, n, g)
    store_n(steps, j, n, step)
    return where_greater(g, 0.0, step, where_greater(none - g, 0.0, none - step, none))


@inlined
def has_penalties(settings):
    """Return whether `penalise` has anything to do."""
    return (
        at(settings, L1) + at(settings, L2) + at(settings, L2_PER_WEIGHT) + at(settings, CLIP) > 0
    )


@inlined
def needs_whole_gradient(rule):
    """Return whether `penalise` does more than add a multiple of each weight to its derivative."""
    settings = rule.settings
    shrinks = rule.code == ADAMW and at(settings, L2) + at(settings, L2_PER_WEIGHT) > 0
    return shrinks or at(settings, L1) + at(settings, CLIP) > 0


@inlined
def divisor_of(settings, weight_sum):
    """Return what the sum of a batch's gradients is divided by: its weight, or nothing."""
    return 1.0 if at(settings, SUM) > 0 else weight_sum


@outlined
def penalise(rule, theta, gradient, layers, as_rows, weight_sum):
    """Add the penalties' derivatives to the gradient of the mean loss, then clip its norm.

    ``as_rows``: theta and gradient lie in padded rows (see `table`), not as users see them.
    AdamW (Loshchilov and Hutter 2019) shrinks the weights instead of bending the gradient.
    """
    settings = rule.settings
    number = theta.dtype.type
    l1 = number(at(settings, L1))
    l2 = number(at(settings, L2) + at(settings, L2_PER_WEIGHT) / weight_sum)
    shrinks = rule.code == ADAMW
    kept = number(1) - number(at(settings, LR)) * l2
    if l1 != 0 or l2 != 0:
        for l in range(layers.shape[0]):
            layer = at(layers, l)
            start, n = weights_of(layer, as_rows, theta)
            if layer.trains_weights:
                _penalise_part(theta, gradient, start, n, l1, l2, shrinks, kept)
            if layer.trains_bias and at(settings, PENALIZE_BIASES) > 0:
                n_bias = layer.padded if as_rows else layer.n_out
                _penalise_part(theta, gradient, start + n, n_bias, l1, l2, shrinks, kept)
    if at(settings, CLIP) > 0:
        _clip(gradient, at(settings, CLIP))


@inlined
def weights_of(layer, as_rows, theta):
    """Return where a layer's W begins, and how many elements it has, padding included."""
    if not as_rows:
        return layer.offset, layer.n_in * layer.n_out
    if layer.wide:
        return layer.rows, layer.n_in * layer.padded
    return layer.rows, layer.n_out * padded(layer.n_in, width(theta))


@inlined
def _penalise_part(theta, gradient, start, n, l1, l2, shrinks, kept):
    """Apply `penalise` to a W, or to the b that lies behind it."""
    w, g = view(theta, start, n), view(gradient, start, n)
    for i in range(n):
        penalty = l1 if w[i] > 0 else (-l1 if w[i] < 0 else l1 * 0)
        g[i] += penalty if shrinks else penalty + l2 * w[i]
        w[i] = kept * w[i] if shrinks else w[i]


@inlined
def _clip(gradient, largest):
    """Scale the gradient down where its norm exceeds ``largest``."""
    squares = 0.0
    for i in range(gradient.shape[0]):
        squares += float(gradient[i]) * float(gradient[i])
    norm = math.sqrt(squares)
    if norm > largest:
        factor = gradient.dtype.type(largest / norm)
        for i in range(gradient.shape[0]):
            gradient[i] *= factor
