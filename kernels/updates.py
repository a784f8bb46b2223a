"""What a step does with a gradient: one loop on the flat vector of parameters per rule.

`move` picks the rule by its code. All take the gradient of a mean (with penalties, clipped) and
keep their memory in two arrays of the caller: ``state``, one or two vectors as long as theta, and
``clock``, three float64: steps taken, beta1 and beta2 to their power. To add one: a code, a name,
how many vectors it remembers, a
branch in `move`, and its twin in `reference`.
"""

import math

from .jit import apart, piece
from .lanes import (
    at,
    at_least,
    at_most,
    fill,
    load_part,
    pick,
    rolled,
    square_root,
    store_part,
    view,
    width,
)
from .table import COLUMNS, N_IN, N_OUT, OFFSET, PADDED, ROWS, WIDE

SGD, MOMENTUM, NESTEROV, ADAM, ADAMW, RPROP = range(6)

# Vectors of theta's length that a rule remembers.
MEMORY = {SGD: 0, MOMENTUM: 1, NESTEROV: 1, ADAM: 2, ADAMW: 2, RPROP: 2}

# Where each number lies in the vector ``rates``, float64.
(
    LR,  # learning rate; RPROP's first step
    L2,  # penalty L2 / 2 * sum(W**2) on the mean loss; weights only, as are the next two
    L2_PER_WEIGHT,  # the same divided by the sum of the batch's sample weights
    L1,  # penalty L1 * sum(|W|)
    CLIP,  # largest norm of the gradient; 0: any
    FRICTION,  # MOMENTUM, NESTEROV: how much velocity is kept
    BETA1,
    BETA2,
    EPSILON,
    EPSILON_SCALED,  # 1: EPSILON is added to the square root of the corrected second moment
) = range(10)
N_RATES = 10

# RPROP (Riedmiller and Braun 1993): factors of a step and its bounds.
GROW, SHRINK, SMALLEST_STEP, LARGEST_STEP = 1.2, 0.5, 1e-6, 50.0


@piece
def update(rule, rates, theta, gradient, state, clock):
    """Take a step from ``theta``, in place."""
    n = theta.shape[0]
    first, second = memories(state, n)
    numbers = begin_step(rule, rates, second, clock)
    j = 0
    while j < n:
        rolled()
        move(rule, numbers, theta, j, n - j, load_part(gradient, j, n - j), first, second)
        j += width(theta)


@piece
def memories(state, n):
    """The two vectors of length ``n`` in ``state``; for a rule that remembers less, empty ones."""
    first = view(state, 0, min(n, state.shape[0]))
    return first, view(state, first.shape[0], state.shape[0] - first.shape[0])


@piece
def begin_step(rule, rates, second, clock):
    """Move the clock on; returns the numbers of `move`, in the network's dtype."""
    number = second.dtype.type
    lr = at(rates, LR)
    epsilon = at(rates, EPSILON)
    clock[0] += 1
    if rule in (ADAM, ADAMW):
        clock[1] = at(rates, BETA1) * (clock[1] if clock[0] > 1 else 1.0)
        clock[2] = at(rates, BETA2) * (clock[2] if clock[0] > 1 else 1.0)
        correction = math.sqrt(1 - clock[2])
        lr *= correction / (1 - clock[1])
        epsilon *= correction if at(rates, EPSILON_SCALED) > 0 else 1.0
    elif rule == RPROP and clock[0] == 1:
        for i in range(second.shape[0]):
            second[i] = number(lr)
    return (
        number(lr),
        number(at(rates, FRICTION)),
        number(at(rates, BETA1)),
        number(1 - at(rates, BETA1)),
        number(at(rates, BETA2)),
        number(1 - at(rates, BETA2)),
        number(epsilon),
    )


@piece
def move(rule, numbers, theta, j, n, g, first, second):
    """Move one block of parameters, the first ``n`` from ``theta[j]`` on; ``g`` is their gradient.

    - SGD: gradient descent, ``theta -= lr g``.
    - MOMENTUM (Polyak 1964): ``v = friction v - lr g; theta += v``.
    - NESTEROV (1983), who looks one step ahead: ``theta += friction v - lr g``.
    - ADAM (Kingma and Ba 2015): the mean of gradients over the root of their squares'::

          m = beta1 m + (1 - beta1) g
          v = beta2 v + (1 - beta2) g**2
          theta -= lr sqrt(1 - beta2**t) / (1 - beta1**t) * m / (sqrt(v) + epsilon)

      That is the paper's last form, with its epsilon-hat; with EPSILON_SCALED, epsilon stands
      beside ``sqrt(v / (1 - beta2**t))``, as in its first.
    - RPROP: see `_resilient`.
    """
    lr, friction, keep1, take1, keep2, take2, epsilon = numbers
    w = load_part(theta, j, n)
    if rule == SGD:
        w -= lr * g
    elif rule in (ADAM, ADAMW):
        m = keep1 * load_part(first, j, n) + take1 * g
        v = keep2 * load_part(second, j, n) + (take2 * g) * g
        store_part(first, j, n, m)
        store_part(second, j, n, v)
        w -= (lr * m) / (square_root(v) + epsilon)
    elif rule == RPROP:
        w -= _resilient(j, n, g, first, second)
    else:
        v = friction * load_part(first, j, n) - lr * g
        store_part(first, j, n, v)
        w += friction * v - lr * g if rule == NESTEROV else v
    store_part(theta, j, n, w)


@piece
def _resilient(j, n, g, before, steps):
    """RPROP: each parameter has a step of its own, which grows while its gradient keeps its sign.

    Where the sign turned, the step shrinks and none is taken (RPROP-, as PyTorch has it).
    """
    step, none = load_part(steps, j, n), fill(steps, 0.0)
    same = g * load_part(before, j, n)
    turned = none - same
    shorter = at_least(step * SHRINK, SMALLEST_STEP)
    step = pick(same, 0.0, at_most(step * GROW, LARGEST_STEP), pick(turned, 0.0, shorter, step))
    g = pick(turned, 0.0, none, g)
    store_part(before, j, n, g)
    store_part(steps, j, n, step)
    return pick(g, 0.0, step, pick(none - g, 0.0, none - step, none))


@piece
def has_penalties(rates):
    """Whether `penalise` has anything to do."""
    return at(rates, L1) + at(rates, L2) + at(rates, L2_PER_WEIGHT) + at(rates, CLIP) > 0


@piece
def is_involved(rule, rates):
    """Whether `penalise` does more than to add a multiple of each weight to its derivative."""
    shrinks = rule == ADAMW and at(rates, L2) + at(rates, L2_PER_WEIGHT) > 0
    return shrinks or at(rates, L1) + at(rates, CLIP) > 0


@apart
def penalise(rule, rates, theta, gradient, layers, as_rows, weight_sum):
    """Add the penalties' derivatives to the gradient of the mean loss, then clip its norm.

    ``as_rows``: theta and gradient lie in padded rows (see `table`), not as users see them.
    AdamW (Loshchilov and Hutter 2019) shrinks the weights instead of bending the gradient.
    """
    number = theta.dtype.type
    l1 = number(at(rates, L1))
    l2 = number(at(rates, L2) + at(rates, L2_PER_WEIGHT) / weight_sum)
    shrinks = rule == ADAMW
    kept = number(1) - number(at(rates, LR)) * l2
    if l1 != 0 or l2 != 0:
        for c in range(0, layers.shape[0], COLUMNS):
            start, n = weights_of(layers, c, as_rows, theta)
            w, g = view(theta, start, n), view(gradient, start, n)
            for i in range(n):
                bend = l1 if w[i] > 0 else (-l1 if w[i] < 0 else number(0))
                g[i] += bend if shrinks else bend + l2 * w[i]
                w[i] = kept * w[i] if shrinks else w[i]
    if at(rates, CLIP) > 0:
        _clip(gradient, at(rates, CLIP))


@piece
def weights_of(layers, c, as_rows, theta):
    """Where W of the layer at ``c`` begins, and how many elements it has, padding included."""
    n_in, n_out = at(layers, c + N_IN), at(layers, c + N_OUT)
    if not as_rows:
        return at(layers, c + OFFSET), n_in * n_out
    if at(layers, c + WIDE):
        return at(layers, c + ROWS), n_in * at(layers, c + PADDED)
    block = 64 // theta.itemsize
    return at(layers, c + ROWS), n_out * ((n_in + block - 1) // block * block)


@piece
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
