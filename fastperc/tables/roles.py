"""What a column looks like: a number, a category, a date, or nothing that helps to predict."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa
import pyarrow.compute as pc

from .arrow import is_text, role_of_type, texts_of
from .columns import Column

ID = re.compile(r"(?i)(^|[_\W])(id|uuid|guid|index|rownum|row_number|unnamed.*)$|[a-z]I[Dd]$|^$")
FEW_ROWS = 20  # in fewer, that numbers count up proves nothing
WORDS, LETTERS = 4, 60  # in the mean of a column of text that is prose
SOME = 10_000  # rows that tell whether there are many values
FEW_VALUES = 10  # whole numbers of so few values may be codes


@dataclass(frozen=True)
class Cells:
    """A column, and what decides on its role."""

    name: str
    column: pa.ChunkedArray

    @cached_property
    def there(self) -> pa.ChunkedArray:
        """The cells that have a value."""
        return self.column.drop_null()

    @cached_property
    def n_distinct(self) -> int:
        """How many different values there are; of numbers with decimals, at least so many."""
        if pa.types.is_null(self.column.type):
            return 0
        if pa.types.is_floating(self.column.type):  # counting millions of them would take long
            n = pc.count_distinct(self.there.slice(0, SOME)).as_py()
            if n > SOME // 10 and not self.is_whole:
                return int(n)
        return int(pc.count_distinct(self.there).as_py())

    @property
    def n_missing(self) -> int:
        """How many cells have none."""
        return int(self.column.null_count)

    @cached_property
    def is_number(self) -> bool:
        """Whether these are numbers."""
        return role_of_type(self.column.type) == "number"

    @cached_property
    def is_date(self) -> bool:
        """Whether these are dates."""
        return role_of_type(self.column.type) == "date"

    @cached_property
    def is_whole(self) -> bool:
        """Whether these are whole numbers."""
        if pa.types.is_floating(self.column.type):
            return bool(pc.all(pc.equal(pc.round(self.there), self.there), min_count=0).as_py())
        return bool(pa.types.is_integer(self.column.type))

    @property
    def is_unique(self) -> bool:
        """Whether no value comes twice, of several."""
        return self.n_distinct == len(self.there) > 2

    @cached_property
    def counts_up(self) -> bool:
        """Whether these are all the whole numbers from one to another."""
        if not (self.is_number and self.is_unique and self.is_whole):
            return False
        ends = pc.min_max(self.there).as_py()
        return ends["max"] - ends["min"] + 1 == len(self.there) >= FEW_ROWS

    @cached_property
    def is_prose(self) -> bool:
        """Whether a cell of this text has several words, or many letters."""
        some = self.there.slice(0, 10_000)
        words = pc.mean(pc.add(pc.count_substring(some, " "), 1)).as_py()
        return bool(words >= WORDS or pc.mean(pc.utf8_length(some)).as_py() >= LETTERS)

    @property
    def may_be_code(self) -> bool:
        """Whether these numbers may stand for categories."""
        return self.is_number and 3 <= self.n_distinct <= FEW_VALUES and self.is_whole

    def as_role(self, role: str, why: str) -> Column:
        """Return what the column is taken for."""
        return Column(self.name, role, why, self.n_missing, self.n_distinct)


def role_of(cells: Cells) -> Column:
    """Return what a column looks like, by its name, type and values."""
    if not len(cells.there):
        return cells.as_role("constant", "no cell has a value")
    if cells.n_distinct == 1:
        what = str(texts_of(cells.there)[0].as_py())
        return cells.as_role("constant", f"it is always {what!r:.40}")
    if cells.is_number:
        return _number(cells)
    if cells.is_date:
        return cells.as_role("date", "")
    return _text(cells) if is_text(cells.column) else cells.as_role("category", "true or false")


def _number(cells: Cells) -> Column:
    if cells.counts_up:
        return cells.as_role("identifier", "it counts the rows")
    if cells.is_unique and cells.is_whole and ID.search(cells.name):
        return cells.as_role("identifier", "it names each row: no number comes twice")
    return cells.as_role("number", "")


def _text(cells: Cells) -> Column:
    many = cells.n_distinct > max(FEW_ROWS, len(cells.there) // 2)
    if cells.is_unique or many:
        if cells.is_prose:
            return cells.as_role("text", "it is text of many words")
        words = "no text comes twice" if cells.is_unique else "hardly a text comes twice"
        return cells.as_role("identifier", f"it names each row: {words}")
    if cells.n_distinct > FEW_ROWS and cells.is_prose:
        return cells.as_role("text", "it is text of many words")
    return cells.as_role("category", f"{cells.n_distinct:,} different texts")
