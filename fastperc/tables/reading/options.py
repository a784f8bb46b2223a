"""What the user says of a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from .source import missing_column


@dataclass(frozen=True)
class Options:
    """How to read a table, where that is not left to what is found.

    Attributes
    ----------
    separator, encoding, decimal : str, optional
        Of text.
    numeric, categorical, drop : frozenset of str
        Columns that are numbers, that are text, and that are not read.
    """

    separator: str | None = None
    encoding: str | None = None
    decimal: Literal[".", ",", None] = None
    numeric: frozenset[str] = frozenset()
    categorical: frozenset[str] = frozenset()
    drop: frozenset[str] = frozenset()

    def check(self, names: Sequence[str], table: str) -> None:
        """Raise TableError if a column is named that is not there."""
        there = set(names)
        for name in sorted(self.numeric | self.categorical | self.drop):
            if name not in there:
                raise missing_column(name, names, table)
