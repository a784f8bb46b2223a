"""Tables written batch by batch: CSV, Parquet and Feather."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable
from typing import IO, Protocol

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

# What a spreadsheet takes for the beginning of a formula, in a cell that is no number.
FORMULA = r"^[=+\-@\t\r]"
NUMBER = r"^[+\-]?[0-9]+([.,][0-9]+)*([eE][+\-]?[0-9]+)?$"
SPECIAL = r'[",\r\n]|^\s|\s$'


class Writer(Protocol):
    """What takes batches of one schema."""

    def write(self, batch: pa.RecordBatch) -> None:
        """Write the rows of a batch."""

    def close(self) -> None:
        """Write what comes at the end; the file stays open."""


class CsvWriter:
    """CSV as RFC 4180 has it, but with newlines alone: only what needs quotes gets them.

    Parameters
    ----------
    file : file object
        Of bytes.
    schema : pyarrow.Schema
    is_safe : bool
        Whether text that a spreadsheet would take for a formula gets an apostrophe in front.
    """

    def __init__(self, file: IO[bytes], schema: pa.Schema, is_safe: bool = False):
        self._file, self._is_safe = file, is_safe
        names = pa.array(schema.names, pa.string())
        header = io.StringIO()
        csv.writer(header, lineterminator="\n").writerow(self._safe(names).to_pylist())
        file.write(header.getvalue().encode())

    def write(self, batch: pa.RecordBatch) -> None:
        if not batch.num_rows:
            return
        cells = [self._cells(column) for column in batch.columns]
        if len(cells) == 1:  # a line that is empty would be none
            cells = [pc.if_else(pc.equal(cells[0], ""), '""', cells[0])]
        cells[-1] = pc.binary_join_element_wise(cells[-1], "", "\n")
        lines = pc.binary_join_element_wise(*cells, ",") if len(cells) > 1 else cells[0]
        self._file.write(_text_of(lines))

    def close(self) -> None:
        """Do nothing: there is no end to write."""

    def _cells(self, column: pa.Array) -> pa.Array:
        """Return the cells as they stand in the file."""
        texts = column.cast(pa.string())
        if column.null_count:
            texts = pc.fill_null(texts, "")
        if not (pa.types.is_string(column.type) or pa.types.is_dictionary(column.type)):
            return texts
        texts = self._safe(texts)
        special = pc.match_substring_regex(texts, SPECIAL)
        if not pc.any(special).as_py():
            return texts
        doubled = pc.replace_substring(texts, '"', '""')
        return pc.if_else(special, pc.binary_join_element_wise('"', doubled, '"', ""), texts)

    def _safe(self, texts: pa.Array) -> pa.Array:
        if not self._is_safe:
            return texts
        is_formula = pc.and_not(
            pc.match_substring_regex(texts, FORMULA), pc.match_substring_regex(texts, NUMBER)
        )
        return pc.if_else(is_formula, pc.binary_join_element_wise("'", texts, ""), texts)


def _text_of(lines: pa.StringArray) -> memoryview:
    """Return the bytes of all texts of an array without nulls, one after the other."""
    _, ends, data = lines.buffers()
    places = memoryview(ends).cast("i")
    first, last = places[lines.offset], places[lines.offset + len(lines)]
    return memoryview(data)[first:last]


class ParquetWriter:
    """A Parquet file."""

    def __init__(self, file: IO[bytes], schema: pa.Schema):
        self._writer = pa.parquet.ParquetWriter(file, schema)

    def write(self, batch: pa.RecordBatch) -> None:
        self._writer.write_batch(batch)

    def close(self) -> None:
        self._writer.close()


class FeatherWriter:
    """A Feather file of the second version, compressed by LZ4 as pyarrow has it by default."""

    def __init__(self, file: IO[bytes], schema: pa.Schema):
        options = pa.ipc.IpcWriteOptions(compression="lz4")
        self._writer = pa.ipc.new_file(file, schema, options=options)

    def write(self, batch: pa.RecordBatch) -> None:
        self._writer.write_batch(batch)

    def close(self) -> None:
        self._writer.close()


BINARY: dict[str, Callable[[IO[bytes], pa.Schema], Writer]] = {
    ".parquet": ParquetWriter,
    ".pq": ParquetWriter,
    ".feather": FeatherWriter,
    ".arrow": FeatherWriter,
}
ENDINGS = (".csv", *BINARY)


def ending_of(path: str | os.PathLike) -> str:
    """Return the ending of a file's name that says what is written, or raise ValueError."""
    ending = os.path.splitext(os.fspath(path))[1].lower()
    if ending not in ENDINGS:
        raise ValueError(
            f"found the ending {ending!r}, expected .csv, .parquet or .feather to say what to write"
        )
    return ending


def writer_for(ending: str, file: IO[bytes], schema: pa.Schema, is_safe: bool = False) -> Writer:
    """Return what writes batches to an open file, by the ending of its name."""
    if ending == ".csv":
        return CsvWriter(file, schema, is_safe)
    return BINARY[ending](file, schema)
