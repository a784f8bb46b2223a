"""What a step does with a gradient: one loop on the flat vector of parameters per rule.

`update` picks the rule by its code. All take the gradient of a mean (with penalties, clipped) and
keep their memory in two arrays of the caller: ``state``, one or two vectors as long as theta, and
``clock``, three float64: steps taken, beta1 and beta2 to their power. To add one: a code, a name,
how many vectors it remembers, a loop, and its twin in `reference`.
"""

import math

from .jit import piece, routine
from .lanes import at, view
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


@routine
def update(rule, rates, theta, gradient, state, clock):
    """Take a step from ``theta``, in place."""
    number = theta.dtype.type
    n = theta.shape[0]
    first = view(state, 0, min(n, state.shape[0]))
    second = view(state, first.shape[0], state.shape[0] - first.shape[0])
    lr = number(at(rates, LR))
    clock[0] += 1
    if rule == SGD:
        descend(theta, gradient, lr)
    elif rule == RPROP:
        resilient(theta, gradient, first, second, lr, clock[0] == 1)
    elif rule in (MOMENTUM, NESTEROV):
        friction = number(at(rates, FRICTION))
        roll(theta, gradient, first, friction, lr, rule == NESTEROV)
    else:
        adam(theta, gradient, first, second, rates, clock)


@piece
def descend(theta, gradient, lr):
    """Gradient descent: ``theta -= lr * gradient``."""
    for i in range(theta.shape[0]):
        theta[i] -= lr * gradient[i]


@piece
def roll(theta, gradient, velocity, friction, lr, nesterov):
    """Momentum (Polyak 1964): ``v = friction * v - lr * gradient; theta += v``.

    Nesterov's (1983) looks one step ahead: ``theta += friction * v - lr * gradient``.
    """
    for i in range(theta.shape[0]):
        v = friction * velocity[i] - lr * gradient[i]
        velocity[i] = v
        theta[i] += friction * v - lr * gradient[i] if nesterov else v


@piece
def adam(theta, gradient, m, v, rates, clock):
    """Adam (Kingma and Ba 2015): the step is the mean of gradients over the root of their squares'.

    ::

        m = beta1 m + (1 - beta1) gradient
        v = beta2 v + (1 - beta2) gradient**2
        theta -= lr sqrt(1 - beta2**t) / (1 - beta1**t) * m / (sqrt(v) + epsilon)

    That is the paper's last form, with its epsilon-hat; with EPSILON_SCALED, epsilon stands beside
    ``sqrt(v / (1 - beta2**t))``, as in its first.
    """
    number = theta.dtype.type
    beta1, beta2 = at(rates, BETA1), at(rates, BETA2)
    clock[1] = beta1 * (clock[1] if clock[0] > 1 else 1.0)
    clock[2] = beta2 * (clock[2] if clock[0] > 1 else 1.0)
    correction = math.sqrt(1 - clock[2])
    lr = number(at(rates, LR) * correction / (1 - clock[1]))
    scale = correction if at(rates, EPSILON_SCALED) > 0 else 1.0
    epsilon = number(at(rates, EPSILON) * scale)
    keep1, take1 = number(beta1), number(1 - beta1)
    keep2, take2 = number(beta2), number(1 - beta2)
    for i in range(theta.shape[0]):
        g = gradient[i]
        m[i] = keep1 * m[i] + take1 * g
        v[i] = keep2 * v[i] + take2 * g * g
        theta[i] -= lr * m[i] / (math.sqrt(v[i]) + epsilon)


@piece
def resilient(theta, gradient, before, steps, lr, is_first):
    """RPROP: each parameter has a step of its own, which grows while its gradient keeps its sign.

    Where the sign turned, the step shrinks and none is taken (RPROP-, as PyTorch has it).
    """
    number = theta.dtype.type
    zero = number(0)
    for i in range(theta.shape[0]):
        g = gradient[i]
        step = lr if is_first else steps[i]
        turned = g * before[i]
        if turned > zero:
            step = min(step * number(GROW), number(LARGEST_STEP))
        if turned < zero:
            step = max(step * number(SHRINK), number(SMALLEST_STEP))
            g = zero
        if g > zero:
            theta[i] -= step
        if g < zero:
            theta[i] += step
        before[i] = g
        steps[i] = step


@piece
def has_penalties(rates):
    """Whether `penalise` has anything to do."""
    return at(rates, L1) + at(rates, L2) + at(rates, L2_PER_WEIGHT) + at(rates, CLIP) > 0


@routine
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
