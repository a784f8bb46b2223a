"""How a text is a table: what separates cells, what quotes them, whether names come first."""

from __future__ import annotations

import contextlib
import csv
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from ...errors import TableError
from .forms import COMMA, MISSING, POINT
from .source import refuse_duplicates
from .text import LONGEST_LINE

SEPARATORS = "\t;|, "  # the earlier, the rarer in cells
SEPARATOR_WORDS = {"\t": "tabs", " ": "spaces"}
N_LINES = 200  # that are looked at
MOST_COLUMNS = 50_000  # each takes its time, however few the rows
LINE_ENDS = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True)
class Dialect:
    """A way to write tables as text.

    Attributes
    ----------
    separator, quote : str
    names : tuple of str
        Of the columns.
    header : bool
        Whether the text has the names; otherwise they are made up.
    skip : int
        Lines before the first record.
    """

    separator: str
    quote: str
    names: tuple[str, ...]
    header: bool
    skip: int

    @property
    def words(self) -> str:
        """What it is called."""
        kind = {",": "CSV", "\t": "TSV"}.get(self.separator, "text")
        by = SEPARATOR_WORDS.get(self.separator, repr(self.separator))
        quotes = "" if self.quote == '"' else f", quotes {self.quote}"
        return f"{kind}, separated by {by}{quotes}"


def find_dialect(sample: str, file: str, separator: str | None = None) -> Dialect:
    """Return the dialect of the start of a text.

    Raises
    ------
    TableError
        If there is no table, or two columns have one name.
    """
    lines = LINE_ENDS.split(sample)
    skip = next((k for k, line in enumerate(lines) if line.strip()), None)
    if skip is None:
        raise TableError("the table is empty; a line of names, and a line for each row go in", file)
    said = re.fullmatch(r'"?sep=(.)"?', lines[skip])  # what Excel writes, and reads
    if said:
        separator, skip = separator or said[1], skip + 1
    lines = [line for line in lines[skip:] if line][:N_LINES]
    if not lines:
        raise TableError("the table is empty; a line of names, and a line for each row go in", file)
    quote = _quote(lines)
    separator = separator or _separator(lines, quote)
    records = parsed(lines, separator, quote)
    first = [cell.strip() for cell in records[0]]
    if len(first) > MOST_COLUMNS:
        raise TableError(
            f"found {len(first):,} columns, and takes {MOST_COLUMNS:,}; choose some, or store the "
            "table as Parquet",
            file,
            skip + 1,
        )
    header = _is_header(first, records[1:])
    names = tuple(cell if header and cell else f"column{k}" for k, cell in enumerate(first, 1))
    refuse_duplicates(names, file, skip + 1)
    return Dialect(separator, quote, names, header, skip)


def parsed(lines: list[str], separator: str, quote: str) -> list[list[str]]:
    """Return the cells of the records among lines, but of empty ones."""
    ended = (f"{line}\n" for line in lines)
    with long_cells():
        records = [*csv.reader(ended, delimiter=separator, quotechar=quote)]
    return [record for record in records if record]


@contextlib.contextmanager
def long_cells() -> Iterator[None]:
    """Let Python's csv module take cells as long as a line may be."""
    limit = csv.field_size_limit(2 * LONGEST_LINE)
    try:
        yield
    finally:
        csv.field_size_limit(limit)


def _quote(lines: list[str]) -> str:
    """Return the single quote if cells are in those and none in double ones."""
    quoted = re.compile(r"(?:^|[\t;|,])'[^']*'(?:$|[\t;|,])")
    double = any('"' in line for line in lines)
    single = sum(bool(quoted.search(line)) for line in lines)
    return "'" if not double and single > len(lines) / 2 else '"'


def _separator(lines: list[str], quote: str) -> str:
    """Return what cuts most records into as many cells as the first has, more than one."""
    best, found = 0.0, ","
    for separator in SEPARATORS:
        records = parsed(lines, separator, quote)
        counts = Counter(len(record) for record in records)
        share = counts[len(records[0])] / len(records)
        if separator == " " and not (share == 1 and _mostly_numbers(records)):
            continue
        if len(records[0]) > 1 and share > best:
            best, found = share, separator
    return found


def _mostly_numbers(records: list[list[str]]) -> bool:
    """Return whether most cells below the first row are: words have spaces between them, too."""
    cells = [cell for record in records[1:] or records for cell in record]
    return sum(_are_numbers([cell]) for cell in cells) > len(cells) / 2


def _is_header(first: list[str], others: list[list[str]]) -> bool:
    """Return whether the first record has names.

    It has none if it has a number wherever the others have, and so somewhere. Years, 1990 and
    1991, are names all the same.
    """
    if not others:
        return not all(_are_numbers([cell]) for cell in first)
    columns = zip(*(o for o in others if len(o) == len(first)), strict=True)
    numeric = [_are_numbers(cells) for cells in columns]
    above = [cell for cell, is_number in zip(first, numeric, strict=False) if is_number]
    if not any(numeric):
        return not any(_are_numbers([cell]) for cell in first)
    years = len(set(above)) == len(above) > 1 and all(
        re.fullmatch("(1[89]|20)..", c) for c in above
    )
    return years or not all(_are_numbers([cell]) or cell in MISSING[1:] for cell in above)


def _are_numbers(cells: list[str] | tuple[str, ...]) -> bool:
    """Return whether there is a number among cells, and nothing else but missing ones."""
    filled = pa.array([cell.strip() for cell in cells if cell.strip() not in MISSING], pa.string())
    return len(filled) > 0 and any(pc.all(form.matches(filled)).as_py() for form in (POINT, COMMA))
