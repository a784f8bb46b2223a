"""Arguments and options that commands on tables share."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

TAB = {"\\t": "\t", "tab": "\t"}  # as it is typed in a shell


class Mark(StrEnum):
    """Between the whole part of a number and its decimals."""

    point = "."
    comma = ","


def separator_of(text: str) -> str:
    """Return what separates cells, or refuse what is no single character."""
    found = TAB.get(text, text)
    if len(found) != 1:
        raise typer.BadParameter(f"found {text!r:.40}, expected one character, such as ; or \\t")
    return found


Table = Annotated[
    str,
    typer.Argument(
        metavar="TABLE",
        help="CSV or the like, also compressed; Parquet, or a folder of it; Feather; Arrow; "
        "- for standard input.",
    ),
]
Model = Annotated[Path, typer.Argument(metavar="MODEL", help="What fastperc train wrote.")]
Numeric = Annotated[
    list[str] | None, typer.Option(metavar="NAME,...", help="Columns that are numbers.")
]
Categorical = Annotated[
    list[str] | None, typer.Option(metavar="NAME,...", help="Columns that are categories.")
]
Drop = Annotated[list[str] | None, typer.Option(metavar="NAME,...", help="Columns to leave out.")]
Separator = Annotated[
    str | None,
    typer.Option(metavar="CHARACTER", parser=separator_of, help="Between cells of text."),
]
Encoding = Annotated[str | None, typer.Option(metavar="NAME", help="Of text.")]
Decimal = Annotated[Mark | None, typer.Option(help="Decimal mark of text.")]


def names_of(given: Sequence[str] | None) -> list[str]:
    """Return names of columns that are separated by commas, or in quotes."""
    return [name.strip() for name in (name for row in csv.reader(given or ()) for name in row)]
