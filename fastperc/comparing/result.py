"""The result of a comparison: rows, and the table, picture and JSON made of them."""

from __future__ import annotations

import json
import math
import warnings
from dataclasses import asdict, dataclass, field
from os import PathLike, fspath
from typing import TYPE_CHECKING

from ..files.atomic import replace_file
from ..measuring.machine import Machine, copies_in_words, peak_in_words
from ..measuring.words import columns, duration, factor, number, percent, span
from .agreement import Finding

if TYPE_CHECKING:
    from ..plots import Axes


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

    @property
    def agrees(self) -> bool:
        """Return whether it ran and took the reference's steps."""
        return self.finding is not None and self.finding.agrees

    @property
    def cause(self) -> str | None:
        """The known mistake that gives its numbers, a name of `CAUSES`; None where none does."""
        return None if self.finding is None else self.finding.cause

    @property
    def trouble(self) -> str:
        """The name of ``error`` in version 0.1."""
        _warn_of_name("Row.trouble", "error")
        return self.error


# Three tables, so that each fits into a narrow terminal.
RIGHT = ("right?", "agrees", "checked", "difference", "relative", "ulps")
TIMES = ("time", "ns/sample", "median", "95 %", "faster", "95 %")
WORK = ("work", "GFLOP/s", "of peak", "B/sample", "compile", "packed FMA")
FROM_DISK = 'compile: "disk" is machine code of an earlier run; inspect compiles it once more'


@dataclass
class Comparison:
    """The result of `compare`; printed, it is a table.

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
        """Return the rows as lines of text, followed by what is wrong with any of them."""
        tables = [
            line
            for head, cells in ((RIGHT, right_cells), (TIMES, time_cells), (WORK, self._work_cells))
            for line in [*columns([head, *map(cells, self.rows)]), ""]
        ]
        return "\n".join([self.title, "", *tables, *self._explanations()])

    def _explanations(self) -> list[str]:
        lines = [
            f"peak of one core, measured: {peak_in_words(self.machine)}",
            copies_in_words(self.machine),
            *[FROM_DISK] * any(row.from_disk for row in self.rows),
        ]
        lines += [f"{row.name} {row.error}" for row in self.rows if row.error]
        lines += [
            f"{row.name}: {row.finding}" for row in self.rows if row.finding and not row.agrees
        ]
        return [*lines, *self.notes]

    def _work_cells(self, row: Row) -> tuple[str, ...]:
        return (
            row.name,
            number(row.gflops, 2),
            percent(row.share_of_peak),
            "-" if math.isnan(row.best) else f"{self.bytes_per_sample:,.0f}",
            "disk" if row.from_disk else duration(row.compile_seconds),
            "-" if row.packed_fma is None else f"{row.packed_fma:,}",
        )

    __str__ = table

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw nanoseconds per sample as bars; see `fastperc.plots.plot_comparison`."""
        from .. import plots

        timed = [row for row in self.rows if not math.isnan(row.best)]
        return plots.plot_comparison(
            [row.name for row in timed], [row.median for row in timed],
            [(row.low, row.high) for row in timed],
            wrong=[row.name for row in timed if not row.agrees], title=self.title, ax=ax,
        )  # fmt: skip

    def to_json(self, path: str | PathLike[str] | None = None) -> str:
        """Return everything as JSON, which is also written to ``path`` if one is given."""
        text = json.dumps(without_nan(asdict(self)), indent=2) + "\n"
        if path is not None:
            replace_file(fspath(path), text.encode())
        return text


def _warn_of_name(old: str, new: str) -> None:
    message = f"{old} is called {new} now; the old name goes with fastperc 0.3"
    warnings.warn(message, DeprecationWarning, stacklevel=3)


def right_cells(row: Row) -> tuple[str, ...]:
    """Return the cells on whether a variant does what the reference does."""
    finding = row.finding
    agrees = "-" if finding is None else "yes" if finding.agrees else "NO"
    shown = "failed" if row.error else agrees
    if finding is None:
        return row.name, shown, *"----"
    if finding.first_wrong is not None:
        wrong = f"wrong from {finding.counts} {finding.first_wrong:,} on"
        return row.name, shown, wrong, f"{finding.absolute:.1e}", *"--"
    return (
        row.name, shown, f"{finding.steps:,} {finding.counts}s", f"{finding.absolute:.1e}",
        f"{finding.relative:.1e}", f"{finding.ulps:.1f}",
    )  # fmt: skip


def time_cells(row: Row) -> tuple[str, ...]:
    """Return the cells on how long a variant takes."""
    return (
        row.name, number(row.best), number(row.median), span(row.low, row.high),
        factor(row.ratio), span(row.ratio_low, row.ratio_high, factor),
    )  # fmt: skip


def without_nan(value: object) -> object:
    """Return a value for JSON, with null in the place of NaN and infinity."""
    if isinstance(value, dict):
        return {name: without_nan(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [without_nan(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
