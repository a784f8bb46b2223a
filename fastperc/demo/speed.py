"""The general kernels timed against the same training in NumPy, the results compared first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..network import Network
from ..tutorials.timing import Speedup, timed
from . import numpy_loops

LR = 0.01
TOLERANCE = 1e-5  # rounding to float32, in another order, makes less than a tenth of this


@dataclass(frozen=True)
class Training:
    """One epoch of a network in float32, as a NumPy loop and by `Network.train`.

    Attributes
    ----------
    sizes : tuple of int
        Inputs, sigmoid units, outputs.
    n_samples, batch_size : int
    """

    sizes: tuple[int, ...]
    n_samples: int
    batch_size: int = 1

    @property
    def name(self) -> str:
        """Which network."""
        return f"Network {'-'.join(map(str, self.sizes))}"

    @property
    def work(self) -> str:
        """How much, and how it is trained."""
        way = "one at a time" if self.batch_size == 1 else f"batch {self.batch_size}"
        return f"{self.n_samples} samples, {way}"

    def data(self) -> tuple[np.ndarray, np.ndarray]:
        """Samples of a smooth map, float32."""
        rng = np.random.default_rng(0)
        X = rng.standard_normal((self.n_samples, self.sizes[0])).astype(np.float32)
        mix = rng.standard_normal((self.sizes[0], self.sizes[-1])) / np.sqrt(self.sizes[0])
        return X, np.sin(X @ mix).astype(np.float32)

    def network(self) -> Network:
        """The network before training, always with the same weights."""
        return Network(self.sizes, hidden="sigmoid", seed=0)

    def loop(self) -> Callable[[], np.ndarray]:
        """A function that trains a copy of the network by a NumPy loop, and returns its weights."""
        X, Y = self.data()
        net = self.network()

        def run():
            weights, biases = [W.copy() for W in net.weights], [b.copy() for b in net.biases]
            if self.batch_size == 1:
                numpy_loops.train_samples(X, Y, weights, biases, LR)
            else:
                numpy_loops.train_batches(X, Y, weights, biases, LR, self.batch_size)
            return np.concatenate([W.ravel() for W in weights])

        return run

    def compiled(self) -> Callable[[], np.ndarray]:
        """The same by `Network.train`, checks of its arguments included."""
        X, Y = self.data()
        net = self.network()
        start = net.theta.copy()

        def run():
            net.theta[:] = start
            net.train(X, Y, epochs=1, lr=LR, batch_size=self.batch_size, shuffle=False)
            return np.concatenate([W.ravel() for W in net.weights])

        return run


def measure(training: Training, seconds: float = 0.3) -> Speedup:
    """Compare the results of both ways, then time them in turn for about ``seconds``.

    Raises
    ------
    ArithmeticError
        If the weights differ by more than the rounding of float32 explains.
    """
    loop, compiled = training.loop(), training.compiled()
    difference = float(np.abs(loop() - compiled()).max())
    if not difference <= TOLERANCE:
        raise ArithmeticError(f"{training.name} differs from the NumPy loop by {difference}")
    slow: list[float] = []
    fast: list[float] = []
    while not slow or sum(slow) < seconds:
        slow.append(timed(loop))
        fast += [timed(compiled) for _ in range(3)]
    return Speedup(training.name, training.work, min(slow), min(fast), difference, target=15)
