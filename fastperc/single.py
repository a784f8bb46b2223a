"""Predicting and learning one sample at a time, in microseconds."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from . import checks
from .errors import DivergedError
from .kernels import single
from .layout import aligned_zeros

if TYPE_CHECKING:
    from .network import Network

NUMBERS = frozenset({float, int})


class Room:
    """Scratch for one sample, so that nothing is allocated per call.

    A network keeps the rooms that are not in use in a list; taking one out is a single operation,
    so threads that predict at the same time never share one.
    """

    def __init__(self, net: Network):
        self.net = net
        self.x, self.y = np.zeros(net.sizes[0], net.dtype), np.zeros(net.sizes[-1], net.dtype)
        self.out = np.zeros(net.sizes[-1], net.dtype)
        self.work = aligned_zeros(single.work_size(net.layers, net.dtype), net.dtype)
        self.one_number = net.loss_name == "squared_error" and net.sizes[-1] == 1
        self.lr, self.rate = 0.0, net.dtype.type(0)

    def take_inputs(self, x: Any) -> None:
        """Copy the sample in. Whether it is finite, the kernel finds out."""
        row = self.x
        if type(x) is np.ndarray:
            plain = x.shape == row.shape and x.dtype.kind == "f"
        else:
            plain = type(x) is list and len(x) == len(row) and NUMBERS.issuperset(map(type, x))
        row[:] = (
            x if plain else checks.check_array(x, "x", ndim=1, dtype=row.dtype, columns=len(row))
        )

    def take_target(self, y: Any) -> None:
        """Copy the target in, as `Network.train` takes it."""
        if self.one_number and type(y) is float and math.isfinite(y):
            self.y[0] = y
            return
        net = self.net
        target = np.asarray(y)
        if net.loss_name != "cross_entropy" or target.size > 1:
            target = target.reshape(1, -1)
        else:
            target = target.reshape(1)
        self.y[:] = checks.check_targets(target, net.loss_name, 1, net.sizes[-1], net.dtype)[0]

    def predict(self) -> float | np.ndarray:
        """The outputs for the sample taken in."""
        net = self.net
        if not single.predict_one(self.x, net.theta, net.layers, self.out, self.work):
            checks.check_array(self.x, "x", ndim=1, dtype=net.dtype)
        return self.out.item() if self.out.size == 1 else self.out.copy()

    def learn(self, lr: float) -> float:
        """One step of gradient descent on the sample taken in; returns its loss before."""
        net = self.net
        if lr != self.lr:
            self.lr, self.rate = lr, net.dtype.type(lr)
        loss = single.learn_one(
            self.x, self.y, net.theta, net.layers, net.loss_code, self.rate, self.work
        )
        if loss != loss:  # NaN
            checks.check_array(self.x, "x", ndim=1, dtype=net.dtype)
            raise DivergedError(1, f"loss or weights became infinite or NaN with lr={lr:g}")
        return loss
