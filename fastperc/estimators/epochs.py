"""One epoch after another on the kernels, in slices of time, on dense or sparse samples."""

from __future__ import annotations

import functools
import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..deadline import NO_LIMIT, OutOfTimeError, Watch
from ..kernels import activations, arguments, batch, online_rules, slabs, updates
from ..kernels.table import CHUNK, describe
from ..model.evaluate import (
    LONG,
    SLICE,
    SlabGradients,
    forward_on_threads,
    forward_rows,
    forward_work,
    loss_sums,
)
from ..model.layout import aligned_zeros
from ..network import Network
from .optimizer import Optimizer

WINDOW = 1 << 20  # numbers of a sparse matrix that are made dense at a time


def fixed(a: np.ndarray, dtype: Any = None) -> np.ndarray:
    """A C-contiguous, read-only view or copy: kernels are compiled for nothing else."""
    plain = np.ascontiguousarray(a, dtype).view()
    plain.flags.writeable = False
    return plain


def dense_rows(X: Any, rows: Any, dtype: np.dtype) -> np.ndarray:
    """Those rows of a CSR matrix as an array."""
    return fixed(X[rows].toarray(), dtype)


def windows(X: Any, at_least: int = 1) -> list[slice]:
    """Pieces of a sparse matrix that are small enough to be made dense."""
    size = max(at_least, WINDOW // max(1, X.shape[1]))
    return [slice(k, min(k + size, X.shape[0])) for k in range(0, X.shape[0], size)]


@functools.lru_cache(maxsize=64)
def packed_table(sizes: tuple[int, ...], codes: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """The table of a network all of whose rows lie in one array."""
    return describe(sizes, codes, dtype, direct=False)


@dataclass
class Samples:
    """What to train on. ``X`` is an array or a CSR matrix, ``weight`` may be empty.

    With ``weight_is_factor``, the gradient of a batch of one sample is multiplied by its weight,
    which would otherwise cancel out of that batch's weighted mean.
    """

    X: Any
    Y: np.ndarray
    weight: np.ndarray
    weight_is_factor: bool = False
    unit: float = 1.0  # what weights are counted in: the largest one's power of two

    @property
    def is_sparse(self) -> bool:
        return not isinstance(self.X, np.ndarray)

    def take(self, rows: np.ndarray) -> Samples:
        """Some of them."""
        X = self.X[rows]
        weight = fixed(self.weight[rows]) if len(self.weight) else self.weight
        Y = fixed(self.Y[rows])
        X = X if self.is_sparse else fixed(X)
        return Samples(X, Y, weight, self.weight_is_factor, self.unit)

    def weighty(self) -> Samples:
        """Those that have weight."""
        if not len(self.weight) or self.weight.all():
            return self
        return self.take(np.flatnonzero(self.weight))


class Epochs:
    """Takes an optimizer's steps on samples, an epoch per call of `run`."""

    def __init__(
        self,
        net: Network,
        optimizer: Optimizer,
        samples: Samples,
        batch_size: int,
        threads: int = 1,
        watch: Watch = NO_LIMIT,
    ):
        self.net, self.optimizer, self.samples = net, optimizer, samples
        self.theta = net.theta
        self.batch_size, self.watch = batch_size, watch
        self.slabs: SlabGradients | None = None
        self.n_steps = -(-len(samples.Y) // batch_size)
        unweighted = not len(samples.weight) or samples.weight_is_factor
        self.online = batch_size == 1 and unweighted and optimizer.rule != updates.RPROP
        if self.online and samples.weight_is_factor and samples.unit != 1:
            factors = fixed(samples.weight * net.dtype.type(samples.unit))
            self.samples = replace(samples, weight=factors, unit=1.0)
        self.unit = 1.0 if self.online else samples.unit
        self.sums = np.zeros((arguments.N_SUMS, 1))
        self.good = self.theta.copy()
        self.steps = 1.0  # of a slice
        self._make_room(threads)

    def _make_room(self, threads: int) -> None:
        net, dtype = self.net, self.net.dtype
        table = net.layers
        if self.online:
            table = packed_table(net.sizes, tuple(net.codes), dtype)
            size = online_rules.work_size(self.optimizer.rule, table, dtype)
        elif self.batch_size * net.theta.size > LONG or (threads > 1 and self.batch_size > CHUNK):
            size = 0
            self.slabs = SlabGradients(net.layers, net.theta, self.batch_size, threads)
        else:
            size = batch.work_size(net.layers, dtype, self.batch_size)
        self.work = aligned_zeros(size, dtype)
        self.arguments = arguments.Net(self.theta, table, net.loss_code)

    def run(self, order: np.ndarray | None) -> bool:
        """Go once through the samples; returns False where time ran out on the way.

        ``sums`` is what `kernels.sums` says.
        """
        self.sums[:] = 0
        step = 0
        try:
            while step < self.n_steps:
                last = min(self.n_steps, step + max(1, int(self.steps)))
                begin = time.perf_counter()
                last = self._advance(order, step, last)
                now = time.perf_counter()
                if last < self.n_steps:
                    self.watch.look()
                self.steps = (last - step) * min(8.0, SLICE / max(now - begin, 1e-7))
                step = last
        except OutOfTimeError:
            return False
        return True

    def _advance(self, order: np.ndarray | None, first: int, last: int) -> int:
        """Take some steps, and say up to which."""
        s = self.samples
        if not s.is_sparse:
            rows = np.empty((0, len(s.Y)), np.int64) if order is None else order[None]
            self.take_steps(s.X, s.Y, s.weight, rows, first, last)
            return last
        at_most = max(1, WINDOW // max(1, s.X.shape[1]) // self.batch_size)
        last = min(last, first + at_most)
        begin, end = first * self.batch_size, last * self.batch_size
        part = np.arange(begin, min(end, len(s.Y))) if order is None else order[begin:end]
        X = dense_rows(s.X, part, self.net.dtype)
        weight = fixed(s.weight[part]) if len(s.weight) else s.weight
        no_order = np.empty((0, len(part)), np.int64)
        self.take_steps(X, fixed(s.Y[part]), weight, no_order, 0, last - first)
        return last

    def take_steps(self, X, Y, weight, order, first: int, last: int) -> None:
        """Run the kernel that the batch size asks for."""
        o = self.optimizer
        samples = arguments.Samples(X, Y, weight, order)
        rule = arguments.Rule(o.rule, o.rates, o.state, o.clock)
        if self.online:
            reached = online_rules.train_online_by_rule(
                samples, self.arguments, rule, first, last, self.work, self.good, self.sums
            )
        elif self.slabs is not None:
            for step in range(first, last):
                self._take_long_step(samples, rule, step)
            return
        else:
            reached = batch.train_batches(
                samples, self.arguments, rule, self.batch_size, first, last, self.work, self.good,
                self.sums,
            )  # fmt: skip
        if reached < 0:
            self.sums[:] = np.nan  # theta is as it was when the epoch began

    def _take_long_step(self, samples, rule, step: int) -> None:
        """What `kernels.batch.train_batches` does, in slices of time and on threads."""
        net, in_slabs = self.arguments, self.slabs
        assert in_slabs is not None
        row = step * self.batch_size
        rows = min(self.batch_size, len(samples.Y) - row)
        weight_sum = in_slabs.weight_sum(samples.weight, samples.order, row, rows, self.watch)
        if weight_sum <= 0:
            return
        scale = self.net.dtype.type(1 / weight_sum)
        gradients, loss = in_slabs(samples, net, row, rows, scale, self.watch)
        slabs.note_batch(self.sums, 0, loss, weight_sum, samples, net, rule, row, rows)
        slabs.step_of_slabs(gradients, net, rule, weight_sum)


def weighted_sums(net: Network) -> np.ndarray:
    """The table of the same network, whose outputs are its last layer's weighted sums."""
    return describe(net.sizes, [*net.codes[:-1], activations.CODES["identity"]], net.dtype)


def outputs(
    net: Network,
    X: Any,
    threads: int = 1,
    layers: np.ndarray | None = None,
    watch: Watch = NO_LIMIT,
) -> np.ndarray:
    """The network's outputs for the rows of an array or of a CSR matrix, which were checked.

    ``layers`` may be another table of the same layers.
    """
    out = np.empty((X.shape[0], net.sizes[-1]), net.dtype)
    if not isinstance(X, np.ndarray):
        for rows in windows(X):
            out[rows] = outputs(net, dense_rows(X, rows, net.dtype), threads, layers, watch)
        return out
    arguments = X, net.theta, net.layers if layers is None else layers, out
    if threads > 1 and len(X) > CHUNK and forward_on_threads(*arguments, threads, watch):
        return out
    forward_rows(*arguments, forward_work(net.layers, net.dtype, len(X)), watch)
    return out


def mean_loss(net: Network, samples: Samples, watch: Watch = NO_LIMIT) -> float:
    """The (weighted) mean loss, without penalties."""
    s = samples
    sums = np.zeros(2)
    for rows in windows(s.X, CHUNK) if s.is_sparse else [slice(None)]:
        X = dense_rows(s.X, rows, net.dtype) if s.is_sparse else s.X
        weight = s.weight[rows] if len(s.weight) else s.weight
        loss_sums(X, s.Y[rows], weight, net.theta, net.layers, net.loss_code, sums, watch)
    return float(sums[0] / sums[1])
