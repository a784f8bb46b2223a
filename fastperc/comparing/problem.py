"""What all variants of a comparison train: one network, one set of samples, one start."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np

from .. import checks
from ..model import options
from ..model.layout import initialise, n_parameters, views
from ..model.losses import check_targets


@dataclass(frozen=True)
class Kind:
    """What a kernel does, whatever runs it.

    Attributes
    ----------
    what : str
    arguments : tuple of str
        What a function of this kind is called with.
    counts : str
        What a check counts: training goes step by step; what is computed at once is computed for
        ever more rows.
    """

    what: str
    arguments: tuple[str, ...]
    counts: str = "step"

    @property
    def trains(self) -> bool:
        """Whether it changes parameters."""
        return "lr" in self.arguments


_TRAINING = ("X", "Y", "weights", "biases", "lr")
KINDS = {
    "online": Kind("one update per sample", _TRAINING),
    "batches": Kind("one update per batch of samples", (*_TRAINING, "batch_size")),
    "full": Kind("one update per epoch, with all samples", _TRAINING),
    "forward": Kind("the outputs for all samples", ("X", "weights", "biases"), "row"),
    "gradient": Kind("the gradient of the mean loss of all samples", _TRAINING[:-1], "row"),
}


@dataclass(frozen=True, eq=False)
class Problem:
    """A training run, complete: two variants that both solve it get the same parameters.

    Attributes
    ----------
    kind : str
        One of `KINDS`.
    sizes : tuple of int
    hidden, output, loss : str
        As in `fastperc.Network`.
    dtype : str
    n_samples, batch_size : int
        ``batch_size`` is 1 for online; all samples for what takes them at once.
    lr : float
    seed : int
        Of samples and start.
    data : (X, Y), optional
        Samples to use instead of drawn ones.
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

    @property
    def title(self) -> str:
        """In a few words."""
        size = f", batches of {self.batch_size}" if self.kind == "batches" else ""
        network = "-".join(map(str, self.sizes))
        return f"{self.kind}: {network}, {self.n_samples:,} samples{size}, {self.dtype}"

    @property
    def activations(self) -> tuple[str, ...]:
        """One per layer."""
        return (*(self.hidden,) * (len(self.sizes) - 2), self.output)

    @property
    def trains(self) -> bool:
        """Whether the kind is a way of training."""
        return KINDS[self.kind].trains

    @property
    def step_rows(self) -> int:
        """Samples that a check adds at a time: those of a step."""
        return self.batch_size if self.trains else 1

    @property
    def n_steps(self) -> int:
        """Steps of an epoch."""
        return -(-self.n_samples // self.step_rows)

    @property
    def block_names(self) -> list[str]:
        """``W1``, ``b1``, ``W2``, ..., in the order of `start`; or ``outputs``."""
        if self.kind == "forward":
            return ["outputs"]
        return [f"{kind}{layer}" for layer in range(1, len(self.sizes)) for kind in "Wb"]

    def summary(self) -> dict[str, Any]:
        """All but the samples, for JSON."""
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
        """Fresh copies of weights, (n_in, n_out) each, and biases, (n_out,) each."""
        return views(self.theta.copy(), self.sizes)

    def _cast(self, array: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(array, dtype=self.dtype)


def draw_samples(problem: Problem) -> tuple[np.ndarray, np.ndarray]:
    """Normal inputs, and targets that suit the loss: a smooth map of them, or its sign."""
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
    kind: Any, sizes: Any, dtype: Any, n_samples: Any, batch_size: Any, lr: Any, seed: Any,
    hidden: str, output: str, loss: str, X: Any, y: Any,
) -> Problem:  # fmt: skip
    """Check what `compare` was given."""
    sizes = options.check_sizes(parse_sizes(sizes))
    options.check_hidden(hidden, len(sizes) - 2)
    output, record = options.check_output(output, loss, sizes[-1])
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


def parse_sizes(sizes: Any) -> Any:
    """``"8-32-1"`` as (8, 32, 1); anything else as it is."""
    if not isinstance(sizes, str):
        return sizes
    parts = sizes.split("-")
    if not all(part.isascii() and part.isdigit() for part in parts):
        raise ValueError(f"sizes: found {sizes!r:.60}, expected numbers such as 8-32-1")
    return tuple(map(int, parts))
