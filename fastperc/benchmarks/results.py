"""Results of the suite, stored as JSON that says where and with what it was measured."""

from __future__ import annotations

import json
import math
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..files.atomic import replace_file
from ..measuring.machine import Machine

FORMAT = 6
READABLE = (4, 5, FORMAT)
OURS = ("fastperc", "2 threads")  # the ways of fastperc; all others are timed beside these


@dataclass
class Result:
    """The measured figures of a case.

    Attributes
    ----------
    group, name, unit : str
    ways : dict of str to list of float
        Best round of each undisturbed pass, for each way of doing the work, in nanoseconds per
        unit (in megabytes where that is ``MB``); the first way is the baseline.
    x, work
        As in `cases.Case`.
    disturbed : dict of str to list of float
        The same for passes in which other work on the machine disturbed every round.
    """

    group: str
    name: str
    unit: str
    ways: dict[str, list[float]]
    x: float | None = None
    work: tuple[float, float] | None = None
    disturbed: dict[str, list[float]] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """The name in the whole table."""
        return f"{self.group}: {self.name}"

    @property
    def baseline(self) -> str:
        """The way that others are compared with."""
        return next(iter(self.ways))

    def passes(self, way: str) -> list[float]:
        """Return the undisturbed passes or, without any, the others; none if it did not run."""
        return self.ways.get(way) or self.disturbed.get(way, [])

    def best(self, way: str) -> float:
        """Return the best time of a way."""
        return min(self.passes(way))

    @property
    def ours(self) -> str:
        """The way of fastperc that others are compared with; empty if there is none."""
        return next((way for way in OURS if way in self.ways), "")

    def ratio(self, way: str, to: str = "") -> float:
        """Return the best time of a way divided by that of another, by default fastperc's."""
        return self.best(way) / self.best(to or self.ours)

    @property
    def gflops(self) -> float:
        """10^9 operations per second of fastperc on one core; 0 where that is not known."""
        known = self.work and self.passes(OURS[0])
        return self.work[0] / self.best(OURS[0]) if self.work and known else 0.0


@dataclass
class Results:
    """A run of the suite.

    Attributes
    ----------
    environment : dict of str
    machine : dict of float
        The limits of one core as measured, see `Machine`, and ``probe``, the nanoseconds of
        `Stillness`. Up to format 5, the peak was that of NumPy's matrix product.
    results : list of Result
    skipped : dict of str to list of str
        Reasons, and the cases that were left out for them, each with the way of doing it.
    seconds : float
        Time that the whole run took.
    failed : dict of str to str
        Cases without figures, because their ways disagree or their numbers became infinite.
    date : str
        Day of the run; empty in results of format 5 and before.
    quick : bool
        Whether only a selection was run.
    """

    environment: dict[str, str]
    machine: dict[str, float]
    results: list[Result] = field(default_factory=list)
    skipped: dict[str, list[str]] = field(default_factory=dict)
    seconds: float = 0.0
    failed: dict[str, str] = field(default_factory=dict)
    date: str = ""
    quick: bool = False

    @property
    def limits(self) -> Machine:
        """The limits of one core; no kernel is faster than its peak."""
        found = {name: self.machine.get(name, math.nan) for name in Machine.__annotations__}
        return Machine(**found).raised_to(max((r.gflops for r in self.results), default=0.0))

    def group(self, name: str) -> list[Result]:
        """Return the results of one group."""
        return [result for result in self.results if result.group == name]

    def ways_of(self, key: str) -> dict[str, list[float]]:
        """Return the undisturbed passes of a case; none if it is not there."""
        return next((result.ways for result in self.results if result.key == key), {})

    @property
    def groups(self) -> list[str]:
        """The groups in their order."""
        return list(dict.fromkeys(result.group for result in self.results))

    def leave_out(self, key: str, reasons: dict[str, str]) -> None:
        """Note which ways of a case are not run, and why."""
        for way, reason in reasons.items():
            self.skipped.setdefault(reason, []).append(f"{key}, {way}")

    @property
    def omissions(self) -> list[str]:
        """A line for each reason why something was left out."""
        return [
            f"{reason}: {cases[0]}" + f" and {len(cases) - 1} more" * (len(cases) > 1)
            for reason, cases in self.skipped.items()
        ]

    @property
    def disturbed(self) -> str:
        """A line on what other work on the machine disturbed in all rounds."""
        rows = [f"{r.key}, {way}" for r in self.results for way in r.disturbed if not r.ways[way]]
        more = f" and {len(rows) - 1} more" * (len(rows) > 1)
        return f"timed while the machine was busy with other work: {rows[0]}{more}" if rows else ""

    def to_json(self) -> str:
        """Return everything as text, times to five digits, the passes of a way on one line."""
        stored = {"format": FORMAT, **asdict(self)}
        for result in stored["results"]:
            for ways in (result["ways"], result["disturbed"]):
                for way, passes in ways.items():
                    ways[way] = [float(f"{ns:.5g}") for ns in passes]
        text = json.dumps(stored, indent=1)
        return re.sub(r"\s+(?=-?[\d.][\d.e+-]*,?\s)|(?<=\d)\s+(?=\])", " ", text) + "\n"

    def save(self, path: str | Path) -> None:
        """Write JSON, in the place of an older file or not at all."""
        replace_file(str(path), self.to_json().encode())


def load(path: str | Path) -> Results:
    """Read a file that `Results.save` wrote.

    Raises
    ------
    ValueError
        If the file holds something else.
    """
    try:
        stored: Any = json.loads(Path(path).read_text(encoding="utf-8"))
        if stored.pop("format") not in READABLE:
            raise ValueError("another format")
        results = [Result(**result) for result in stored.pop("results")]
        if "surroundings" in stored:  # format 4
            stored["environment"] = stored.pop("surroundings")
            for result in results:
                result.group = result.group.replace("rivals", "libraries")
        return Results(results=results, **stored)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(
            f"{path}: found no results of fastperc bench ({error}), expected a file "
            "that --json wrote"
        ) from error
