"""The orders in which the networks of a fleet go through the samples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .. import checks
from .checkpoints import State, digest
from .fleets import FleetOrders
from .orders import Draw


class DrawnFleetOrders(FleetOrders):
    """One order for all networks, drawn for each epoch."""

    def __init__(self, n_networks: int, n_samples: int, draw: Draw):
        super().__init__(n_networks, n_samples)
        self.draw = draw

    def identity(self) -> State:
        """Return what the rows of an epoch depend on."""
        return {"order": "shuffled"}

    def state(self) -> State:
        """Return where the random numbers are."""
        return self.draw.state()

    def restore(self, state: State) -> None:
        """Go on from a `state`."""
        self.draw.restore(state)

    def window(self, first: int, n_epochs: int, wanted: np.ndarray) -> list[np.ndarray]:
        """Return the rows of some epochs."""
        return [self.draw(n_epochs)]


class GivenFleetOrders(FleetOrders):
    """Orders that were given, (n_orders, n_epochs or 1, m)."""

    def __init__(self, n_networks: int, orders: np.ndarray):
        super().__init__(n_networks, orders.shape[2])
        if len(orders) > 1:
            self.which = np.arange(n_networks)
        self.orders = orders

    def identity(self) -> State:
        """Return a digest of the orders."""
        return {"order": {"sha256": digest(self.orders)}}

    def window(self, first: int, n_epochs: int, wanted: np.ndarray) -> np.ndarray:
        """Return the rows of some epochs."""
        shape = len(wanted), n_epochs, self.orders.shape[2]
        if self.orders.shape[1] == 1:
            return np.broadcast_to(self.orders[wanted], shape)
        return self.orders[wanted, first - 1 : first - 1 + n_epochs]

    def cut(self, networks: np.ndarray) -> GivenFleetOrders:
        """Return the orders of some networks."""
        return GivenFleetOrders(
            len(networks), self.orders[networks] if len(self.orders) > 1 else self.orders
        )


def check_fleet_order(order: object, n: int, n_samples: int, epochs: int) -> np.ndarray:
    """Return the rows that networks take, (1 or n, 1 or epochs, m), as they were given.

    For all networks (m,) or (epochs, m), and for each (n, m) or (n, epochs, m). Two dimensions are
    read as epochs where there are as many of these.

    Raises
    ------
    TypeError, ValueError
        For what is no order of rows of the samples.
    """
    raw = checks.as_numbers(order, "order")
    if raw.dtype.kind not in "iu" or not raw.size:
        raise TypeError(
            f"order: found an array of dtype {raw.dtype} and shape {raw.shape}, expected whole "
            "numbers: rows of X, counted from 0"
        )
    for found in (int(raw.min()), int(raw.max())):
        if not 0 <= found < n_samples:
            raise ValueError(
                f"order: found the row {found}, expected numbers from 0 to {n_samples - 1}, "
                f"since there are {n_samples} samples"
            )
    shapes = {1: (1, 1), 3: raw.shape[:2]}
    if raw.ndim == 2:
        shapes[2] = (1, epochs) if len(raw) == epochs else (len(raw), 1)
    lead = shapes.get(raw.ndim, (0, 0))
    if lead[0] not in (1, n) or lead[1] not in (1, epochs):
        raise ValueError(
            f"order: found shape {raw.shape}, expected (m,) or ({epochs}, m) for all networks, or "
            f"({n}, m) or ({n}, {epochs}, m) for each: m rows of X, of each of {epochs} epochs"
        )
    return np.array(raw, np.int64, order="C").reshape(*lead, raw.shape[-1])


@dataclass(frozen=True)
class WeightSums:
    """What the losses of some epochs are divided by.

    Attributes
    ----------
    weight : ndarray of shape (0,), (n_samples,) or (n_networks, n_samples)
    orders : FleetOrders
    reduction : {"mean", "sum"}
    """

    weight: np.ndarray
    orders: FleetOrders
    reduction: str

    def __call__(self, first: int, n_epochs: int, networks: np.ndarray) -> np.ndarray:
        """Return the sums of the weights of the rows that networks meet, from epoch ``first`` on.

        Shape (n_epochs, len(networks)) or (1, len(networks)).
        """
        weight, orders = self.weight, self.orders
        if self.reduction == "sum":
            return np.ones((1, len(networks)))
        if not isinstance(orders, GivenFleetOrders) or not weight.size:
            total = weight.sum(axis=-1, dtype=np.float64) if weight.size else orders.n_samples
            return np.broadcast_to(total, len(orders.which))[networks][None]
        rows = orders.window(first, n_epochs, orders.which[networks])
        if weight.ndim == 1:
            return weight[rows].sum(axis=-1, dtype=np.float64).T
        picked = weight[networks[:, None, None], rows]
        return picked.sum(axis=-1, dtype=np.float64).T

    def cut(self, networks: np.ndarray) -> WeightSums:
        """Return the same of some networks."""
        weight = self.weight[networks] if self.weight.ndim == 2 else self.weight
        return WeightSums(weight, self.orders.cut(networks), self.reduction)
