"""Update rules by name: their code in the kernels, their settings, and what they remember."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from .. import checks
from ..kernels import updates
from ..kernels.arguments import Rule as Arguments
from ..model.dense import Dense
from ..model.layout import aligned_zeros

OPTIMIZERS = ("sgd", "adam", "adamw", "rprop", "lbfgs")
STOCHASTIC = OPTIMIZERS[:-1]  # lbfgs is SciPy's
PENALTIES = [updates.L1, updates.L2, updates.L2_PER_WEIGHT, updates.CLIP]


class Memory(NamedTuple):
    """A copy of what a rule remembers from step to step."""

    state: np.ndarray
    step_state: np.ndarray


class Rule:
    """An update rule at work on a network.

    Attributes
    ----------
    code : int
    settings : ndarray of float64
        Learning rate and all other numbers; written to from epoch to epoch.
    state : ndarray
        One or two vectors, laid out as ``theta``, that the rule remembers.
    step_state : ndarray of float64
        The number of steps and what follows from it; see `kernels.updates`.
    """

    def __init__(self, code: int, settings: np.ndarray, model: Dense):
        self.code, self.settings = code, settings
        self.state = aligned_zeros(updates.MEMORY[code] * model.theta.size, model.dtype)
        self.step_state = np.zeros(3)
        self.arguments = Arguments(code, settings, self.state, self.step_state)

    def __getstate__(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("code", "settings", "state", "step_state")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        # What comes from a file may be mapped into memory, and read-only.
        own = {k: v.copy() if isinstance(v, np.ndarray) else v for k, v in state.items()}
        self.__dict__.update(own)
        self.arguments = Arguments(self.code, self.settings, self.state, self.step_state)

    @property
    def is_plain(self) -> bool:
        """True where a step is the learning rate times the gradient and nothing else."""
        return self.code == updates.SGD and not any(self.settings[k] for k in PENALTIES)

    @property
    def takes_all_samples(self) -> bool:
        """True for a rule that is defined for the gradient of all samples."""
        return self.code == updates.RPROP

    def memory(self) -> Memory:
        """Return a copy of what the rule remembers, for `restore`."""
        return Memory(self.state.copy(), self.step_state.copy())

    def copy_memory(self, memory: Memory) -> None:
        """Write what the rule remembers to a copy made before."""
        memory.state[:], memory.step_state[:] = self.state, self.step_state

    def restore(self, memory: Memory) -> None:
        """Forget the steps taken since the copy was made."""
        self.state[:], self.step_state[:] = memory.state, memory.step_state


def code_of(optimizer: str, momentum: float = 0.0, nesterov: bool = False) -> int:
    """Return the code of the rule that a name and its options stand for."""
    if optimizer == "sgd" and momentum != 0:
        return updates.CODES["nesterov" if nesterov else "momentum"]
    return updates.CODES[optimizer]


def check_rule(
    optimizer: object,
    momentum: float,
    nesterov: object,
    alpha: object,
    l1: object,
    clip_norm: object,
    betas: object,
    epsilon: object,
    dtype: np.dtype,
) -> tuple[str, int, np.ndarray]:
    """Return name, code and settings, these but for the learning rate, of what `train` was given.

    Raises
    ------
    TypeError, ValueError
        For what is no number in its range, or does not belong to the optimizer.
    """
    name = checks.check_choice(optimizer, "optimizer", OPTIMIZERS)
    settings = np.zeros(updates.N_SETTINGS)
    settings[updates.MOMENTUM_FACTOR] = _check_fraction(momentum, "momentum")
    nesterov = checks.check_flag(nesterov, "nesterov")
    if name != "sgd" and (momentum != 0 or nesterov):
        raise ValueError(
            f"momentum: found momentum={momentum!r}, nesterov={nesterov!r} with "
            f"optimizer={name!r}, expected 0.0 and False: they belong to 'sgd'"
        )
    if nesterov and momentum == 0:
        raise ValueError("nesterov: found True with momentum=0.0, expected a momentum, such as 0.9")
    settings[updates.L2], settings[updates.L1] = check_penalties(alpha, l1)
    if clip_norm is not None:
        settings[updates.CLIP] = checks.check_positive(clip_norm, "clip_norm")
    if isinstance(betas, (str, bytes)) or not isinstance(betas, Sequence) or len(betas) != 2:
        raise ValueError(f"betas: found {betas!r:.60}, expected two numbers such as (0.9, 0.999)")
    for index, beta in zip((updates.BETA1, updates.BETA2), betas, strict=True):
        settings[index] = _check_fraction(beta, "betas")
    settings[updates.EPSILON] = checks.check_positive(epsilon, "epsilon")
    if name in ("adam", "adamw"):
        checks.check_rounded(settings[updates.EPSILON], "epsilon", dtype)
    settings[updates.EPSILON_SCALED] = 1
    if name == "lbfgs":
        _check_smooth(l1, clip_norm)
        return name, updates.SGD, settings
    return name, code_of(name, momentum, nesterov), settings


def _check_smooth(l1: object, clip_norm: object) -> None:
    """Refuse what lbfgs cannot do."""
    for name, value, why in (
        ("l1", l1, "wants a smooth loss"),
        ("clip_norm", clip_norm, "chooses the length of its steps itself"),
    ):
        if value:
            raise ValueError(
                f"{name}: found {value!r} with optimizer='lbfgs', which {why}. Leave {name} out, "
                "or use another optimizer"
            )


def _check_fraction(value: object, name: str) -> float:
    number = checks.check_number(value, name, least=0)
    if number >= 1:
        raise ValueError(f"{name}: found {value!r}, expected a number from 0 to below 1")
    return number


def check_penalties(alpha: object, l1: object) -> tuple[float, float]:
    """Return the factors of the penalties, which must not be negative."""
    return checks.check_number(alpha, "alpha", least=0), checks.check_number(l1, "l1", least=0)
