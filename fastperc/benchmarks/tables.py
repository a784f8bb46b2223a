"""Stored results as Markdown tables, and a page whose marked places hold them.

A place is between ``<!-- bench: NAME -->`` and ``<!-- end -->``; NAME is a group, or ``machine``.
"""

from __future__ import annotations

import re

from .pictures import duration
from .storing import Result, Results

PLACE = re.compile(r"(<!-- bench: ([\w ]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def filled(page: str, results: Results) -> str:
    """The page, with each place filled from the results.

    Raises
    ------
    ValueError
        For a place that names no group of the results.
    """
    return PLACE.sub(lambda m: f"{m[1]}{place(m[2], results)}\n{m[3]}", page)


def place(name: str, results: Results) -> str:
    """What belongs to a place."""
    if name == "machine":
        return machine(results)
    if name not in results.groups:
        known = ", ".join(("machine", *results.groups))
        raise ValueError(f"found the place {name!r}, expected one of {known}")
    return table(results.group(name))


def machine(results: Results) -> str:
    """A sentence on where it was measured."""
    facts = results.surroundings
    return (
        f"{facts['processor']}; Python {facts['Python']}, NumPy {facts['numpy']}, "
        f"Numba {facts['numba']}. Best of the rounds. One core does "
        f"{results.machine['gflops']:.0f} GFLOP/s in matrix products and copies "
        f"{results.machine['gbytes']:.0f} GB/s."
    )


def table(results: list[Result]) -> str:
    """One line per case: its best time in each way, and how many times as fast fastperc is."""
    ways = list(dict.fromkeys(way for result in results for way in result.ways))
    head = ["case", *ways, "faster"]
    rows = [[r.name, *(cell(r, way) for way in ways), ratio(r)] for r in results]
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def cell(result: Result, way: str) -> str:
    """A best time, with its unit."""
    return duration(result, way) if result.ways.get(way) else "-"


def ratio(result: Result) -> str:
    """How many times as fast as the baseline."""
    if len(result.ways) < 2 or "fastperc" not in result.ways or result.unit == "process":
        return "-"
    value = result.ratio("fastperc")
    return f"{value:,.0f}x" if value >= 9.95 else f"{value:.1f}x"
