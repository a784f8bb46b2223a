"""Rows to a file or a stream, batch by batch: CSV, Parquet, or Arrow."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Callable, Iterator
from typing import IO, Protocol

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.ipc
import pyarrow.parquet

from ..files.atomic import replacing

SEPARATORS = {".csv": ",", ".txt": ",", ".tsv": "\t"}
COLUMNAR = (".parquet", ".pq", ".feather", ".arrow")
COMPRESSIONS = {".gz": "gzip", ".zst": "zstd"}
BUFFER = 1 << 20
FORMULA = r"^[=+\-@\t\r\n]"  # of what spreadsheets take for one, or may once they have trimmed it


class Writer(Protocol):
    """What takes batches of rows."""

    def write(self, batch: pa.RecordBatch) -> None:
        """Write rows."""

    def close(self) -> None:
        """Write what ends the file."""


class CsvWriter:
    """Text, with a line of names.

    Parameters
    ----------
    file : binary file
    schema : pyarrow.Schema
    separator : str
    safe : bool
        Put an apostrophe before text that a spreadsheet would take for a formula.
    """

    def __init__(
        self, file: IO[bytes], schema: pa.Schema, separator: str = ",", safe: bool = False
    ):
        self.file, self.separator, self.safe = file, separator, safe
        names = [pa.array([name]) for name in schema.names]
        self._write(pa.RecordBatch.from_arrays(names, schema.names))

    def write(self, batch: pa.RecordBatch) -> None:
        """Write a line for each row."""
        self._write(batch)

    def _write(self, batch: pa.RecordBatch) -> None:
        if not batch.num_rows:
            return
        cells = [cells_of(column, self.separator, self.safe) for column in batch.columns]
        cells[-1] = pc.binary_join_element_wise(cells[-1], "\n", "")
        lines = cells[0]
        if len(cells) > 1:
            lines = pc.binary_join_element_wise(*cells, self.separator)
        self.file.write(characters(lines))

    def close(self) -> None:
        """Nothing ends the file but its last line."""


class ParquetWriter:
    """Parquet."""

    def __init__(self, file: IO[bytes], schema: pa.Schema):
        self._writer = pyarrow.parquet.ParquetWriter(file, schema, compression="zstd")

    def write(self, batch: pa.RecordBatch) -> None:
        """Write rows."""
        self._writer.write_batch(batch)

    def close(self) -> None:
        """Write the footer."""
        self._writer.close()


def cells_of(column: pa.Array, separator: str, safe: bool = False) -> pa.Array:
    """Return a column as the cells of a text, in quotes where they need it.

    Examples
    --------
    >>> cells_of(pa.array(["a,b", "c", None]), ",").to_pylist()
    ['"a,b"', 'c', '']
    >>> print(*cells_of(pa.array(["=1+1", "-", "a"]), ",", safe=True).to_pylist())
    "'=1+1" "'-" a
    """
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if not pa.types.is_string(column.type):
        return column.cast(pa.string()).fill_null("")
    column = column.fill_null("")
    needs = pc.match_substring_regex(column, rf'[{separator}"\r\n]|^\s|\s$')
    if safe:
        is_formula = pc.match_substring_regex(column, FORMULA)
        column = pc.if_else(is_formula, pc.binary_join_element_wise("'", column, ""), column)
        needs = pc.or_(needs, is_formula)
    if not pc.any(needs, min_count=0).as_py():
        return column
    doubled = pc.replace_substring(column, '"', '""')
    return pc.if_else(needs, pc.binary_join_element_wise('"', doubled, '"', ""), column)


def characters(texts: pa.Array) -> memoryview:
    """Return all texts, none of them null, one after another: the bytes that are there anyway."""
    _, offsets, data = texts.buffers()
    ends = memoryview(offsets).cast("i")
    first, last = ends[texts.offset], ends[texts.offset + len(texts)]
    return memoryview(data)[first:last]


# --- files ---------------------------------------------------------------------------------------


def endings(path: str | os.PathLike[str]) -> tuple[str, str]:
    """Return what a name ends with: the format's ending, and the compression's, or nothing.

    Raises
    ------
    ValueError
        If there is no such format.

    Examples
    --------
    >>> endings("houses.csv.gz"), endings("houses.parquet")
    (('.csv', '.gz'), ('.parquet', ''))
    """
    rest, ending = os.path.splitext(os.fspath(path).lower())
    compression = ending if ending in COMPRESSIONS else ""
    kind = os.path.splitext(rest)[1] if compression else ending
    if kind in SEPARATORS or (kind in COLUMNAR and not compression):
        return kind, compression
    known = ", ".join([*SEPARATORS, *COLUMNAR])
    raise ValueError(
        f"found the ending {kind + compression!r}, expected one of {known}; text also with .gz or "
        ".zst"
    )


@contextlib.contextmanager
def writing(
    path: str | os.PathLike[str], schema: pa.Schema, safe: bool = False
) -> Iterator[Writer]:
    """Open a file for rows, of the format that its name ends with.

    When the block ends, it takes the place of a file of that name; if the block raises, that stays.
    """
    kind, compression = endings(path)
    with replacing(os.fspath(path)) as raw, _closing(raw, compression) as file:
        writer = _make(kind)(file, schema) if kind in COLUMNAR else CsvWriter(
            file, schema, SEPARATORS[kind], safe
        )  # fmt: skip
        yield writer
        writer.close()


def _make(kind: str) -> Callable[[IO[bytes], pa.Schema], Writer]:
    return ParquetWriter if kind in (".parquet", ".pq") else pyarrow.ipc.new_file


@contextlib.contextmanager
def _closing(raw: io.FileIO, compression: str) -> Iterator[IO[bytes]]:
    """Buffer, and compress, what goes into a file that stays open after the block."""
    buffered = io.BufferedWriter(raw, BUFFER)
    try:
        if not compression:
            yield buffered
        else:
            with pa.CompressedOutputStream(
                pa.PythonFile(_Lasting(buffered), "w"), COMPRESSIONS[compression]
            ) as file:
                yield file
        buffered.flush()
    finally:
        with contextlib.suppress(OSError):  # after a full disk, of which the caller has heard
            buffered.detach()


class _Lasting:
    """A file that is not closed when whoever writes to it closes it."""

    closed = False

    def __init__(self, file: IO[bytes]):
        self.write, self.flush = file.write, file.flush

    def close(self) -> None:
        """Do nothing."""
