"""What the user says of a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .source import check_there


@dataclass(frozen=True)
class Options:
    """How to read a table, where that is not left to what is found.

    Attributes
    ----------
    separator, encoding, decimal : str, optional
        Of text.
    numeric, categorical, drop : frozenset of str
        Columns that are numbers, that are text, and that are not read.
    used : frozenset of str, optional
        Columns that have to be what they look like: the others of a text stay text.
    """

    separator: str | None = None
    encoding: str | None = None
    decimal: str | None = None
    numeric: frozenset[str] = frozenset()
    categorical: frozenset[str] = frozenset()
    drop: frozenset[str] = frozenset()
    used: frozenset[str] | None = None

    def __post_init__(self) -> None:
        if self.separator is not None and len(self.separator) != 1:
            raise ValueError(f"separator: found {self.separator!r:.40}, expected one character")
        if self.decimal not in (None, ".", ","):
            raise ValueError(f"decimal: found {self.decimal!r:.40}, expected '.' or ','")

    def stays_text(self, name: str) -> bool:
        """Return whether a column of a text stays as it is, whatever is in it."""
        return name in self.categorical or not (self.used is None or name in self.used)

    def check(self, names: Sequence[str], table: str) -> None:
        """Raise TableError if a column is named that is not there."""
        check_there(sorted(self.numeric | self.categorical | self.drop), names, table)
