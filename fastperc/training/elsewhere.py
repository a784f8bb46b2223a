"""Who trains fleets: this process, unless a block of the caller's says otherwise.

The trainer is that of the context (see `contextvars`), where `fleets.fit_fleet` finds it: whoever
calls the engine, however far away, hands nothing on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Protocol, TypeVar

import numpy as np

if TYPE_CHECKING:
    from .fleets import FleetRun


Shared = TypeVar("Shared")
Item = TypeVar("Item")
Result = TypeVar("Result")


class Trainer(Protocol):
    """Trains the networks of a fleet somewhere else."""

    def fit_fleet(self, run: FleetRun) -> np.ndarray:
        """Do what `fleets.fit_fleet` does, with the same results to the last bit."""

    def map(
        self,
        function: Callable[[Shared, Item], Result],
        shared: Shared,
        items: Sequence[Item],
        name: str,
    ) -> list[Result]:
        """Return ``function(shared, item)`` of each item: what is to be done one by one.

        The function is one of a module; ``name`` is what the work is called.
        """


_trainer: ContextVar[Trainer | None] = ContextVar("who trains fleets", default=None)


def trainer() -> Trainer | None:
    """Return who trains fleets in place of this process, if there is anyone."""
    return _trainer.get()


@contextmanager
def trained_by(trainer: Trainer | None) -> Iterator[None]:
    """Let fleets within this block be trained by someone else; by this process, with None."""
    token = _trainer.set(trainer)
    try:
        yield
    finally:
        _trainer.reset(token)
