"""Activation functions, chosen by an integer code, on SIMD lanes.

A code instead of a function argument: testing it once per block costs nothing, and every network
shares one compiled kernel. To add one: a code and a name here, a branch in `activate_uncommon` and
in `times_uncommon_slope`, and its twin in `reference`.

The slope is computed from the output, since the weighted sums are overwritten by it. So an
activation has to be monotonic: SiLU, GELU and Mish, whose outputs are reached by two sums each,
cannot be had.
"""

import math

from .elementary import exp, expm1, sigmoid, softplus, tanh
from .jit import inlined, outlined
from .simd import first_n, load, maximum, no_unroll, store, where_greater, width

(
    IDENTITY,
    SIGMOID,
    TANH,
    RELU,
    SOFTMAX,
    LEAKY_RELU,
    ELU,
    SOFTPLUS,
    EXP,
    STEP,
    SIGN,
) = range(11)

# What users call them.
CODES = {
    "identity": IDENTITY,
    "sigmoid": SIGMOID,
    "logistic": SIGMOID,
    "tanh": TANH,
    "relu": RELU,
    "leaky_relu": LEAKY_RELU,
    "elu": ELU,
    "softplus": SOFTPLUS,
    "softmax": SOFTMAX,
    "exp": EXP,
    "step": STEP,
    "sign": SIGN,
}

# At the output only: softmax because it is computed over a whole layer (in `losses`), exp because
# it is there for counts, step (0 or 1) and sign (-1 or 1) because they have no slope.
OUTPUT_ONLY = ("softmax", "exp", "step", "sign")

# Between what an output lies, by name; not listed where it has no bounds.
RANGES = {
    "sigmoid": (0.0, 1.0),
    "logistic": (0.0, 1.0),
    "tanh": (-1.0, 1.0),
    "relu": (0.0, math.inf),
    "softplus": (0.0, math.inf),
    "exp": (0.0, math.inf),
    "elu": (-1.0, math.inf),
    "step": (0.0, 1.0),
    "sign": (-1.0, 1.0),
    "softmax": (0.0, 1.0),
}

LEAK = 0.01  # slope of leaky_relu below 0


@inlined
def activate(code, z):
    """Compute the outputs for one block of weighted sums ``z``."""
    if code == SIGMOID:
        return sigmoid(z)
    if code == TANH:
        return tanh(z)
    if code == RELU:
        return maximum(z, 0.0)
    if code == IDENTITY:
        return z
    return activate_uncommon(code, z)


@outlined
def activate_uncommon(code, z):
    """Compute all other codes of `activate`: a call costs them little, a copy in each loop much."""
    if code == LEAKY_RELU:
        return where_greater(z, 0.0, z, LEAK * z)
    if code == ELU:
        return where_greater(z, 0.0, z, expm1(z))
    if code == SOFTPLUS:
        return softplus(z)
    if code in (STEP, SIGN):  # 1 at 0
        least = 0.0 if code == STEP else -1.0
        return where_greater(0.0 - z, 0.0, z * 0.0 + least, z * 0.0 + 1.0)
    return exp(z)


@inlined
def times_slope(code, a, d):
    """Multiply ``d`` by the derivative of the activation, computed from its *output* ``a``."""
    if code == SIGMOID:
        return d * (a * (1.0 - a))
    if code == TANH:
        return d * (1.0 - a * a)
    if code == RELU:
        return where_greater(a, 0.0, d, d * 0.0)
    if code == IDENTITY:
        return d
    return times_uncommon_slope(code, a, d)


@outlined
def times_uncommon_slope(code, a, d):
    """Compute `times_slope` for all other codes."""
    if code == LEAKY_RELU:
        return where_greater(a, 0.0, d, LEAK * d)
    if code == ELU:
        return where_greater(a, 0.0, d, d * (a + 1.0))
    if code == SOFTPLUS:  # a = log(1 + exp(z)), so sigmoid(z) = 1 - exp(-a)
        return d * (0.0 - expm1(0.0 - a))
    return d * a  # EXP


@inlined
def activate_layer(code, z, n):
    """Activate the ``n`` weighted sums in ``z``, in place; the padding behind them becomes 0."""
    j = 0
    while j < n:
        no_unroll()
        store(z, j, first_n(activate(code, load(z, j)), n - j))
        j += width(z)
