"""How often a promise was put to the test, and how often it held."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Tally:
    """Tries of one promise.

    Attributes
    ----------
    tried : int
    lost : list of str
        A line for each try in which the promise was not held.
    notes : Counter
        How often what became of a try, in words.
    worst : float
        The largest of the figures that `take` was given, such as seconds.
    """

    tried: int = 0
    lost: list[str] = field(default_factory=list)
    notes: Counter[str] = field(default_factory=Counter)
    worst: float = 0.0

    @property
    def survived(self) -> int:
        """Tries in which the promise was held."""
        return self.tried - len(self.lost)

    def take(self, what: str, problem: str = "", note: str = "", figure: float = 0.0) -> None:
        """Count a try of ``what``; ``problem`` says why the promise was not held."""
        self.tried += 1
        if problem:
            self.lost.append(f"{what}: {problem}")
        if note:
            self.notes[note] += 1
        self.worst = max(self.worst, figure)

    def check(self) -> None:
        """Raise where a try was lost, or nothing was tried."""
        assert self.tried, "nothing was tried"
        assert not self.lost, f"{len(self.lost)} of {self.tried} lost:\n" + "\n".join(self.lost)

    def as_row(self) -> dict[str, object]:
        """Return what is stored."""
        return {
            "tried": self.tried,
            "survived": self.survived,
            "lost": len(self.lost),
            "notes": dict(sorted(self.notes.items())),
            "worst": round(self.worst, 4),
        }
