"""Learning rates that change with the epoch, for `Network.train(lr=...)`.

A schedule is any function from the epoch's number, counted from 1, to a learning rate. These make
the usual ones:

>>> from fastperc import schedules
>>> rate = schedules.cosine(0.1, epochs=100)
>>> [round(rate(epoch), 4) for epoch in (1, 50, 100)]
[0.1, 0.0508, 0.0]
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from .checks import check_count, check_number, check_positive

Schedule = Callable[[int], float]


@dataclass(frozen=True, repr=False)
class Planned:
    """A schedule of this module: its name and numbers, by which a file keeps it."""

    name: str
    numbers: tuple[float, ...]

    def __call__(self, epoch: int) -> float:
        return _RATES[self.name](epoch, *self.numbers)

    def __repr__(self) -> str:
        return f"schedules.{self.name}({', '.join(f'{number:g}' for number in self.numbers)})"


def constant(lr: float) -> Schedule:
    """Keep ``lr``."""
    return Planned("constant", (check_positive(lr, "lr"),))


def invscaling(lr: float, power: float = 0.5) -> Schedule:
    """Lower the rate as ``lr / epoch**power``."""
    lr, power = check_positive(lr, "lr"), check_number(power, "power", least=0)
    return Planned("invscaling", (lr, power))


def step(lr: float, every: int, factor: float = 0.1) -> Schedule:
    """Multiply ``lr`` by ``factor`` after every ``every`` epochs."""
    lr, every = check_positive(lr, "lr"), check_count(every, "every")
    return Planned("step", (lr, every, check_positive(factor, "factor")))


def cosine(lr: float, epochs: int, least: float = 0.0) -> Schedule:
    """Lower ``lr`` to ``least`` along half a cosine, from the first epoch to the last.

    Source: Loshchilov and Hutter (2017), without restarts.
    """
    lr, epochs = check_positive(lr, "lr"), check_count(epochs, "epochs")
    return Planned("cosine", (lr, epochs, check_number(least, "least", least=0)))


def one_cycle(lr: float, epochs: int, warm_up: float = 0.3, start: float = 25.0) -> Schedule:
    """Raise ``lr / start`` to ``lr`` in the first ``warm_up`` of the epochs, then lower it to 0.

    Both along half a cosine. Source: Smith and Topin (2018).
    """
    lr, epochs = check_positive(lr, "lr"), check_count(epochs, "epochs")
    warm_up, start = check_positive(warm_up, "warm_up"), check_positive(start, "start")
    if warm_up >= 1:
        raise ValueError(f"warm_up: found {warm_up:g}, expected a fraction of the epochs below 1")
    return Planned("one_cycle", (lr, epochs, warm_up, start))


def _cosine(epoch: int, lr: float, epochs: float, least: float) -> float:
    done = min(1.0, (epoch - 1) / max(1, epochs - 1))
    return least + (lr - least) * (1 + math.cos(math.pi * done)) / 2


def _one_cycle(epoch: int, lr: float, epochs: float, warm_up: float, start: float) -> float:
    top = warm_up * epochs
    if epoch <= top:
        part = (epoch - 1) / max(top - 1, 1)
        return lr / start + (lr - lr / start) * (1 - math.cos(math.pi * part)) / 2
    part = min(1.0, (epoch - top) / (epochs + 1 - top))
    return lr * (1 + math.cos(math.pi * part)) / 2


# By name: the rate of an epoch, and what checks the numbers.
_RATES: dict[str, Callable[..., float]] = {
    "constant": lambda epoch, lr: lr,
    "invscaling": lambda epoch, lr, power: lr / epoch**power,
    "step": lambda epoch, lr, every, factor: lr * factor ** ((epoch - 1) // every),
    "cosine": _cosine,
    "one_cycle": _one_cycle,
}
MAKERS: dict[str, Callable[..., Schedule]] = {
    "constant": constant,
    "invscaling": invscaling,
    "step": step,
    "cosine": cosine,
    "one_cycle": one_cycle,
}


@dataclass
class Adaptive:
    """``lr``, divided by ``divisor`` each time two epochs in a row do not lower the training loss.

    By at least ``tol``, that is, and training ends where the rate would fall below ``least``: what
    scikit-learn calls ``learning_rate="adaptive"``. An object remembers one training run.
    """

    lr: float
    tol: float = 1e-4
    patience: int = 2
    divisor: float = 5.0
    least: float = 1e-6
    best: float = field(default=math.inf, repr=False)
    waited: int = field(default=0, repr=False)

    def __post_init__(self) -> None:
        self.lr = check_positive(self.lr, "lr")

    def __call__(self, epoch: int) -> float:
        return self.lr

    def watch(self, loss: float) -> bool:
        """Take note of an epoch's training loss; returns whether to end training."""
        self.waited = self.waited + 1 if loss > self.best - self.tol else 0
        self.best = min(self.best, loss)
        if self.waited < self.patience:
            return False
        if self.lr / self.divisor < self.least:
            return True
        self.lr /= self.divisor
        self.waited = 0
        return False
