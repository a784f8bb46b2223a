"""What kernels are called with: arrays that belong together, as tuples that Numba knows.

A tuple costs a microsecond per call from Python. `single`, whose calls take no longer than that,
takes the arrays one by one.
"""

from typing import NamedTuple

import numpy as np

from .jit import inlined
from .simd import flat, records
from .table import LAYER

# The rows of the array ``sums``, float64 of shape (N_SUMS, n_epochs), to which training adds:
LOSS, BATCH_LOSS, SQUARES, ROWS = range(4)
N_SUMS = 4


class Samples(NamedTuple):
    """Samples to learn from.

    Attributes
    ----------
    X, Y : arrays of shape (n, n_inputs) and (n, n_outputs)
        Inputs and targets: C-contiguous, read-only, of theta's dtype.
    weight : array of shape (n,) or (0,)
        Weight of each sample; none given means 1.
    order : int64 array of shape (n_epochs, m) or (0, m)
        Which rows each epoch of m samples takes, one after the other; without rows, the first m of
        X as they come.
    """

    X: np.ndarray
    Y: np.ndarray
    weight: np.ndarray
    order: np.ndarray


class Net(NamedTuple):
    """A network and its loss.

    Attributes
    ----------
    theta : array of shape (n_parameters,)
    layers : int64 array of shape (n_layers, COLUMNS)
        See `table`.
    loss : int
        Code of `losses`.
    """

    theta: np.ndarray
    layers: np.ndarray
    loss: int


class Rule(NamedTuple):
    """How a step follows from a gradient; see `updates`.

    Attributes
    ----------
    code : int
        Code of `updates`.
    settings : float64 array of shape (N_SETTINGS,)
        Learning rate, penalties and so on.
    state : array of shape (MEMORY[code] * n_parameters,)
        What the rule remembers: one or two vectors in theta's order. Zeros at the beginning.
    step_state : float64 array of shape (3,)
        Steps taken, beta1 and beta2 to their power. Zeros at the beginning.
    """

    code: int
    settings: np.ndarray
    state: np.ndarray
    step_state: np.ndarray


@inlined
def flat_samples(samples):
    """Return the samples with all arrays as `simd.flat` views."""
    return Samples(flat(samples.X), flat(samples.Y), flat(samples.weight), flat(samples.order))


@inlined
def flat_net(net):
    """Return the network with theta as a `simd.flat` view and layers as records."""
    return Net(flat(net.theta), records(net.layers, LAYER), net.loss)


@inlined
def flat_rule(rule):
    """Return the rule with all arrays as `simd.flat` views."""
    return Rule(rule.code, flat(rule.settings), flat(rule.state), flat(rule.step_state))
