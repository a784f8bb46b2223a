"""Write stored results as Markdown tables, and fill the marked places of pages with them.

A place is between ``<!-- bench: NAME -->`` and ``<!-- end -->``; NAME is a group, or ``machine``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from ..measuring.machine import copies_in_words, peak_in_words
from ..measuring.words import duration, factor, markdown
from .results import OURS, Result, Results

PLACE = re.compile(r"(<!-- bench: ([\w ]+) -->\n).*?(<!-- end -->)", re.DOTALL)
NOT_WORK = ("process", "kernel", "MB")  # units for which there are no ratios
BUSY = "~"  # marks a time that other work on the machine has made longer
SUPERSCRIPTS = str.maketrans(
    "0123456789", "\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079"
)
FOOTNOTE = f"{BUSY}: timed while the machine was busy with other work."


def filled(page: str, results: Results) -> str:
    """Return the page, with each place filled from the results.

    Raises
    ------
    ValueError
        If a place names no group of the results.
    """
    return PLACE.sub(lambda m: f"{m[1]}{place(m[2], results)}\n{m[3]}", page)


def place(name: str, results: Results) -> str:
    """Return the content of a place."""
    if name == "machine":
        return machine(results)
    if name not in results.groups:
        known = ", ".join(("machine", *results.groups))
        raise ValueError(f"found the place {name!r}, expected one of {known}")
    lines = table(results.group(name))
    return "\n\n".join([markdown(lines), *footnotes(lines)])


def machine(results: Results) -> str:
    """Return sentences on where the results were measured."""
    facts, limits = results.environment, results.limits
    blas = f", BLAS with {facts['BLAS']}" if "BLAS" in facts else ""
    return (
        f"{facts['processor']}; Python {facts['Python']}, NumPy {facts['numpy']}, "
        f"Numba {facts['numba']}{blas}. Best of the rounds; in brackets, how many times as long as "
        f"fastperc takes. One core reaches {peak_in_words(limits)}, "
        f"{copies_in_words(limits)}."
    )


def table(results: Sequence[Result]) -> list[list[str]]:
    """Return a head and a line for each case: fastperc's time, then the others' with their ratio.

    Where other libraries are compared on several networks, a last line has their geometric means.
    """
    ways = list(dict.fromkeys(_column(result, way) for result in results for way in result.ways))
    ways.sort(key=lambda way: way != OURS[0])
    rows = [[r.name, *(cell(r, _way(r, column)) for column in ways)] for r in results]
    if results[0].group.startswith("libraries") and len(results) > 1:
        rows.append(["geometric mean", *(mean_cell(results, way) for way in ways)])
    return [["case", *ways], *rows]


def _column(result: Result, way: str) -> str:
    """Return the column of a way: fastperc's, also where a case is of it on two threads alone."""
    return OURS[0] if way == result.ours else way


def _way(result: Result, column: str) -> str:
    return result.ours if column == OURS[0] else column


def footnotes(lines: list[list[str]]) -> list[str]:
    """Return what the marks in a table mean, if it has any."""
    return [FOOTNOTE] if any(BUSY in cell for line in lines for cell in line[1:]) else []


def cell(result: Result, way: str) -> str:
    """Return a best time with its unit, and its ratio to fastperc's."""
    if not result.passes(way):
        return "-"
    if result.unit in NOT_WORK:
        return amount(result, way)
    time = ("" if result.ways[way] else BUSY) + amount(result, way)
    if way == result.ours or not result.ours:
        return time
    return f"{time} ({factor(result.ratio(way))})"


def mean_cell(results: Sequence[Result], way: str) -> str:
    """Return the mean ratio, marked if one of its times is."""
    is_marked = any(r.passes(way) and not r.ways[way] for r in results)
    return BUSY * is_marked + factor(mean_ratio(results, way))


def mean_ratio(results: Sequence[Result], way: str) -> float:
    """Return the geometric mean of a way's ratios to fastperc's time, where it can run."""
    logs = [math.log(r.ratio(way)) for r in results if r.passes(way)]
    return math.exp(sum(logs) / len(logs))


def in_words(text: str) -> str:
    """Return text for a page: microseconds and exponents as they are written by hand.

    Examples
    --------
    >>> in_words("8-32-1 10^7, 1.23 us")
    '8-32-1 10\u2077, 1.23 \u00b5s'
    """
    text = re.sub(r"(?<=10)\^(\d+)", lambda found: found[1].translate(SUPERSCRIPTS), text)
    return re.sub(r"(?<=\d )us\b", "\u00b5s", text)


def amount(result: Result, way: str = "") -> str:
    """Return the best figure of a way, by default fastperc's, with its unit: ``79.6 ns``."""
    best = result.best(way or result.ours)
    if result.unit == "MB":
        return f"{best:,.1f} MB"
    return duration(best * 1e-9, digits=3)
