"""``fastperc bench``."""

from __future__ import annotations

import os
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..measuring.threads import pin_threads

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from ..benchmarks.results import Results


def bench(
    quick: Annotated[
        bool, typer.Option("--quick", help="Run a selection, in less than two minutes.")
    ] = False,
    group: Annotated[
        list[str] | None, typer.Option(help="Run this group of cases only; may be repeated.")
    ] = None,
    json: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the results to this file.")
    ] = None,
    report: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write a page with pictures to this folder.")
    ] = None,
    compare: Annotated[
        Path | None,
        typer.Option(metavar="OLD.json", help="Report what changed since these results."),
    ] = None,
) -> int:
    """Run the benchmarks: kernels and other libraries, scaling, start-up time."""
    os.environ.setdefault("MPLBACKEND", "Agg")
    pin_threads()
    from ..benchmarks import cases, load, run
    from ..benchmarks.changes import probe, summary
    from ..benchmarks.processes import add, look_again, run_elsewhere
    from ..benchmarks.report import write_report
    from ..measuring.words import duration
    from .console import make_console
    from .writing import check_files, make_folder

    check_files(json)
    make_folder(report)
    try:
        chosen = cases.some_cases(quick, group or ())
        old = None if compare is None else load(compare)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    console = make_console()
    show_environment(console)
    with console.status("") if console.is_terminal else nullcontext() as status:
        tell: Callable[[str], None] = status.update if status else lambda line: None
        results = run(chosen, tell=tell, still=None if old is None else probe(old))
        tell("once more, in another process")
        add(results, run_elsewhere(quick, group or (), old))
        if old is not None:
            look_again(results, old, quick, group or (), tell)
    results.quick = quick
    show(console, results)
    if json is not None:
        results.save(json)
    if report is not None:
        console.print(f"\nThe report is {write_report(results, report)}")
    if old is not None:
        console.print(f"\n{summary(old, results)}", markup=False)
    console.print(f"\n{len(results.results)} cases in {duration(results.seconds)}.")
    for key, reason in results.failed.items():
        console.print(f"failed: {key}: {reason}", markup=False)
    return 1 if results.failed else 0


def show_environment(console: Console) -> None:
    """Print what the figures depend on."""
    from ..measuring import environment

    for name, value in environment.describe():
        console.print(f"{name}: {value}", markup=False)
    if environment.slowed_blas():
        console.print(f"warning: {environment.slowed_blas()}", style="yellow", markup=False)


def show(console: Console, results: Results) -> None:
    """Print a table for each group."""
    from ..benchmarks import tables
    from .console import show_heading, table

    for group in results.groups:
        (first, *ways), *lines = tables.table(results.group(group))
        show_heading(console, group)
        shown = table(first, *ways, right=ways)
        for cells in lines:
            shown.add_row(*cells)
        console.print(shown)
        for note in tables.footnotes(lines):
            console.print(note)
    console.print("\nBest of the rounds; in brackets, how many times as long as fastperc takes.")
    for line in results.omissions:
        console.print(f"left out: {line}", markup=False)
    if results.disturbed:
        console.print(results.disturbed, markup=False)
