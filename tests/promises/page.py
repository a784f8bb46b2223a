"""The table of docs/promises.md, from the results stored beside it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "promises.md"
RESULTS = PAGE.with_suffix(".json")


class Demand(NamedTuple):
    """A promise: what it says, the module that tries it, what its largest figure is."""

    words: str
    module: str
    figure: str = ""


DEMANDS = {
    "T5": Demand("training that diverges says so in that epoch, good weights are kept",
                 "divergence"),
    "T7": Demand("the same seed gives the same bits", "bits"),
    "T9": Demand("Ctrl-C at a random moment", "interrupts", "slowest: {:.2f} s"),
    "T10": Demand("kill -9 while models are saved over each other", "saves"),
    "T12": Demand("training that was killed goes on with the same bits", "resuming"),
    "T13": Demand("a model file that is cut anywhere, or has any byte changed", "damage"),
    "T14": Demand("a model file that lies", "lies", "slowest: {:.2f} s"),
    "T18": Demand("arrays of any form", "forms"),
    "T19": Demand("no hidden copy of the data", "memory", "most beyond X: {:.1%}"),
    "T20": Demand("threads, forks and worker processes", "company", "slowest: {:.1f} s"),
    "T21": Demand("a bad cache of machine code", "caches"),
    "T23": Demand("workers of a Dask cluster die, hang or are slow", "cluster",
                  "slowest: {:.1f} s"),
}  # fmt: skip


def store(demand: str, row: dict[str, object]) -> None:
    """Keep the results of one promise."""
    stored = load()
    stored[demand] = row
    order = sorted(stored, key=lambda name: int(name[1:]))
    RESULTS.write_text(json.dumps({name: stored[name] for name in order}, indent=1) + "\n")


def load() -> dict[str, dict]:
    """Return what is stored."""
    return json.loads(RESULTS.read_text()) if RESULTS.exists() else {}


def table() -> str:
    """Return the table in Markdown."""
    lines = ["| | promise | tried | survived | lost | of these |", "|---|---|--:|--:|--:|---|"]
    for name, row in load().items():
        demand = DEMANDS[name]
        notes = [f"{number:,} {words}" for words, number in row["notes"].items()]
        if demand.figure:
            notes.append(demand.figure.format(row["worst"]))
        lines.append(
            f"| {name} | {demand.words} | {row['tried']:,} | {row['survived']:,} | {row['lost']} "
            f"| {'; '.join(notes)} |"
        )
    return "\n".join(lines)


def rebuilt(text: str) -> str:
    """Return the page with its table made anew."""
    pattern = re.compile("(<!-- promises -->\n).*?(\n<!-- end -->)", re.S)
    return pattern.sub(lambda found: found[1] + table() + found[2], text)


def rebuild() -> None:
    """Write the table into the page."""
    PAGE.write_text(rebuilt(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
