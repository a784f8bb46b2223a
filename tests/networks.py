"""Networks and samples that several test files train on."""

from dataclasses import dataclass

import numpy as np

from fastperc import Network
from fastperc.kernels import activations, reference, updates
from fastperc.kernels.arguments import N_SUMS, Net, Rule, Samples
from fastperc.kernels.table import describe
from fastperc.model.losses import LOSSES, loss_of


def first_names(codes):
    """The names in a table of codes, without second names of the same code."""
    firsts = {}
    for name, code in codes.items():
        firsts.setdefault(code, name)
    return list(firsts.values())


OUTPUTS = first_names(activations.CODES)
HIDDEN = [name for name in OUTPUTS if name not in activations.OUTPUT_ONLY]


def heads():
    """Pairs of output activation and loss: every loss, and every activation, in one at least.

    A loss that does not insist on its outputs stands with two.
    """
    pairs = [(output, "squared_error") for output in OUTPUTS if output not in ("step", "sign")]
    pairs.append(("softmax", "huber"))
    for k, loss in enumerate(LOSSES):
        outputs = LOSSES[loss].outputs or ("identity", HIDDEN[2 * k % len(HIDDEN)])
        pairs += [(output, loss) for output in outputs]
    return list(dict.fromkeys(pairs))


HEADS = heads()

# What `Network.train` takes for an update rule: by default its name, as `optimizer`.
RULES = {name: {"optimizer": name} for name in updates.CODES} | {
    "sgd": {},
    "momentum": {"momentum": 0.8},
    "nesterov": {"momentum": 0.8, "nesterov": True},
    "adamw": {"optimizer": "adamw", "alpha": 0.5},
    "last_gradient": {"momentum": 0.005, "momentum_of": "gradient"},
}
OPTIMIZERS = ["sgd", *(o["optimizer"] for o in RULES.values() if "optimizer" in o)]
WITHOUT_BATCHES = ("rprop",)  # takes all samples at once

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
    sizes,
    hidden="tanh",
    head=("identity", "squared_error"),
    dtype="float64",
    n=30,
    seed=0,
    bias=True,
):
    rng = np.random.default_rng(seed)
    output, loss = head
    if head[0] == "softmax" and sizes[-1] == 1:
        sizes = (*sizes[:-1], 2)
    if not LOSSES[loss].hidden_layers:
        sizes = (sizes[0], sizes[-1])
    hidden = hidden if len(sizes) > 2 else ()
    net = Network(sizes, hidden=hidden, output=output, loss=loss, dtype=dtype, seed=seed, bias=bias)
    for b, has_bias in zip(net.biases, net.bias, strict=True):
        if has_bias:
            b[...] = rng.uniform(-0.5, 0.5, b.shape)
    X = rng.standard_normal((n, sizes[0])).astype(dtype)
    y = targets(rng, X, sizes[-1], output, loss)
    weight = rng.integers(0, 4, n) / 2
    names = (*net.hidden, net.output)
    theta = net.theta.astype(np.float64)
    model = reference.Model.from_theta(theta, sizes, names, loss, net.bias)
    return Problem(net, model, *(fixed(a.astype(dtype)) for a in (X, y, weight)))


def targets(rng, X, n_outputs, output, loss):
    """Targets that the loss takes, one column per output; in reach of it for a regression."""
    record, shape = loss_of(loss, output), (len(X), n_outputs)
    if record.is_of_classes:
        return np.eye(n_outputs)[rng.integers(0, n_outputs, len(X))]
    if record.labels_of is not None:
        return record.check(rng.choice([activations.RANGES.get(output, (0, 1))[0], 1], shape), "y")
    if record.bounds[0] == 0:
        return rng.poisson(1.0, shape)
    y = 1.5 * np.sin(X @ rng.standard_normal((X.shape[1], n_outputs)))
    return np.clip(y, *activations.RANGES.get(output, (-np.inf, np.inf)))


def fixed(array):
    """The array, read-only as the facade hands it on, so that tests compile nothing more."""
    array.flags.writeable = False
    return array


def samples_of(p, weight=None, order=None):
    """The problem's samples as kernels take them."""
    weight = fixed(np.empty(0, p.net.dtype)) if weight is None else weight
    order = np.empty((0, len(p.X)), np.int64) if order is None else order
    return Samples(p.X, p.Y, weight, order)


def arguments_of(net, direct=True, loss=None):
    """The network as kernels take it; ``loss``: the code of another one."""
    layers = net.layers if direct else describe(net.sizes, net.codes, net.dtype, False, net.bias)
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
