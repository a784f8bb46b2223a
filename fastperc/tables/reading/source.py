"""A table that can be read again and again, whole or in batches."""

from __future__ import annotations

import shlex
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...errors import TableError, shown

ROWS = 65_536  # of a batch: 8 columns of doubles are 4 MB, which stay in a cache


class Source(ABC):
    """A table: columns with names and types, read as often as needed.

    Attributes
    ----------
    name : str
        What messages call it, such as ``"houses.csv"`` or ``"standard input"``.
    schema : pyarrow.Schema
        Names and types of the columns: int64, float64, bool, date32, timestamp[us], string, or
        null where no cell has a value.
    n_rows : int or None
        The number of rows, None if only a pass would tell.
    stated : list of str
        What was recognised, in sentences for the user.
    size : int
        Estimated bytes of the whole table in memory.
    seconds : float
        How long it took to open it: text is read through then.
    """

    seconds = 0.0

    def __init__(self, name: str, schema: pa.Schema, n_rows: int | None, size: int):
        self.name = name
        self.schema = schema
        self.n_rows = n_rows
        self.size = size
        self.stated: list[str] = []

    @property
    def names(self) -> tuple[str, ...]:
        """The columns, in order."""
        return tuple(self.schema.names)

    def read(self, columns: Sequence[str] | None = None) -> pa.Table:
        """Return the table, or some of its columns in the order asked for.

        Raises
        ------
        TableError
            If a column is not there, a number is infinite, or the file is damaged.
        """
        return pa.Table.from_batches(self.batches(columns), self._schema_of(columns))

    def batches(
        self, columns: Sequence[str] | None = None, rows: int = ROWS
    ) -> Iterator[pa.RecordBatch]:
        """Yield the rows in order, at most so many at a time; missing cells are nulls.

        Raises
        ------
        TableError
            As `read` does.
        """
        schema, first = self._schema_of(columns), 0
        for whole in self._batches(schema):
            for start in range(0, whole.num_rows, rows):
                batch = whole.slice(start, rows)
                yield self._without_nan(batch, first)
                first += batch.num_rows

    @abstractmethod
    def _batches(self, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        """Yield batches of any length of these columns, with these types."""

    def line(self, row: int) -> int | None:
        """Return the line of a file, counted from 1, in which a row begins, counted from 0.

        None for what is not text.
        """
        return None

    def error(
        self, message: str, row: int | None = None, column: str | None = None, text: str = ""
    ) -> TableError:
        """Return an error about this table that says where: by line, or where there is none, row.

        Parameters
        ----------
        message : str
            ``{text}`` in it becomes the cell.
        row : int, optional
            Counted from 0.
        """
        line = None if row is None else self.line(row)
        number = row + 1 if row is not None and line is None else None
        return TableError(message, self.name, line, column, text, number)

    def _schema_of(self, columns: Sequence[str] | None) -> pa.Schema:
        if columns is None:
            return self.schema
        check_there(columns, self.names, self.name)
        return pa.schema([self.schema.field(name) for name in columns])

    def _without_nan(self, batch: pa.RecordBatch, first: int) -> pa.RecordBatch:
        """Return the batch with nulls for NaN; infinite numbers are an error."""
        columns = batch.columns
        for k, column in enumerate(columns):
            if not pa.types.is_floating(column.type) or _is_finite(column):
                continue
            infinite = pc.index(pc.is_inf(column), True).as_py()
            if infinite >= 0:
                raise self.error(
                    "found {text}, expected a finite number; correct the cell, or leave the "
                    f"column out: --drop {named(batch.schema.names[k])}",
                    first + infinite,
                    batch.schema.names[k],
                    str(column[infinite].as_py()),
                )
            columns[k] = pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)
        return pa.RecordBatch.from_arrays(columns, schema=batch.schema)


def _is_finite(column: pa.Array) -> bool:
    if column.null_count:  # whatever stands under a null is no number
        return bool(pc.all(pc.is_finite(column), min_count=0).as_py())
    return bool(np.isfinite(column.to_numpy()).all())


def named(column: str) -> str:
    """Return a name as an option of a command takes it: several are separated by commas."""
    is_one = not set(column) & set(',"')
    return shlex.quote(column if is_one else '"' + column.replace('"', '""') + '"')


def check_there(wanted: Iterable[str], names: Sequence[str], table: str) -> None:
    """Raise TableError for the first column that is not among the names of a table."""
    there = {*names}
    for name in wanted:
        if name not in there:
            raise _missing_column(name, names, table)


def _missing_column(name: str, names: Sequence[str], table: str) -> TableError:
    """Return the error for a column that is not there, with the name that may be meant."""
    import difflib

    close = difflib.get_close_matches(name, names, n=1)
    some = ", ".join(shown(one, 40)[1:-1] for one in names[:8]) + (
        ", ..." if len(names) > 8 else ""
    )
    hint = f"did you mean {shown(close[0], 40)}?" if close else f"there are {some}"
    return TableError(f"no column {{text}}; {hint}", table, text=name)


def refuse_duplicates(names: Sequence[str], table: str, line: int | None = None) -> None:
    """Raise TableError if two columns have one name."""
    places: dict[str, int] = {}
    for k, name in enumerate(names, 1):
        if name in places:
            raise TableError(
                f"columns {places[name]:,} and {k:,} have the same name; rename one",
                table,
                line,
                name,
            )
        places[name] = k
