"""Gradients of many samples at once, shard by shard, on one thread or several."""

from __future__ import annotations

import numpy as np

from ..deadline import NO_LIMIT, Deadline
from ..kernels import batch, shards
from ..kernels.arguments import Samples
from ..kernels.table import chunk_size
from . import slices
from .dense import Dense
from .layout import aligned_zeros

ROWS = 1 << 20  # samples whose weights are added up in one go


class ShardGradients:
    """Computes gradients of batches too long for one call, or on several threads.

    Made once for a network and the size of its batches, since it owns large arrays.
    """

    def __init__(self, model: Dense, batch_size: int, threads: int = 1):
        self.model = model
        self.threads = threads if threads == 1 or threads_are_safe() else 1
        self.chunk = chunk_size(model.layers)
        self.n_shards = shards.count_shards(batch_size)
        size = batch.work_size(model.layers, model.dtype, batch_size)
        n = model.theta.size
        # On one thread, shards take turns, so that two gradients are enough: the sum and a part.
        n_gradients = min(self.n_shards, 2) if self.threads == 1 else self.n_shards
        n_scratch = 1 if self.threads == 1 else self.n_shards
        self.gradients = aligned_zeros(n_gradients * n, model.dtype).reshape(n_gradients, -1)
        self.scratch = aligned_zeros(n_scratch * size, model.dtype).reshape(n_scratch, size)
        self.sums = np.zeros(self.n_shards)

    def weight_sum(
        self, samples: Samples, first: int, rows: int, deadline: Deadline = NO_LIMIT
    ) -> float:
        """Return the sum of the weights of the rows ``order[first:first + rows]``."""
        if not len(samples.weight):
            return float(rows)
        total = 0.0
        for begin, last in slices.slices(rows, ROWS, deadline):
            total = shards.weight_of_rows(
                samples.weight, samples.order, first + begin, last - begin, total
            )
        return total

    def __call__(
        self, samples: Samples, first: int, rows: int, scale: float, deadline: Deadline = NO_LIMIT
    ) -> tuple[np.ndarray, float]:
        """Return gradients whose sum, in order, is that of the batch times ``scale``; and its loss.

        The batch is the rows ``order[first:first + rows]``, or those of X.
        """
        work = self._in_turn if self.threads == 1 or not threads_are_safe() else self._at_once
        return work(samples, first, rows, scale, deadline)

    def _at_once(
        self, samples: Samples, first: int, rows: int, scale: float, deadline: Deadline
    ) -> tuple[np.ndarray, float]:
        from ..kernels import parallel

        n_shards = shards.count_shards(rows)
        gradients, sums = self.gradients[:n_shards], self.sums[:n_shards]
        few = slices.SHORT / (self.chunk * self.model.theta.size)
        longest = -(-rows // n_shards)
        n_chunks = -(-longest // self.chunk)
        with parallel.using_threads(self.threads):
            for part in slices.slices(n_chunks, few, deadline):
                parallel.shard_gradients(
                    shards.address(self.model.dtype), samples, self.model.arguments, first, rows,
                    scale, gradients, sums, self.scratch[:n_shards], *part,
                )  # fmt: skip
        return gradients, in_order(sums)

    def _in_turn(
        self, samples: Samples, first: int, rows: int, scale: float, deadline: Deadline
    ) -> tuple[np.ndarray, float]:
        model, address = self.model, shards.address(self.model.dtype)
        n_shards = shards.count_shards(rows)
        total, part = self.gradients[0], self.gradients[-1]
        for s in range(n_shards):
            if s:
                deadline.check()
            begin, stop = s * rows // n_shards, (s + 1) * rows // n_shards
            target = part if s else total
            target[:] = 0
            found = 0.0
            for piece in slices.row_slices(stop - begin, model.layers, model.theta.size, deadline):
                found = shards.add_part_of_shard(
                    address, samples, model.arguments, first + begin + piece.start,
                    piece.stop - piece.start, scale, target, self.scratch[0], found,
                )  # fmt: skip
            self.sums[s] = found
            if s:
                total += part
        return self.gradients[:1], in_order(self.sums[:n_shards])


def threads_are_safe() -> bool:
    """Return whether parallel kernels may run here and now."""
    from ..kernels import parallel  # late: it takes longer to load than all else here

    return parallel.threads_are_safe()


def in_order(sums: np.ndarray) -> float:
    """Return the sum from first to last: the same on any number of threads."""
    total = 0.0
    for value in sums.tolist():
        total += value
    return total
