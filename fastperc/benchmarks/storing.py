"""Results of the suite, as they are kept: JSON that says where and with what it was measured."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

FORMAT = 1


@dataclass
class Result:
    """What was measured of one case.

    Attributes
    ----------
    group, name, unit : str
    ways : dict of str to list of float
        Nanoseconds per unit in each round, by the way of doing it; the first is the baseline.
    x, work
        As in `cases.Case`.
    """

    group: str
    name: str
    unit: str
    ways: dict[str, list[float]]
    x: float | None = None
    work: tuple[float, float] | None = None

    @property
    def key(self) -> str:
        return f"{self.group}: {self.name}"

    @property
    def baseline(self) -> str:
        return next(iter(self.ways))

    def best(self, way: str) -> float:
        return min(self.ways[way])

    def median(self, way: str) -> float:
        return float(np.median(self.ways[way]))

    def ratio(self, way: str) -> float:
        """How many times as fast as the baseline; of the best times."""
        return self.best(self.baseline) / self.best(way)


@dataclass
class Results:
    """A run of the suite.

    Attributes
    ----------
    surroundings : dict of str
    machine : dict of float
        Measured ``gflops`` and ``gbytes`` per second of one core.
    results : list of Result
    skipped : dict of str
        Why a case was not run.
    memory : dict of str to float
        MB that training adds to the samples' own.
    seconds : float
        How long all of it took.
    """

    surroundings: dict[str, str]
    machine: dict[str, float]
    results: list[Result] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    memory: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0

    def group(self, name: str) -> list[Result]:
        """The results of one group."""
        return [result for result in self.results if result.group == name]

    @property
    def groups(self) -> list[str]:
        return list(dict.fromkeys(result.group for result in self.results))

    def save(self, path: str | Path) -> None:
        """Write JSON."""
        stored = {"format": FORMAT, **asdict(self)}
        for result in stored["results"]:
            for way, rounds in result["ways"].items():
                result["ways"][way] = [float(f"{ns:.5g}") for ns in rounds]
        # One line for each list of rounds: otherwise a file is thousands of lines long.
        text = re.sub(
            r"\s+(?=-?[\d.][\d.e+-]*,?\s)|(?<=\d)\s+(?=\])", " ", json.dumps(stored, indent=1)
        )
        Path(path).write_text(text + "\n", encoding="utf-8")


def load(path: str | Path) -> Results:
    """Read what `Results.save` wrote.

    Raises
    ------
    ValueError
        If the file holds something else.
    """
    try:
        stored: Any = json.loads(Path(path).read_text(encoding="utf-8"))
        if stored.pop("format") != FORMAT:
            raise ValueError("another format")
        results = [Result(**result) for result in stored.pop("results")]
        return Results(results=results, **stored)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(
            f"{path}: found no results of fastperc bench ({error}), expected a file "
            "that --json wrote"
        ) from error
