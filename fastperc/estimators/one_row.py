"""One sample at a time, in microseconds: buffers that are made once, and no look around."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..kernels import single
from ..layout import aligned_zeros
from ..network import Network
from .epochs import Epochs, Samples, fixed
from .optimizer import Optimizer
from .scaling import Scaling


class OneRow:
    """Room for one sample of a network. Threads that predict at the same time never share one."""

    def __init__(self, net: Network, scaling: Scaling | None):
        self.net, self.scaling = net, scaling
        self.x, self.y = np.zeros(net.sizes[0], net.dtype), np.zeros(net.sizes[-1], net.dtype)
        self.weight = np.ones(1, net.dtype)
        self.before = np.zeros_like(net.theta)
        self.out = np.zeros(net.sizes[-1], net.dtype)
        self.work = aligned_zeros(single.work_size(net.layers, net.dtype), net.dtype)
        self.n_inputs = net.sizes[0]
        self.arguments = self.x, net.theta, net.layers, self.out, self.work
        self.epochs: Epochs | None = None

    def take_inputs(self, x: Any) -> None:
        """Copy the sample in; only its length is looked at."""
        if len(x) != self.n_inputs:
            raise ValueError(
                f"x: found {len(x)} numbers, expected {self.n_inputs}, one for each feature"
            )
        self.x[:] = x
        if self.scaling is not None:
            self.x[:] = self.scaling.apply(self.x)

    def predict(self) -> np.ndarray:
        """The outputs for the sample taken in: `out`, which the next call overwrites."""
        single.predict_one(*self.arguments)
        return self.out

    def learn(self, optimizer: Optimizer, is_factor: bool) -> np.ndarray:
        """Take the optimizer's step on that sample; returns the tally of `kernels.epochs`."""
        if self.epochs is None or self.epochs.optimizer is not optimizer:
            weight = fixed(self.weight) if is_factor else fixed(self.weight[:0])
            samples = Samples(fixed(self.x[None]), fixed(self.y[None]), weight, is_factor)
            self.epochs = Epochs(self.net, optimizer, samples, 1)
            self.order = np.empty((0, 1), np.int64)
        e = self.epochs
        s = e.samples
        e.tally[:] = 0
        e.take_steps(s.X, s.Y, s.weight, self.order, 0, 1)
        return e.tally
