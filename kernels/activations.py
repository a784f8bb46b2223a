"""Activation functions, chosen by an integer code, on SIMD lanes.

A code instead of a function argument: testing it once per block costs nothing, and every network
shares one compiled kernel. To add one: a code and a name here, a branch in `activate` and in
`times_slope`, and its twin in `reference`.
"""

from .elementary import sigmoid, tanh
from .jit import piece
from .lanes import at_least, fill, keep, load, pick, rolled, store, width

IDENTITY, SIGMOID, TANH, RELU, SOFTMAX = range(5)

# What users call them. Softmax stands at the output only, and only with cross-entropy: it is
# computed over a whole layer, in `losses`.
CODES = {
    "identity": IDENTITY,
    "sigmoid": SIGMOID,
    "logistic": SIGMOID,
    "tanh": TANH,
    "relu": RELU,
    "softmax": SOFTMAX,
}


@piece
def activate(code, z):
    """The outputs for one block of weighted sums ``z``."""
    if code == SIGMOID:
        return sigmoid(z)
    if code == TANH:
        return tanh(z)
    if code == RELU:
        return at_least(z, 0.0)
    return z


@piece
def times_slope(code, a, d):
    """``d`` times the derivative of the activation, which is computed from its *output* ``a``."""
    if code == SIGMOID:
        return d * (a * (1.0 - a))
    if code == TANH:
        return d * (1.0 - a * a)
    if code == RELU:
        return pick(a, 0.0, d, d * 0.0)
    return d


@piece
def activate_layer(code, z, n):
    """Activate the ``n`` weighted sums in ``z``, in place; the padding behind them becomes 0."""
    j = 0
    while j < n:
        rolled()
        store(z, j, keep(activate(code, load(z, j)), n - j))
        j += width(z)
