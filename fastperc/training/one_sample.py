"""Predicting and learning one sample at a time, in microseconds."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import checks
from ..errors import DivergedError
from ..kernels import single
from ..model.layout import aligned_zeros

if TYPE_CHECKING:
    from ..network import Network

NUMBERS = frozenset({float, int})
SCALARS = frozenset(np.dtype(code).type for code in "bhilqBHILQefd")

# The losses that take any number between two bounds as the target of an output.
BOUNDS = {
    "squared_error": (-math.inf, math.inf),
    "absolute_error": (-math.inf, math.inf),
    "huber": (-math.inf, math.inf),
    "poisson": (0.0, math.inf),
    "log_loss": (0.0, 1.0),
}


class Room:
    """Scratch for one sample, so that nothing is allocated per call.

    A network keeps the rooms that are not in use in a list; taking one out is a single operation,
    so threads that predict at the same time never share one. It knows the network's arrays, and not
    the network, which would keep both alive until the next garbage collection.
    """

    def __init__(self, net: Network):
        self.theta, self.layers = net._theta, net.layers
        self.loss_name, self.loss_code, self.dtype = net.loss_name, net.loss_code, net.dtype
        n_in, n_out = net.sizes[0], net.sizes[-1]
        self.x, self.y = np.zeros(n_in, net.dtype), np.zeros(n_out, net.dtype)
        self.out = np.zeros(n_out, net.dtype)
        self.work = aligned_zeros(single.work_size(net.layers, net.dtype), net.dtype)
        self.shape = self.x.shape
        self.arguments = self.x, self.theta, self.layers, self.out, self.work
        self.is_one = n_out == 1
        most = float(np.finfo(net.dtype).max)
        low, high = BOUNDS.get(net.loss_name, (1.0, 0.0)) if n_out == 1 else (1.0, 0.0)
        self.low, self.high = max(low, -most), min(high, most)  # of a target taken as it comes
        self.lr, self.rate = 0.0, net.dtype.type(0)

    def take_inputs(self, x: Any) -> None:
        """Copy the sample in. Whether it is finite, the kernel finds out."""
        row = self.x
        if type(x) is np.ndarray:
            plain = x.shape == self.shape and x.dtype.kind == "f"
        else:
            plain = type(x) is list and len(x) == len(row) and NUMBERS.issuperset(map(type, x))
        if plain:
            try:
                row[:] = x
                return
            except OverflowError:
                pass  # told by the check
        row[:] = self.checked_inputs(x)

    def checked_inputs(self, x: Any) -> np.ndarray:
        """Turn the sample into an array, or tell what is wrong with it."""
        return checks.check_array(x, "x", ndim=1, dtype=self.dtype, columns=len(self.x))

    def take_target(self, y: Any) -> None:
        """Copy the target in, as `Network.train` takes it."""
        kind = type(y)
        if kind in NUMBERS:
            number = y
        elif kind in SCALARS:
            number = float(y)
        elif kind is np.ndarray and y.size == 1 and y.dtype.kind in "fiu":
            number = y.item()
        else:
            number = math.nan
        if self.low <= number <= self.high:
            self.y[0] = number
        else:
            self.y[:] = self.checked_target(y)

    def checked_target(self, y: Any) -> np.ndarray:
        """Turn the target into the row that the loss takes, or tell what is wrong with it."""
        target = checks.as_numbers(y, "y")
        if self.loss_name != "cross_entropy" or target.size > 1:
            target = target.reshape(1, -1)
        else:
            target = target.reshape(1)
        return checks.check_targets(target, self.loss_name, 1, len(self.y), self.dtype)[0]

    def predict(self, x: Any) -> float | np.ndarray:
        """The outputs for one sample: a float, or an array where there are several."""
        self.take_inputs(x)
        if not single.predict_one(*self.arguments):
            self.checked_inputs(x)
        return self.out.item() if self.is_one else self.out.copy()

    def learn(self, x: Any, y: Any, lr: float) -> float:
        """One step of gradient descent on one sample; returns its loss before."""
        self.take_inputs(x)
        self.take_target(y)
        if lr != self.lr:
            self.lr, self.rate = lr, checks.check_rounded(lr, "lr", self.dtype)
        loss = single.learn_one(
            self.x, self.y, self.theta, self.layers, self.loss_code, self.rate, self.work
        )
        if loss != loss:  # NaN
            self.checked_inputs(x)
            raise DivergedError(1, f"loss or weights became infinite or NaN with lr={lr:g}")
        return loss
