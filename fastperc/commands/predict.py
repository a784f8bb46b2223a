"""``fastperc predict``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .lines import wrapped
from .table_options import Decimal, Encoding, Model, Separator, Table, names_of
from .writing import check_files

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

    from ..tables.encoding import Notes


def predict(
    model: Model,
    table: Table,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Write .csv, .parquet or .feather [CSV to standard output]."
        ),
    ] = None,
    proba: Annotated[
        bool, typer.Option("--proba", help="Add the probability of each class.")
    ] = False,
    interval: Annotated[
        bool, typer.Option("--interval", help="Add the ends of an interval around each number.")
    ] = False,
    coverage: Annotated[
        float, typer.Option(metavar="P", help="How often it holds the value.")
    ] = 0.9,
    keep: Annotated[
        list[str] | None, typer.Option(metavar="NAME,...", help="Columns to copy from the table.")
    ] = None,
    spreadsheet_safe: Annotated[
        bool,
        typer.Option("--spreadsheet-safe", help="CSV: no text that a spreadsheet would execute."),
    ] = False,
    separator: Separator = None,
    encoding: Encoding = None,
    decimal: Decimal = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print errors only.")] = False,
) -> None:
    """Predict the target for each row of a table, of any length.

    Columns are found by name, in any order. With --interval, a number gets two more columns,
    between which the true one lies in nine of ten rows like those of training.

    Examples:

    fastperc predict houses.fp new.csv --keep id > prices.csv

    fastperc predict patients.fp new.parquet --proba --out risks.parquet
    """
    check_out(out, model, table)
    from ..tables import predict as run
    from ..tables.predicting import model_of

    pipeline = model_of(model)
    check_options(pipeline, proba, interval, coverage)
    run(
        pipeline, table, sys.stdout.buffer if out is None else out, proba=proba, interval=interval,
        coverage=coverage, keep=names_of(keep), spreadsheet_safe=spreadsheet_safe,
        separator=separator, encoding=encoding, decimal=decimal,
        tell=None if quiet else tell,
    )  # fmt: skip


def check_out(out: Path | None, model: Path, table: str) -> None:
    """Refuse a file that cannot be written, or that would take the place of what is read."""
    if out is None:
        return
    from ..tables.writing import ending_of

    try:
        ending_of(out)
    except ValueError as error:
        raise typer.BadParameter(f"--out: {error}") from error
    read = {"model": model} | ({} if table == "-" else {"table": Path(table)})
    for what, path in read.items():
        if path.exists() and ((out.exists() and out.samefile(path)) or is_inside(out, path)):
            raise typer.BadParameter(f"cannot write {out}: it is the {what}. Give another name")
    check_files(out)


def is_inside(path: Path, folder: Path) -> bool:
    """Return whether a path leads into a folder, which is a table."""
    return folder.is_dir() and path.resolve().is_relative_to(folder.resolve())


def check_options(model: Pipeline, proba: bool, interval: bool, coverage: float) -> None:
    """Refuse what does not fit what is predicted."""
    is_classification = hasattr(model["model"], "classes_")
    if interval and is_classification:
        raise typer.BadParameter("--interval is for numbers, and this predicts classes: --proba")
    if proba and not is_classification:
        raise typer.BadParameter("--proba is for classes, and this predicts a number: --interval")
    if not 0 < coverage < 1:
        raise typer.BadParameter(f"--coverage: found {coverage}, expected a number such as 0.9")


def tell(notes: Notes) -> None:
    """Print to standard error what was met."""
    for text in sentences(notes):
        for line in wrapped(text, indent=""):
            print(line, file=sys.stderr)


def sentences(notes: Notes) -> Iterator[str]:
    """Yield what the user should know of the rows."""
    from ..tables.understanding import listed

    if notes.ignored:
        yield f"Ignored, as the model does not know them: {listed(notes.ignored)}"
    if notes.unseen:
        cells = [f"{name} ({n:,})" for name, n in notes.unseen.items()]
        yield f"Cells with a category that was not there in training: {listed(cells)}"
    if notes.missing:
        cells = [f"{name} ({n:,})" for name, n in notes.missing.items()]
        yield f"Cells without a value: {listed(cells)}"
