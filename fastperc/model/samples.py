"""Samples: inputs, targets and weights, as an array or a sparse matrix."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ..checks import check_positive
from ..kernels.arguments import Samples as Arguments

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from ..deadline import Deadline
    from ..training.rules import Rule
    from ..training.steps import Steps
    from .dense import Dense

WINDOW = 1 << 20  # numbers that are made dense, or converted, at a time


def read_only(a: np.ndarray, dtype: np.dtype | type | None = None) -> np.ndarray:
    """Return a C-contiguous, read-only view or copy: kernels are compiled for nothing else."""
    plain = np.ascontiguousarray(a, dtype).view()
    plain.flags.writeable = False
    return plain


def no_order(n: int) -> np.ndarray:
    """Return the order of kernels that go through ``n`` samples as they come."""
    return np.empty((0, n), np.int64)


@dataclass(frozen=True)
class Samples:
    """Checked samples, in the dtype of a network.

    Attributes
    ----------
    X : ndarray or csr_matrix of shape (n_samples, n_inputs)
    Y : ndarray of shape (n_samples, n_outputs)
    weight : ndarray of shape (n_samples,) or (0,)
    weight_is_factor : bool
        Whether, in batches of one sample, its weight multiplies the gradient. In a weighted mean of
        one sample it would cancel.
    unit : float
        What weights are counted in: a power of two.
    """

    X: np.ndarray | csr_matrix
    Y: np.ndarray
    weight: np.ndarray
    weight_is_factor: bool = False
    unit: float = 1.0

    def __len__(self) -> int:
        return len(self.Y)

    @property
    def is_sparse(self) -> bool:
        """True for inputs in a sparse matrix."""
        return not isinstance(self.X, np.ndarray)

    @property
    def weights_are_factors(self) -> bool:
        """Whether a step of one sample is by its gradient times its weight."""
        return self.weight_is_factor or not len(self.weight)

    @property
    def weight_sum(self) -> float:
        """The sum of the weights, or the number of samples."""
        total = self.weight.sum(dtype=np.float64) if len(self.weight) else len(self.Y)
        return float(total)

    def take(self, rows: np.ndarray) -> Samples:
        """Return the samples at the given places, in that order."""
        X = self.X[rows]
        return replace(
            self,
            X=X if self.is_sparse else read_only(X),
            Y=read_only(self.Y[rows]),
            weight=read_only(self.weight[rows]) if len(self.weight) else self.weight,
        )

    def with_weight(self) -> Samples:
        """Return the samples without those of weight 0."""
        if not len(self.weight) or self.weight.all():
            return self
        return self.take(np.flatnonzero(self.weight))

    def in_units_of_one(self) -> Samples:
        """Return the same samples, with weights as they were given."""
        if self.unit == 1:
            return self
        weight = read_only(self.weight * self.weight.dtype.type(self.unit))
        return replace(self, weight=weight, unit=1.0)

    def astype(self, dtype: np.dtype) -> Samples:
        """Return the same samples in another precision."""
        X = self.X.astype(dtype) if self.is_sparse else read_only(self.X, dtype)
        return replace(self, X=X, Y=read_only(self.Y, dtype), weight=read_only(self.weight, dtype))

    def arguments(self, order: np.ndarray) -> Arguments:
        """Return dense samples as kernels take them, to be gone through in this order."""
        return Arguments(self.X, self.Y, self.weight, order)

    def dense(self, rows: slice | np.ndarray) -> Samples:
        """Return the samples at the given places, inputs as an array."""
        if isinstance(rows, slice) and rows == slice(None) and not self.is_sparse:
            return self
        weight = read_only(self.weight[rows]) if len(self.weight) else self.weight
        return replace(self, X=dense_rows(self.X, rows), Y=read_only(self.Y[rows]), weight=weight)


class RemoteSamples:
    """Samples that lie in other processes, which compute what is asked of them.

    They stand in for `Samples` where all of them make one step. Part of a run's state, since what
    is done elsewhere may have one; see `training.checkpoints.Part`.

    Attributes
    ----------
    n_samples, n_inputs, n_outputs : int
    weight_sum, unit, weights_are_factors
        As of `Samples`.
    """

    unit = 1.0
    weights_are_factors = True

    def __init__(self, n_samples: int, n_inputs: int, n_outputs: int):
        self.n_samples, self.n_inputs, self.n_outputs = n_samples, n_inputs, n_outputs
        self.weight_sum = float(n_samples)

    def __len__(self) -> int:
        return self.n_samples

    def with_weight(self) -> RemoteSamples:
        """Return the samples: those without weight add nothing to a sum."""
        return self

    def identity(self) -> dict[str, object]:
        """Return digests of what the samples are made of; see `training.checkpoints.recorded`."""
        raise NotImplementedError

    def state(self) -> dict[str, object]:
        """Return copies of all that changes from step to step."""
        return {}

    def restore(self, state: dict[str, object]) -> None:
        """Take over a `state`."""

    def gradient_sums(self, model: Dense, deadline: Deadline) -> tuple[float, float, np.ndarray]:
        """Return the sums of losses, weights and gradients, as `evaluate.gradient_sums`."""
        raise NotImplementedError

    def steps(self, model: Dense, rule: Rule, batch_size: int, deadline: Deadline) -> Steps:
        """Return what takes the steps of an epoch; see `training.steps`."""
        raise NotImplementedError


def split_off(
    samples: Samples, fraction: object, rng: np.random.Generator, least: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Return the places of samples to train on, ``least`` or more, and of a random fraction.

    Raises
    ------
    TypeError, ValueError
        Where one side would be left without samples, or without any of weight. The generator is as
        it was.
    """
    share = check_positive(fraction, "validation")
    n, weight = len(samples), samples.weight
    n_held = round(share * n)
    if share >= 1 or not 0 < n_held < n:
        raise ValueError(
            f"validation: found the fraction {share:g} of {n} samples, expected a "
            "fraction that leaves samples on both sides"
        )
    if n - n_held < least:
        raise ValueError(
            f"validation: found the fraction {share:g} of {n} samples, which leaves {n - n_held}, "
            f"expected at least {least} to train on: one whole batch, with drop_last=True. Use a "
            "smaller batch_size"
        )
    state = rng.bit_generator.state
    order = rng.permutation(n)
    held, kept = order[:n_held], order[n_held:]
    if len(weight) and not (weight[held].any() and weight[kept].any()):
        rng.bit_generator.state = state
        raise ValueError(
            "validation: found a part without any sample of positive sample_weight, expected "
            "some on both sides. Give a validation set, or leave out samples of weight 0"
        )
    return kept, held


def windows(
    X: np.ndarray | csr_matrix, at_least: int = 1, dtype: np.dtype | None = None
) -> list[slice]:
    """Cut rows into pieces small enough to be made dense; an array is one piece.

    With ``dtype``, only an array of that dtype is.
    """
    if isinstance(X, np.ndarray) and (dtype is None or X.dtype == dtype):
        return [slice(None)]
    size = max(at_least, WINDOW // max(1, X.shape[1]))
    return [slice(k, min(k + size, X.shape[0])) for k in range(0, X.shape[0], size)]


def dense_rows(X: np.ndarray | csr_matrix, rows: slice | np.ndarray) -> np.ndarray:
    """Return rows of an array or of a sparse matrix as an array."""
    part = X[rows]
    return read_only(part if isinstance(part, np.ndarray) else part.toarray())
