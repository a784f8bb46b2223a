"""What a stochastic solver remembers from step to step, and how its learning rate changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import schedules
from ..checks import check_number
from ..kernels import updates
from ..model.layout import aligned_zeros
from ..network import Network


@dataclass
class Memory:
    """A copy of what an optimizer remembers from step to step."""

    state: np.ndarray
    clock: np.ndarray
    epoch: int
    learning_rate: float


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

    def __init__(self, estimator: Any, net: Network):
        self.made_for = net.sizes, net.dtype
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
        self.rates = np.zeros(updates.N_SETTINGS)
        if estimator.solver == "sgd":
            self.rates[updates.MOMENTUM_FACTOR] = estimator.momentum
        self.rates[updates.BETA1] = estimator.beta_1
        self.rates[updates.BETA2] = estimator.beta_2
        self.rates[updates.EPSILON] = estimator.epsilon
        self.state = aligned_zeros(updates.MEMORY[self.rule] * net.theta.size, net.dtype)
        self.clock = np.zeros(3)

    def __setstate__(self, state: dict) -> None:
        # What comes from a file may be mapped into memory, and read-only.
        own = {k: v.copy() if isinstance(v, np.ndarray) else v for k, v in state.items()}
        self.__dict__.update(own)

    def memory(self) -> Memory:
        """A copy of what is remembered from step to step, for `recall`."""
        return Memory(self.state.copy(), self.clock.copy(), self.epoch, self.learning_rate)

    def remember(self, memory: Memory) -> None:
        """The same into a copy made before."""
        memory.state[:], memory.clock[:] = self.state, self.clock
        memory.epoch, memory.learning_rate = self.epoch, self.learning_rate

    def recall(self, memory: Memory) -> None:
        """Take back the steps since then."""
        self.state[:], self.clock[:] = memory.state, memory.clock
        self.epoch, self.learning_rate = memory.epoch, memory.learning_rate

    def begin_epoch(self, estimator: Any, unit: float = 1.0) -> None:
        """Write learning rate and penalties where the kernels read them.

        Weights are counted in ``unit``, and alpha is divided by their sum.
        """
        self.epoch += 1
        if self.is_scheduled:
            self.learning_rate = schedule(*self.plan)(self.epoch)
        self.rates[updates.LR] = self.learning_rate
        if self.rule == updates.ADAMW:
            self.rates[updates.L2] = estimator.alpha
        else:
            self.rates[updates.L2_PER_WEIGHT] = estimator.alpha / unit
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


def optimizer_at_hand(estimator: Any, net: Network) -> Optimizer:
    """That of the last training, if it was made for such a network, or a new one."""
    found = getattr(estimator, "_optimizer", None)
    if found is None or getattr(found, "made_for", None) != (net.sizes, net.dtype):
        found = estimator._optimizer = Optimizer(estimator, net)
    return found
