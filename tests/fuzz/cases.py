"""Random networks, samples and options of training, each from one seed."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from fastperc.kernels import activations
from fastperc.model.losses import LOSSES

WIDTHS = (1, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 129, 200)
HIDDEN = [name for name in activations.CODES if name not in activations.OUTPUT_ONLY]
# sgd twice, since two more rules are forms of it
OPTIMIZERS = ["sgd", "adam", "adamw", "rprop", "rmsprop", "adagrad", "adadelta"]
MOST_PARAMETERS = 30_000
FORMS = (
    "fortran",
    "strided",
    "backward",
    "read-only",
    "big-endian",
    "list",
    "other dtype",
    "object",
)


def outputs_of(loss):
    """The names of the output activations that go with a loss."""
    codes = activations.CODES
    others = ("softmax", "step", "sign")
    wanted = LOSSES[loss].outputs or [name for name in codes if name not in others]
    return [name for name in codes if codes[name] in [codes[other] for other in wanted]]


@dataclass
class Case:
    """A network, samples that fit its loss, and options of `Network.train`."""

    seed: int
    sizes: tuple
    hidden: tuple
    output: str
    loss: str
    dtype: str
    theta: np.ndarray
    X: np.ndarray
    y: np.ndarray  # as the kernels see it: one column per output
    weight: np.ndarray | None
    options: dict
    validation: tuple | None  # (X, y)
    at: str  # the end of their memory at which arrays lie
    form: str  # how the same samples are given once more
    is_extreme: bool

    def __str__(self):
        shown = {k: v for k, v in self.options.items() if not callable(v)}
        return (
            f"sizes={self.sizes} hidden={self.hidden} output={self.output} loss={self.loss} "
            f"dtype={self.dtype} n={len(self.X)} weighted={self.weight is not None} "
            f"at={self.at} form={self.form} extreme={self.is_extreme} {shown}"
        )


def draw(seed):
    """The case of a seed."""
    rng = np.random.default_rng([seed, 20])
    # A perceptron's outputs jump: there, rounding is no small difference.
    loss = str(rng.choice([name for name in LOSSES if name != "perceptron"]))
    sizes = _sizes(rng, loss)
    dtype = str(rng.choice(["float32", "float64"]))
    is_extreme = rng.random() < 0.1
    n = _count(rng, sizes)
    output = str(rng.choice(outputs_of(loss)))
    X = _inputs(rng, (n, sizes[0]), dtype, is_extreme)
    y, weight, held = _targets(rng, loss, n, sizes[-1], dtype), None, None
    options = _options(rng, n)
    if rng.random() < 0.4:
        weight = _weights(rng, n, dtype, options)
        _spoil_rows_of_weight_0(rng, X, y, weight, loss)
    if rng.random() < 0.3:
        m = int(rng.integers(1, 40))
        held = _inputs(rng, (m, sizes[0]), dtype, False), _targets(rng, loss, m, sizes[-1], dtype)
        if sum(sizes) < 60 and n < 60:
            options.update(_long_run(rng))
            options.pop("l1", None)  # long steps across its kink leave nothing to compare
    return Case(
        seed=seed, sizes=sizes, loss=loss, dtype=dtype, X=X, output=output,
        hidden=tuple(str(name) for name in rng.choice(HIDDEN, len(sizes) - 2)),
        theta=_theta(rng, sizes, output, dtype),
        y=y, weight=weight, options=options, validation=held,
        at=str(rng.choice(["begin", "end"])), form=str(rng.choice(FORMS)), is_extreme=is_extreme,
    )  # fmt: skip


def _sizes(rng, loss):
    depth = rng.choice([0, 1, 2, 3, 4], p=[0.15, 0.35, 0.25, 0.15, 0.1])
    while True:
        sizes = tuple(int(width) for width in rng.choice(WIDTHS, depth + 2))
        if loss == "cross_entropy" and sizes[-1] == 1:
            continue
        if sum((a + 1) * b for a, b in pairwise(sizes)) <= MOST_PARAMETERS:
            return sizes


def _count(rng, sizes):
    """A few samples; now and then more than one chunk of 256 rows, for small networks."""
    if rng.random() < 0.15 and sum(sizes) < 80:
        return int(rng.choice([255, 256, 257, 511, 513, 700, 1025, 1300]))
    return int(rng.integers(1, 40))


def _theta(rng, sizes, output, dtype):
    parts = []
    for layer, (n_in, n_out) in enumerate(pairwise(sizes)):
        size = 0.3 if output == "exp" and layer == len(sizes) - 2 else rng.choice([0.5, 1.0, 1.5])
        parts.append(rng.standard_normal(n_in * n_out) * size / np.sqrt(n_in))
        parts.append(rng.uniform(-0.5, 0.5, n_out))
    return np.concatenate(parts).astype(dtype)


def _inputs(rng, shape, dtype, is_extreme):
    X = rng.standard_normal(shape)
    if is_extreme:
        most = 30 if dtype == "float32" else 120
        X *= 10.0 ** rng.integers(-most, most, endpoint=True) if rng.random() < 0.5 else 1.0
        odd = [0.0, -0.0, np.finfo(dtype).smallest_subnormal, np.finfo(dtype).tiny, 1e3, -1e6]
        X = np.where(rng.random(shape) < 0.2, rng.choice(odd, shape), X)
    elif rng.random() < 0.3:
        X = np.where(rng.random(shape) < 0.5, 0.0, X)  # zeros, as of images and counts
    return X.astype(dtype)


def _targets(rng, loss, n, n_outputs, dtype):
    record, shape = LOSSES[loss], (n, n_outputs)
    if record.is_of_classes:
        y = np.eye(n_outputs)[rng.integers(0, n_outputs, n)]
        if rng.random() < 0.2:
            y = rng.dirichlet(np.ones(n_outputs), n)
    elif record.labels_of is not None:
        y = record.check(rng.integers(0, 2, shape), "y")
        if record.bounds == (0, 1) and rng.random() < 0.2:
            y = rng.random(shape)
    elif record.bounds[0] == 0:
        y = rng.poisson(1.5, shape)
    else:
        y = rng.standard_normal(shape) * rng.choice([0.5, 2.0])
    return y.astype(dtype)


def _weights(rng, n, dtype, options):
    w = rng.uniform(0.1, 2, n) if rng.random() < 0.5 else rng.integers(0, 4, n) / 2
    w[rng.integers(n)] = 1.0
    if min(options["batch_size"], n) > 1 and rng.random() < 0.15:  # else they are factors of a step
        w *= 10.0 ** (rng.choice([-36, 36]) if dtype == "float32" else rng.choice([-300, 300]))
    return w.astype(dtype)


def _spoil_rows_of_weight_0(rng, X, y, weight, loss):
    """A sample without weight is not there, whatever it holds."""
    if rng.random() < 0.5:
        X[weight == 0] = 1e30 if X.dtype == np.float32 else 1e200
        if LOSSES[loss].bounds[0] < 0:
            y[weight == 0] = -1e30


def _long_run(rng):
    """Steps so long, and epochs so many, that the loss on other samples falls and rises again."""
    return {
        "epochs": 40, "lr": float(rng.choice([0.01, 0.05, 0.2])), "clip_norm": 1.0,
        "patience": int(rng.choice([2, 5, 20])), "tol": float(rng.choice([0.0, 1e-3, 1e-2, 0.1])),
    }  # fmt: skip


def _options(rng, n):
    optimizer = str(rng.choice(OPTIMIZERS))
    options = {
        "optimizer": optimizer,
        "epochs": int(rng.integers(1, 5)),
        "batch_size": int(rng.choice([1, 1, 2, 3, 7, 16, 300, n, n + 1])),
        "lr": float(rng.choice([1e-4, 1e-3, 1e-2])),
        "shuffle": bool(rng.random() < 0.7),
    }
    if rng.random() < 0.2:
        first = options["lr"]
        options["lr"] = lambda epoch: first / epoch
    if optimizer == "sgd" and rng.random() < 0.6:
        options["momentum"] = float(rng.choice([0.3, 0.9]))
        options["nesterov"] = bool(rng.random() < 0.5)
    if optimizer in ("adam", "adamw") and rng.random() < 0.5:
        options["betas"], options["epsilon"] = (0.7, 0.95), 1e-3
    if optimizer in ("rmsprop", "adadelta") and rng.random() < 0.5:
        options["rho"], options["epsilon"] = 0.7, 1e-3
    for name, choices in (("alpha", [1e-3, 0.1]), ("l1", [1e-4, 1e-2]), ("clip_norm", [0.1, 1.0])):
        if rng.random() < 0.25:
            options[name] = float(rng.choice(choices))
    if rng.random() < 0.3:
        options["tol"] = float(rng.choice([1e-3, 1e-1]))
    if rng.random() < 0.3:
        options["patience"] = int(rng.integers(1, 3))
    if "tol" in options or "patience" in options:
        options["epochs"] += 4
    return options


def in_another_form(case, array):
    """The same numbers, given in the case's other way."""
    form = case.form
    if form == "fortran":
        return np.asfortranarray(array)
    if form == "strided":
        wide = np.full([2 * k for k in array.shape], np.nan, array.dtype)
        wide[tuple(slice(None, None, 2) for _ in array.shape)] = array
        return wide[tuple(slice(None, None, 2) for _ in array.shape)]
    if form == "backward":
        return array[::-1].copy()[::-1]
    if form == "read-only":
        copy = array.copy()
        copy.flags.writeable = False
        return copy
    if form == "big-endian":
        return array.astype(array.dtype.newbyteorder(">"))
    if form == "list":
        return array.tolist()
    return array.astype("float64" if form == "other dtype" else object)
