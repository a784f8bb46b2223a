"""``fastperc predict``."""

from __future__ import annotations

import sys
import time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .writing import check_files

if TYPE_CHECKING:
    from ..tables.predicting import Predictor


class Missing(StrEnum):
    """What is done where an input has no value, by a model that needs one."""

    error = "error"
    empty = "empty"


def predict(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="What fastperc train saved.")],
    table: Annotated[
        str,
        typer.Argument(metavar="TABLE", help="As for train; - for standard input."),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write to this file: .csv, .tsv (also .gz, .zst), .parquet, .feather, .arrow "
            "[standard output, CSV].",
        ),
    ] = None,
    proba: Annotated[
        bool, typer.Option("--proba", help="Add the probability of each class.")
    ] = False,
    interval: Annotated[
        bool, typer.Option("--interval", help="Add an interval that holds the number itself.")
    ] = False,
    coverage: Annotated[
        float | None, typer.Option(help="In which share of the cases it does [0.9].")
    ] = None,
    keep: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME,...", help="Columns of TABLE to write before the predictions."),
    ] = None,
    missing: Annotated[
        Missing, typer.Option(help="Without a value that the model needs: no prediction, or error.")
    ] = Missing.error,
    spreadsheet_safe: Annotated[
        bool,
        typer.Option(
            "--spreadsheet-safe",
            help="Put ' before text that begins with = + - @, so that it is no formula.",
        ),
    ] = False,
    separator: Annotated[str | None, typer.Option(help="Between cells of TABLE.")] = None,
    encoding: Annotated[str | None, typer.Option(help="Of TABLE.")] = None,
    decimal: Annotated[str | None, typer.Option(help="Decimal mark of TABLE: . or ,")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print errors only.")] = False,
) -> None:
    """Predict the rows of a table by a model that fastperc train saved.

    Columns are found by their names. Rows come and go in batches: a table may be of any length.

    Examples:

    fastperc predict houses.fp new.csv > prices.csv

    fastperc predict houses.fp new.parquet --interval --keep id --out prices.parquet

    gunzip -c new.csv.gz | fastperc predict houses.fp -
    """
    begin = time.perf_counter()
    check_out(out, model, table)
    if coverage is not None and not interval:
        raise typer.BadParameter("--coverage is that of an interval: give --interval too")
    if coverage is not None and not 0 < coverage < 1:
        raise typer.BadParameter(f"--coverage: found {coverage}, expected more than 0, less than 1")
    if spreadsheet_safe and out is not None and ends_columnar(out):
        raise typer.BadParameter("--spreadsheet-safe is for text: a file that ends with .csv")
    from ..saving import load
    from ..tables.predicting import COVERAGE, Predictor, open_for
    from .train import names_of

    loaded = load(model)
    source = open_for(loaded, table, **reading(separator, encoding, decimal))
    predictor = Predictor(
        loaded, source, proba=proba, keep=names_of(keep), missing=missing.value,
        coverage=(coverage or COVERAGE) if interval else None,
    )  # fmt: skip
    write(predictor, out, spreadsheet_safe)
    if not quiet:
        for text in predictor.sentences():
            note(text)
        if out is not None:
            seconds = time.perf_counter() - begin
            print(f"Wrote {out}: {predictor.n_rows:,} rows, in {seconds:.1f} s")


def reading(separator: str | None, encoding: str | None, decimal: str | None) -> dict[str, Any]:
    """Return how a table is read, as `open_source` takes it."""
    return {"separator": separator, "encoding": encoding, "decimal": decimal}


def check_out(out: Path | None, *others: Path | str) -> None:
    """Refuse a file of a format that there is not, in no folder, or the one that is read."""
    if out is None:
        return
    from ..tables.writing import endings

    try:
        endings(out)
    except ValueError as error:
        raise typer.BadParameter(f"--out: {error}") from error
    for other in others:
        if str(other) != "-" and out.exists() and Path(other).exists() and out.samefile(other):
            raise typer.BadParameter(f"cannot write {out}: it is {other}. Give another name")
    check_files(out)


def ends_columnar(out: Path) -> bool:
    """Return whether a file is of a format with types."""
    from ..tables.writing import COLUMNAR, endings

    return endings(out)[0] in COLUMNAR


def write(predictor: Predictor, out: Path | None, safe: bool) -> None:
    """Write all predictions."""
    from ..tables.writing import CsvWriter, writing

    if out is None:
        sys.stdout.flush()
        writer = CsvWriter(sys.stdout.buffer, predictor.schema, safe=safe)
        for batch in predictor.batches():
            writer.write(batch)
        return
    with writing(out, predictor.schema, safe) as file:
        for batch in predictor.batches():
            file.write(batch)


def note(text: str) -> None:
    """Print what is to be known of what was done to standard error, in one line."""
    from .train import printable

    print(f"fastperc: {printable(text)}", file=sys.stderr)
