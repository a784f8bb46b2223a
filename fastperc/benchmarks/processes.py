"""Run the suite in processes of their own, and put the runs together.

The addresses of code and data are drawn anew for each process, and make up to a seventh of a
kernel's time, in all of its passes. Two processes are rarely both unlucky, and what looks changed
is timed in more of them.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from .case import Case
from .cases import some_cases
from .changes import changes, probe
from .process_cases import run_python
from .results import Results, load
from .running import Tell, agree, run

AGAIN = 2  # more processes, at most, for what looks changed
SECONDS_AGAIN = 8.0  # in each of them
CODE = "import sys; from fastperc.benchmarks.processes import child; child(*sys.argv[1:])"


def run_elsewhere(
    quick: bool, groups: Iterable[str], old: Results | None = None, keys: Iterable[str] = (),
    seconds: float | None = None,
) -> Results:  # fmt: skip
    """Time cases in a new process.

    Parameters
    ----------
    quick, groups
        As in `some_cases`.
    old : Results, optional
        Results that the new ones will be compared with.
    keys : iterable of str
        Time only these cases; by default all.
    seconds : float, optional
        As in `run`.
    """
    with tempfile.TemporaryDirectory() as folder:
        given, stored = Path(folder) / "old.json", Path(folder) / "new.json"
        if old is not None:
            old.save(given)
        wanted = json.dumps(
            {"quick": quick, "groups": [*groups], "keys": [*keys], "seconds": seconds}
        )
        run_python(CODE, wanted, str(given), str(stored))
        return load(stored)


def child(wanted: str, given: str, stored: str) -> None:
    """Time the cases, in the new process."""
    chosen = json.loads(wanted)
    cases = [
        case
        for case in some_cases(chosen["quick"], chosen["groups"])
        if isinstance(case, Case) and (not chosen["keys"] or case.key in chosen["keys"])
    ]
    old = load(given) if Path(given).exists() else None
    still = probe(old) if old else None
    run(cases, seconds=chosen["seconds"], still=still).save(stored)


def look_again(
    results: Results, old: Results, quick: bool, groups: Iterable[str], tell: Tell
) -> None:
    """Time what looks changed in other processes, and add what they find.

    What looks faster has to be so there too: the best of all passes would keep the luck of one.
    """
    for _ in range(AGAIN):
        suspects = [c for c in changes(old, results) if c.is_real]
        if not suspects:
            return
        keys = list(dict.fromkeys(suspect.key for suspect in suspects))
        tell(f"once more, what looks changed: {', '.join(keys)}")
        more = run_elsewhere(quick, groups, old, keys, SECONDS_AGAIN)
        for suspect in suspects:
            if suspect.time.value < 1 and agree(more.ways_of(suspect.key).get(suspect.way, ())):
                results.ways_of(suspect.key)[suspect.way] = []
        add(results, more)


def add(results: Results, more: Results) -> None:
    """Add another run's passes, and what went wrong in it."""
    others = {result.key: asdict(result) for result in more.results}
    for result in results.results:
        for name in ("ways", "disturbed"):
            for way, passes in others.get(result.key, {}).get(name, {}).items():
                getattr(result, name).setdefault(way, []).extend(passes)
    results.failed |= more.failed
    results.results = [result for result in results.results if result.key not in results.failed]
    for name, found in more.machine.items():
        best = min if name == "probe" else max
        results.machine[name] = best(results.machine[name], found)
    results.seconds += more.seconds
