"""The result of a comparison: rows, and the table, picture and JSON made of them."""

from __future__ import annotations

import json
import math
import warnings
from dataclasses import dataclass, field, fields, is_dataclass
from os import PathLike, fspath
from typing import TYPE_CHECKING

from ..files.atomic import replace_file
from ..measuring.machine import Machine
from . import printing
from .finding import Finding

if TYPE_CHECKING:
    from ..plots import Axes
    from .problem import Problem


@dataclass
class Row:
    """The result of one variant.

    Attributes
    ----------
    name, what : str
    finding : Finding or None
        The outcome of the check against the reference; None if the variant did not run.
    error : str
        How it failed; empty if it did not.
    rounds : list of float
        Nanoseconds per sample in each round.
    best, median, low, high : float
        Statistics of the rounds; the median lies between low and high with a probability of 95 %.
    ratio, ratio_low, ratio_high : float
        Median time of the baseline divided by this one's, and the same interval of it.
    gflops, share_of_peak, gbytes : float
        Matrix work, which share of the peak of the cores that it ran on that is, and least memory
        traffic per second, at the best time; NaN where the result is wrong, since then it is not
        known what was done.
    first_call : float
        Seconds of the first call, compilation included.
    compile_seconds : float
        Compile time of the kernel, if it was compiled in this process or with ``inspect``.
    from_disk : bool
        Whether its machine code was on disk, so that its compile time is not known.
    packed_fma : int or None
        Packed multiply-adds in its machine code; None if it is not compiled.
    samples : int
        Number of samples that were trained on the clock.
    output : str
        What it printed when it was called first.
    problem : Problem
        What was to be solved.
    """

    name: str
    what: str
    finding: Finding | None = None
    error: str = ""
    rounds: list[float] = field(default_factory=list, repr=False)
    best: float = math.nan
    median: float = math.nan
    low: float = math.nan
    high: float = math.nan
    ratio: float = math.nan
    ratio_low: float = math.nan
    ratio_high: float = math.nan
    gflops: float = math.nan
    share_of_peak: float = math.nan
    gbytes: float = math.nan
    first_call: float = math.nan
    compile_seconds: float = math.nan
    from_disk: bool = False
    packed_fma: int | None = None
    samples: int = 0
    output: str = field(default="", repr=False)
    problem: Problem | None = field(default=None, repr=False, compare=False)

    @property
    def is_yours(self) -> bool:
        """Return whether it is a function of the user's."""
        return self.what.startswith("your ")

    @property
    def explanation(self) -> str:
        """The numbers of the first wrong step, or of step 1; see `Comparison.explain`."""
        from .explain import explain

        return explain(self)

    @property
    def agrees(self) -> bool:
        """Return whether it ran and took the reference's steps."""
        return not self.error and self.finding is not None and self.finding.agrees

    @property
    def cause(self) -> str | None:
        """The known mistake that gives its numbers, a name of `CAUSES`; None where none does."""
        return None if self.finding is None else self.finding.cause

    @property
    def trouble(self) -> str:
        """The name of ``error`` in version 0.1."""
        _warn_of_name("Row.trouble", "error")
        return self.error


@dataclass
class Comparison:
    """The result of `compare`; printed, it says what was found and shows tables.

    Attributes
    ----------
    title : str
    rows : list of Row
    baseline : str
        The name of the row that the ratios refer to.
    machine : Machine
        The measured limits of this machine.
    flops_per_sample, bytes_per_sample : float
        Multiplications and additions in matrix work, and the least traffic; see `Problem`.
    problem : dict
        The problem that was solved.
    environment : dict
        Versions and processor.
    notes : list of str
        What was left out.
    """

    title: str
    rows: list[Row]
    baseline: str
    machine: Machine
    flops_per_sample: float
    bytes_per_sample: float
    problem: dict[str, object]
    environment: dict[str, str]
    notes: list[str] = field(default_factory=list)

    @property
    def agrees(self) -> bool:
        """Return whether all variants ran and took the reference's steps."""
        return all(row.agrees for row in self.rows)

    @property
    def surroundings(self) -> dict[str, str]:
        """The name of ``environment`` in version 0.1."""
        _warn_of_name("Comparison.surroundings", "environment")
        return self.environment

    def __getitem__(self, name: str) -> Row:
        """Return the row of a variant."""
        for row in self.rows:
            if row.name == name:
                return row
        names = ", ".join(row.name for row in self.rows)
        raise KeyError(f"found {name!r}, expected one of {names}")

    def table(self) -> str:
        """Return what was found, then the rows as tables of text."""
        return printing.text_of(self)

    __str__ = table

    def _repr_html_(self) -> str:
        """Return what a notebook shows."""
        return printing.html_of(self)

    def explain(self, name: str | None = None) -> str:
        """Return the numbers of the first wrong step, the expected ones and yours side by side.

        Forward and backward pass, and the update, as formulas. Where nothing is wrong, the numbers
        of the first step.

        Parameters
        ----------
        name : str, optional
            Of a row; by default what is wrong of yours, or else all functions of yours, or else
            what is wrong, or else the first row.
        """
        if name is not None:
            return self[name].explanation
        yours = [row for row in self.rows if row.is_yours]
        rows = [row for row in yours if not row.agrees] or yours
        rows = rows or [row for row in self.rows if not row.agrees] or self.rows[:1]
        return "\n\n".join(row.explanation for row in rows)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw nanoseconds per sample of all rows; see `fastperc.plots.plot_comparison`."""
        from .. import plots

        return plots.plot_comparison(
            [row.name for row in self.rows], [row.median for row in self.rows],
            [(row.low, row.high) for row in self.rows],
            wrong=[row.name for row in self.rows if row.finding and not row.agrees],
            yours=[row.name for row in self.rows if row.what == "your function"],
            baseline=self.baseline, title=self.title, note=self._measured_where(), ax=ax,
        )  # fmt: skip

    def _measured_where(self) -> str:
        """Return the machine, the versions and the day, as far as the environment says."""
        facts = self.environment
        names = [name for name in ("fastperc", "Python", "numpy", "numba") if name in facts]
        versions = [f"{name} {facts[name].partition(', in ')[0]}" for name in names]
        where = [facts[name] for name in ("processor", "date") if name in facts]
        return "; ".join([*where[:1], ", ".join(versions), *where[1:]])

    def to_json(self, path: str | PathLike[str] | None = None) -> str:
        """Return everything as JSON, which is also written to ``path`` if one is given."""
        text = json.dumps(as_json(self), indent=2) + "\n"
        if path is not None:
            replace_file(fspath(path), text.encode())
        return text


def _warn_of_name(old: str, new: str) -> None:
    message = f"{old} is called {new} now; the old name goes with fastperc 0.3"
    warnings.warn(message, DeprecationWarning, stacklevel=3)


# What is no result, or too large for a file of them.
NOT_STORED = {"Row": {"problem"}, "Finding": {"step", "mistake"}}


def as_json(value: object) -> object:
    """Return a value for JSON: fields by name, null in the place of NaN and infinity."""
    if is_dataclass(value):
        left_out = NOT_STORED.get(type(value).__name__, set())
        return {
            f.name: as_json(getattr(value, f.name)) for f in fields(value) if f.name not in left_out
        }
    if isinstance(value, dict):
        return {name: as_json(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_json(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
