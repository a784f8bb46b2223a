"""Tables in text: read twice, first to learn what the columns hold, then as that."""

from __future__ import annotations

import contextlib
import csv
import re
from collections.abc import Iterator
from typing import NamedTuple

import pyarrow as pa
import pyarrow.csv

from ...errors import TableError
from .dialect import SEPARATOR_WORDS, Dialect, find_dialect, long_cells
from .forms import Dates, Form, Nothing, Texts, cells_of
from .options import Options
from .raw import Raw
from .remarks import remark
from .source import ROWS, Source, named
from .tallies import FEW_ROWS, TOGETHER, MistakeError, Tally, add_batch, decimal_of
from .text import LONGEST_LINE, NotUtf8Error, Text, encoding_of, sample_of

GATHERED = 1 << 21  # cells
KEPT = 32 << 20  # bytes of cells that are kept in memory instead of being read again
END = "\x04"  # in the first cell of a last row that is ours: there unless a quote is open
LINES = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)")


class Record(NamedTuple):
    """The cells of a row, and the line in which it begins, counted from 1."""

    line: int
    cells: list[str]


class DelimitedSource(Source):
    """A table in text."""

    _kept: list[pa.RecordBatch] | None

    def __init__(self, raw: Raw, options: Options):
        super().__init__(raw.name, pa.schema([]), None, 0)
        self._raw = raw
        self._encoding, self._sure = encoding_of(raw, options.encoding)
        try:
            tallies = self._learn(options)
        except NotUtf8Error:
            self._encoding, self._sure = "cp1252", True
            tallies = self._learn(options)
        self._forms = self._decide(tallies, options)
        self.schema = pa.schema([(name, form.type) for name, form in self._forms.items()])
        self.stated = self._statements(tallies)
        if self._kept is not None:
            self._kept = [self._converted(batch, self.schema) for batch in self._kept]
            self.size = sum(batch.nbytes for batch in self._kept)

    @property
    def written(self) -> tuple[Dialect, str, str]:
        """How the text is written: its dialect, encoding and decimal mark."""
        return self._dialect, self._encoding, self._decimal

    @property
    def days_first(self) -> tuple[str, ...]:
        """The columns of dates that begin with the day."""
        forms = self._forms.items()
        return tuple(n for n, f in forms if isinstance(f, Dates) and f.order == "day first")

    # --- the first pass -------------------------------------------------------------------------

    def _learn(self, options: Options) -> list[Tally]:
        """Return what the columns hold that are not left out; find dialect, length and size."""
        sample = sample_of(self._raw, self._encoding, self._sure)
        self._dialect = find_dialect(sample, self.name, options.separator)
        options.check(self._dialect.names, self.name)
        names = [name for name in self._dialect.names if name not in options.drop]
        if not names:
            raise TableError("no column is left", self.name)
        tallies, self.n_rows, self.size = self._scan(names)
        if not self.n_rows:
            raise TableError("there is a header, but no row below it", self.name)
        return tallies

    def _scan(self, names: list[str]) -> tuple[list[Tally], int, int]:
        """Return what the columns hold, the number of rows and the bytes that they take."""
        tallies = [Tally(name) for name in names]
        n_rows = size = 0
        self._kept = []
        for batch in gathered(self._texts(names)):
            add_batch(tallies, batch.columns, n_rows)
            n_rows += batch.num_rows
            size += batch.nbytes
            if self._kept is not None:
                self._kept.append(batch)
                if size > KEPT:
                    self._kept = None
        return tallies, n_rows, size

    def _decide(self, tallies: list[Tally], options: Options) -> dict[str, Form]:
        """Return what each column is read as."""
        self._decimal, self._certain = decimal_of(tallies, self._dialect.separator)
        if options.decimal is not None:
            self._decimal, self._certain = options.decimal, True
        forms: dict[str, Form] = {}
        for tally in tallies:
            if options.stays_text(tally.name):
                forms[tally.name] = Texts() if tally.filled else Nothing()
                continue
            try:
                forms[tally.name] = tally.form(self._decimal, tally.name in options.numeric)
            except MistakeError as mistake:
                raise self._mistake(mistake) from None
        return forms

    def _mistake(self, mistake: MistakeError) -> TableError:
        tally, form, cell = mistake.tally, mistake.form, mistake.cell
        n_bad = tally.filled - tally.forms[form].good
        name = named(tally.name)
        if n_bad == 0:
            found = "found {text}, expected a finite number of 64 bits"
        else:
            found = (
                f"found {{text}}, expected {form.words}, as in {tally.filled - n_bad:,} of "
                f"{tally.filled:,} cells"
            )
        return self.error(
            f"{found}; correct it, or leave it empty if it is missing, or --categorical {name} "
            f"takes the column for text, or --drop {name} leaves it out",
            cell.row,
            tally.name,
            cell.text,
        )

    def _statements(self, tallies: list[Tally]) -> list[str]:
        """Return what was recognised."""
        words = {"utf-8-sig": "UTF-8 with a byte order mark", "cp1252": "Windows-1252 (cp1252)"}
        encoding = words.get(self._encoding, self._encoding.upper())
        compression = f", {self._raw.compression}" if self._raw.compression else ""
        comma = ", decimal comma" if self._decimal == "," else ""
        said = [
            f"{self._dialect.words}{comma}, {encoding}"
            f"{compression}: {self.n_rows:,} rows, {len(self.names):,} columns"
        ]
        if not self._dialect.header:
            first, last = self._dialect.names[0], self._dialect.names[-1]
            said.append(f"no line of names: the columns are called {first} to {last}")
        for tally in tallies:
            said += remark(tally, self._forms[tally.name], self._certain)
        return said

    # --- reading --------------------------------------------------------------------------------

    def _batches(self, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        if self._kept is not None:
            yield from (batch.select(schema.names) for batch in self._kept)
        else:
            for batch in gathered(self._texts(schema.names)):
                yield self._converted(batch, schema)

    def _converted(self, texts: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
        """Return cells as what they are; short columns that are written alike at once."""
        n = texts.num_rows
        alike: dict[Form, list[int]] = {}
        for k, name in enumerate(schema.names):
            alike.setdefault(self._forms[name], []).append(k)
        columns: list[pa.Array] = texts.columns
        for form, places in alike.items():
            width = 1 if n > FEW_ROWS else TOGETHER
            for k in range(0, len(places), width):
                some = places[k : k + width]
                cells = columns[some[0]]
                if len(some) > 1:
                    cells = pa.concat_arrays([columns[place] for place in some])
                values = cells_of(form, cells)
                for j, place in enumerate(some):
                    columns[place] = values.slice(j * n, n)
        return pa.RecordBatch.from_arrays(columns, schema=schema)

    def _texts(self, names: list[str]) -> Iterator[pa.RecordBatch]:
        """Yield all cells of some columns as text, as they stand in the file."""
        dialect = self._dialect
        end = f"\n{END}{dialect.separator * (len(dialect.names) - 1)}\n".encode()
        first = dialect.names[0]
        wanted = names if first in names else [first, *names]
        last: pa.RecordBatch | None = None
        text = Text(self._raw, self._encoding, self._sure, dialect.skip, end)
        with contextlib.closing(text):
            n_skipped = int(dialect.header)
            for block in self._blocks(text):
                for batch in self._parsed(block, wanted, n_skipped):
                    for start in range(0, batch.num_rows, ROWS):
                        if last is not None:
                            yield last.select(names)
                        last = batch.slice(start, ROWS)
                n_skipped = 0
        if last is None or last.column(first)[-1].as_py() != END:
            raise self._diagnosis()
        if last.num_rows > 1:
            yield last.slice(0, last.num_rows - 1).select(names)

    def _blocks(self, text: Text) -> Iterator[bytes]:
        """Yield the text in blocks of whole records.

        pyarrow could cut the text itself, but in a thread that asks for Python's lock, while
        whoever throws its reader away has the lock and waits for the thread: that hangs, now and
        then.
        """
        records, rest = records_pattern(self._dialect), b""
        quote = self._dialect.quote.encode()
        while chunk := text.read():
            rest += chunk
            if quote in rest:
                found = records.match(rest)
                end = found.end() if found else 0
            else:
                end = max(rest.rfind(b"\n"), rest.rfind(b"\r", 0, len(rest) - 1)) + 1
            if end:
                yield rest[:end]
                rest = rest[end:]
            elif len(rest) > 2 * LONGEST_LINE:
                raise self._diagnosis()
        if rest:
            yield rest

    def _parsed(self, block: bytes, names: list[str], n_skipped: int) -> list[pa.RecordBatch]:
        """Return some columns of a block of records as text."""
        dialect = self._dialect
        try:
            table = pa.csv.read_csv(
                pa.BufferReader(block),
                pa.csv.ReadOptions(
                    use_threads=False,
                    block_size=len(block) + 1,
                    column_names=dialect.names,
                    skip_rows_after_names=n_skipped,
                ),
                pa.csv.ParseOptions(
                    delimiter=dialect.separator, quote_char=dialect.quote, newlines_in_values=True
                ),
                pa.csv.ConvertOptions(
                    column_types=dict.fromkeys(names, pa.string()),
                    include_columns=names,
                    strings_can_be_null=False,
                    check_utf8=False,
                ),
            )
        except pa.ArrowInvalid as error:
            raise self._diagnosis() from error
        return table.to_batches()

    # --- where something is ---------------------------------------------------------------------

    def line(self, row: int) -> int | None:
        """Return the line of the file, counted from 1, in which a row begins, counted from 0."""
        return next((r.line for k, r in enumerate(self._records()) if k == row), None)

    def _records(self) -> Iterator[Record]:
        """Yield rows as Python's own module has them, slowly."""
        dialect, n_before, begins = self._dialect, int(self._dialect.header), 1
        with contextlib.closing(Text(self._raw, self._encoding, self._sure)) as text, long_cells():
            reader = csv.reader(_lines(text), delimiter=dialect.separator, quotechar=dialect.quote)
            for cells in reader:
                if cells and begins > dialect.skip:
                    if not n_before:
                        yield Record(begins, cells)
                    n_before = 0
                begins = reader.line_num + 1

    def _diagnosis(self) -> TableError:
        """Return the error for the first row that is not as the others."""
        expected, last = len(self._dialect.names), Record(1, [])
        records = self._records()
        try:
            for last in records:
                if len(last.cells) != expected:
                    break
            many_lines = any("\n" in cell or "\r" in cell for cell in last.cells)
            if len(last.cells) == expected or (many_lines and next(records, None) is None):
                return self._open_quote(last)
        except csv.Error:  # a cell without end
            return self._open_quote(Record(last.line + 1, []))
        separator = SEPARATOR_WORDS.get(self._dialect.separator, repr(self._dialect.separator))
        remedy = (
            "complete the row"
            if len(last.cells) < expected
            else f"put a cell with {separator} in it in quotes, or name all columns"
        )
        return TableError(
            f"found {len(last.cells):,} cells, expected {expected:,}, as in "
            f"{'the line of names' if self._dialect.header else 'the first row'}: {{text}}; "
            f"{remedy}",
            self.name,
            last.line,
            text=self._dialect.separator.join(last.cells),
        )

    def _open_quote(self, record: Record) -> TableError:
        return TableError(
            f"a quote {self._dialect.quote} is opened here and not closed; close it, or write it "
            "twice if it is part of a text",
            self.name,
            record.line,
        )


def records_pattern(dialect: Dialect) -> re.Pattern[bytes]:
    """Return the pattern of as many whole records as there are, as pyarrow and csv cut them."""
    separator, quote = (re.escape(c).encode() for c in (dialect.separator, dialect.quote))
    plain = rb"[^%b\r\n]*+" % separator
    quoted = rb"%b(?:[^%b]++|%b%b)*+%b(?!%b)" % (quote, quote, quote, quote, quote, quote)
    cell = rb"(?:%b%b|(?!%b)%b)" % (quoted, plain, quote, plain)
    end = rb"(?:\r\n|\n|\r(?=[^\n]))"
    return re.compile(rb"(?>(?:%b%b)*+%b%b)*+" % (cell, separator, cell, end))


def gathered(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a wide table in longer batches, as each column of each takes its time."""
    some: list[pa.RecordBatch] = []
    for batch in batches:
        some.append(batch)
        size = sum(b.num_rows for b in some) * batch.num_columns
        if size >= GATHERED or batch.num_columns < TOGETHER:
            yield _joined(some)
            some = []
    if some:
        yield _joined(some)


def _joined(batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    if len(batches) == 1:
        return batches[0]
    columns = zip(*(batch.columns for batch in batches), strict=True)
    arrays = [pa.concat_arrays(parts) for parts in columns]
    return pa.RecordBatch.from_arrays(arrays, schema=batches[0].schema)


def _lines(text: Text) -> Iterator[str]:
    """Yield lines with their ends, of whichever kind."""
    rest = ""
    while chunk := text.read():
        rest += chunk.decode()
        end = max(rest.rfind("\n"), rest.rfind("\r", 0, len(rest) - 1)) + 1
        yield from LINES.findall(rest[:end])
        rest = rest[end:]
    if rest:
        yield rest
