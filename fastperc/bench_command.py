"""``fastperc bench``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

# Other libraries' threads are pinned before these libraries are loaded.
PINNED = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def bench(
    quick: Annotated[bool, typer.Option("--quick", help="A selection; under two minutes.")] = False,
    group: Annotated[
        list[str] | None, typer.Option(help="Only this group of cases; may be repeated.")
    ] = None,
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="Store the result.")] = None,
    report: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write a page with pictures there.")
    ] = None,
    compare: Annotated[
        Path | None, typer.Option(metavar="OLD.json", help="Say what changed since then.")
    ] = None,
) -> None:
    """Time everything: kernels beside plain loops, how times scale, how long starting takes."""
    os.environ.setdefault("MPLBACKEND", "Agg")
    for name in PINNED:
        os.environ.setdefault(name, "1")
    from .benchmarks import cases, changes, load, run
    from .benchmarks.changes import summary
    from .benchmarks.report import write_report
    from .console import duration, make_console

    try:
        chosen = cases.some_cases(quick, group or ())
        old = None if compare is None else load(compare)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    console = make_console()
    show_surroundings(console)
    with console.status("") if console.is_terminal else _silence() as status:
        tell = status.update if console.is_terminal else (lambda line: None)
        results = run(chosen, memory=not quick and not group, tell=tell)
    show(console, results)
    if json is not None:
        results.save(json)
    if report is not None:
        console.print(f"\nThe report is {write_report(results, report)}")
    if old is not None:
        console.print(f"\n{summary(changes(old, results))}", markup=False)
    console.print(f"\n{len(results.results)} cases in {duration(results.seconds)}.")


class _silence:
    """Where there is no terminal, nothing is shown on the way."""

    def __enter__(self):
        return None

    def __exit__(self, *error):
        return None


def show_surroundings(console) -> None:
    """What the figures depend on."""
    from .surroundings import surroundings

    for name, value in surroundings():
        console.print(f"{name}: {value}", markup=False)


def show(console, results) -> None:
    """A table for each group."""
    from .benchmarks.pictures import duration as time_of
    from .benchmarks.tables import ratio
    from .console import show_heading, table

    for group in results.groups:
        found = results.group(group)
        ways = list(dict.fromkeys(way for result in found for way in result.ways))
        show_heading(console, group)
        lines = table("case", *ways, "faster", right=(*ways, "faster"))
        for result in found:
            times = [time_of(result, way) if way in result.ways else "-" for way in ways]
            lines.add_row(result.name, *times, ratio(result))
        console.print(lines)
    for key, reason in results.skipped.items():
        console.print(f"left out: {key}: {reason}", markup=False)
    for what, megabytes in results.memory.items():
        console.print(f"memory that training adds, {what}: {megabytes:.1f} MB", markup=False)
