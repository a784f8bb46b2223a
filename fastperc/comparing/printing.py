"""A comparison as lines of text and as HTML: what was found first, then tables."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from ..measuring.machine import copies_in_words, peak_in_words
from ..measuring.words import columns, duration, factor, number, percent, span

if TYPE_CHECKING:
    from .finding import Finding
    from .result import Comparison, Row

# Three tables, so that each fits into a narrow terminal.
RIGHT = ("right?", "agrees", "checked", "difference", "relative", "ulps")
TIMES = ("time", "ns/sample", "median", "95 %", "faster", "95 %")
WORK = ("work", "GFLOP/s", "of peak", "B/sample", "compile", "packed FMA")
FROM_DISK = 'compile: "disk" is machine code of an earlier run; inspect compiles it once more'

SHORT = ("", "right?", "ns/sample", "faster")  # for a notebook


def text_of(result: Comparison) -> str:
    """Return the title, what was found, three tables, and what they depend on."""
    tables = [
        line
        for head, cells in (
            (RIGHT, right_cells),
            (TIMES, time_cells),
            (WORK, lambda row: work_cells(row, result.bytes_per_sample)),
        )
        for line in [*columns([head, *map(cells, result.rows)]), ""]
    ]
    found = [*found_lines(result.rows), ""]
    return "\n".join([result.title, "", *found, *tables, *_circumstances(result)])


def found_lines(rows: Sequence[Row]) -> list[str]:
    """Return what was found: what is wrong before what is right, then what was printed."""
    agree = all(row.agrees for row in rows)
    told = [row for row in rows if row.is_yours or not row.agrees]
    told.sort(key=lambda row: row.agrees)
    lines = [_agreement(rows)] if agree else []
    lines += [line for row in told for line in verdict(row)]
    return [*lines, *(line for row in rows for line in _printed(row))]


def _agreement(rows: Sequence[Row]) -> str:
    """Return how far all agree."""
    findings = [row.finding for row in rows if row.finding is not None]
    counts = {finding.steps for finding in findings}
    least = "at least " if len(counts) > 1 else ""
    unit = findings[0].counts + "s" * (counts != {1})
    return f"All agree, over {least}{min(counts):,} {unit}."


def verdict(row: Row) -> list[str]:
    """Return what was found of one row, the verdict first: its first line, and what explains it."""
    if row.error:
        return [f"{row.name}: failed. It {row.error}"]
    if row.finding is None:
        return [f"{row.name}: not checked"]
    first, *others = str(row.finding).splitlines()
    return [f"{row.name}: {word_of(row)}. {first[:1].upper()}{first[1:]}", *others]


def word_of(row: Row) -> str:
    """Return whether it is right, in a word."""
    if row.error:
        return "failed"
    if row.finding is None:
        return "-"
    if row.finding.agrees:
        return "yes"
    return "NO" if row.finding.first_wrong is not None else "too slow"


def _printed(row: Row) -> list[str]:
    """Return what a function printed when it was called first."""
    lines = row.output.rstrip().splitlines()
    return [f"{row.name} printed:", *(f"    {line}" for line in lines)] if lines else []


def _circumstances(result: Comparison) -> list[str]:
    return [
        f"peak of one core, measured: {peak_in_words(result.machine)}",
        copies_in_words(result.machine),
        *[FROM_DISK] * any(row.from_disk for row in result.rows),
        *result.notes,
    ]


def right_cells(row: Row) -> tuple[str, ...]:
    """Return the cells on whether a variant does what the reference does."""
    finding = row.finding
    if finding is None:
        return row.name, word_of(row), *"----"
    return row.name, word_of(row), *_checked_cells(finding)


def _checked_cells(finding: Finding) -> tuple[str, ...]:
    if finding.first_wrong is not None:
        wrong = f"wrong from {finding.counts} {finding.first_wrong:,} on"
        return wrong, difference(finding.absolute), *"--"
    steps = f"{finding.steps:,} {finding.counts}{'s' * (finding.steps != 1)}"
    return (
        steps, difference(finding.absolute), difference(finding.relative),
        number(finding.ulps, 2) if math.isfinite(finding.ulps) else "-",
    )  # fmt: skip


def difference(value: float) -> str:
    """Return a difference with two digits; none where shapes differ, and nothing can be compared.

    Examples
    --------
    >>> [difference(value) for value in (2.13e-8, 0.0, 0.25, 213.4, math.inf)]
    ['2.1e-08', '0', '0.25', '213', '-']
    """
    if not math.isfinite(value):
        return "-"
    return f"{value:.1e}" if 0 < value < 1e-3 or value >= 1e9 else number(value, 2)


def time_cells(row: Row) -> tuple[str, ...]:
    """Return the cells on how long a variant takes."""
    return (
        row.name, number(row.best), number(row.median), span(row.low, row.high),
        factor(row.ratio), span(row.ratio_low, row.ratio_high, factor),
    )  # fmt: skip


def work_cells(row: Row, bytes_per_sample: float) -> tuple[str, ...]:
    """Return the cells on the work that a variant does, and its machine code."""
    return (
        row.name,
        number(row.gflops, 2),
        percent(row.share_of_peak),
        "-" if math.isnan(row.best) else f"{bytes_per_sample:,.0f}",
        "disk" if row.from_disk else duration(row.compile_seconds),
        "-" if row.packed_fma is None else f"{row.packed_fma:,}",
    )


def html_of(result: Comparison) -> str:
    """Return the same for a notebook: what was found, and one narrow table."""
    found = "\n".join(found_lines(result.rows))
    cells = [(row.name, word_of(row), number(row.median), factor(row.ratio)) for row in result.rows]
    pairs = zip(cells, result.rows, strict=True)
    body = "".join(_html_line("td", line, row.agrees) for line, row in pairs)
    return (
        f"<p>{escape(result.title)}</p>"
        f'<pre style="white-space: pre-wrap">{escape(found)}</pre>'
        f"<table><thead>{_html_line('th', SHORT)}</thead><tbody>{body}</tbody></table>"
        + "".join(f"<p>{escape(note)}</p>" for note in result.notes)
    )


def _html_line(tag: str, cells: Sequence[str], agrees: bool = True) -> str:
    """Return a line of a table: in bold where something is wrong, which is said in words too."""
    shown = [escape(cell) if agrees else f"<b>{escape(cell)}</b>" for cell in cells]
    sides = ["left", *["right"] * (len(cells) - 1)]
    parts = zip(shown, sides, strict=True)
    line = "".join(f'<{tag} style="text-align: {side}">{cell}</{tag}>' for cell, side in parts)
    return f"<tr>{line}</tr>"
