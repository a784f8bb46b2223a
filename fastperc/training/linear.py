"""Training a linear model: epochs in slices that a user can interrupt, until it gets no better.

The rules by which training stops are scikit-learn's, except where those of its version 1.9.1 look
at the wrong numbers: the penalty of sparse rows, and what early stopping scores (see
``docs/linear.md``).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..errors import NonFiniteWeightsError
from ..kernels.linear import find_slopes, train_linear
from ..kernels.linear_orders import reorder, shuffle
from ..kernels.linear_parts.arguments import ADAPTIVE, PA1, SCALED, LinearSamples
from ..kernels.linear_single import learn_linear
from ..model.linear import Linear
from ..model.samples import read_only

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

SLICE = 1 << 22  # numbers of X in a call: some milliseconds, after which Ctrl-C is heard
LEAST_RATE = 1e-6  # below which an adaptive learning rate is not divided any more
NON_FINITE = (
    "Floating-point under-/overflow occurred at epoch #{epoch}. Scaling input data with "
    "StandardScaler or MinMaxScaler might help."
)
NO_OUTPUTS = np.empty((0, 1))
NONE = np.empty(0, np.int32)
NO_WEIGHT = np.empty(0)


@dataclass(frozen=True)
class Rows:
    """Rows to learn from, as kernels take them.

    Attributes
    ----------
    X : ndarray or csr_matrix of shape (n, n_features)
    y : ndarray of shape (n,)
        Of X's dtype: targets, or with several outputs the numbers of the classes.
    weight : ndarray of shape (n,) or (0,)
    class_weight : ndarray of float64 of shape (n_outputs,) or (0,)
    """

    X: np.ndarray | csr_matrix
    y: np.ndarray
    weight: np.ndarray
    class_weight: np.ndarray

    def arguments(self, order: np.ndarray) -> LinearSamples:
        """Return the rows, to be taken in an order."""
        if isinstance(self.X, np.ndarray):
            values, columns, starts = self.X, NONE, NONE
        else:
            values, columns, starts = self.X.data, self.X.indices, self.X.indptr
        return LinearSamples(
            read_only(values), read_only(columns), read_only(starts, columns.dtype),
            read_only(self.y), read_only(self.weight), read_only(self.class_weight),
            read_only(order),
        )  # fmt: skip

    @property
    def step(self) -> int:
        """How many rows a call into the kernel takes."""
        size = self.X.size if isinstance(self.X, np.ndarray) else self.X.nnz
        return max(1, SLICE * len(self.y) // (size + 1))


@dataclass(frozen=True)
class Stopping:
    """When training ends.

    Attributes
    ----------
    max_iter : int
        Most epochs.
    tol : float
        What counts as better; minus infinity: nothing stops training early.
    patience : int
        Epochs without anything better.
    score : callable, optional
        The score of a model, the larger the better; without, it is the mean objective.
    verbose : bool
        Whether each epoch prints a line, in scikit-learn's words.
    """

    max_iter: int
    tol: float
    patience: int
    score: Callable[[Linear], float] | None = None
    verbose: bool = False


def orders(n: int, seed: int | None, held: np.ndarray | None) -> Iterator[np.ndarray]:
    """Yield the order of rows in each epoch, as scikit-learn has it.

    Parameters
    ----------
    n : int
        Number of rows.
    seed : int, optional
        Of the shuffle; None: rows come as they are.
    held : ndarray of bool of shape (n,), optional
        Rows that are set aside: they take part in the shuffle, and are passed over.
    """
    order = np.arange(n, dtype=np.int32)
    kept = np.flatnonzero(~held).astype(np.int32) if held is not None else NONE
    if seed is None:
        while True:
            yield kept
    places, room = order.copy(), order.copy()
    shuffle(seed, places)
    while True:  # each epoch shuffles anew from the same seed what the last one left
        reorder(order, places, room)
        order, room = room, order
        yield order if held is None else order[~held[order]]


def train(
    model: Linear, rows: Rows, order: Iterator[np.ndarray], stopping: Stopping
) -> tuple[int, list[int]]:
    """Train a model until it gets no better.

    Returns
    -------
    n_epochs : int
    mistakes : list of int
        Rows on the wrong side, or on the boundary, when their turn came: of each epoch.

    Raises
    ------
    NonFiniteWeightsError
        If a coefficient or intercept became infinite or NaN.
    """
    record, watch = model.record, _Watch(model, stopping)
    model.begin(tracks_loss=watch.wants_loss)
    mistakes: list[int] = []
    n, is_still = 0, False
    for epoch in range(1, stopping.max_iter + 1):
        if is_still:
            record["t"] += n
        else:
            for name in ("loss_sum", "penalty_sum", "mistakes", "updates"):
                record[name] = 0.0
            n = _run(model, rows, next(order))
            is_still = watch.is_still()
        if not model.is_finite:
            raise NonFiniteWeightsError(epoch, NON_FINITE.format(epoch=epoch))
        mistakes.append(int(record["mistakes"]))
        if watch.is_over(epoch, n):
            return epoch, mistakes
    return stopping.max_iter, mistakes


def _run(model: Linear, rows: Rows, order: np.ndarray) -> int:
    """Take each row once; return how many there are."""
    samples, n = rows.arguments(order), len(order) or len(rows.y)
    for first in range(0, n, rows.step):
        last = min(first + rows.step, n)
        train_linear(samples, model.arguments(), first, last, model.scores, NO_OUTPUTS)
    return n


def learn_rows(model: Linear, rows: Rows) -> tuple[int, np.ndarray]:
    """Learn rows in the order in which they come, each to the last bit as if it were the only one.

    Returns
    -------
    n : int
        How many were learned: all, or those before the first whose scores are not finite.
    outputs : ndarray of float64 of shape (n_samples, n_outputs)
        The scores of each row before it was learned.
    """
    size = len(rows.y)
    targets = np.full((size, 2 + model.n_outputs), np.nan)
    targets[:, 0] = rows.y
    for first in range(0, size, rows.step):
        here = slice(first, min(first + rows.step, size))
        part = Rows(rows.X[here], rows.y[here], NO_WEIGHT, NO_WEIGHT).arguments(NONE)
        loss = learn_linear(
            part.X, part.columns, part.starts, targets[here].reshape(-1), model.theta, model.state
        )
        if math.isnan(loss):
            return int(np.flatnonzero(np.isnan(targets[:, 1]))[0]), targets[:, 2:]
    return size, targets[:, 2:]


def slopes(model: Linear, rows: Rows) -> np.ndarray:
    """Return the derivative of each row's loss by its scores, float64 of shape (n, n_outputs)."""
    found = np.empty((len(rows.y), model.n_outputs))
    find_slopes(rows.arguments(NONE), model.arguments(), model.scores, found)
    return found


class _Watch:
    """Looks at a model after each epoch, and decides whether training is over."""

    def __init__(self, model: Linear, stopping: Stopping):
        self.model, self.stopping = model, stopping
        self.best, self.stalled = -math.inf, 0
        ends_by_loss = stopping.score is None and stopping.tol > -math.inf
        self.wants_loss = ends_by_loss or stopping.verbose

    def is_still(self) -> bool:
        """Return whether no step was taken, so that none will be in any epoch to come."""
        record = self.model.record
        penalised = record["l1"] > 0 or record["l2"] > 0 or record["rule"] != SCALED
        return record["updates"] == 0 and not penalised and record["average_from"] == 0

    def is_over(self, epoch: int, n: int) -> bool:
        """Compare the model with the best so far; count epochs without anything better."""
        record, stopping = self.model.record, self.stopping
        loss, objective = record["loss_sum"] / n, 0.0
        if record["schedule"] < PA1:
            objective = record["penalty_sum"] / n
        objective += loss
        score = -objective if stopping.score is None else stopping.score(self.model)
        if stopping.verbose:
            self._print(epoch, n, loss, objective, score)
        # Of losses as of scores: worse than the best by more than -tol does not count as better.
        if stopping.score is None:
            stalls = stopping.tol > -math.inf and objective > -self.best - stopping.tol
        else:
            stalls = stopping.tol > -math.inf and score < self.best + stopping.tol
        self.stalled = self.stalled + 1 if stalls else 0
        self.best = max(self.best, score)
        if self.stalled < stopping.patience:
            return False
        if record["schedule"] == ADAPTIVE and record["eta"] > LEAST_RATE:
            record["eta"] /= 5.0
            self.stalled = 0
            return False
        if stopping.verbose:
            print(f"Convergence after {epoch} epochs")
        return True

    def _print(self, epoch: int, n: int, loss: float, objective: float, score: float) -> None:
        record, coef = self.model.record, self.model.coef
        norm = float(record["scale"]) * float(np.linalg.norm(coef))
        line = (
            f"-- Epoch {epoch}\nNorm: {norm:.2f}, NNZs: {np.count_nonzero(coef)}, "
            f"Bias: {self.model.intercept[0]:.6f}, T: {epoch * n}, Avg. loss: {loss:.6f}, "
            f"Objective: {objective:.6f}"
        )
        if self.stopping.score is not None:
            line += f", Validation score: {score:.6f}"
        print(line)
