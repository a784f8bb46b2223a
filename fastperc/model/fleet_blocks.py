"""Networks in blocks, one in each SIMD lane, as `kernels.fleet` takes them."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from ..deadline import NO_LIMIT, Deadline
from ..kernels.fleet import losses_of_fleet, outputs_of_fleet
from ..kernels.fleet_parts.arguments import FleetNet
from ..kernels.fleet_parts.numbers import lanes_of, work_size
from ..kernels.simd_numpy import BYTES
from .dense import Dense
from .dense_fleet import DenseFleet, FleetSamples
from .evaluate import mean_loss, outputs
from .layout import aligned_zeros
from .samples import read_only

LARGEST = 1 << 19  # bytes of a block, up to which a matrix of samples is served faster in lanes
OUTPUTS_AT_ONCE = 1 << 22  # numbers, in blocks, before they are sorted by network


class Places:
    """Which lane of which block each network has.

    Networks that take the same rows stand together. Where they fill at least half of a block they
    have it for themselves, and each sample is read once for all; the others share blocks with
    networks of about as many rows.

    Parameters
    ----------
    which : int array of shape (n,)
        Which order each network takes.
    lengths : int array of shape (n,)
        Rows of that order.
    lanes : int

    Attributes
    ----------
    n_blocks : int
    block, lane : int arrays of shape (n,)
    mixed : int64 array of shape (n_blocks,)
        1 where the networks of a block take different rows.
    """

    def __init__(self, which: np.ndarray, lengths: np.ndarray, lanes: int):
        self.lanes = lanes
        n = len(which)
        by_order = np.argsort(which, kind="stable")
        _, first, count = np.unique(which[by_order], return_index=True, return_counts=True)
        rest = count % lanes
        alone = np.where(2 * rest >= lanes, count, count - rest)  # so many have blocks of their own
        nth = np.arange(n) - np.repeat(first, count)
        has_own = nth < np.repeat(alone, count)
        begins = np.cumsum(-(-alone // lanes)) - -(-alone // lanes)
        place = np.empty(n, np.int64)
        place[by_order] = np.repeat(begins, count) * lanes + nth
        n_own = int((-(-alone // lanes)).sum())
        others = by_order[~has_own]
        others = others[np.argsort(-lengths[others], kind="stable")]
        place[others] = n_own * lanes + np.arange(len(others))
        self.block, self.lane = np.divmod(place, lanes)
        self.n_blocks = n_own + -(-len(others) // lanes)
        self.mixed = np.zeros(self.n_blocks, np.int64)
        self.mixed[n_own:] = 1
        # What stands in a lane without a network: the first one of its block, whose copy it is.
        self.source = np.full(self.n_blocks * lanes, -1, np.int64)
        self.source[place] = np.arange(n)
        table = self.source.reshape(self.n_blocks, lanes)
        first_of = table.max(axis=1) if n else np.zeros(0, np.int64)
        self.source = np.where(table >= 0, table, first_of[:, None]).ravel()

    def pack(self, rows: np.ndarray) -> np.ndarray:
        """Return one row for each network, (n, ...), as blocks (n_blocks, ..., lanes)."""
        spread = rows[self.source].reshape(self.n_blocks, self.lanes, *rows.shape[1:])
        blocks = spread.transpose(0, *range(2, spread.ndim), 1)
        packed = aligned_zeros(blocks.size, blocks.dtype).reshape(blocks.shape)
        packed[...] = blocks
        return packed

    def pack_inputs(self, X: np.ndarray) -> np.ndarray:
        """Return inputs, the same for all or (n, n_samples, n_inputs), as kernels take them."""
        return self.pack(X) if X.ndim == 3 else np.ascontiguousarray(X)[None, :, :, None]

    def pack_targets(self, Y: np.ndarray) -> np.ndarray:
        """Return targets, the same for all or (n, n_samples, n_outputs), as kernels take them."""
        return read_only(self.pack(Y)) if Y.ndim == 3 else Y[None, :, :, None]

    def pack_weights(self, weight: np.ndarray) -> np.ndarray:
        """Return weights, the same for all, (n, n_samples), or none, as kernels take them."""
        if weight.ndim == 2:
            return read_only(self.pack(weight))  # as are others: one signature, compiled once
        return weight.reshape((1, -1, 1) if len(weight) else (0, 0, 0))

    def unpack(self, blocks: np.ndarray, networks: np.ndarray | slice = slice(None)) -> np.ndarray:
        """Return blocks as rows, those of some networks."""
        last = blocks.ndim - 1
        by_lane = blocks.transpose(0, last, *range(1, last))
        return by_lane[self.block[networks], self.lane[networks]]


def outputs_of_blocks(
    model: Dense,
    places: Places,
    theta: np.ndarray,
    X: np.ndarray,
    networks: np.ndarray | slice = slice(None),
    threads: int = 1,
    deadline: Deadline = NO_LIMIT,
) -> np.ndarray:
    """Return the outputs of networks in blocks.

    Parameters
    ----------
    model : Dense
        Their configuration.
    places : Places
    theta : array of shape (n_blocks, n_parameters, lanes)
    X : array of shape (n_samples, n_inputs)
    networks : int array, optional
        Whose outputs are wanted.
    threads : int
    deadline : Deadline

    Returns
    -------
    ndarray of shape (len(networks), n_samples, n_outputs)
    """
    n_out = model.sizes[-1]
    net = FleetNet(theta, model.layers, model.loss.code)
    wanted = places.block[networks]
    out = np.empty((len(wanted), len(X), n_out), model.dtype)
    here = np.arange(places.n_blocks)
    some = max(1, OUTPUTS_AT_ONCE // max(1, places.n_blocks * places.lanes * n_out))
    parts = [slice(k, k + some) for k in range(0, len(X), some)]

    def compute(part: slice) -> None:
        deadline.check()
        x = np.ascontiguousarray(X[part])[None, :, :, None]
        blocks = np.empty((len(here), x.shape[1], n_out, places.lanes), model.dtype)
        scratch = aligned_zeros(work_size(model.layers, model.dtype), model.dtype)
        outputs_of_fleet(net, x, (0, len(here)), blocks, scratch)
        out[:, part] = places.unpack(blocks, networks)

    if threads == 1 or len(parts) == 1:
        for part in parts:
            compute(part)
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(compute, parts))
    return out


def losses_of_blocks(
    model: Dense,
    places: Places,
    theta: np.ndarray,
    samples: FleetSamples,
    networks: np.ndarray | slice = slice(None),
    deadline: Deadline = NO_LIMIT,
) -> np.ndarray:
    """Return the mean loss of each network in blocks; see `outputs_of_blocks`.

    ``samples`` are those of the networks that have places, in their order.
    """
    net = FleetNet(theta, model.layers, model.loss.code)
    scratch = aligned_zeros(work_size(model.layers, model.dtype), model.dtype)
    Y, weight = places.pack_targets(samples.Y), places.pack_weights(samples.weight)
    sums = np.zeros((places.n_blocks, 2, places.lanes))
    X = places.pack_inputs(samples.X)
    for b in range(places.n_blocks):
        deadline.check()
        losses_of_fleet(net, X, Y, weight, (b, b + 1), sums, scratch)
    total, weights = places.unpack(sums, networks).T
    return total / weights


def fleet_outputs(
    fleet: DenseFleet, X: np.ndarray, threads: int = 1, deadline: Deadline = NO_LIMIT
) -> np.ndarray:
    """Return the outputs of all networks, (n, n_samples, n_outputs), for every row of X."""
    if not is_small(fleet.dense):
        return np.stack([outputs(fleet.member(i), X, threads) for i in range(len(fleet))])
    places = _side_by_side(fleet)
    theta = places.pack(fleet.theta)
    return outputs_of_blocks(fleet.dense, places, theta, X, threads=threads, deadline=deadline)


def fleet_outputs_each(fleet: DenseFleet, X: np.ndarray) -> np.ndarray:
    """Return each network's outputs for a row of its own, (n, n_outputs) for X (n, n_inputs).

    Or for some rows each: (n, n_samples, n_outputs) for X (n, n_samples, n_inputs).
    """
    own = X if X.ndim == 3 else X[:, None]
    model, places = fleet.dense, _side_by_side(fleet)
    net = FleetNet(places.pack(fleet.theta), model.layers, model.loss.code)
    shape = places.n_blocks, own.shape[1], model.sizes[-1], places.lanes
    out = aligned_zeros(math.prod(shape), model.dtype).reshape(shape)
    scratch = aligned_zeros(work_size(model.layers, model.dtype), model.dtype)
    outputs_of_fleet(net, places.pack_inputs(own), (0, places.n_blocks), out, scratch)
    found = places.unpack(out)
    return found if X.ndim == 3 else found[:, 0]


def fleet_losses(
    fleet: DenseFleet, samples: FleetSamples, deadline: Deadline = NO_LIMIT
) -> np.ndarray:
    """Return the mean loss of each network on its samples."""
    if not is_small(fleet.dense):
        members = [(fleet.member(i), samples.of(i)) for i in range(len(fleet))]
        return np.array([mean_loss(model, own, deadline) for model, own in members])
    places = _side_by_side(fleet)
    theta = places.pack(fleet.theta)
    return losses_of_blocks(fleet.dense, places, theta, samples, deadline=deadline)


def is_small(model: Dense) -> bool:
    """Return whether many samples go through such networks faster side by side, as was measured."""
    return BYTES * model.theta.size <= LARGEST


def _side_by_side(fleet: DenseFleet) -> Places:
    zeros = np.zeros(len(fleet), np.int64)
    return Places(zeros, zeros, lanes_for(fleet.dense))


def lanes_for(model: Dense) -> int:
    """Return how many networks a block has."""
    return lanes_of(model.dtype)
