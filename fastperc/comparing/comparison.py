"""What a comparison found: rows, and the table, picture and JSON made of them."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..measuring.machine import Machine
from ..measuring.words import columns, duration, factor, interval, number, percent
from .agreement import Finding

if TYPE_CHECKING:
    from ..plots import Axes


@dataclass
class Row:
    """One variant.

    Attributes
    ----------
    name, what : str
    finding : Finding or None
        How it compares with the reference; None if it did not run.
    trouble : str
        What it did instead of training.
    rounds : list of float
        Nanoseconds per sample in each round.
    best, median, low, high : float
        Of the rounds; the median lies between low and high with a probability of 95 %.
    ratio, ratio_low, ratio_high : float
        Median time of the baseline divided by this one's, and the same interval of it.
    gflops, share_of_peak, gbytes : float
        Matrix work and least memory traffic per second, at the best time; NaN where the result is
        wrong, since then it is not known what was done.
    first_call : float
        Seconds of the first call, compilation included.
    compile_seconds : float
        Of the kernel, if it was compiled in this process or with ``inspect``.
    from_disk : bool
        Whether its machine code was on disk, so that how long it took to compile is not known.
    packed_fma : int or None
        Packed multiply-adds in its machine code; None if it is not compiled.
    samples : int
        How many were trained on the clock.
    """

    name: str
    what: str
    finding: Finding | None = None
    trouble: str = ""
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
        """Whether it ran and took the reference's steps."""
        return self.finding is not None and self.finding.agrees


# Three tables, so that each fits into a narrow terminal.
RIGHT = ("right?", "agrees", "checked", "difference", "relative", "ulps")
TIMES = ("time", "ns/sample", "median", "95 %", "faster", "95 %")
WORK = ("work", "GFLOP/s", "of peak", "B/sample", "compile", "packed FMA")
FROM_DISK = 'compile: "disk" is machine code of an earlier run; inspect compiles it once more'


@dataclass
class Comparison:
    """What `compare` returns; printed, it is a table.

    Attributes
    ----------
    title : str
    rows : list of Row
    baseline : str
        The name of the row that the ratios refer to.
    machine : Machine
        What this machine does at most, measured.
    flops_per_sample, bytes_per_sample : float
        Multiplications and additions in matrix work, and the least traffic; see `machine`.
    problem : dict
        What was trained.
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
    problem: dict[str, Any]
    environment: dict[str, str]
    notes: list[str] = field(default_factory=list)

    @property
    def agrees(self) -> bool:
        """Whether all variants ran and took the reference's steps."""
        return all(row.agrees for row in self.rows)

    def __getitem__(self, name: str) -> Row:
        """The row of a variant."""
        for row in self.rows:
            if row.name == name:
                return row
        names = ", ".join(row.name for row in self.rows)
        raise KeyError(f"found {name!r}, expected one of {names}")

    def table(self) -> str:
        """The rows as lines of text, and below what is wrong with those that do not agree."""
        tables = [
            line
            for head, cells in ((RIGHT, right_cells), (TIMES, time_cells), (WORK, self._work_cells))
            for line in [*columns([head, *map(cells, self.rows)]), ""]
        ]
        return "\n".join([self.title, "", *tables, *self._explanations()])

    def _explanations(self) -> list[str]:
        peak = (
            f"peak of one core, measured: {self.machine.gflops:.0f} GFLOP/s in matrix products, "
            f"{self.machine.gbytes:.0f} GB/s in copying, {self.machine.cached:.0f} within caches"
        )
        lines = [peak, *[FROM_DISK] * any(row.from_disk for row in self.rows)]
        lines += [f"{row.name} {row.trouble}" for row in self.rows if row.trouble]
        lines += [
            f"{row.name}: {row.finding}" for row in self.rows if row.finding and not row.agrees
        ]
        return [*lines, *self.notes]

    def _work_cells(self, row: Row) -> tuple[str, ...]:
        per_sample = "-" if math.isnan(row.best) else f"{self.bytes_per_sample:,.0f}"
        compile = "disk" if row.from_disk else "-"
        return (
            row.name,
            number(row.gflops, 2),
            percent(row.share_of_peak),
            per_sample,
            compile if math.isnan(row.compile_seconds) else duration(row.compile_seconds),
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

    def to_json(self, path: str | Path | None = None) -> str:
        """Everything as JSON, also written to ``path`` if one is given."""
        text = json.dumps(without_nan(asdict(self)), indent=2) + "\n"
        if path is not None:
            Path(path).write_text(text, encoding="utf-8")
        return text


def right_cells(row: Row) -> tuple[str, ...]:
    """Whether a variant does what the reference does."""
    finding = row.finding
    agrees = "-" if finding is None else "yes" if finding.agrees else "NO"
    shown = "failed" if row.trouble else agrees
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
    """How long a variant takes."""
    return (
        row.name, number(row.best), number(row.median), interval(row.low, row.high),
        factor(row.ratio), interval(row.ratio_low, row.ratio_high, factor),
    )  # fmt: skip


def without_nan(value: Any) -> Any:
    """The same for JSON, which knows neither NaN nor infinity: null in their place."""
    if isinstance(value, dict):
        return {name: without_nan(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [without_nan(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
