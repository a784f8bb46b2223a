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

from ..checks import all_finite
from ..deadline import NO_LIMIT, Deadline
from ..errors import NonFiniteWeightsError
from ..kernels.call_by_address import address_of
from ..kernels.linear import find_slopes, train_linear
from ..kernels.linear_epochs import NOT_FINITE, OVER, STOPPING, end_epoch, train_epochs
from ..kernels.linear_orders import reorder, shuffle
from ..kernels.linear_parts.arguments import LinearSamples
from ..kernels.linear_single import learn_linear
from ..model.linear import Linear
from ..model.samples import read_only
from .checkpoints import Arrays, Part, Record, State, arrays_of, digest, recorded

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

# So few numbers of X are added up one after the other, not many at once: coefficients are then
# those of scikit-learn to the last bit, and nothing is left for steps to multiply.
FEW = 1 << 18
SLICE = 1 << 22  # numbers of X in a call: some milliseconds, after which Ctrl-C is heard
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
    check : callable, optional
        Called once the first scores are known if one was infinite or NaN: raises where X is to
        blame.
    """

    X: np.ndarray | csr_matrix
    y: np.ndarray
    weight: np.ndarray
    class_weight: np.ndarray
    check: Callable[[], None] | None = None

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

    def identity(self) -> State:
        """Return digests; see `checkpoints.recorded`."""
        return {
            "X": {"sha256": digest(*arrays_of(self.X))},
            "y": {"sha256": digest(self.y)},
            "sample_weight": {"sha256": digest(self.weight, self.class_weight)},
        }

    @property
    def size(self) -> int:
        """Number of stored values."""
        return self.X.size if isinstance(self.X, np.ndarray) else self.X.nnz

    @property
    def step(self) -> int:
        """How many rows a call into the kernel takes."""
        return max(1, SLICE * len(self.y) // (self.size + 1))


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

    def identity(self) -> State:
        """Return the options; see `checkpoints.recorded`."""
        return {"tol": self.tol, "n_iter_no_change": self.patience}

    @property
    def wants_loss(self) -> bool:
        """Whether losses have to be added up."""
        return self.verbose or (self.score is None and self.tol > -math.inf)

    def state(self) -> np.ndarray:
        """Return what `linear_epochs.end_epoch` reads and writes."""
        return np.array([self.tol, self.patience, -math.inf, 0, 0])


class Orders:
    """The order of rows in each epoch, as scikit-learn has it.

    Parameters
    ----------
    n : int
        Number of rows.
    seed : int, optional
        Of the shuffle; None: rows come as they are.
    held : ndarray of bool of shape (n,), optional
        Rows that are set aside: they take part in the shuffle, and are passed over.

    Attributes
    ----------
    places, order, room : ndarrays of int32 of shape (n,), or (0,) without a shuffle
        See `linear_epochs.train_epochs`.
    """

    def __init__(self, n: int, seed: int | None, held: np.ndarray | None = None):
        self.held = held
        self.kept = NONE if held is None else np.flatnonzero(~held).astype(np.int32)
        self.places = self.order = self.room = NONE
        if seed is not None:
            self.order = np.arange(n, dtype=np.int32)
            self.places, self.room = self.order.copy(), self.order.copy()
            shuffle(seed, self.places)

    def state(self) -> State:
        """Return the order of the last epoch, from which the next one follows."""
        return {"order": self.order.copy()}

    def restore(self, state: State) -> None:
        """Go on from a `state`."""
        if (np.sort(state["order"]) != np.arange(len(self.order))).any():
            raise ValueError("order: found rows that are no order of the samples")
        self.order[:] = state["order"]

    def next(self) -> np.ndarray:
        """Return the order of the next epoch; empty: rows as they come."""
        if not len(self.places):
            return self.kept
        # Each epoch shuffles anew, from the same seed, what the last one left.
        reorder(self.order, self.places, self.room)
        self.order, self.room = self.room, self.order
        return self.order if self.held is None else self.order[~self.held[self.order]]


def train(
    model: Linear, rows: Rows, orders: Orders, stopping: Stopping, deadline: Deadline = NO_LIMIT
) -> tuple[int, list[int]]:
    """Train a model until it gets no better, or Ctrl-C is pressed: see `Deadline.is_interrupted`.

    Returns
    -------
    n_epochs : int
        Whole ones.
    mistakes : list of int
        Rows on the wrong side, or on the boundary, when their turn came: of each epoch.

    Raises
    ------
    NonFiniteWeightsError
        If a coefficient or intercept became infinite or NaN.
    """
    model.begin(tracks_loss=stopping.wants_loss)
    model.record["in_order"] = rows.size <= FEW and model.theta.dtype.itemsize == 8
    progress = _Progress(stopping.state())
    arrays = Arrays(theta=model.theta, numbers=model.state)
    parts: dict[str, Part] = {"order": orders, "progress": progress, "model": arrays}

    def identity() -> State:
        return {**rows.identity(), **stopping.identity(), **model.identity()}

    is_small = rows.step >= len(rows.y) and orders.held is None
    in_calls = is_small and stopping.score is None and not stopping.verbose
    take_epochs = _epochs_in_calls if in_calls else _epochs_one_by_one
    with recorded(identity, parts, stopping.max_iter) as record:
        reason, mistakes = record.reason, progress.mistakes
        calls = take_epochs(model, rows, orders, progress, stopping, record, deadline)
        for more, outcome in () if reason else calls:
            mistakes += more
            if outcome == NOT_FINITE:
                raise NonFiniteWeightsError(len(mistakes), NON_FINITE.format(epoch=len(mistakes)))
            if outcome == OVER:
                reason = "converged"
                break
            record.keep(len(mistakes))
            if deadline.is_interrupted:
                break
        if not reason:
            reason = "interrupted" if deadline.is_interrupted else "epochs"
        record.end(len(mistakes), reason)
    if deadline.is_interrupted and not all_finite(model.theta):
        raise NonFiniteWeightsError(len(mistakes) + 1, NON_FINITE.format(epoch=len(mistakes) + 1))
    return len(mistakes), mistakes


class _Progress:
    """How far training is: what `linear_epochs.end_epoch` compares with, and mistakes so far."""

    def __init__(self, watched: np.ndarray):
        self.watched = watched
        self.mistakes: list[int] = []
        self.n = 0  # rows of the last epoch

    def state(self) -> State:
        """Return copies."""
        mistakes = np.array(self.mistakes, np.int64)
        return {"watched": self.watched.copy(), "mistakes": mistakes, "n": self.n}

    def restore(self, state: State) -> None:
        """Take over a `state`."""
        self.watched[:], self.n = state["watched"], state["n"]
        self.mistakes[:] = state["mistakes"].tolist()


_addresses: dict[tuple[object, ...], int] = {}  # of `train_linear`, by what its types depend on
Calls = Iterator[tuple[list[int], int]]  # mistakes of each epoch, and what came of the last


def _epochs_in_calls(
    model: Linear, rows: Rows, orders: Orders, progress: _Progress, stopping: Stopping,
    record: Record, deadline: Deadline,
) -> Calls:  # fmt: skip
    """Train for many epochs of few rows in each call."""
    n_epochs = max(1, rows.step // len(rows.y))
    samples, scores = rows.arguments(orders.order), model.scores
    run = samples, model.arguments(), scores, NO_OUTPUTS
    kinds = samples.X.dtype, samples.X.ndim, samples.columns.dtype
    if kinds not in _addresses:
        _addresses[kinds] = address_of(train_linear, *run[:2], 0, 1, *run[2:])
    done = record.done
    while done < stopping.max_iter:
        at_once = min(n_epochs, stopping.max_iter - done, record.until_due(done))
        mistakes = np.empty(at_once, np.int64)
        n, outcome = train_epochs(
            _addresses[kinds], *run, orders.places, orders.order, orders.room, progress.watched,
            mistakes,
        )  # fmt: skip
        if done == 0:
            _check_strange(model, rows)
        done += n
        yield mistakes[:n].tolist(), outcome


def _check_strange(model: Linear, rows: Rows) -> None:
    """Look at X where scores were infinite or NaN."""
    if rows.check is not None and model.record["strange"] != 0:
        rows.check()


def _epochs_one_by_one(
    model: Linear, rows: Rows, orders: Orders, progress: _Progress, stopping: Stopping,
    record: Record, deadline: Deadline,
) -> Calls:  # fmt: skip
    """Train for one epoch after another, of many rows, or with a look at each."""
    numbers, watch = model.record, progress.watched.view(STOPPING)[0]
    for epoch in range(record.done + 1, stopping.max_iter + 1):
        if watch["still"]:
            numbers["t"] += progress.n
        else:
            for name in ("loss_sum", "penalty_sum", "mistakes", "updates"):
                numbers[name] = 0.0
            progress.n = _run(model, rows, orders.next(), deadline)
            if deadline.is_interrupted:  # perhaps in the middle of the epoch
                return
            if epoch == 1:
                _check_strange(model, rows)
        score = math.nan if stopping.score is None else stopping.score(model)
        outcome = end_epoch(model.arguments(), progress.watched, progress.n, score)
        if stopping.verbose:
            _print(model, epoch, progress.n, score, outcome)
        yield [int(numbers["mistakes"])], outcome


def _run(model: Linear, rows: Rows, order: np.ndarray, deadline: Deadline) -> int:
    """Take each row once, unless Ctrl-C is pressed; return how many there are."""
    samples, n = rows.arguments(order), len(order) or len(rows.y)
    for first in range(0, n, rows.step):
        if deadline.is_interrupted:
            break
        last = min(first + rows.step, n)
        train_linear(samples, model.arguments(), first, last, model.scores, NO_OUTPUTS)
    return n


def _print(model: Linear, epoch: int, n: int, score: float, outcome: int) -> None:
    """Print what scikit-learn prints after an epoch."""
    record, coef = model.record, model.coef
    norm = float(record["scale"]) * float(np.linalg.norm(coef))
    loss, penalty = record["loss_sum"] / n, record["penalty_sum"] / n
    line = (
        f"-- Epoch {epoch}\nNorm: {norm:.2f}, NNZs: {np.count_nonzero(coef)}, "
        f"Bias: {model.intercept[0]:.6f}, T: {epoch * n}, Avg. loss: {loss:.6f}, "
        f"Objective: {loss + penalty:.6f}"
    )
    print(line if math.isnan(score) else f"{line}, Validation score: {score:.6f}")
    if outcome == OVER:
        print(f"Convergence after {epoch} epochs")


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
