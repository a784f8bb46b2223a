"""``fastperc describe``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from .lines import WIDTH, cut, printable, wrapped
from .table_options import (
    Categorical,
    Decimal,
    Drop,
    Encoding,
    Numeric,
    Separator,
    Table,
    names_of,
)

if TYPE_CHECKING:
    from ..tables.describing import ColumnSummary, Description

NAME, VALUES, USE = 18, 25, 9  # widths of columns


def describe(
    table: Table,
    target: Annotated[
        str | None, typer.Option(metavar="NAME", help="The column that is to be predicted.")
    ] = None,
    numeric: Numeric = None,
    categorical: Categorical = None,
    drop: Drop = None,
    separator: Separator = None,
    encoding: Encoding = None,
    decimal: Decimal = None,
) -> None:
    """Tell what is in the columns of a table, and what train would do with each.

    Examples:

    fastperc describe houses.csv

    fastperc describe houses.csv --target price --categorical zip
    """
    from ..tables import describe as run

    found = run(
        table, target=target, numeric=names_of(numeric), categorical=names_of(categorical),
        drop=names_of(drop), separator=separator, encoding=encoding,
        decimal=decimal,
    )  # fmt: skip
    for line in lines_of(found):
        print(line)


def lines_of(found: Description) -> Iterator[str]:
    """Yield lines of at most 80 letters."""
    yield printable(found.table)
    for text in found.stated:
        yield from wrapped(text)
    yield ""
    yield f"{'column':{NAME}} type   missing distinct {'values':{VALUES}} train"
    for column in found.columns:
        yield line_of(column)
    left_out = [column for column in found.columns if column.use.startswith("left out: ")]
    if left_out:
        yield ""
    for column in left_out:
        yield from wrapped(f"{column.name}: {column.why}")
    for text in found.warnings:
        yield from wrapped(f"Note: {text}")


def line_of(column: ColumnSummary) -> str:
    """Return the line of a column."""
    use = column.use.partition(":")[0]
    line = (
        f"{cut(column.name, NAME):{NAME}} {column.type:6} {count(column.n_missing):>7} "
        f"{count(column.n_distinct):>8} {cut(column.values, VALUES):{VALUES}} {use}"
    )
    return line[:WIDTH]


def count(n: int) -> str:
    """Return a number of cells, in thousands if it is long."""
    return f"{n:,}" if n < 1_000_000 else f"{n / 1e6:,.1f}M" if n < 1e9 else f"{n / 1e9:,.1f}G"
