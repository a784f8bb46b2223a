"""Rules with a learning rate for each coefficient: AdaGrad and FTRL-proximal.

Both pay their penalties exactly, by a step that ends at 0 where L1 outweighs the rest, and both
move only the coefficients of columns in which the row is not 0. With the gradient g of a
coefficient w:

AdaGrad (Duchi, Hazan, Singer 2011, composite mirror descent)::

    G += g**2
    r = eta0 / (sqrt(G) + beta)
    w = soft(w - r g, r l1) / (1 + r l2)            # soft(v, s) = sign(v) max(0, abs(v) - s)

FTRL-proximal (McMahan et al. 2013; Vowpal Wabbit)::

    z += g - (sqrt(n + g**2) - sqrt(n)) / eta0 * w
    n += g**2
    w = -soft(z, l1) / (l2 + (beta + sqrt(n)) / eta0)

The intercept takes the same steps, as the coefficient of a column of ones, without penalties.
"""

import math

from ..jit import inlined
from ..simd import (
    absolute,
    at,
    copysign,
    full,
    load_n,
    maximum,
    no_unroll,
    sqrt,
    where_greater,
    width,
)
from .blocks import read, write


@inlined
def _values(rows, i, end):
    """Read a block of a row's values."""
    return load_n(rows.X, i, end - i)


@inlined
def _soft(v, s):
    """Move ``v`` towards 0 by ``s``, and no further."""
    return copysign(maximum(absolute(v) - s, 0.0), v)


@inlined
def step_adagrad(record, rows, begin, end, slope, coef, sums, o):
    """Take AdaGrad's step for an output on a row; ``sums`` holds G."""
    kind = coef.dtype.type
    slope, eta0, beta = kind(slope), kind(record.eta0), kind(record.beta)
    l1, l2 = kind(record.l1), kind(record.l2)
    one = full(coef, 1.0)
    i = begin
    while i < end:
        no_unroll()
        x = _values(rows, i, end)
        w, G = read(rows, i, begin, end, coef, o), read(rows, i, begin, end, sums, o)
        g = slope * x
        G += g * g
        r = eta0 / (sqrt(G) + beta)
        new = _soft(w - r * g, r * l1) / (one + r * l2)
        write(rows, i, begin, end, sums, o, G)
        write(rows, i, begin, end, coef, o, where_greater(absolute(x), 0.0, new, w))
        i += width(coef)


@inlined
def step_ftrl(record, rows, begin, end, slope, coef, z, n, o):
    """Take FTRL's step for an output on a row."""
    kind = coef.dtype.type
    slope, eta0, beta = kind(slope), kind(record.eta0), kind(record.beta)
    l1, l2 = full(coef, kind(record.l1)), kind(record.l2)
    i = begin
    while i < end:
        no_unroll()
        x, w = _values(rows, i, end), read(rows, i, begin, end, coef, o)
        z_old, n_old = read(rows, i, begin, end, z, o), read(rows, i, begin, end, n, o)
        g = slope * x
        n_new = n_old + g * g
        root = sqrt(n_new)
        z_new = z_old + g - (root - sqrt(n_old)) / eta0 * w
        new = _soft(z_new, l1) / ((root + beta) / eta0 + l2) * -1.0
        write(rows, i, begin, end, z, o, z_new)
        write(rows, i, begin, end, n, o, n_new)
        write(rows, i, begin, end, coef, o, where_greater(absolute(x), 0.0, new, w))
        i += width(coef)


@inlined
def move_intercept(record, slope, b, sums, k):
    """Take the step of either rule on an intercept; ``sums`` holds its G, or its n.

    FTRL without penalties has ``z = -b (beta + sqrt(n)) / eta0``: after the step, all of z but g
    stands for the old intercept, which leaves AdaGrad's step with beta beside the root.
    """
    sums[k] += slope * slope
    b[k] -= record.eta0 / (math.sqrt(at(sums, k)) + record.beta) * slope
