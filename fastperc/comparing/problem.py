"""The problem that all variants of a comparison solve: one network, samples and start values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from .. import checks
from ..model import options
from ..model.layout import initialise, n_parameters, views
from ..model.losses import check_targets
from .task import TASKS, Task


@dataclass(frozen=True, eq=False)
class Problem:
    """Define a training run completely: whoever solves it gets the same parameters.

    Attributes
    ----------
    kind : str
        One of `TASKS`.
    sizes : tuple of int
    hidden, output, loss : str
        As in `fastperc.Network`.
    dtype : str
    n_samples, batch_size : int
        ``batch_size`` is 1 for online, and all samples for tasks that take them at once.
    lr : float
    seed : int
        Seed of samples and start values.
    data : (X, Y), optional
        Samples to use instead of drawn ones.
    momentum, alpha : float
        As in `fastperc.Network.train`: of the velocity, and of the penalty on the weights.
    epochs : int
        How often a call of a training function goes through the samples.
    bias : bool
        Whether layers have biases.
    layout : str
        Of the arrays that a function of the user's gets and gives: ``"rows"``, one sample per row,
        or ``"columns"``.
    """

    kind: str = "online"
    sizes: tuple[int, ...] = (8, 32, 1)
    hidden: str = "sigmoid"
    output: str = "identity"
    loss: str = "squared_error"
    dtype: str = "float32"
    n_samples: int = 20_000
    batch_size: int = 1
    lr: float = 0.01
    seed: int = 0
    data: tuple[np.ndarray, np.ndarray] | None = None
    momentum: float = 0.0
    alpha: float = 0.0
    epochs: int = 1
    bias: bool = True
    layout: str = "rows"

    @property
    def task(self) -> Task:
        """The task of this kind."""
        return TASKS[self.kind]

    @property
    def title(self) -> str:
        """The problem in a few words."""
        size = f", batches of {self.batch_size}" if self.kind == "batches" else ""
        network = "-".join(map(str, self.sizes))
        return f"{self.kind}: {network}, {self.n_samples:,} samples{size}, {self.dtype}"

    @property
    def activations(self) -> tuple[str, ...]:
        """The activation of each layer."""
        return (*(self.hidden,) * (len(self.sizes) - 2), self.output)

    @property
    def step_rows(self) -> int:
        """The number of samples that a check adds at a time: those of a step."""
        return self.batch_size if self.task.trains else 1

    @property
    def n_steps(self) -> int:
        """The number of steps of an epoch."""
        return -(-self.n_samples // self.step_rows)

    @property
    def block_names(self) -> list[str]:
        """``W1``, ``b1``, ``W2``, ..., in the order of `start`; or ``outputs``."""
        if self.kind == "forward":
            return ["outputs"]
        return [f"{kind}{layer}" for layer in range(1, len(self.sizes)) for kind in "Wb"]

    def summary(self) -> dict[str, object]:
        """Return all but the samples, for JSON."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name != "data"}

    @cached_property
    def samples(self) -> tuple[np.ndarray, np.ndarray]:
        """X (n_samples, n_inputs) and Y (n_samples, n_outputs)."""
        X, Y = self.data if self.data is not None else draw_samples(self)
        return self._cast(X), self._cast(Y)

    @cached_property
    def theta(self) -> np.ndarray:
        """Start values of all parameters, laid out as those of a `Network`; none is 0."""
        rng = np.random.default_rng(self.seed)
        theta = np.empty(n_parameters(self.sizes))
        initialise(theta, self.sizes, "glorot", rng)
        for b in views(theta, self.sizes)[1]:
            b[...] = rng.uniform(-0.5, 0.5, b.shape)
        return self._cast(theta)

    def start(self) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Return copies of the start values: weights (n_in, n_out) and biases (n_out,)."""
        return views(self.theta.copy(), self.sizes)

    def _cast(self, array: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(array, dtype=self.dtype)

    @property
    def flops_per_sample(self) -> float:
        """Multiplications and additions in the matrix work of a sample.

        2 n_in n_out each for the forward pass, for the gradient or update and, except in the first
        layer, for the backward pass. Activations and biases are left out.
        """
        products = [2 * n_in * n_out for n_in, n_out in pairwise(self.sizes)]
        return sum(products) if self.kind == "forward" else 3 * sum(products) - products[0]

    @property
    def bytes_per_sample(self) -> float:
        """Bytes that have to be read or written if nothing stays in a cache.

        These are the inputs and outputs or targets of the sample and, once for each step or for
        all samples, the parameters: read, and unless outputs are computed, written as well.
        """
        itemsize = np.dtype(self.dtype).itemsize
        times = 1 if self.kind == "forward" else 2
        parameters = times * n_parameters(self.sizes) / self.batch_size
        return itemsize * (self.sizes[0] + self.sizes[-1] + parameters)


def draw_samples(problem: Problem) -> tuple[np.ndarray, np.ndarray]:
    """Draw normal inputs, and targets that suit the loss: a smooth map of them, or its sign."""
    rng = np.random.default_rng(problem.seed)
    n_inputs, n_outputs = problem.sizes[0], problem.sizes[-1]
    X = rng.standard_normal((problem.n_samples, n_inputs))
    Z = X @ (rng.standard_normal((n_inputs, n_outputs)) / np.sqrt(n_inputs))
    if problem.loss == "cross_entropy":
        return X, np.eye(n_outputs)[Z.argmax(axis=1)]
    if problem.loss == "log_loss":
        return X, (Z > 0).astype(float)
    if problem.loss == "hinge":
        return X, np.where(Z > 0, 1.0, -1.0)
    if problem.loss == "poisson":
        return X, rng.poisson(np.exp(0.3 * Z)).astype(float)
    return X, np.sin(Z)


def make_problem(
    kind: str, sizes: str | Iterable[int], *, dtype: DTypeLike, n_samples: int, batch_size: int,
    lr: float | None, seed: int, hidden: str, output: str, loss: str, X: ArrayLike | None,
    y: ArrayLike | None,
) -> Problem:  # fmt: skip
    """Make a problem of the arguments of `compare`, checked."""
    sizes = options.check_sizes(parse_sizes(sizes))
    options.check_hidden(hidden, len(sizes) - 2)
    output, record = options.check_output(output, loss, tuple(sizes))
    data = None
    if X is not None:
        X = checks.check_array(X, "X", columns=sizes[0])
        data = X, check_targets(y, record, len(X), sizes[-1], np.dtype("float64"))
        n_samples = len(X)
    n_samples = checks.check_count(n_samples, "n_samples")
    batch_size = min(checks.check_count(batch_size, "batch_size"), n_samples)
    return Problem(
        kind=kind, sizes=sizes, hidden=hidden, output=output, loss=loss,
        dtype=options.check_dtype(dtype).name, n_samples=n_samples,
        batch_size={"online": 1, "batches": batch_size}.get(kind, n_samples),
        lr=min(0.01, 0.5 / sizes[0]) if lr is None else checks.check_positive(lr, "lr"),
        seed=checks.check_count(seed, "seed", least=0),
        data=data,
    )  # fmt: skip


def parse_sizes(sizes: str | Iterable[int]) -> Iterable[int]:
    """Return ``"8-32-1"`` as (8, 32, 1), and anything else unchanged."""
    if not isinstance(sizes, str):
        return sizes
    parts = sizes.split("-")
    if not all(part.isascii() and part.isdigit() for part in parts):
        raise ValueError(f"sizes: found {sizes!r:.60}, expected numbers such as 8-32-1")
    return tuple(map(int, parts))
