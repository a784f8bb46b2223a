"""What checking one variant found: the first wrong step, in numbers and in words."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from .mistakes import Mistake


@dataclass(frozen=True)
class WrongBlock:
    """A block of parameters that is wrong after the first wrong step.

    Attributes
    ----------
    name : str
        ``W1``, ``b1``, ...
    difference : float
        The largest difference, infinite if the shapes differ.
    index : tuple of int
        Its place in the block.
    found, expected : float
        The values there.
    note : str
        How the move of this step differs from the right one, if that can be said.
    factor : float
        The multiple of the right move that it is; NaN if it is none.
    """

    name: str
    difference: float
    index: tuple[int, ...] = ()
    found: float = math.nan
    expected: float = math.nan
    note: str = ""
    factor: float = math.nan

    def __str__(self) -> str:
        end = f" ({self.note})" if self.note else ""
        if not self.index:
            return f"{self.name}{end}"
        place = ", ".join(map(str, self.index))
        return f"{self.name}[{place}] is {self.found:.9g}, expected {self.expected:.9g}{end}"


class WrongStep(NamedTuple):
    """The first wrong step: its rows, and all blocks W1, b1, W2, ... in float64.

    ``before`` it, as ``found`` after it and as ``expected``. For what does not train, ``before``
    are the parameters, and the others what was computed of the rows.
    """

    first_row: int
    last_row: int
    before: list[np.ndarray]
    found: list[np.ndarray]
    expected: list[np.ndarray]


@dataclass(frozen=True)
class Finding:
    """What checking one variant found.

    Attributes
    ----------
    steps : int
        Number of steps that were checked; of rows, for what does not train.
    first_wrong : int or None
        The first step, counted from 1, after which parameters are wrong. For ``"forward"`` the
        first row whose outputs are, for ``"gradient"`` the first number of rows whose gradient is.
    blocks : list of WrongBlock
        The wrong blocks in the order of the layers.
    absolute, relative, ulps : float
        The largest difference at the end of the check: as it is, divided by the largest parameter
        of the same block, and in units of that one's last place.
    dtype : str
        Precision of the check.
    counts : str
        The unit of ``steps``: ``"step"`` or ``"row"``.
    cause : str or None
        The known mistake that gives the numbers found, to rounding: a name of `causes.CAUSES`.
    likely : str
        The same in words, with its place.
    too_slow : bool
        Whether there was no time to check two steps, or rows, and so to tell anything.
    mistake : Mistake or None
        The cause as something that `passes.trace` can do.
    step : WrongStep or None
        The first wrong step in numbers; where none is wrong, the first.
    """

    steps: int
    dtype: str
    first_wrong: int | None = None
    blocks: list[WrongBlock] = field(default_factory=list)
    absolute: float = 0.0
    relative: float = 0.0
    ulps: float = 0.0
    counts: str = "step"
    cause: str | None = None
    likely: str = ""
    too_slow: bool = False
    mistake: Mistake | None = field(default=None, repr=False, compare=False)
    step: WrongStep | None = field(default=None, repr=False, compare=False)

    @property
    def agrees(self) -> bool:
        """Return whether nothing is wrong, as far as that could be checked."""
        return self.first_wrong is None and not self.too_slow

    def __str__(self) -> str:
        if self.too_slow:
            return f"too slow to check: {self.steps} {self.counts} in the time limit"
        if self.first_wrong is None:
            end = f"; {self.likely}" if self.likely else ""
            return f"agrees over {self.steps:,} {self.counts}s{end}"
        names = ", ".join(block.name for block in self.blocks)
        first = f"first wrong {self.counts}: {self.first_wrong:,}, in {names} ({self.dtype})"
        cause = [f"likely cause: {self.likely}"] * bool(self.likely)
        return "\n    ".join([first, *cause, *self._lines()])

    def _lines(self) -> list[str]:
        """Return a line for each wrong block, or for all of them if they share a factor."""
        one, *others = self.blocks
        shared = {block.note for block in self.blocks}
        if not others or len(shared) > 1 or math.isnan(one.factor):
            return [str(block) for block in self.blocks]
        names = ", ".join(block.name for block in self.blocks)
        return [f"{names}: {one.note}; {replace(one, note='')}"]
