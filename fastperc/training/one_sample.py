"""Predicting and learning one sample at a time, in microseconds."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import checks
from ..errors import DivergedError
from ..kernels import single
from ..model.dense import Dense
from ..model.layout import aligned_zeros
from ..model.losses import check_target
from .rules import Rule

NUMBERS = frozenset({float, int})
SCALARS = frozenset(np.dtype(code).type for code in "bhilqBHILQefd")


class SampleBuffer:
    """Buffers for one sample of a network, so that nothing is allocated per call.

    Whoever owns a network keeps the buffers that are not in use in a list; taking one out is a
    single operation, so threads that predict at the same time never share one.
    """

    def __init__(self, model: Dense):
        self.model, self.theta, dtype = model, model.theta, model.dtype
        n_in, n_out = model.sizes[0], model.sizes[-1]
        self.x, self.y = np.zeros(n_in, dtype), np.zeros(n_out, dtype)
        self.out = np.zeros(n_out, dtype)
        self.scratch = aligned_zeros(single.work_size(model.layers, dtype), dtype)
        self.shape = self.x.shape
        self.arguments = self.x, self.theta, model.layers, self.out, self.scratch
        self.code, self.is_one, self.is_wide = model.loss.code, n_out == 1, dtype.itemsize == 8
        most = float(np.finfo(dtype).max)
        low, high = model.loss.bounds if n_out == 1 else (1.0, 0.0)
        self.low, self.high = max(low, -most), min(high, most)  # of a target taken as it comes
        self.lr, self.rate = 0.0, dtype.type(0)
        self.rule: Rule | None = None
        self.rule_arguments: tuple[object, ...] = ()

    # --- what comes in -----------------------------------------------------------------------

    def take_inputs(self, x: object) -> None:
        """Copy the sample in. Whether it is finite, the kernel finds out."""
        row = self.x
        if type(x) is np.ndarray:
            plain = x.shape == self.shape and (x.dtype.kind == "f" or x.dtype.kind in "iu")
        else:
            plain = type(x) is list and len(x) == len(row) and NUMBERS.issuperset(map(type, x))
        if plain:
            try:
                row[:] = x
                return
            except OverflowError:
                pass  # told by the check
        row[:] = self.checked_inputs(x)

    def checked_inputs(self, x: object) -> np.ndarray:
        """Return the sample as an array, or say what is wrong with it."""
        return checks.check_array(x, "x", ndim=1, dtype=self.model.dtype, columns=len(self.x))

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
            model = self.model
            self.y[:] = check_target(y, model.loss, len(self.y), model.dtype)

    # --- what goes out -----------------------------------------------------------------------

    def run(self) -> bool:
        """Compute the outputs for the sample that ``x`` holds into ``out``; False if not finite."""
        return single.predict_one(*self.arguments)

    def forward(self, x: object) -> float | np.ndarray:
        """Return the outputs for one sample: a float, or an array where there are several."""
        self.take_inputs(x)
        if not single.predict_one(*self.arguments):
            self.checked_inputs(x)
        return self.out.item() if self.is_one else self.out.copy()

    def learn(self, x: object, y: object, lr: float) -> float:
        """Take one step of gradient descent on one sample; returns its loss before."""
        self.take_inputs(x)
        self.take_target(y)
        if lr != self.lr:
            self.lr, self.rate = lr, checks.check_rounded(lr, "lr", self.model.dtype)
        loss = single.learn_one(
            self.x, self.y, self.theta, self.model.layers, self.code, self.rate, self.scratch
        )
        if loss != loss:  # NaN
            self.checked_inputs(x)
            raise DivergedError(1, f"loss or weights became infinite or NaN with lr={lr:g}")
        return loss

    def learn_by_rule(self, rule: Rule, weight: float = 1.0) -> tuple[float, float]:
        """Take a step of any rule on the sample and target that ``x`` and ``y`` hold.

        Returns its loss before, and the sum of squared weights where there is a penalty; NaN, and
        all as it was, where loss or weights became infinite or NaN.
        """
        if rule is not self.rule:
            model, self.rule = self.model, rule
            size = single.work_size_by_rule(rule.code, model.packed_layers, model.dtype)
            self.rule_arguments = (
                self.theta, model.packed_layers, self.code, rule.code, rule.settings, rule.state,
                rule.step_state, aligned_zeros(size, model.dtype),
            )  # fmt: skip
        return single.learn_one_by_rule(self.x, self.y, weight, *self.rule_arguments)
