"""The solver of an estimator: its update rule, and how its learning rate changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from .. import schedules
from ..checks import check_number
from ..kernels import updates
from ..model.dense import Dense
from ..training.rules import Rule, code_of
from .parameters import SCHEDULES
from .settings import SolverSettings

Numbers = TypeVar("Numbers", float, np.ndarray)


class Optimizer:
    """Rule, learning rate and memory of a solver, as its estimator was when it was made.

    ``partial_fit`` keeps it, so later changes of momentum, betas or learning rate wait for the next
    ``fit``; penalties and clipping are read again each time.

    Attributes
    ----------
    rule : Rule
    learning_rate : float
        The present one.
    epoch : int
        Number of epochs, or calls of ``partial_fit``, so far.
    """

    def __init__(self, settings: SolverSettings, model: Dense):
        self.made_for = model.sizes, model.dtype
        self.learning_rate = self.learning_rate_init = float(settings.learning_rate_init)
        self.power_t = settings.power_t
        self.kind = settings.learning_rate if settings.solver == "sgd" else "constant"
        self.plan = settings.learning_rate, self.learning_rate_init, settings.max_iter
        self.is_scheduled = is_scheduled(settings.learning_rate)
        self.epoch = 0
        self.rule = Rule(*rule_of(settings), model)

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = dict(state)
        if not isinstance(state["rule"], Rule):  # of version 0.1
            names = {"code": "rule", "settings": "rates", "state": "state", "step_state": "clock"}
            rule = Rule.__new__(Rule)
            rule.__setstate__({new: state.pop(old) for new, old in names.items()})
            state["rule"] = rule
        self.__dict__.update(state)

    @property
    def l2(self) -> float:
        """Factor of the penalty, divided by the sum of a batch's weights."""
        return float(self.rule.settings[updates.L2_PER_WEIGHT])

    def set_penalties(
        self, alpha: float, l1: float, clip_norm: float | None, unit: float = 1.0
    ) -> None:
        """Set penalties and clipping; alpha is divided by weights, which count in ``unit``."""
        settings = self.rule.settings
        settings[l2_place(self.rule.code)] = l2_of(self.rule.code, alpha, unit)
        settings[updates.L1] = l1
        settings[updates.CLIP] = clip_norm or 0.0

    def begin_epoch(self) -> float:
        """Return the learning rate of the next epoch, which is set."""
        self.epoch += 1
        if self.is_scheduled:
            self.learning_rate = schedule(*self.plan)(self.epoch)
        self.rule.settings[updates.LR] = self.learning_rate
        return self.learning_rate

    def end_epoch(self, t: int) -> None:
        """Lower the rate of 'invscaling', ``t`` being the number of samples seen so far."""
        if self.kind == "invscaling":
            rate = schedules.invscaling(self.learning_rate_init, self.power_t)
            self.learning_rate = rate(t + 1)

    def is_exhausted(self, message: str, verbose: bool | int) -> bool:
        """Return whether to end where progress has ended; 'adaptive' goes on at a lower rate."""
        ends = self.kind != "adaptive" or self.learning_rate <= 1e-6
        if not ends:
            self.learning_rate /= 5.0
            what = f"Setting learning rate to {self.learning_rate:f}"
        elif self.kind == "adaptive":
            what = "Learning rate too small. Stopping."
        else:
            what = "Stopping."
        if verbose:
            print(f"{message} {what}")
        return ends


def rule_of(settings: SolverSettings) -> tuple[int, np.ndarray]:
    """Return code and numbers of a solver's rule, these but for learning rate and penalties."""
    numbers = np.zeros(updates.N_SETTINGS)
    if settings.solver == "sgd":
        numbers[updates.MOMENTUM_FACTOR] = settings.momentum
    numbers[updates.BETA1], numbers[updates.BETA2] = settings.beta_1, settings.beta_2
    numbers[updates.EPSILON] = settings.epsilon
    return code_of(settings.solver, settings.momentum, settings.nesterovs_momentum), numbers


def is_scheduled(learning_rate: object) -> bool:
    """Return whether the rate of each epoch is known before, whatever the solver."""
    return callable(learning_rate) or learning_rate in SCHEDULES


def pace_of(settings: SolverSettings) -> object:
    """Return what decides on the rate: 'constant' where ``learning_rate`` does not count."""
    counts = settings.solver == "sgd" or is_scheduled(settings.learning_rate)
    return settings.learning_rate if counts else "constant"


def l2_place(code: int) -> int:
    """Return where a rule's settings hold ``alpha``."""
    return updates.L2 if code == updates.ADAMW else updates.L2_PER_WEIGHT


def l2_of(code: int, alpha: Numbers, unit: Numbers) -> Numbers:
    """Return ``alpha`` as a rule takes it, weights being counted in ``unit``."""
    return alpha if code == updates.ADAMW else alpha / unit


def schedule(kind: object, lr: float, epochs: int) -> Callable[[int], float]:
    """Return the function from epoch to learning rate that ``learning_rate`` names or is."""
    if callable(kind):
        return lambda epoch: check_number(kind(epoch), f"learning_rate({epoch})", least=0)
    if kind == "step":
        return schedules.step(lr, every=max(1, epochs // 3))
    make = schedules.cosine if kind == "cosine" else schedules.one_cycle
    return make(lr, epochs)
