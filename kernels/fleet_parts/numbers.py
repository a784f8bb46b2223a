"""Blocks of numbers, one of each network, and the scratch that is made of them."""

from typing import NamedTuple

import numpy as np

from ..jit import inlined
from ..simd import at, full, load, no_unroll, store, view, where_greater, width
from ..simd_numpy import BYTES
from ..table import as_records, theta_size

TILE = 4  # samples that go through a layer together
CHUNK = 32  # and through all layers, of a batch whose samples all networks share
TURNS = 4  # blocks that take turns, at most,
FIRST_CACHE = 1 << 14  # and only while their parameters and outputs have no more bytes than this

# Sums are taken in one order, whatever else a loop does: the bits are the same in each.
in_order = inlined(fastmath={"contract"})


class Work(NamedTuple):
    """Scratch of one block.

    Attributes
    ----------
    x
        Inputs of `TILE` samples.
    a, d
        Outputs and deltas of `CHUNK` samples.
    y, w
        Targets and weights of one.
    panel
        Eight columns of the first layer's weights.
    gradient
    rates, epsilons, divisors, l2, l1, kept
        Of this step, one for each network.
    """

    x: np.ndarray
    a: np.ndarray
    d: np.ndarray
    y: np.ndarray
    panel: np.ndarray
    w: np.ndarray
    rates: np.ndarray
    epsilons: np.ndarray
    divisors: np.ndarray
    l2: np.ndarray
    l1: np.ndarray
    kept: np.ndarray
    gradient: np.ndarray


def lanes_of(dtype):
    """Return how many networks a block has."""
    return BYTES // np.dtype(dtype).itemsize


def _work_parts(layers):
    """Return how many numbers each part of `Work` has for one network."""
    table = as_records(layers)
    units, n_in, n_out = int(table["n_out"].sum()), int(table["n_in"][0]), int(table["n_out"][-1])
    return [TILE * n_in, CHUNK * units, CHUNK * units, n_out, 8 * n_in, 7, theta_size(layers)]


def work_size(layers, dtype):
    """Return the number of elements of the scratch array of `train_fleet`."""
    return TURNS * sum(_work_parts(layers)) * lanes_of(dtype)


def lists_size(layers):
    """Return the number of elements of the lists of `inputs.note_rows`."""
    n_in = int(as_records(layers)["n_in"][0])
    return CHUNK + n_in + 1 + CHUNK * n_in


@in_order
def sizes_of(layers, m):
    """Return how many numbers the parts of `Work` have that are not a block each."""
    units = size = 0
    for l in range(layers.shape[0]):
        layer = at(layers, l)
        units += layer.n_out
        size += (layer.n_in + layer.has_bias) * layer.n_out
    n_in, n_out = at(layers, 0).n_in, at(layers, layers.shape[0] - 1).n_out
    return TILE * n_in * m, CHUNK * units * m, n_out * m, size * m


@in_order
def work_of(scratch, turn, sizes):
    """Return the scratch of the block whose turn it is."""
    m = width(scratch)
    n_x, n_a, n_y, n_theta = sizes
    n_panel = 2 * n_x
    x = turn * (n_x + 2 * n_a + n_y + n_panel + 7 * m + n_theta)
    a = x + n_x
    d = a + n_a
    y = d + n_a
    panel = y + n_y
    w = panel + n_panel
    return Work(
        view(scratch, x, n_x),
        view(scratch, a, n_a),
        view(scratch, d, n_a),
        view(scratch, y, n_y),
        view(scratch, panel, n_panel),
        view(scratch, w, m),
        view(scratch, w + m, m),
        view(scratch, w + 2 * m, m),
        view(scratch, w + 3 * m, m),
        view(scratch, w + 4 * m, m),
        view(scratch, w + 5 * m, m),
        view(scratch, w + 6 * m, m),
        view(scratch, w + 7 * m, n_theta),
    )


@in_order
def turns_of(net, layers):
    """Return how many blocks may take turns."""
    numbers = net.theta.shape[1]
    for l in range(layers.shape[0]):
        numbers += 2 * at(layers, l).n_out
    n_bytes = numbers * width(net.theta) * net.theta.itemsize
    return max(1, min(TURNS, FIRST_CACHE // n_bytes))


@in_order
def clear(v):
    none, p = full(v, 0.0), 0
    while p < v.shape[0]:
        no_unroll()
        store(v, p, none)
        p += width(v)


@in_order
def copy(source, start, target):
    """Copy numbers of a block."""
    p = 0
    while p < target.shape[0]:
        no_unroll()
        store(target, p, load(source, start + p))
        p += width(target)


@in_order
def copy_where(mask, source, target):
    """Copy the numbers of the networks whose ``mask`` is above 0."""
    m, here = width(source), load(mask, 0)
    p = 0
    while p < source.shape[0]:
        no_unroll()
        store(target, p, where_greater(here, 0.0, load(source, p), load(target, p)))
        p += m


@in_order
def spread(source, start, target):
    """Write one number after the other to all networks of a block."""
    m = width(target)
    for i in range(target.shape[0] // m):
        no_unroll()
        store(target, i * m, full(target, at(source, start + i)))


@in_order
def read_block(source, each, b, n, row, target):
    """Write one of ``n`` rows for all networks of a block: the same for all, or of each one."""
    if each:
        copy(source, (b * n + row) * target.shape[0], target)
    else:
        spread(source, row * (target.shape[0] // width(target)), target)
