"""``fastperc evaluate``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from .lines import cut, printable, wrapped
from .predict import sentences
from .table_options import Decimal, Encoding, Model, Separator, names_of

if TYPE_CHECKING:
    from ..tables.bootstrap import Score
    from ..tables.evaluating import Evaluation


def evaluate(
    model: Model,
    table: Annotated[
        str,
        typer.Argument(
            metavar="TABLE",
            help="Rows with the target: CSV or the like, also compressed; Parquet, or a folder of "
            "it; Feather; Arrow; - for standard input.",
        ),
    ],
    by: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME,...", help="Columns whose values are scored one by one."),
    ] = None,
    weight: Annotated[
        str | None, typer.Option(metavar="NAME", help="The column of sample weights.")
    ] = None,
    strip_labels: Annotated[
        str, typer.Option(metavar="LETTERS", help="What does not count at the end of labels.")
    ] = "",
    seed: Annotated[int, typer.Option(min=0, help="Of the resamples.")] = 0,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    separator: Separator = None,
    encoding: Encoding = None,
    decimal: Decimal = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Nothing on standard error.")] = False,
) -> None:
    """Score a model on a table that has the target too, with 95 % intervals.

    Examples:

    fastperc evaluate houses.fp test.csv

    fastperc evaluate patients.fp test.csv --by sex,age

    fastperc evaluate adult.fp adult_test.csv --strip-labels .
    """
    from ..tables import evaluate as run

    found = run(
        model, table, by=names_of(by), weight=weight, strip_labels=strip_labels, seed=seed,
        separator=separator, encoding=encoding, decimal=decimal,
    )  # fmt: skip
    if json:
        import json as format

        print(format.dumps(found.as_dict(), indent=2))
        return
    for line in lines_of(found):
        print(line)
    if not quiet:
        for text in sentences(found.notes):
            for line in wrapped(text, indent=""):
                print(line, file=sys.stderr)


def lines_of(found: Evaluation) -> Iterator[str]:
    """Yield lines of the scores, and of those of each slice."""
    without = f"; {found.n_without:,} without a target, a prediction or a weight"
    without *= bool(found.n_without)
    yield from wrapped(f"{found.target}: {found.n_rows:,} rows of {found.table}{without}", "")
    for score in found.scores:
        yield f"  {score.name:18}{numbers(score)}"
    column = None
    for part in found.slices:
        if part.column != column:
            column = part.column
            score = part.scores[0]
            yield ""
            yield f"{score.name} by {printable(column)[:40]}"
        yield f"  {cut(part.value, 30):30} {part.n_rows:9,} rows {numbers(part.scores[0])}"


def numbers(score: Score) -> str:
    """Return a score and its interval, in columns."""
    value, low, high = (
        "-" if x != x else f"{x:.4f}" if abs(x) < 100 else f"{x:.6g}"
        for x in (score.value, score.low, score.high)
    )
    return f"{value:>9}  ({low} to {high})"
