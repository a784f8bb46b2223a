"""Cases of many networks at once: a fleet beside one network after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

import numpy as np

from ..fleet import Fleet
from ..kernels import reference
from ..measuring.clock import Timed
from ..model.layout import n_parameters
from .case import Case, Ways, require_close

N = 256  # networks
FEW = 4  # of them, which NumPy trains, and whose weights are compared
WAYS = ("numpy", "one by one", "fastperc")
TOLERANCE = 1e-3  # between float32 weights, relative to the largest


class Work(NamedTuple):
    """What a fleet learns: shape, activation and samples per update."""

    sizes: tuple[int, ...]
    hidden: str
    batch_size: int
    n_samples: int


def cases() -> Iterator[Case]:
    """Yield each shape, with one update per sample or per batch."""
    for sizes, hidden, batch_size, n_samples, quick in (
        ((2, 4, 1), "sigmoid", 1, 400, True),
        ((8, 32, 1), "sigmoid", 1, 200, False),
        ((8, 16, 1), "tanh", 1, 400, False),
        ((8, 16, 1), "tanh", 32, 512, False),
    ):
        work = Work(sizes, hidden, batch_size, n_samples)
        name = "-".join(map(str, sizes)) + f" batch {batch_size}" * (batch_size > 1)
        yield Case("fleets", name, "sample", WAYS, partial(_ways, work, name), quick)


def _ways(work: Work, name: str) -> Ways:
    """Prepare an epoch of each way from the same start, and compare where they arrive."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((work.n_samples, work.sizes[0])).astype(np.float32)
    y = np.sin(X @ rng.standard_normal((work.sizes[0], 1))).astype(np.float32)
    start = rng.standard_normal((N, n_parameters(work.sizes))).astype(np.float32) / 3
    rates = rng.uniform(0.002, 0.02, N)
    fleet = Fleet(work.sizes, N, hidden=work.hidden, init=start)
    alone = Fleet(work.sizes, N, hidden=work.hidden, init=start)
    networks = list(alone)
    models: list[reference.Model] = []

    def by_fleet() -> None:
        fleet.train(X, y, epochs=1, lr=rates, batch_size=work.batch_size, shuffle=False)

    def one_by_one() -> None:
        for net, lr in zip(networks, rates.tolist(), strict=True):
            net.train(X, y, epochs=1, lr=lr, batch_size=work.batch_size, shuffle=False)

    def by_numpy() -> None:
        for model, lr in zip(models, rates[:FEW].tolist(), strict=True):
            reference.train_batches(model, X, y, lr, work.batch_size)

    def begin_numpy() -> None:
        names = (work.hidden, "identity")
        models[:] = [
            reference.Model.from_theta(theta, work.sizes, names, "squared_error")
            for theta in start[:FEW]
        ]

    def begin(which: Fleet) -> Callable[[], None]:
        return lambda: which.theta.__setitem__(slice(None), start)

    ways = {
        "numpy": Timed(by_numpy, begin_numpy, FEW * work.n_samples),
        "one by one": Timed(one_by_one, begin(alone), N * work.n_samples),
        "fastperc": Timed(by_fleet, begin(fleet), N * work.n_samples),
    }
    for way in ways.values():
        way.setup()
        way.call()
    expected = np.array([model.theta for model in models])
    for found in (fleet, alone):
        require_close(found.theta[:FEW], expected, TOLERANCE * np.abs(expected).max(), name)
    return ways
