"""What `fleet.train_fleet` is called with, and what it hands on."""

from typing import NamedTuple

import numpy as np

from ..simd import at, flat
from ..updates import L1, L2, L2_PER_WEIGHT, LR
from .numbers import in_order

# What may differ from network to network, in `FleetRule.own`, and where it stands in ``settings``.
OWN = (LR, L2, L2_PER_WEIGHT, L1)
OWN_LR, OWN_L2, OWN_L2_PER_WEIGHT, OWN_L1 = range(4)

# How steps are taken: PLAIN, one update per sample by gradient descent without penalties;
# BY_FACTORS, by any rule, a sample's weight being a factor of its gradient; BY_MEANS, a batch's
# gradient being the weighted mean of its samples'.
PLAIN, BY_FACTORS, BY_MEANS = range(3)


class FleetSamples(NamedTuple):
    """Samples to learn from.

    Attributes
    ----------
    X : array of shape (n, n_inputs)
    Y : array of shape (1, n, n_outputs, 1) or (n_blocks, n, n_outputs, lanes)
        Targets, the same for all networks or of each one.
    weight : array of shape (0, 0, 0), (1, n, 1) or (n_blocks, n, lanes)
        Weights of the samples: none, the same for all networks, or of each one.
    orders : int64 array of shape (n_orders, n_epochs, m)
        Orders of rows, each filled up with -1 at its end.
    which : int64 array of shape (n_blocks, lanes)
        Which of the orders each network takes.
    lengths : int64 array of shape (n_blocks,)
        Rows of the longest order in the block.
    mixed : int64 array of shape (n_blocks,)
        1 where the networks of a block take different rows.
    starts : int64 array of shape (n + 1,)
    columns : int32 array
        Which inputs of each sample are not 0: for row i of X, those in
        ``columns[starts[i]:starts[i + 1]]``. None are listed where that would not pay.
    """

    X: np.ndarray
    Y: np.ndarray
    weight: np.ndarray
    orders: np.ndarray
    which: np.ndarray
    lengths: np.ndarray
    mixed: np.ndarray
    starts: np.ndarray
    columns: np.ndarray


class FleetNet(NamedTuple):
    """Networks: ``theta`` of shape (n_blocks, n_parameters, lanes); see `arguments.Net`."""

    theta: np.ndarray
    layers: np.ndarray
    loss: int


class FleetRule(NamedTuple):
    """How a step follows from a gradient; see `arguments.Rule`.

    Attributes
    ----------
    code : int
    settings : float64 array of shape (N_SETTINGS,)
        What is the same for all networks; not what `OWN` names.
    own : float64 array of shape (n_blocks, len(OWN), lanes)
    state : array of shape (n_blocks, MEMORY[code] * n_parameters, lanes)
    step_state : float64 array of shape (n_blocks, 3, lanes)
    """

    code: int
    settings: np.ndarray
    own: np.ndarray
    state: np.ndarray
    step_state: np.ndarray


class Data(NamedTuple):
    """Samples, rule and sums as flat views, which are not counted when they are handed on.

    Attributes
    ----------
    X, Y, weight, orders, which, mixed, starts, columns
        Of `FleetSamples`.
    n, n_in, n_out, n_epochs, n_places, lanes
        Rows of X, its columns, those of Y; epochs of an order, its places for rows; networks of a
        block.
    each_y, each_weight
        Whether targets and weights are of each network.
    code, settings, own, state, step_state
        Of `FleetRule`.
    n_state
        Numbers that a block's rule remembers.
    sums, partial
        See `train_fleet`.
    """

    X: np.ndarray
    Y: np.ndarray
    weight: np.ndarray
    orders: np.ndarray
    which: np.ndarray
    mixed: np.ndarray
    starts: np.ndarray
    columns: np.ndarray
    n: int
    n_in: int
    n_out: int
    n_epochs: int
    n_places: int
    lanes: int
    each_y: bool
    each_weight: bool
    code: int
    settings: np.ndarray
    own: np.ndarray
    state: np.ndarray
    step_state: np.ndarray
    n_state: int
    sums: np.ndarray
    partial: np.ndarray


@in_order
def data_of(samples, rule, sums, partial):
    """Return all but networks and scratch as `Data`."""
    X, Y, weight, orders = samples.X, samples.Y, samples.weight, samples.orders
    return Data(
        flat(X),
        flat(Y),
        flat(weight),
        flat(orders),
        flat(samples.which),
        flat(samples.mixed),
        flat(samples.starts),
        flat(samples.columns),
        X.shape[0],
        X.shape[1],
        Y.shape[2],
        orders.shape[1],
        orders.shape[2],
        samples.which.shape[1],
        Y.shape[3] > 1,
        weight.shape[2] > 1,
        rule.code,
        flat(rule.settings),
        flat(rule.own),
        flat(rule.state),
        flat(rule.step_state),
        rule.state.shape[1] * rule.state.shape[2],
        flat(sums),
        flat(partial),
    )


@in_order
def is_masked(data, b):
    """Return whether a sample may have another weight than 1 for some network."""
    return at(data.mixed, b) > 0 or data.weight.shape[0] > 0


@in_order
def has_penalty(data, b, kind, m):
    """Return whether any network of the block has such a penalty."""
    found = False
    for k in range(m):
        found = found or at(data.own, (b * len(OWN) + kind) * m + k) != 0
    return found
