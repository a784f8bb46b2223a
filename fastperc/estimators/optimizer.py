"""What a stochastic solver remembers from step to step, and how its learning rate changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import schedules
from ..checks import check_number
from ..kernels import updates
from ..layout import aligned_zeros

Memory = tuple[np.ndarray, np.ndarray]  # copies of an optimizer's state and clock

SOLVERS = ("sgd", "adam", "adamw", "rprop")
SCHEDULES = ("step", "cosine", "one_cycle")
RULES = {"adam": updates.ADAM, "adamw": updates.ADAMW, "rprop": updates.RPROP}


class Optimizer:
    """Rule, learning rate and memory of a solver, as its estimator was when it was made.

    ``partial_fit`` keeps it, so later changes of momentum, betas or learning rate wait for the next
    ``fit``; penalties and clipping are read again each time.

    Attributes
    ----------
    learning_rate : float
        The present one.
    rates, state, clock : ndarray
        See `kernels.updates`.
    """

    def __init__(self, estimator: Any, n_parameters: int, dtype: np.dtype):
        self.learning_rate_init = float(estimator.learning_rate_init)
        self.learning_rate = self.learning_rate_init
        self.power_t = estimator.power_t
        self.kind = estimator.learning_rate if estimator.solver == "sgd" else "constant"
        self.plan = estimator.learning_rate, self.learning_rate_init, estimator.max_iter
        self.is_scheduled = callable(estimator.learning_rate) or (
            estimator.learning_rate in SCHEDULES
        )
        self.epoch = 0
        self.rule = rule_of(estimator)
        self.rates = np.zeros(updates.N_RATES)
        if estimator.solver == "sgd":
            self.rates[updates.FRICTION] = estimator.momentum
        self.rates[updates.BETA1] = estimator.beta_1
        self.rates[updates.BETA2] = estimator.beta_2
        self.rates[updates.EPSILON] = estimator.epsilon
        self.state = aligned_zeros(updates.MEMORY[self.rule] * n_parameters, dtype)
        self.clock = np.zeros(3)

    def __setstate__(self, state: dict) -> None:
        # What comes from a file may be mapped into memory, and read-only.
        own = {k: v.copy() if isinstance(v, np.ndarray) else v for k, v in state.items()}
        self.__dict__.update(own)

    def memory(self) -> Memory:
        """A copy of what is remembered from step to step, for `recall`."""
        return self.state.copy(), self.clock.copy()

    def remember(self, memory: Memory) -> None:
        """The same into a copy made before."""
        memory[0][:], memory[1][:] = self.state, self.clock

    def recall(self, memory: Memory) -> None:
        """Take back the steps since then."""
        self.state[:], self.clock[:] = memory

    def begin_epoch(self, estimator: Any) -> None:
        """Write learning rate and penalties where the kernels read them."""
        self.epoch += 1
        if self.is_scheduled:
            self.learning_rate = schedule(*self.plan)(self.epoch)
        self.rates[updates.LR] = self.learning_rate
        alpha = updates.L2 if self.rule == updates.ADAMW else updates.L2_PER_WEIGHT
        self.rates[alpha] = estimator.alpha
        self.rates[updates.L1] = estimator.l1
        self.rates[updates.CLIP] = estimator.clip_norm or 0.0

    def end_epoch(self, t: int) -> None:
        """Lower the rate of 'invscaling', ``t`` being the number of samples seen so far."""
        if self.kind == "invscaling":
            self.learning_rate = self.learning_rate_init / (t + 1) ** self.power_t

    def stops(self, message: str, verbose: Any) -> bool:
        """Whether to end where progress has ended; 'adaptive' goes on with a fifth of its rate."""
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


def rule_of(estimator: Any) -> int:
    """The code of the solver's update rule."""
    if estimator.solver in RULES:
        return RULES[estimator.solver]
    if estimator.momentum == 0:
        return updates.SGD
    return updates.NESTEROV if estimator.nesterovs_momentum else updates.MOMENTUM


def schedule(kind: Any, lr: float, epochs: int) -> Callable[[int], float]:
    """The function from epoch to learning rate that ``learning_rate`` names or is."""
    if callable(kind):
        return lambda epoch: check_number(kind(epoch), f"learning_rate({epoch})", least=0)
    if kind == "step":
        return schedules.step(lr, every=max(1, epochs // 3))
    make = schedules.cosine if kind == "cosine" else schedules.one_cycle
    return make(lr, epochs)
