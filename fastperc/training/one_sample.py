"""Predicting and learning one sample at a time, in microseconds."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import checks
from ..errors import DivergedError
from ..kernels import single
from ..kernels.call_by_address import entrance
from ..model.dense import Dense
from ..model.layout import aligned_zeros
from ..model.losses import check_target
from .rules import Rule

NUMBERS = frozenset({float, int, bool})
SCALARS = frozenset(np.dtype(code).type for code in "?bhilqBHILQefd")
SEQUENCES = (list, tuple)
are_numbers = (NUMBERS | SCALARS).issuperset  # of types


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
        self.pack = struct.Struct(f"{n_in}{dtype.char}").pack_into
        self.place = self.x.data  # quicker than the array
        # Kernels and all of their arguments, once they are asked for.
        self.predict: Callable[..., bool] | None = None
        self.predict_arguments = self.x, self.theta, model.layers, self.out, self.scratch
        self.step: Callable[..., float] | None = None
        self.step_arguments: tuple[object, ...] = ()
        self.code, self.is_one, self.is_wide = model.loss.code, n_out == 1, dtype.itemsize == 8
        most = float(np.finfo(dtype).max)
        low, high = model.loss.bounds if n_out == 1 else (1.0, 0.0)
        self.low, self.high = max(low, -most), min(high, most)  # of a target taken as it comes
        self.n_classes = n_out if model.loss.is_of_classes else 0
        self.translated = model.loss.values if n_out == 1 else {}
        self.labels_in = model.loss.labels_in if model.loss.values else None
        self.target: object = None  # as it came, or as a number
        self.lr = 0.0
        self.rule: Rule | None = None
        self.rule_arguments: tuple[object, ...] = ()

    # --- what comes in -----------------------------------------------------------------------

    def take_inputs(self, x: object) -> None:
        """Copy the sample in. Whether it is finite, the kernel finds out."""
        if type(x) is np.ndarray:
            if x.shape == self.shape and x.dtype.kind in "fiub":
                self.x[...] = x
                return
        elif isinstance(x, SEQUENCES) and are_numbers(map(type, x)):
            try:
                self.pack(self.place, 0, *x)
                return
            except (struct.error, OverflowError):
                pass  # told by the check
        self.x[:] = self.checked_inputs(x)

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
        elif kind is np.ndarray and y.size == 1 and y.dtype.kind in "fiub":
            number = y.item()
        elif kind in SEQUENCES and len(y) == 1:
            return self.take_target(y[0])
        else:
            number = math.nan
        self.target = number
        if self.low <= number <= self.high:
            self.y[0] = number
        elif number in self.translated:
            self.y[0] = self.translated[number]
        elif 0 <= number < self.n_classes and number == int(number):
            self.y[:] = 0
            self.y[int(number)] = 1
        else:
            model = self.model
            self.y[:] = check_target(y, model.loss, len(self.y), model.dtype)
            self.target = y

    # --- what goes out -----------------------------------------------------------------------

    def run(self) -> bool:
        """Compute the outputs for the sample that ``x`` holds into ``out``; False if not finite."""
        return (self.predict or self._prepared())(*self.predict_arguments)

    def _prepared(self) -> Callable[..., bool]:
        """Compile, or load, what predicts."""
        self.predict = entrance(single.predict_one, *self.predict_arguments)
        return self.predict

    def forward(self, x: object) -> float | np.ndarray:
        """Return the outputs for one sample: a float, or an array where there are several."""
        self.take_inputs(x)
        if not (self.predict or self._prepared())(*self.predict_arguments):
            self.checked_inputs(x)
        return self.out.item() if self.is_one else self.out.copy()

    def learn(self, x: object, y: object, lr: float) -> float:
        """Take one step of gradient descent on one sample; returns its loss before."""
        self.take_inputs(x)
        self.take_target(y)
        if self.step is None or lr != self.lr:
            self.step = self._step_at(lr)
        loss = self.step(*self.step_arguments)
        if loss != loss:  # NaN
            self.checked_inputs(x)
            raise DivergedError(1, f"loss or weights became infinite or NaN with lr={lr:g}")
        return loss

    def _step_at(self, lr: float) -> Callable[..., float]:
        """Return the step with a learning rate, which the network's dtype must be able to hold."""
        model = self.model
        checks.check_rounded(lr, "lr", model.dtype)
        self.lr = float(lr)
        self.step_arguments = (
            self.x, self.y, self.theta, model.layers, self.code, self.lr, self.scratch
        )  # fmt: skip
        return entrance(single.learn_one, *self.step_arguments)

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
