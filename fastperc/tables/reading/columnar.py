"""Parquet, Feather and Arrow files, and folders of Parquet: read batch by batch."""

from __future__ import annotations

import contextlib
import os
from abc import abstractmethod
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset
import pyarrow.feather
import pyarrow.ipc
import pyarrow.parquet

from ...errors import TableError
from .forms import POINT, trimmed
from .options import Options
from .raw import Raw
from .source import ROWS, Source, refuse_duplicates


class ColumnarSource(Source):
    """A table with types of its own: those of the columns become the few that a Source has.

    Parameters
    ----------
    name, kind : str
        Of the table, for messages.
    schema : pyarrow.Schema
        Of what is read.
    n_rows, size : int
    options : Options
    """

    def __init__(
        self, name: str, kind: str, schema: pa.Schema, n_rows: int, size: int, options: Options
    ):
        options.check(schema.names, name)
        refuse_duplicates(schema.names, name)
        left_out, fields = [], []
        for each in schema:
            if each.name not in options.drop:
                to = _type_for(each, options)
                if to is None:
                    why = f"{each.type} is no number, text or date"
                    left_out.append(f"{each.name}: left out, as {why}")
                else:
                    fields.append(pa.field(each.name, to))
        if not fields:
            raise TableError("there is no column of numbers, text or dates", name)
        if not n_rows:
            raise TableError("there are columns, but no row", name)
        super().__init__(name, pa.schema(fields), n_rows, size)
        self.stated = [f"{kind}: {n_rows:,} rows, {len(schema):,} columns", *left_out]

    def _batches(self, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        first = 0
        with damage(self.name):
            for batch in self._read(schema.names):
                if batch.num_rows:
                    columns = [self._converted(batch.column(f.name), f, first) for f in schema]
                    yield pa.RecordBatch.from_arrays(columns, schema=schema)
                first += batch.num_rows

    def _converted(self, column: pa.Array, field: pa.Field, first: int) -> pa.Array:
        """Return a column as what its field says; text that is numbers only if all of it is."""
        values = simple(column, simple_type(column.type))
        if values.type != pa.string() or field.type != pa.float64():
            return simple(values, field.type)
        cells = trimmed(values)
        bad = pc.index(POINT.matches(cells), False).as_py()
        if bad < 0:
            return POINT.values(cells)
        message = "found {text}, expected a number; correct it, or take the column for text"
        raise self.error(message, first + bad, field.name, cells[bad].as_py())

    @abstractmethod
    def _read(self, names: list[str]) -> Iterator[pa.RecordBatch]:
        """Yield batches with at least these columns, of whatever types."""
        raise NotImplementedError


class ParquetSource(ColumnarSource):
    """A Parquet file."""

    def __init__(self, raw: Raw, options: Options):
        self._raw = raw
        with damage(raw.name), raw.seekable() as file:
            parquet = pa.parquet.ParquetFile(file)
            meta, schema = parquet.metadata, parquet.schema_arrow
        super().__init__(raw.name, "Parquet", schema, meta.num_rows, _size(meta), options)

    def _read(self, names: list[str]) -> Iterator[pa.RecordBatch]:
        with self._raw.seekable() as file:
            parquet = pa.parquet.ParquetFile(file, pre_buffer=False, buffer_size=1 << 20)
            yield from parquet.iter_batches(batch_size=ROWS, columns=names, use_threads=False)


class ArrowSource(ColumnarSource):
    """A file of Arrow's IPC format, which is Feather's second version, or a stream."""

    def __init__(self, raw: Raw, options: Options):
        self._raw = raw
        self._is_file = raw.head.startswith(b"ARROW1")
        n_rows = size = 0
        with damage(raw.name):
            for batch in self._read([]):
                n_rows, size = n_rows + batch.num_rows, size + batch.nbytes
            schema = self._schema
        super().__init__(raw.name, "Arrow", schema, n_rows, size, options)

    def _read(self, names: list[str]) -> Iterator[pa.RecordBatch]:
        with self._raw.seekable() as file:
            reader = pa.ipc.open_file(file) if self._is_file else pa.ipc.open_stream(file)
            self._schema = reader.schema
            if self._is_file:
                yield from (reader.get_batch(k) for k in range(reader.num_record_batches))
            else:
                yield from reader


class FolderSource(ColumnarSource):
    """A folder of Parquet files with the same columns, in the order of their names."""

    def __init__(self, path: str, options: Options):
        name = os.path.basename(os.path.normpath(path)) or path
        files = parquet_files(path)
        if not files:
            raise TableError(
                "the folder has no file *.parquet; give one file, or a folder of Parquet", name
            )
        with damage(name):
            self._dataset = pa.dataset.dataset(
                files, format="parquet", partitioning="hive", partition_base_dir=path
            )
            fragments = [*self._dataset.get_fragments()]
            for fragment in fragments:
                self._check(fragment, fragments[0], path, name)
            n_rows = sum(fragment.metadata.num_rows for fragment in fragments)
            size = sum(_size(fragment.metadata) for fragment in fragments)
        kind = "folder of Parquet, " + ("1 file" if len(files) == 1 else f"{len(files):,} files")
        super().__init__(name, kind, self._dataset.schema, n_rows, size, options)

    def _check(
        self, one: pa.dataset.Fragment, first: pa.dataset.Fragment, path: str, name: str
    ) -> None:
        """Raise TableError if a file has other columns than the first."""
        if set(one.physical_schema) != set(first.physical_schema):
            files = [os.path.relpath(fragment.path, path) for fragment in (one, first)]
            strange = set(one.physical_schema) ^ set(first.physical_schema)
            raise TableError(
                f"{files[0]} has other columns than {files[1]}, or of other types: {{text}}; a "
                "folder is one table",
                name,
                text=", ".join(sorted({field.name for field in strange})),
            )

    def _read(self, names: list[str]) -> Iterator[pa.RecordBatch]:
        yield from self._dataset.to_batches(
            columns=names,
            batch_size=ROWS,
            use_threads=False,
            batch_readahead=2,
            fragment_readahead=1,
        )


def _size(meta: pa.parquet.FileMetaData) -> int:
    return sum(meta.row_group(k).total_byte_size for k in range(meta.num_row_groups))


def parquet_files(folder: str) -> list[str]:
    """Return the Parquet files in a folder and below, in order; hidden ones are not looked at."""
    found = []
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(f for f in folders if not f.startswith((".", "_")))
        found += [
            os.path.join(place, file)
            for file in sorted(files)
            if file.endswith((".parquet", ".pq")) and not file.startswith((".", "_"))
        ]
    return found


def simple_type(kind: pa.DataType) -> pa.DataType | None:
    """Return which of the few types of a Source takes the values of another; None if none does."""
    types = pa.types
    if types.is_dictionary(kind):
        return simple_type(kind.value_type)
    if types.is_boolean(kind) or types.is_null(kind):
        return kind
    if types.is_integer(kind):
        return pa.float64() if kind == pa.uint64() else pa.int64()
    if types.is_floating(kind) or types.is_decimal(kind):
        return pa.float64()
    if types.is_string(kind) or types.is_large_string(kind) or _is_view(kind):
        return pa.string()
    if types.is_date(kind):
        return pa.date32()
    return pa.timestamp("us") if types.is_timestamp(kind) else None


def _is_view(kind: pa.DataType) -> bool:
    return bool(getattr(pa.types, "is_string_view", lambda kind: False)(kind))


def simple(column: pa.Array, kind: pa.DataType) -> pa.Array:
    """Return values as one of the few types."""
    if column.type == kind:
        return column
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_timestamp(column.type) and pa.types.is_timestamp(kind):
        return column.cast(pa.timestamp("us", column.type.tz), safe=False).cast(kind)
    if pa.types.is_date(column.type) and pa.types.is_date(kind):
        return column.cast(kind, safe=False)
    if pa.types.is_decimal(column.type) or column.type in (pa.float16(), pa.uint64()):
        return column.cast(kind, safe=False)
    return column.cast(kind)


@contextlib.contextmanager
def damage(name: str) -> Iterator[None]:
    """Turn what pyarrow raises into an error about the file."""
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.filename is not None:
            raise
        said = " ".join(str(error).split()).rstrip(".")[:200]
        message = f"the file cannot be read: {said}; make it again, or copy it again"
        raise TableError(message, name) from error


def _type_for(field: pa.Field, options: Options) -> pa.DataType | None:
    """Return the type that a column becomes, None if there is none."""
    to = simple_type(field.type)
    if to is not None and field.name in options.categorical:
        return pa.string()
    return pa.float64() if to == pa.string() and field.name in options.numeric else to
