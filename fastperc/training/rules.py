"""Update rules by name: their code in the kernels, their settings, and what they remember."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from .. import checks
from ..kernels import updates
from ..kernels.arguments import Rule as Arguments
from ..model.dense import Dense
from ..model.layout import aligned_zeros

OPTIMIZERS = ("sgd", "adam", "adamw", "rmsprop", "adagrad", "adadelta", "rprop", "lbfgs")
STOCHASTIC = ("sgd", "adam", "adamw", "rprop")  # what estimators have; lbfgs is SciPy's
HAVE_EPSILON = ("adam", "adamw", "rmsprop", "adagrad", "adadelta")
HAVE_RHO = ("rmsprop", "adadelta")
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
        missing = updates.N_SETTINGS - len(own["settings"])  # of an older version
        own["settings"] = np.append(own["settings"], np.zeros(missing))
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

    def identity(self) -> dict[str, Any]:
        """Return what steps depend on, but for the learning rate; see `checkpoints`."""
        settings = np.delete(self.settings, updates.LR)
        return {"optimizer": {"code": int(self.code), "options": settings.tolist()}}

    def memory(self) -> Memory:
        """Return a copy of what the rule remembers, for `restore`."""
        return Memory(self.state.copy(), self.step_state.copy())

    def copy_memory(self, memory: Memory) -> None:
        """Write what the rule remembers to a copy made before."""
        memory.state[:], memory.step_state[:] = self.state, self.step_state

    def restore(self, memory: Memory) -> None:
        """Forget the steps taken since the copy was made."""
        self.state[:], self.step_state[:] = memory.state, memory.step_state


class RuleOptions(NamedTuple):
    """What `Network.train` is given of an update rule, and what is offered by default."""

    optimizer: str = "sgd"
    momentum: float = 0.0
    nesterov: bool = False
    dampening: float = 0.0
    momentum_of: str = "velocity"
    alpha: float = 0.0
    l1: float = 0.0
    penalize_biases: bool = False
    clip_norm: float | None = None
    betas: Sequence[float] = (0.9, 0.999)
    rho: float = 0.9
    epsilon: float = 1e-8
    epsilon_hat: bool = False
    reduction: str = "mean"


def code_of(
    optimizer: str, momentum: float = 0.0, nesterov: bool = False, momentum_of: str = "velocity"
) -> int:
    """Return the code of the rule that a name and its options stand for."""
    if optimizer == "sgd" and momentum != 0:
        plain = "momentum" if momentum_of == "velocity" else "last_gradient"
        return updates.CODES["nesterov" if nesterov else plain]
    return updates.CODES[optimizer]


def check_rule(options: RuleOptions, dtype: np.dtype) -> tuple[str, int, np.ndarray]:
    """Return name, code and settings, these but for the learning rate, of what `train` was given.

    Raises
    ------
    TypeError, ValueError
        For what is no number in its range, or does not belong to the optimizer.
    """
    given: tuple[object, ...] = options
    if not (type(options.betas) is tuple and [*map(type, options.betas)] == [float, float]):
        betas = _check_betas(options.betas)  # here, since equal numbers may be of different types
        given = (*options[:_BETAS], betas, *options[_BETAS + 1 :])
    try:
        name, code, settings = _checked(dtype, *given)
    except TypeError:  # of an argument, such as a list, that cannot be looked up
        name, code, settings = _checked.__wrapped__(dtype, *given)
    return name, code, settings.copy()


_BETAS = RuleOptions._fields.index("betas")


@functools.lru_cache(maxsize=32, typed=True)
def _checked(dtype: np.dtype, *given: object) -> tuple[str, int, np.ndarray]:
    """Apply `check_rule`, once for the same options: calls may be many and short."""
    o = RuleOptions._make(given)
    name = checks.check_choice(o.optimizer, "optimizer", OPTIMIZERS)
    settings = np.zeros(updates.N_SETTINGS)
    settings[updates.MOMENTUM_FACTOR] = _check_fraction(o.momentum, "momentum")
    _check_momentum(o, name, settings)
    settings[updates.L2], settings[updates.L1] = check_penalties(o.alpha, o.l1)
    settings[updates.PENALIZE_BIASES] = checks.check_flag(o.penalize_biases, "penalize_biases")
    settings[updates.SUM] = check_reduction(o.reduction) == "sum"
    if o.clip_norm is not None:
        settings[updates.CLIP] = checks.check_positive(o.clip_norm, "clip_norm")
    settings[updates.BETA1], settings[updates.BETA2] = _check_betas(o.betas)
    rho = _check_fraction(o.rho, "rho")
    if name in HAVE_RHO:
        settings[updates.BETA2] = rho
    settings[updates.EPSILON] = checks.check_positive(o.epsilon, "epsilon")
    if name in HAVE_EPSILON:
        checks.check_rounded(settings[updates.EPSILON], "epsilon", dtype)
    settings[updates.EPSILON_SCALED] = not checks.check_flag(o.epsilon_hat, "epsilon_hat")
    if o.epsilon_hat and name not in ("adam", "adamw"):
        raise ValueError(
            f"epsilon_hat: found True with optimizer={name!r}, expected 'adam' or 'adamw', whose "
            "moments are corrected for their start"
        )
    if name == "lbfgs":
        _check_smooth(o.l1, o.clip_norm)
        return name, updates.SGD, settings
    return name, code_of(name, o.momentum, o.nesterov, o.momentum_of), settings


def _check_momentum(o: RuleOptions, name: str, settings: np.ndarray) -> None:
    """Check all that belongs to momentum, and set its dampening."""
    nesterov = checks.check_flag(o.nesterov, "nesterov")
    kept = checks.check_choice(o.momentum_of, "momentum_of", ("velocity", "gradient"))
    dampening = settings[updates.DAMPENING] = checks.check_number(o.dampening, "dampening", least=0)
    if name != "sgd" and (o.momentum != 0 or nesterov):
        raise ValueError(
            f"momentum: found momentum={o.momentum!r}, nesterov={o.nesterov!r} with "
            f"optimizer={name!r}, expected 0.0 and False: they belong to 'sgd'"
        )
    for option, value, is_given in (
        ("nesterov", o.nesterov, nesterov),
        ("dampening", o.dampening, dampening > 0),
        ("momentum_of", kept, kept != "velocity"),
    ):
        if is_given and o.momentum == 0:
            raise ValueError(
                f"{option}: found {value!r} with momentum=0.0, expected a momentum, such as 0.9"
            )
    if nesterov + (dampening > 0) + (kept != "velocity") > 1:
        raise ValueError(
            f"momentum: found nesterov={o.nesterov!r}, dampening={o.dampening!r}, "
            f"momentum_of={o.momentum_of!r}, expected one of them at most"
        )
    if dampening > 1:
        raise ValueError(f"dampening: found {o.dampening!r}, expected a number from 0 to 1")


def check_reduction(reduction: object) -> str:
    """Return "mean" or "sum"."""
    return checks.check_choice(reduction, "reduction", ("mean", "sum"))


def _check_betas(betas: object) -> tuple[float, float]:
    if isinstance(betas, (str, bytes)) or not isinstance(betas, Sequence) or len(betas) != 2:
        raise ValueError(f"betas: found {betas!r:.60}, expected two numbers such as (0.9, 0.999)")
    return _check_fraction(betas[0], "betas"), _check_fraction(betas[1], "betas")


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
