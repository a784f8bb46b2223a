"""One epoch after another on the kernels, in slices of time, on dense or sparse samples."""

from __future__ import annotations

import functools
import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..kernels import activations, batch, epochs, online_rules, predict, updates
from ..kernels.table import describe
from ..layout import aligned_zeros
from ..network import Network
from ..training import SLICE
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
        end: float = np.inf,
    ):
        self.net, self.optimizer, self.samples = net, optimizer, samples
        self.batch_size, self.threads, self.end = batch_size, threads, end
        self.n_steps = -(-len(samples.Y) // batch_size)
        unweighted = not len(samples.weight) or samples.weight_is_factor
        self.online = batch_size == 1 and unweighted and optimizer.rule != updates.RPROP
        if self.online and samples.weight_is_factor and samples.unit != 1:
            factors = fixed(samples.weight * net.dtype.type(samples.unit))
            self.samples = replace(samples, weight=factors, unit=1.0)
        self.unit = 1.0 if self.online else samples.unit
        self.tally = np.zeros(3)
        self.steps = 1.0  # of a slice
        self._make_room()

    def _make_room(self) -> None:
        net, dtype = self.net, self.net.dtype
        if self.online:
            self.table = packed_table(net.sizes, tuple(net.codes), dtype)
            size = online_rules.work_size(self.table, dtype)
            packed = online_rules.state_size(self.optimizer.rule, self.table, dtype)
            self.packed_state = aligned_zeros(packed, dtype)
        else:
            size = batch.work_size(net.layers, dtype, self.batch_size)
        self.work = aligned_zeros(size, dtype)

    def run(self, order: np.ndarray | None) -> bool:
        """Go once through the samples; returns False where time ran out on the way.

        ``tally`` is what `kernels.epochs` says.
        """
        self.tally[:] = 0
        step = 0
        while step < self.n_steps:
            last = min(self.n_steps, step + max(1, int(self.steps)))
            begin = time.perf_counter()
            last = self._advance(order, step, last)
            now = time.perf_counter()
            if now >= self.end and last < self.n_steps:
                return False
            self.steps = (last - step) * min(8.0, SLICE / max(now - begin, 1e-7))
            step = last
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
        net, o = self.net, self.optimizer
        if self.online:
            epochs.train_online(
                X, Y, weight, order, net.theta, self.table, net.loss_code, o.rule, o.rates,
                o.state, o.clock, first, last, self.work, self.packed_state, self.tally,
            )  # fmt: skip
        elif self.threads > 1 and self.batch_size > predict.CHUNK:
            self._take_threaded_steps(X, Y, weight, order, first, last)
        else:
            epochs.train_batches(
                X, Y, weight, order, net.theta, net.layers, net.loss_code, o.rule, o.rates,
                o.state, o.clock, self.batch_size, first, last, self.work, self.tally,
            )  # fmt: skip

    def _take_threaded_steps(self, X, Y, weight, order, first: int, last: int) -> None:
        from ..kernels import parallel

        if not parallel.threads_are_safe():
            self.threads = 1
            return self.take_steps(X, Y, weight, order, first, last)
        net, o = self.net, self.optimizer
        n_slabs = parallel.count_slabs(self.batch_size)
        room = batch.work_size(net.layers, net.dtype, batch.CHUNK)
        rooms = aligned_zeros(n_slabs * room, net.dtype).reshape(n_slabs, room)
        gradients = aligned_zeros(n_slabs * net.theta.size, net.dtype).reshape(n_slabs, -1)
        sums = np.zeros(n_slabs)
        with parallel.using_threads(self.threads):
            for step in range(first, last):
                row = step * self.batch_size
                rows = min(self.batch_size, len(Y) - row)
                weight_sum = parallel.weight_of_batch(weight, order, row, rows)
                if weight_sum <= 0:
                    continue
                k = parallel.count_slabs(rows)
                squares = 0.0
                if o.rates[updates.L2_PER_WEIGHT] > 0:
                    squares = epochs.squares_of(net.theta, net.layers)
                parallel.slab_gradients(
                    X, Y, weight, order, row, rows, net.theta, net.layers, net.loss_code,
                    net.dtype.type(1 / weight_sum), gradients[:k], sums[:k], rooms,
                )  # fmt: skip
                live = epochs.rows_with_weight(weight, order, row, rows)
                epochs.note(self.tally, live, weight_sum, parallel.add_up(sums[:k]), squares)
                parallel.step_of_slabs(
                    gradients[:k], net.theta, net.layers, o.rule, o.rates, o.state, o.clock,
                    weight_sum,
                )  # fmt: skip
        return None


def weighted_sums(net: Network) -> np.ndarray:
    """The table of the same network, whose outputs are its last layer's weighted sums."""
    return describe(net.sizes, [*net.codes[:-1], activations.CODES["identity"]], net.dtype)


def outputs(net: Network, X: Any, threads: int = 1, layers: np.ndarray | None = None) -> np.ndarray:
    """The network's outputs for the rows of an array or of a CSR matrix, which were checked.

    ``layers`` may be another table of the same layers.
    """
    out = np.empty((X.shape[0], net.sizes[-1]), net.dtype)
    if not isinstance(X, np.ndarray):
        for rows in windows(X):
            out[rows] = outputs(net, dense_rows(X, rows, net.dtype), threads, layers)
        return out
    if threads > 1 and len(X) > predict.CHUNK and layers is None:
        return net.forward(X, threads=threads)
    layers = net.layers if layers is None else layers
    size = predict.rows_work_size(layers, net.dtype, min(predict.CHUNK, len(X)))
    predict.predict_rows(X, net.theta, layers, out, aligned_zeros(size, net.dtype))
    return out


def mean_loss(net: Network, samples: Samples) -> float:
    """The (weighted) mean loss, without penalties."""
    s = samples
    sums = np.zeros(2)
    for rows in windows(s.X, batch.CHUNK) if s.is_sparse else [slice(None)]:
        X = dense_rows(s.X, rows, net.dtype) if s.is_sparse else s.X
        work = aligned_zeros(batch.work_size(net.layers, net.dtype, len(X)), net.dtype)
        weight = s.weight[rows] if len(s.weight) else s.weight
        sums += batch.loss_rows(
            X, s.Y[rows], weight, net.theta, net.layers, net.loss_code, work
        )  # fmt: skip
    return float(sums[0] / sums[1])
