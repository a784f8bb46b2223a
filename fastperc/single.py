"""Predicting and learning one sample at a time, in microseconds."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from . import checks
from .errors import DivergedError
from .kernels import online, predict
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
        n_in, n_out = net.sizes[0], net.sizes[-1]
        self.net = net
        self.x, self.y = np.zeros((1, n_in), net.dtype), np.zeros((1, n_out), net.dtype)
        self.out = np.zeros(n_out, net.dtype)
        self.work = aligned_zeros(online.work_size(net.layers, net.dtype), net.dtype)
        self.good, self.losses = np.empty_like(net.theta), np.zeros(1)
        self.lr, self.rate = 0.0, net.dtype.type(0)
        self.order, self.weight = np.empty((0, 1), np.int64), np.empty(0, net.dtype)
        # The kernels are compiled for read-only data, as `checks` makes it.
        self.X, self.Y = self.x.view(), self.y.view()
        for array in (self.X, self.Y, self.weight):
            array.flags.writeable = False
        self.inputs, self.row, self.target = self.X[0], self.x[0], self.y[0]
        self.one_number = net.loss_name == "squared_error" and n_out == 1

    def take_inputs(self, x: Any) -> None:
        """Copy the sample in. Whether it is finite, the kernel finds out."""
        row = self.row
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
            self.target[0] = y
            return
        net = self.net
        target = np.asarray(y)
        if net.loss_name != "cross_entropy" or target.size > 1:
            target = target.reshape(1, -1)
        else:
            target = target.reshape(1)
        self.y[:] = checks.check_targets(target, net.loss_name, 1, net.sizes[-1], net.dtype)

    def predict(self) -> float | np.ndarray:
        """The outputs for the sample taken in."""
        net = self.net
        if not predict.predict_one(self.inputs, net.theta, net.layers, self.out, self.work):
            checks.check_array(self.inputs, "x", ndim=1, dtype=net.dtype)
        return self.out.item() if len(self.out) == 1 else self.out.copy()

    def learn(self, lr: float) -> float:
        """One step of gradient descent on the sample taken in; returns its loss before."""
        net = self.net
        if lr != self.lr:
            self.lr, self.rate = lr, net.dtype.type(lr)
        self.losses[0] = 0.0
        reached = online.train_online(
            self.X, self.Y, self.weight, self.order, net.theta, net.layers, net.loss_code,
            self.rate, 0, 1, self.work, self.good, self.losses,
        )  # fmt: skip
        if reached < 0:
            checks.check_array(self.inputs, "x", ndim=1, dtype=net.dtype)
            raise DivergedError(1, f"loss or weights became infinite or NaN with lr={lr:g}")
        return self.losses.item()
