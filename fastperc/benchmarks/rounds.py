"""Time many things while the machine is still: whatever needs it most, as soon as it is.

A busy machine is still for milliseconds or seconds at a time, and then not for as long. So all that
is to be timed is made ready first; then each has its turn, a few calls long, as often as nothing
disturbs, until all have enough.
"""

from __future__ import annotations

from collections.abc import Iterable
from time import perf_counter

from ..measuring.clock import Timed
from ..measuring.stillness import Stillness

ROUNDS = 5  # undisturbed ones that are enough
FEW = 3  # with fewer, none is believed
TRIES = 4  # for each of these: a still moment may be shorter than a call
SPENT = 0.3  # seconds after which a long call has had its share, whatever came of it


class Rounds:
    """The rounds of a thing that is timed.

    Parameters
    ----------
    timed : Timed
    least : int
        Number of rounds to make, undisturbed ones if possible.

    Attributes
    ----------
    good, others : list of float
        Nanoseconds per unit of the undisturbed and of all other rounds.
    error : str
        Why it cannot be timed; empty if it can.
    """

    def __init__(self, timed: Timed, least: int = ROUNDS):
        self.timed, self.least = timed, least
        self.good: list[float] = []
        self.others: list[float] = []
        self.spent, self.error = 0.0, ""

    def visit(self, still: Stillness, late: bool) -> None:
        """Time calls until there are enough or something disturbs.

        They follow each other, so that one fills the caches for the next.
        """
        while not self.are_enough(late):
            try:
                found = still.time(self.timed, late)
            except ArithmeticError as error:  # it must not cost the figures of all others
                self.error = str(error)
                return
            if found is None:
                return
            seconds, was_still = found
            rounds = self.good if was_still else self.others
            rounds.append(1e9 * seconds / self.timed.units)
            self.spent += seconds

    @property
    def was_still(self) -> bool:
        """Return whether the best of the undisturbed rounds counts: the first of a few is slow."""
        return len(self.good) >= min(FEW, self.least)

    def are_enough(self, late: bool) -> bool:
        """Return whether no more rounds are needed or, if it is ``late``, worth waiting for."""
        n_good, n = len(self.good), len(self.good) + len(self.others)
        if self.error or n_good >= self.least or (n and self.spent > SPENT):
            return True
        return n >= TRIES * self.least or (late and n > 0)


def time_all(rounds: Iterable[Rounds], still: Stillness, seconds: float) -> None:
    """Time all of them; after ``seconds``, those without a round are given one all the same."""
    end, waiting = perf_counter() + seconds, list(rounds)
    while waiting:
        late = perf_counter() >= end
        for each in waiting:
            each.visit(still, late)
        waiting = [each for each in waiting if not each.are_enough(late)]
