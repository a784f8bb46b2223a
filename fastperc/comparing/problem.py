"""The problem that all variants of a comparison solve: one network, samples and start values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from .. import checks
from ..model import options
from ..model.layout import initialise, n_parameters, views
from ..model.losses import check_targets
from .forms import LAYOUTS, Form, in_words, read_blocks
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
    initial : ndarray, optional
        Start values to use instead of drawn ones, laid out as ``theta``.
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
    initial: np.ndarray | None = None

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
        """``W1``, ``b1``, ``W2``, ..., or ``W1``, ``W2``, ... without biases; or ``outputs``."""
        if self.kind == "forward":
            return ["outputs"]
        return self.form().names

    def form(self, layout: str = "rows") -> Form:
        """Return what its parameters look like in a layout."""
        return Form(self.sizes, layout, self.bias)

    def summary(self) -> dict[str, object]:
        """Return all but the samples, for JSON."""
        unsaid = ("data", "initial")
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name not in unsaid}

    @cached_property
    def samples(self) -> tuple[np.ndarray, np.ndarray]:
        """X (n_samples, n_inputs) and Y (n_samples, n_outputs)."""
        X, Y = self.data if self.data is not None else draw_samples(self)
        return self._cast(X), self._cast(Y)

    @cached_property
    def theta(self) -> np.ndarray:
        """Start values of all parameters, laid out as those of a `Network`.

        None that is drawn is 0, but without biases all of theirs are.
        """
        if self.initial is not None:
            return self._cast(self.initial)
        rng = np.random.default_rng(self.seed)
        theta = np.empty(n_parameters(self.sizes))
        initialise(theta, self.sizes, "glorot", rng)
        for b in views(theta, self.sizes)[1]:
            b[...] = rng.uniform(-0.5, 0.5, b.shape) if self.bias else 0.0
        return self._cast(theta)

    def start(self) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Return copies of the start values: weights (n_in, n_out) and biases (n_out,)."""
        return views(self.theta.copy(), self.sizes)

    def start_blocks(self) -> list[np.ndarray]:
        """Return copies of the start values, as `block_names` calls those of parameters."""
        weights, biases = self.start()
        return self.form().ordered((weights, biases))

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
    y: ArrayLike | None, momentum: float = 0.0, alpha: float = 0.0, epochs: int = 1,
    bias: bool = True, layout: str = "rows", start: object = None,
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
    bias = checks.check_flag(bias, "bias")
    layout = checks.check_choice(layout, "layout", LAYOUTS)
    initial = None if start is None else check_start(start, Form(sizes, layout, bias))
    n_samples = checks.check_count(n_samples, "n_samples")
    batch_size = min(checks.check_count(batch_size, "batch_size"), n_samples)
    return Problem(
        kind=kind, sizes=sizes, hidden=hidden, output=output, loss=loss,
        dtype=options.check_dtype(dtype).name, n_samples=n_samples,
        batch_size={"online": 1, "batches": batch_size}.get(kind, n_samples),
        lr=min(0.01, 0.5 / sizes[0]) if lr is None else checks.check_positive(lr, "lr"),
        seed=checks.check_count(seed, "seed", least=0),
        data=data, initial=initial, alpha=checks.check_number(alpha, "alpha", least=0),
        momentum=_check_momentum(momentum),
        epochs=checks.check_count(epochs, "epochs"), bias=bias, layout=layout,
    )  # fmt: skip


def _check_momentum(momentum: float) -> float:
    number = checks.check_number(momentum, "momentum", least=0)
    if number >= 1:
        raise ValueError(f"momentum: found {momentum!r}, expected a number from 0 to below 1")
    return number


def check_start(start: object, form: Form) -> np.ndarray:
    """Return start values, given in any form, laid out as ``theta``.

    Given ``layout="columns"``, they may be in either layout.
    """
    rows = Form(form.sizes, "rows", form.bias)
    blocks = read_blocks(start, form)
    if form.layout == "columns" and blocks is not None and not _is_whole(blocks, rows):
        in_rows = read_blocks(start, rows)
        blocks = in_rows if in_rows is not None and _is_whole(in_rows, rows) else blocks
    sizes = "-".join(map(str, form.sizes))
    if blocks is None:
        raise TypeError(
            f"start: found {in_words(start)}, expected (weights, biases), {form.n_layers} arrays "
            f"each, for a network of sizes {sizes}"
        )
    for name, block in zip(form.names, blocks, strict=True):
        if block.shape != rows.shape(name):
            turned = block.T if form.layout == "columns" else block
            raise ValueError(
                f"start: found {name} of shape {turned.shape}, expected {form.shape(name)} for "
                f"sizes {sizes} and layout={form.layout!r}. Give the sizes of your network, or "
                "the other layout"
            )
    checked = [
        checks.check_array(block, f"start {name}", ndim=block.ndim)
        for name, block in zip(form.names, blocks, strict=True)
    ]
    return as_theta(checked, rows)


def as_theta(blocks: Sequence[np.ndarray], form: Form) -> np.ndarray:
    """Return W1, b1, ..., in rows, laid out as ``theta``; biases that there are none of are 0."""
    theta = np.zeros(n_parameters(form.sizes))
    kinds = views(theta, form.sizes)
    for name, block in zip(form.names, blocks, strict=True):
        kinds["Wb".index(name[0])][int(name[1:]) - 1][...] = block
    return theta


def _is_whole(blocks: list[np.ndarray], rows: Form) -> bool:
    """Return whether all blocks have their shapes."""
    return all(b.shape == rows.shape(name) for name, b in zip(rows.names, blocks, strict=True))


def parse_sizes(sizes: str | Iterable[int]) -> Iterable[int]:
    """Return ``"8-32-1"`` as (8, 32, 1), and anything else unchanged."""
    if not isinstance(sizes, str):
        return sizes
    parts = sizes.split("-")
    if not all(part.isascii() and part.isdigit() for part in parts):
        raise ValueError(f"sizes: found {sizes!r:.60}, expected numbers such as 8-32-1")
    return tuple(map(int, parts))
