"""Long calls into kernels, cut into short ones, with the same bits.

Python looks at Ctrl-C between two calls only, and so do we at the clock. What works on many samples
is therefore called for some chunks of them at a time, and carries its sums from call to call.
"""

from __future__ import annotations

from collections.abc import Iterator
from time import perf_counter

import numpy as np

from ..deadline import NO_LIMIT, Watch
from ..kernels import batch, predict, slabs
from ..kernels.arguments import Net, Samples
from ..kernels.table import CHUNK_ROWS
from .layout import aligned_zeros

SLICE = 0.05  # seconds that a call should take
SHORT = 1e8  # multiplications that certainly take no longer
LONG = 2e8  # multiplications, three times as many with backward, from which on a step is cut
ROWS = 1 << 20  # samples whose weights are added up in one go


def slices(n: int, first_size: float = 1.0, watch: Watch = NO_LIMIT) -> Iterator[tuple[int, int]]:
    """Cut ``range(n)`` into pieces ``begin, end`` that take the caller about `SLICE` seconds each.

    The first one has ``first_size`` elements, the others as many as the last one's time tells.
    ``watch`` looks around before each but the first.
    """
    done, size = 0, first_size
    while done < n:
        last = min(n, done + max(1, int(size)))
        begin = perf_counter()
        yield done, last
        now = perf_counter()
        if last < n:
            watch.look()
        # At most eightfold at a time: the first call may have been slowed by cold caches.
        size = (last - done) * min(8.0, SLICE / max(now - begin, 1e-7))
        done = last


def row_slices(n: int, layers: np.ndarray, n_parameters: int, watch: Watch = NO_LIMIT, threads=1):
    """Slices of ``n`` rows, of whole chunks."""
    chunk = int(layers[0, CHUNK_ROWS])
    few = threads * SHORT / (chunk * n_parameters)
    for first, last in slices(-(-n // chunk), few, watch):
        yield slice(first * chunk, min(last * chunk, n))


def forward_work(layers: np.ndarray, dtype: np.dtype, rows: int) -> np.ndarray:
    """Scratch of `forward_rows` for so many rows or fewer."""
    return aligned_zeros(predict.rows_work_size(layers, dtype, rows), dtype)


def forward_rows(
    X: np.ndarray,
    theta: np.ndarray,
    layers: np.ndarray,
    out: np.ndarray,
    work: np.ndarray,
    watch: Watch = NO_LIMIT,
) -> None:
    """Write the outputs for every row of X to ``out``; see `kernels.predict.predict_rows`."""
    if len(X) * theta.size <= SHORT:
        predict.predict_rows(X, theta, layers, out, work)
        return
    for rows in row_slices(len(X), layers, theta.size, watch):
        predict.predict_rows(X[rows], theta, layers, out[rows], work)


def forward_on_threads(
    X: np.ndarray,
    theta: np.ndarray,
    layers: np.ndarray,
    out: np.ndarray,
    threads: int,
    watch: Watch = NO_LIMIT,
) -> bool:
    """Do the same on several threads; returns False, and does nothing, where that is not safe."""
    from ..kernels import parallel

    if not parallel.threads_are_safe():
        return False
    threads = parallel.at_most(threads)
    parts = min(4 * threads, -(-len(X) // int(layers[0, CHUNK_ROWS])))
    work = np.stack([forward_work(layers, theta.dtype, len(X))] * parts)
    with parallel.using_threads(threads):
        for rows in row_slices(len(X), layers, theta.size, watch, threads):
            parallel.predict_slabs(X[rows], theta, layers, out[rows], work)
    return True


def loss_sums(
    X: np.ndarray,
    Y: np.ndarray,
    weight: np.ndarray,
    theta: np.ndarray,
    layers: np.ndarray,
    loss: int,
    sums: np.ndarray,
    watch: Watch = NO_LIMIT,
) -> None:
    """Add the weighted losses and the weights to ``sums``; see `kernels.batch.loss_rows`."""
    work = aligned_zeros(batch.work_size(layers, theta.dtype, len(X)), theta.dtype)
    net, order = Net(theta, layers, loss), np.empty((0, len(X)), np.int64)
    if len(X) * theta.size <= SHORT:
        batch.loss_rows(Samples(X, Y, weight, order), net, work, sums)
        return
    for rows in row_slices(len(X), layers, theta.size, watch):
        part = weight[rows] if len(weight) else weight
        batch.loss_rows(Samples(X[rows], Y[rows], part, order), net, work, sums)


def gradient_sums(
    X: np.ndarray,
    Y: np.ndarray,
    weight: np.ndarray,
    theta: np.ndarray,
    layers: np.ndarray,
    loss: int,
    watch: Watch = NO_LIMIT,
) -> tuple[float, float, np.ndarray]:
    """The weighted sums of losses, of weights and of gradients over all rows of X."""
    order = np.empty((0, len(X)), np.int64)
    samples, net = Samples(X, Y, weight, order), Net(theta, layers, loss)
    if len(X) * theta.size <= SHORT:
        work = aligned_zeros(batch.work_size(layers, theta.dtype, len(X)), theta.dtype)
        gradient = np.empty_like(theta)
        return *batch.gradient_rows(samples, net, gradient, work), gradient
    in_slabs = SlabGradients(layers, theta, len(X))
    weight_sum = in_slabs.weight_sum(weight, order, 0, len(X), watch)
    gradients, loss_sum = in_slabs(samples, net, 0, len(X), theta.dtype.type(1), watch)
    return loss_sum, weight_sum, gradients[0]


class SlabGradients:
    """Gradients of many samples at once, slab by slab, on one thread or several.

    Made once for a network and the size of its batches, since it owns large arrays.
    """

    def __init__(self, layers: np.ndarray, theta: np.ndarray, batch_size: int, threads: int = 1):
        self.layers, self.dtype, self.threads = layers, theta.dtype, threads
        if threads > 1 and not _threads_are_safe():
            self.threads = 1
        self.chunk = int(layers[0, CHUNK_ROWS])
        self.n_parameters = theta.size
        self.n_slabs = slabs.count_slabs(batch_size)
        size = batch.work_size(layers, self.dtype, batch_size)
        # On one thread, slabs take turns, so that two gradients are enough: the sum and a part.
        n_gradients = min(self.n_slabs, 2) if self.threads == 1 else self.n_slabs
        n_rooms = 1 if self.threads == 1 else self.n_slabs
        self.gradients = aligned_zeros(n_gradients * theta.size, self.dtype).reshape(
            n_gradients, -1
        )
        self.work = aligned_zeros(n_rooms * size, self.dtype).reshape(n_rooms, size)
        self.sums = np.zeros(self.n_slabs)

    def weight_sum(self, weight, order, first: int, rows: int, watch: Watch = NO_LIMIT) -> float:
        """The sum of the weights of the rows ``order[first:first + rows]``."""
        if not len(weight):
            return float(rows)
        total = 0.0
        for begin, last in slices(rows, ROWS, watch):
            total = slabs.weight_of_rows(weight, order, first + begin, last - begin, total)
        return total

    def __call__(
        self,
        samples: Samples,
        net: Net,
        first: int,
        rows: int,
        scale: float,
        watch: Watch = NO_LIMIT,
    ) -> tuple[np.ndarray, float]:
        """Gradients whose sum, in order, is that of the batch, times ``scale``; and its loss."""
        n_slabs = slabs.count_slabs(rows)
        arguments = slabs.address(self.dtype), samples, net, first, rows, scale
        if self.threads == 1 or not _threads_are_safe():
            return self._in_turn(arguments, n_slabs, watch)
        return self._at_once(arguments, n_slabs, watch)

    def _at_once(self, arguments, n_slabs: int, watch: Watch) -> tuple[np.ndarray, float]:
        from ..kernels import parallel

        gradients, sums, work = self.gradients[:n_slabs], self.sums[:n_slabs], self.work[:n_slabs]
        *_, rows, _ = arguments
        most = -(-rows // n_slabs)
        few = SHORT / (self.chunk * self.n_parameters)
        with parallel.using_threads(self.threads):
            for part in slices(-(-most // self.chunk), few, watch):
                parallel.slab_gradients(*arguments, gradients, sums, work, *part)
        return gradients, in_order(sums)

    def _in_turn(self, arguments, n_slabs: int, watch: Watch) -> tuple[np.ndarray, float]:
        address, samples, net, first, rows, scale = arguments
        total, part = self.gradients[0], self.gradients[-1]
        for s in range(n_slabs):
            if s:
                watch.look()
            begin, stop = s * rows // n_slabs, (s + 1) * rows // n_slabs
            target = part if s else total
            target[:] = 0
            found = 0.0
            for piece in row_slices(stop - begin, self.layers, self.n_parameters, watch):
                found = slabs.add_part_of_slab(
                    address, samples, net, first + begin + piece.start, piece.stop - piece.start,
                    scale, target, self.work[0], found,
                )  # fmt: skip
            self.sums[s] = found
            if s:
                total += part
        return self.gradients[:1], in_order(self.sums[:n_slabs])


def _threads_are_safe() -> bool:
    from ..kernels import parallel  # late: it takes longer to load than all else here

    return parallel.threads_are_safe()


def in_order(sums: np.ndarray) -> float:
    """The sum from first to last: the same on any number of threads."""
    total = 0.0
    for value in sums.tolist():
        total += value
    return total
