"""T10: kill -9 while models of every kind are saved over each other: one is there, whole."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from .tally import Tally

sys.path.insert(0, str(Path(__file__).parents[1]))  # where campaigns on files are


def run(count: int | None = None) -> Tally:
    """Kill a process that saves again and again, so many times; by default 500."""
    from kills import states_after_kills

    tally = Tally()
    with tempfile.TemporaryDirectory() as folder:
        for state, n in states_after_kills(folder, count or 500, seed=0).items():
            for _ in range(n):
                tally.take("kill", "no whole model" if state == "lost" else "", state)
    return tally
