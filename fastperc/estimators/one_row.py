"""One sample at a time, in microseconds: buffers that are made once, and no look around."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..checks import check_array
from ..kernels import single
from ..model.layout import aligned_zeros
from ..network import Network
from .divergence import NON_FINITE, NonFiniteWeightsError
from .epochs import Epochs, Samples, fixed
from .optimizer import Optimizer, optimizer_at_hand
from .scaling import Scaling

NUMBERS = frozenset({float, int})


class OneRow:
    """Room for one sample of a network. Threads that predict at the same time never share one."""

    def __init__(self, net: Network, scaling: Scaling | None):
        self.net, self.scaling = net, scaling
        self.x, self.y = np.zeros(net.sizes[0], net.dtype), np.zeros(net.sizes[-1], net.dtype)
        self.weight = np.ones(1, net.dtype)
        self.theta = net.theta
        self.before = np.zeros_like(self.theta)
        self.out = np.zeros(net.sizes[-1], net.dtype)
        self.work = aligned_zeros(single.work_size(net.layers, net.dtype), net.dtype)
        self.n_inputs, self.is_wide = net.sizes[0], net.dtype == np.float64
        self.arguments = self.x, self.theta, net.layers, self.out, self.work
        self.epochs: Epochs | None = None
        self.made_for: tuple = ()

    def take_inputs(self, x: Any) -> None:
        """Copy the sample in. Whether it is finite, the kernels find out."""
        if not hasattr(x, "__len__"):
            x = check_array(x, "x", ndim=1)
        if len(x) != self.n_inputs:
            raise ValueError(
                f"x: found {len(x)} numbers, expected {self.n_inputs}, one for each feature"
            )
        if type(x) is np.ndarray:
            plain = x.dtype.kind in "fiu" and x.ndim == 1
        else:
            plain = type(x) is list and NUMBERS.issuperset(map(type, x))
        if not plain:
            x = check_array(x, "x", ndim=1)
        try:
            if self.is_wide:
                self.x[:] = x
            else:
                with np.errstate(over="ignore"):  # too large for float32 is infinite, and found out
                    self.x[:] = x
        except OverflowError:  # told by the check
            self.x[:] = check_array(x, "x", ndim=1)
        if self.scaling is not None:
            self.x[:] = self.scaling.apply(self.x)

    def predict(self) -> np.ndarray:
        """The outputs for the sample taken in: `out`, which the next call overwrites."""
        if not single.predict_one(*self.arguments):
            check_finite(self.x, "x")
        return self.out

    def prepare(self, optimizer: Optimizer, is_factor: bool) -> None:
        """Make room for `learn`, and keep what `take_back` brings back."""
        if self.epochs is None or self.made_for != (id(optimizer), is_factor):
            weight = fixed(self.weight) if is_factor else fixed(self.weight[:0])
            samples = Samples(fixed(self.x[None]), fixed(self.y[None]), weight, is_factor)
            self.epochs = Epochs(self.net, optimizer, samples, 1)
            self.made_for = id(optimizer), is_factor  # the epochs hold on to the optimizer
            self.order = np.empty((0, 1), np.int64)
            self.memory = optimizer.memory()
        optimizer.remember(self.memory)
        self.before[:] = self.theta

    def learn(self) -> np.ndarray:
        """Take the optimizer's step on that sample; returns the sums of `kernels.sums`."""
        e = self.epochs
        assert e is not None
        s = e.samples
        e.sums[:] = 0
        e.take_steps(s.X, s.Y, s.weight, self.order, 0, 1)
        return e.sums[:, 0]

    def take_back(self, optimizer: Optimizer) -> None:
        """Undo the step of `learn`."""
        self.theta[:] = self.before
        optimizer.recall(self.memory)


def learn_row(estimator: Any, row: OneRow, y: Any) -> float:
    """The solver's step on the inputs in ``row`` and the target y; returns the loss before."""
    counts = vars(estimator).get("_class_weights")
    is_factor = estimator._take_target(row, y)
    optimizer = optimizer_at_hand(estimator, row.net)
    row.prepare(optimizer, is_factor)
    try:
        optimizer.begin_epoch(estimator)
        loss = estimator._mean_loss(row.learn(), optimizer)
        if not (math.isfinite(loss) and np.isfinite(row.theta).all()):
            raise NonFiniteWeightsError(1, NON_FINITE)
    except BaseException:
        row.take_back(optimizer)
        if counts is not None:
            estimator._class_weights = counts
        check_finite(row.x, "x")
        check_finite(row.y, "y")
        raise
    estimator.t_ += 1
    optimizer.end_epoch(estimator.t_)
    return loss


def is_plain_row(estimator: Any, X: Any, y: Any) -> bool:
    """Whether `partial_fit` may take a short way: all can be seen to be in order at once."""
    return (
        hasattr(estimator, "_optimizer")
        and not estimator.early_stopping
        and type(y) in (np.ndarray, list)
        and len(y) == 1
        and estimator._is_plain_target(np.asarray(y))
        and estimator._is_plain(X, estimator._network())
        and len(X) == 1
    )


def check_finite(row: np.ndarray, name: str) -> None:
    """Say it where the numbers of a sample explain why its loss is not finite."""
    strange = row[~np.isfinite(row)]
    if len(strange):
        raise ValueError(
            f"{name}: found {strange[0]}, expected finite numbers, none too large for {row.dtype}"
        )
