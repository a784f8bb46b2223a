"""Networks and samples that several test files train on."""

from dataclasses import dataclass

import numpy as np

from fastperc import Network
from fastperc.checks import REACH
from fastperc.kernels import reference, updates
from fastperc.kernels.arguments import N_SUMS, Net, Rule, Samples
from fastperc.kernels.table import describe

# What may stand at the output with each loss.
HEADS = [
    ("identity", "squared_error"),
    ("sigmoid", "squared_error"),
    ("tanh", "squared_error"),
    ("relu", "squared_error"),
    ("softplus", "squared_error"),
    ("identity", "absolute_error"),
    ("leaky_relu", "absolute_error"),
    ("identity", "huber"),
    ("elu", "huber"),
    ("exp", "poisson"),
    ("softplus", "poisson"),
    ("sigmoid", "log_loss"),
    ("softmax", "cross_entropy"),
    ("identity", "hinge"),
    ("tanh", "hinge"),
]
HIDDEN = ["identity", "sigmoid", "tanh", "relu", "leaky_relu", "elu", "softplus"]

# Depths 0 to 3; widths on both sides of a SIMD block, and of four.
SIZES = [
    (3, 1),
    (40, 2),
    (5, 20),
    (2, 4, 1),
    (13, 8, 1),
    (8, 32, 3),
    (7, 70, 2),
    (64, 64, 10),
    (6, 33, 17, 4),
    (4, 16, 16, 16, 2),
    (5, 64, 70, 2),
    (3, 80, 64, 9, 1),
]


@dataclass
class Problem:
    """A network, its twin in NumPy, and samples that fit its loss."""

    net: Network
    model: reference.Model
    X: np.ndarray
    y: np.ndarray
    weight: np.ndarray

    @property
    def Y(self):
        """Targets as the kernels see them: one column per output."""
        return self.y


def problem(
    sizes, hidden="tanh", head=("identity", "squared_error"), dtype="float64", n=30, seed=0
):
    rng = np.random.default_rng(seed)
    output, loss = head
    if head[0] == "softmax" and sizes[-1] == 1:
        sizes = (*sizes[:-1], 2)
    net = Network(sizes, hidden=hidden, output=output, loss=loss, dtype=dtype, seed=seed)
    for b in net.biases:
        b[...] = rng.uniform(-0.5, 0.5, b.shape)
    X = rng.standard_normal((n, sizes[0])).astype(dtype)
    if loss in ("squared_error", "absolute_error", "huber"):
        y = 1.5 * np.sin(X @ rng.standard_normal((sizes[0], sizes[-1])))
        y = np.clip(y, *REACH.get(output, (-np.inf, np.inf)))
    elif loss == "poisson":
        y = rng.poisson(1.0, (n, sizes[-1]))
    elif loss == "hinge":
        y = rng.choice([-1, 1], (n, sizes[-1]))
    elif loss == "log_loss":
        y = rng.integers(0, 2, (n, sizes[-1]))
    else:
        y = np.eye(sizes[-1])[rng.integers(0, sizes[-1], n)]
    weight = rng.integers(0, 4, n) / 2
    names = (*net.hidden, net.output)
    model = reference.Model.from_theta(net.theta.astype(np.float64), sizes, names, loss)
    return Problem(net, model, *(fixed(a.astype(dtype)) for a in (X, y, weight)))


def fixed(array):
    """The array, read-only as the facade hands it on, so that tests compile nothing more."""
    array.flags.writeable = False
    return array


def samples_of(p, weight=None, order=None):
    """The problem's samples as kernels take them."""
    weight = fixed(np.empty(0, p.net.dtype)) if weight is None else weight
    order = np.empty((0, len(p.X)), np.int64) if order is None else order
    return Samples(p.X, p.Y, weight, order)


def arguments_of(net, loss=None, direct=True):
    """The network as kernels take it; with the code of another loss, if one is given."""
    layers = net.layers if direct else describe(net.sizes, net.codes, net.dtype, direct=False)
    return Net(net.theta, layers, net.loss_code if loss is None else loss)


def rule_of(net, code, **settings):
    """An update rule for the network, with nothing to remember yet; settings by their names."""
    vector = np.zeros(updates.N_SETTINGS)
    for name, value in settings.items():
        vector[getattr(updates, name)] = value
    state = np.zeros(updates.MEMORY[code] * net.theta.size, net.dtype)
    return Rule(code, vector, state, np.zeros(3))


def no_sums(epochs=1):
    """Sums that nothing has been added to; see `kernels.sums`."""
    return np.zeros((N_SUMS, epochs))
