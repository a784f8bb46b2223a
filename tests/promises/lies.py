"""T14: files that lie, most with the right checksum, are refused at once and without memory."""

from __future__ import annotations

import time
import tracemalloc
from pathlib import Path

import fastperc
import fastperc.saving  # not while the clock runs

from .tally import Tally

FOLDER = Path(__file__).parents[1] / "files" / "hostile"


def run(count: int | None = None) -> Tally:
    """Load each file of the folder of such files, or the first ``count``."""
    tally = Tally()
    for path in sorted(FOLDER.iterdir())[:count]:
        begin, problem = time.perf_counter(), "it was loaded"
        tracemalloc.start()
        try:
            fastperc.load(path)
        except fastperc.ModelFileError:
            seconds, most = time.perf_counter() - begin, tracemalloc.get_traced_memory()[1]
            problem = "" if seconds < 1 and most < 50e6 else f"{seconds:.1f} s, {most / 1e6:.0f} MB"
        finally:
            tracemalloc.stop()
        tally.take(path.name, problem, "refused", time.perf_counter() - begin)
    return tally
