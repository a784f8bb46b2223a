"""Training networks of one shape by `kernels.fleet`, one in each SIMD lane."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from ..deadline import Deadline
from ..kernels import updates
from ..kernels.arguments import N_SUMS
from ..kernels.fleet import train_fleet
from ..kernels.fleet_parts.arguments import (
    BY_FACTORS,
    BY_MEANS,
    OWN,
    OWN_LR,
    PLAIN,
    FleetNet,
)
from ..kernels.fleet_parts.arguments import FleetRule as RuleArguments
from ..kernels.fleet_parts.arguments import FleetSamples as SampleArguments
from ..kernels.fleet_parts.numbers import TURNS, lists_size, work_size
from ..kernels.simd_numpy import BYTES
from ..model.dense import Dense
from ..model.dense_fleet import DenseFleet, FleetRule, FleetSamples
from ..model.fleet_blocks import Places, is_small, lanes_for, losses_of_blocks, outputs_of_blocks
from ..model.layout import aligned_zeros
from ..model.slices import SHORT, SLICE, next_size, threads_for

OVERHEAD = 60  # parameters that take as long as what a step does beside them
LARGEST_BY_SAMPLE, FEW = 1 << 17, 8  # bytes and samples; see `lanes_pay`
ROWS_AT_ONCE = 1 << 14
DENSE, LARGE = 0.75, 1 << 16  # share of inputs that are not 0, and bytes; see `_lists_pay`
WORTH_PACKING = 0.5  # share of lanes in use below which networks are packed into fewer blocks


class Rows(NamedTuple):
    """Which rows are taken in some epochs.

    Attributes
    ----------
    orders : int64 array of shape (n_orders, n_epochs, m)
        Each filled up with -1 at its end.
    lengths : int64 array of shape (n_orders,)
    of : int64 array of shape (len(networks),)
        Which of these orders each network takes.
    """

    orders: np.ndarray
    lengths: np.ndarray
    of: np.ndarray


class Window(NamedTuple):
    """What becomes of some epochs; see `fleets.FleetWatcher.end_epochs`."""

    sums: np.ndarray
    completed: np.ndarray
    diverged: np.ndarray


class Scratch:
    """What a call of the kernel writes to besides its results."""

    def __init__(self, fleet: DenseFleet):
        model = fleet.dense
        self.work = aligned_zeros(work_size(model.layers, model.dtype), model.dtype)
        self.numbers = np.zeros((3, lanes_for(model)))
        self.lists = np.zeros(lists_size(model.layers), np.int64)


Take = Callable[[tuple[int, int], tuple[int, int], Scratch], None]  # of blocks, of steps


class InLanes:
    """Trains networks, as many side by side as a SIMD value has lanes."""

    def __init__(
        self,
        fleet: DenseFleet,
        samples: FleetSamples,
        rule: FleetRule,
        batch_size: int,
        threads: int,
        deadline: Deadline,
        is_plain: bool,
    ):
        self.fleet, self.samples, self.rule = fleet, samples, rule
        self.batch_size, self.threads, self.deadline = batch_size, threads, deadline
        self.lanes = lanes_for(fleet.dense)
        self.mode = BY_FACTORS if _takes_factors(samples, batch_size) else BY_MEANS
        self.mode = PLAIN if is_plain else self.mode
        lists_pay = self.mode == BY_MEANS and _lists_pay(fleet.dense, samples.X)
        self._nonzero = _nonzero(samples.X if lists_pay else samples.X[:0])
        self.settings = rule.settings[0].copy()
        self.settings[list(OWN)] = 0.0
        self._index = np.full(len(fleet), -1)  # of each network among those in blocks
        self._n_packed, self._packed = 0, np.arange(0)
        # Steps of all blocks of a call, by the time that the last one took.
        work = batch_size * (fleet.theta.shape[1] + OVERHEAD) * self.lanes
        self._block_steps = max(1.0, SHORT / (2 * work))

    def _pack(self, networks: np.ndarray, rows: Rows) -> None:
        """Put networks, given by their numbers in the fleet, into blocks."""
        self._packed, self._n_packed = networks, len(networks)
        self._index[:] = -1
        self._index[networks] = np.arange(len(networks))
        places = self.places = Places(rows.of, rows.lengths[rows.of], self.lanes)
        self.theta = places.pack(self.fleet.theta[networks])
        self.last_good = aligned_zeros(self.theta.size, self.theta.dtype).reshape(self.theta.shape)
        self.own = places.pack(self.rule.settings[networks][:, list(OWN)])
        self.state = places.pack(self.rule.state[networks])
        self.step_state = places.pack(self.rule.step_state[networks])
        samples = self.samples.of_some(networks)
        self.Y = places.pack_targets(samples.Y)
        self.weight = places.pack_weights(samples.weight)
        self.net = FleetNet(self.theta, self.fleet.dense.layers, self.fleet.dense.loss.code)

    # --- training ------------------------------------------------------------------------------

    def train(self, networks: np.ndarray, rates: np.ndarray, rows: Rows, n_epochs: int) -> Window:
        """Train for some epochs: at first all networks that are to be trained, later fewer."""
        if len(networks) <= WORTH_PACKING * self._n_packed and self.places.n_blocks > 1:
            self.leave(networks)
            self._n_packed = 0
        self._scratch: list[Scratch] = []
        if not self._n_packed:
            self._pack(networks, rows)
        at, places, n_blocks = self._index[networks], self.places, self.places.n_blocks
        self.own[:, OWN_LR] = places.pack(_spread(rates, at, self._n_packed))
        which = places.pack(_spread(rows.of, at, self._n_packed))
        lengths = np.zeros(n_blocks, np.int64)
        np.maximum.at(lengths, places.block[at], rows.lengths[rows.of])
        sums = np.zeros((n_blocks, N_SUMS, n_epochs, self.lanes))
        partial = np.zeros((n_blocks, self.lanes), self.theta.dtype)
        ended = np.full((n_blocks, self.lanes), -1)
        samples = SampleArguments(
            self.samples.X, self.Y, self.weight, rows.orders, which, lengths, places.mixed,
            *self._nonzero,
        )  # fmt: skip
        rule = RuleArguments(self.rule.code, self.settings, self.own, self.state, self.step_state)
        n_steps = -(-rows.orders.shape[2] // self.batch_size)

        def take(blocks: tuple[int, int], steps: tuple[int, int], scratch: Scratch) -> None:
            train_fleet(
                self.net, samples, rule, self.batch_size, self.mode, blocks, steps,
                scratch.work, scratch.numbers, scratch.lists, partial, self.last_good, sums, ended,
            )  # fmt: skip

        reached = self._take_all(take, n_blocks, n_steps * n_epochs)
        completed = reached // n_steps
        unfinished = reached % n_steps != 0
        if unfinished.any():
            self.theta[unfinished] = self.last_good[unfinished]
        stop = places.unpack(ended)[at]
        done = np.minimum(completed[places.block[at]], n_epochs)
        diverged = (stop >= 0) & (stop < done)
        sums_of = np.moveaxis(places.unpack(sums, at), 0, -1)
        return Window(sums_of, np.where(diverged, stop, done), diverged)

    def _take_all(self, take: Take, n_blocks: int, n_steps: int) -> np.ndarray:
        """Take all steps with all blocks; return how many were taken with each of them."""
        reached = np.zeros(n_blocks, np.int64)
        at_once = max(1, min(n_blocks, int(self._block_steps / max(1, n_steps))))
        n_samples = n_blocks * self.lanes * n_steps * self.batch_size
        threads = threads_for(n_samples * self.fleet.theta.shape[1], self.threads)
        if threads > 1:
            at_once = min(at_once, max(1, -(-n_blocks // (4 * threads))))
        turns = -(-at_once // TURNS) * TURNS
        parts = [(k, min(k + turns, n_blocks)) for k in range(0, n_blocks, turns)]

        def work_on(part: tuple[int, int]) -> None:
            scratch = self._scratch.pop() if self._scratch else Scratch(self.fleet)
            step, size = 0, self._block_steps / (part[1] - part[0])
            while step < n_steps and not self._is_over():
                last = min(n_steps, step + max(1, int(size)))
                begin = time.perf_counter()
                take(part, (step, last), scratch)
                size = next_size(last - step, time.perf_counter() - begin, SLICE)
                reached[part[0] : part[1]] = step = last
            self._block_steps = size * (part[1] - part[0])
            self._scratch.append(scratch)  # `pop` and `append` are safe between threads

        if threads == 1 or len(parts) == 1:
            for part in parts:
                work_on(part)
        else:
            with ThreadPoolExecutor(threads) as pool:
                list(pool.map(work_on, parts))
        return reached

    def _is_over(self) -> bool:
        return self.deadline.is_over or self.deadline.is_interrupted

    # --- what others see -----------------------------------------------------------------------

    def theta_of(self, networks: np.ndarray) -> np.ndarray:
        """Return a copy of parameters, (len(networks), n_parameters)."""
        return self.places.unpack(self.theta, self._index[networks])

    def outputs_of(self, networks: np.ndarray, X: np.ndarray) -> np.ndarray:
        """Return outputs for every row of X, (len(networks), n_samples, n_outputs)."""
        return outputs_of_blocks(
            self.fleet.dense, self.places, self.theta, X, self._index[networks], self.threads
        )

    def losses_of(self, networks: np.ndarray, samples: FleetSamples) -> np.ndarray:
        """Return the mean losses on samples, each network's own where they differ."""
        at = self._index[networks]
        own = samples.of_some(self._packed)
        return losses_of_blocks(self.fleet.dense, self.places, self.theta, own, at, self.deadline)

    def leave(self, networks: np.ndarray) -> None:
        """Write what was learned to the fleet and to the rule."""
        if not self._n_packed:
            return  # nothing was
        at = self._index[networks]
        self.fleet.theta[networks] = self.places.unpack(self.theta, at)
        self.rule.state[networks] = self.places.unpack(self.state, at)
        self.rule.step_state[networks] = self.places.unpack(self.step_state, at)


def _spread(values: np.ndarray, at: np.ndarray, n: int) -> np.ndarray:
    """Return an array of length n with values at some places and zeros elsewhere."""
    spread = np.zeros(n, values.dtype)
    spread[at] = values
    return spread


def _lists_pay(model: Dense, X: np.ndarray) -> bool:
    """Return whether listing the inputs that are not 0 is worth it, as was measured."""
    share = np.count_nonzero(X[:ROWS_AT_ONCE]) / max(1, X[:ROWS_AT_ONCE].size)
    return bool(share < DENSE) or BYTES * model.theta.size > LARGE


def _nonzero(X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return which inputs are not 0: where each row's begin, and the columns of all in turn."""
    starts, columns = np.zeros(len(X) + 1, np.int64), [np.empty(0, np.int32)]
    for first in range(0, len(X), ROWS_AT_ONCE):
        part = X[first : first + ROWS_AT_ONCE]
        columns.append(np.nonzero(part)[1].astype(np.int32))
        starts[first + 1 : first + 1 + len(part)] = np.count_nonzero(part, axis=1)
    np.cumsum(starts, out=starts)
    return starts, np.concatenate(columns)


def can_have_lanes(rule: FleetRule) -> bool:
    """Return whether the kernel has the rule."""
    clips = rule.settings[:, updates.CLIP].any()
    return rule.code != updates.RPROP and not clips


def lanes_pay(model: Dense, code: int, batch_size: int) -> bool:
    """Return whether a network is trained faster in a lane than by itself, as was measured.

    A block takes as many bytes for each parameter as a SIMD value has. One update per sample goes
    through all of it, and what the rule remembers, for each sample; so it has to be near.
    """
    if batch_size >= FEW:
        return is_small(model)
    return BYTES * model.theta.size * (1 + updates.MEMORY[code]) <= LARGEST_BY_SAMPLE


def are_plain(rule: FleetRule, samples: FleetSamples, batch_size: int) -> np.ndarray:
    """Return whose steps are the learning rate times one sample's gradient, and nothing else."""
    penalties = rule.settings[:, [updates.L1, updates.L2, updates.L2_PER_WEIGHT]]
    is_plain = rule.code == updates.SGD and _takes_factors(samples, batch_size)
    return np.logical_and(is_plain, ~penalties.any(axis=1))


def _takes_factors(samples: FleetSamples, batch_size: int) -> bool:
    """Return whether a sample's weight multiplies its step."""
    return batch_size == 1 and (samples.weight_is_factor or not samples.weight.size)
