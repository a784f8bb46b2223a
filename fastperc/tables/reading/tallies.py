"""What each column of text holds, decided from all of its cells."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .forms import (
    COMMA,
    FORMS,
    GROUPS,
    LEADING_ZERO,
    LONG_DIGITS,
    POINT,
    Form,
    Nothing,
    Numbers,
    Texts,
    number_pattern,
    plain_numbers,
    trimmed,
    with_leading_zero,
)

FEW_ROWS, TOGETHER = 2_000, 256  # of columns that are looked at together
MOSTLY = 0.9  # of the cells have a form: the others are mistakes, and not a second kind


class Cell(NamedTuple):
    """A cell and its row, counted from 0."""

    row: int
    text: str


@dataclass
class Count:
    """How many cells have a form, and which have not."""

    good: int = 0
    bad: Cell | None = None  # the first
    others: bool = False  # whether there is another text than the first

    def miss(self, cell: Cell, different: bool) -> None:
        """Take note of the first text of a batch that does not fit, and whether there are more."""
        self.others |= different or (self.bad is not None and self.bad.text != cell.text)
        self.bad = self.bad or cell


@dataclass
class Tally:
    """The cells of a column, counted by the forms that they have.

    Parameters
    ----------
    name : str
        The column's.
    """

    name: str
    filled: int = 0
    forms: dict[Form, Count] = field(default_factory=lambda: {form: Count() for form in FORMS})
    plain: bool = True  # all batches were plain numbers
    whole: bool = True  # and fit into int64
    groups: set[str] = field(default_factory=set)  # marks that stand where thousands end
    leading_zero: Cell | None = None
    infinite: Cell | None = None
    long_digits: bool = True

    def add(self, raw: pa.Array, first: int) -> None:
        """Count a batch of cells, the first of which is in this row."""
        cells = trimmed(raw)
        filled = len(cells) - cells.null_count
        if not filled:
            return
        numbers = plain_numbers(cells, self.whole)
        if numbers is not None and not len(with_leading_zero(cells)):
            row = int(np.asarray(cells.is_valid()).argmax())
            whole = numbers.type == pa.int64()
            self.long_digits &= not whole and _are_long(cells, numbers)
            cell = Cell(first + row, cells[row].as_py())
            self.add_numbers(filled, whole, whole or _grouped(cells), cell)
        else:
            self._add_texts(cells, first)
            self._count(filled)

    def add_numbers(self, filled: int, whole: bool, grouped: bool, cell: Cell) -> None:
        """Count cells that are all plain numbers, the first of them being this.

        Parameters
        ----------
        filled : int
            How many.
        whole : bool
            Whether all are int64.
        grouped : bool
            Whether points in them, if any, could be between thousands.
        """
        self.whole &= whole
        for form, count in self.forms.items():
            if form == POINT or (form == COMMA and grouped):
                count.good += filled
            else:
                count.miss(cell, True)
        self._count(filled)

    def _count(self, filled: int) -> None:
        """Add to the cells seen; what none of the first batch is, the column is not."""
        if self.filled == 0:
            numeric = (POINT, COMMA)
            self.forms = {f: c for f, c in self.forms.items() if c.good or f in numeric}
        self.filled += filled

    def _add_texts(self, cells: pa.Array, first: int) -> None:
        """Count a batch by its different texts."""
        self.plain = False
        counted = pc.value_counts(cells.drop_null())
        texts, counts = counted.field("values"), counted.field("counts").to_numpy()

        def first_of(mask: np.ndarray) -> Cell:
            text = texts[int(mask.argmax())].as_py()
            return Cell(first + pc.index(cells, text).as_py(), text)

        for form, count in self.forms.items():
            good = np.asarray(form.matches(texts))  # type: ignore[union-attr]
            count.good += int(counts[good].sum())
            if not good.all():
                count.miss(first_of(~good), (~good).sum() > 1)
            if isinstance(form, Numbers) and good.any():
                infinite = np.zeros(len(good), bool)
                infinite[good] = ~np.isfinite(form.values(texts.filter(pa.array(good))).to_numpy())
                if infinite.any():
                    self.infinite = self.infinite or first_of(infinite)
        zeros = np.asarray(pc.match_substring_regex(texts, LEADING_ZERO))
        if zeros.any():
            self.leading_zero = self.leading_zero or first_of(zeros)
        if self.forms[POINT].good or self.forms[COMMA].good:
            self.groups |= {m for m in GROUPS if _any(texts, GROUPS[m])}
        digits = r"^[+-]?[0-9]{1,18}$"
        self.whole &= bool(pc.all(pc.match_substring_regex(texts, digits)).as_py())
        self.long_digits &= bool(pc.all(pc.match_substring_regex(texts, LONG_DIGITS)).as_py())

    # --- what was found -------------------------------------------------------------------------

    def complete(self, form: Form) -> bool:
        """Return whether all cells have a form."""
        count = self.forms.get(form)
        return count is not None and count.good == self.filled > 0

    def best(self, decimal: str) -> tuple[Form, Count]:
        """Return the form that most cells have; among equals, numbers with this decimal mark."""

        def rank(item: tuple[Form, Count]) -> tuple[int, bool]:
            form, count = item
            return count.good, getattr(form, "decimal", decimal) == decimal

        return max(self.forms.items(), key=rank)

    def is_mistaken(self, count: Count) -> bool:
        """Return whether the cells without a form look like mistakes among those that have it.

        They are few, or all the same text though fewer than the others, such as a word for what
        is missing.
        """
        bad = self.filled - count.good
        few = count.good >= MOSTLY * self.filled
        return bad > 0 and (few or (not count.others and bad < count.good))

    def form(self, decimal: str, numeric: bool = False) -> Form:
        """Return what the column is read as.

        Raises MistakeError if it is neither numbers, dates and so on, nor text.
        """
        if self.filled == 0:
            return Nothing()
        form, count = self.best(decimal)
        if numeric and not isinstance(form, Numbers):
            form, count = POINT, self.forms[POINT]
        if not numeric and (self.leading_zero or self.long_digits):
            return Texts()
        if count.bad and (numeric or self.is_mistaken(count)):
            raise MistakeError(self, form, count.bad)
        if count.bad:
            return Texts()
        if isinstance(form, Numbers):
            if self.infinite:
                raise MistakeError(self, form, self.infinite)
            whole = self.whole and not form.percent
            return Numbers(form.decimal, form.percent, whole)
        return form


class MistakeError(Exception):
    """A cell that does not fit its column.

    Attributes
    ----------
    tally : Tally
    form : Form
        What most cells have.
    cell : Cell
        The first that has not.
    """

    def __init__(self, tally: Tally, form: Form, cell: Cell):
        super().__init__(tally, form, cell)
        self.tally = tally
        self.form = form
        self.cell = cell


def add_batch(tallies: list[Tally], columns: list[pa.Array], first: int) -> None:
    """Count a batch of all columns, the first row of which is this.

    Many columns of few rows are looked at together, as each look takes its time.
    """
    width = 1 if len(columns[0]) > FEW_ROWS else TOGETHER
    for k in range(0, len(tallies), width):
        some, cells = tallies[k : k + width], columns[k : k + width]
        if width == 1 or not _add_together(some, cells, first):
            for tally, column in zip(some, cells, strict=True):
                tally.add(column, first)


def _add_together(tallies: list[Tally], columns: list[pa.Array], first: int) -> bool:
    """Count columns if all of them are plain numbers of usual length; return whether they are."""
    shape = len(columns), len(columns[0])
    cells = trimmed(pa.concat_arrays(columns))
    numbers = plain_numbers(cells, whole=False)
    signs = pc.any(pc.starts_with(cells, "+"), min_count=0).as_py()
    if numbers is None or signs or len(with_leading_zero(cells)):
        return False

    def each(mask: pa.Array) -> np.ndarray:
        return np.all(np.asarray(pc.fill_null(mask, True)).reshape(shape), axis=1)

    if not each(pc.less(pc.abs(numbers), 1e18)).all():
        return False
    there = np.asarray(cells.is_valid()).reshape(shape)
    filled, rows = there.sum(axis=1), there.argmax(axis=1)
    whole = each(pc.match_substring_regex(cells, r"^-?[0-9]+$"))
    grouped = each(pc.match_substring_regex(cells, f"^{number_pattern(',')}$"))
    texts = cells.take(pa.array(rows + np.arange(shape[0]) * shape[1])).to_pylist()
    for k in np.flatnonzero(filled):
        tallies[k].long_digits = False
        cell = Cell(first + int(rows[k]), texts[k])
        tallies[k].add_numbers(int(filled[k]), bool(whole[k]), bool(grouped[k]), cell)
    return True


def _any(texts: pa.Array, pattern: str) -> bool:
    return bool(pc.any(pc.match_substring_regex(texts, pattern)).as_py())


def _are_long(cells: pa.Array, numbers: pa.Array) -> bool:
    """Return whether all cells are integers too long for int64."""
    if pc.max(pc.abs(numbers)).as_py() < 1e18:
        return False
    return bool(pc.all(pc.match_substring_regex(cells, LONG_DIGITS)).as_py())


def _grouped(cells: pa.Array) -> bool:
    """Return whether all of many plain numbers could have points between thousands: 1.234."""
    pattern = f"^{number_pattern(',')}$"
    few = cells.slice(0, 100)
    return all(
        pc.all(pc.match_substring_regex(part, pattern), min_count=0).as_py()
        for part in (few, cells)
    )


def decimal_of(tallies: list[Tally], separator: str) -> tuple[str, bool]:
    """Return the decimal mark of a table, and whether the cells leave no other choice."""
    comma = sum(t.complete(COMMA) and not t.complete(POINT) for t in tallies)
    point = sum(t.complete(POINT) and not t.complete(COMMA) for t in tallies)
    if comma != point:
        return ("," if comma > point else "."), True
    either = any(t.complete(COMMA) and t.complete(POINT) and not t.plain for t in tallies)
    return ("," if either and separator == ";" else "."), not either
