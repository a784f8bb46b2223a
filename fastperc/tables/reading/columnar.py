"""Parquet, Feather and Arrow files, and folders of Parquet: read batch by batch."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator

import pyarrow as pa
import pyarrow.dataset
import pyarrow.feather
import pyarrow.ipc
import pyarrow.parquet

from ...errors import TableError
from .raw import Raw
from .source import ROWS, Source, missing_column

COPIES = "; make it again, or copy it again"


class ColumnarSource(Source):
    """A table with types of its own: those of the columns become the few that a Source has.

    Parameters
    ----------
    name : str
    schema : pyarrow.Schema
        Of what is read.
    n_rows, size : int
    categorical, drop : collection of str
    """

    def __init__(
        self,
        name: str,
        schema: pa.Schema,
        n_rows: int | None,
        size: int,
        categorical: Collection[str] = (),
        drop: Collection[str] = (),
    ):
        names = schema.names
        for column in (*categorical, *drop):
            if column not in names:
                raise missing_column(column, names, name)
        for k, column in enumerate(names):
            if column in names[:k]:
                raise TableError(
                    f"columns {names.index(column) + 1} and {k + 1} have the same name; rename one",
                    name,
                    column=column,
                )
        left_out, fields = [], []
        for each in schema:
            if each.name in drop:
                continue
            kind = pa.string() if each.name in categorical else simple_type(each.type)
            if kind is None:
                left_out.append(f"{each.name}: left out, as {each.type} is no number, text or date")
            else:
                fields.append(pa.field(each.name, kind))
        if not fields:
            raise TableError("there is no column of numbers, text or dates", name)
        super().__init__(name, pa.schema(fields), n_rows, size)
        self.stated = left_out

    def _batches(self, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        try:
            for batch in self._read(schema.names):
                columns = [
                    simple(batch.column(field.name), field.type) if batch.num_rows else []
                    for field in schema
                ]
                if batch.num_rows:
                    yield pa.RecordBatch.from_arrays(columns, schema=schema)
        except (pa.ArrowException, OSError) as error:
            if isinstance(error, OSError) and error.filename is not None:
                raise
            raise TableError(
                f"the file is damaged: {_one_line(error)}{COPIES}", self.name
            ) from error

    def _read(self, names: list[str]) -> Iterator[pa.RecordBatch]:
        """Yield batches with at least these columns, of whatever types."""
        raise NotImplementedError


class ParquetSource(ColumnarSource):
    """A Parquet file."""

    def __init__(self, raw: Raw, categorical: Collection[str], drop: Collection[str]):
        self._raw = raw
        with _damage(raw.name, "Parquet"):
            file = self._file()
            meta, schema = file.metadata, file.schema_arrow
        size = sum(meta.row_group(k).total_byte_size for k in range(meta.num_row_groups))
        super().__init__(raw.name, schema, meta.num_rows, size, categorical, drop)
        self.stated.insert(0, f"Parquet: {meta.num_rows:,} rows, {len(schema):,} columns")

    def _file(self) -> pa.parquet.ParquetFile:
        return pa.parquet.ParquetFile(self._raw.seekable(), pre_buffer=False, buffer_size=1 << 20)

    def _read(self, names: list[str]) -> Iterator[pa.RecordBatch]:
        yield from self._file().iter_batches(batch_size=ROWS, columns=names, use_threads=False)


class ArrowSource(ColumnarSource):
    """A file of Arrow's IPC format, which is Feather's second version, or a stream."""

    def __init__(self, raw: Raw, categorical: Collection[str], drop: Collection[str]):
        self._raw = raw
        self._is_file = raw.head.startswith(b"ARROW1")
        with _damage(raw.name, "Arrow"):
            schema = self._reader().schema
        n_rows = size = 0
        with _damage(raw.name, "Arrow"):
            for batch in self._read([]):
                n_rows, size = n_rows + batch.num_rows, size + batch.nbytes
        super().__init__(raw.name, schema, n_rows, size, categorical, drop)
        self.stated.insert(0, f"Arrow: {n_rows:,} rows, {len(schema):,} columns")

    def _reader(self) -> pa.RecordBatchReader:
        file = self._raw.seekable()
        return pa.ipc.open_file(file) if self._is_file else pa.ipc.open_stream(file)

    def _read(self, names: list[str]) -> Iterator[pa.RecordBatch]:
        reader = self._reader()
        if self._is_file:
            yield from (reader.get_batch(k) for k in range(reader.num_record_batches))
        else:
            yield from reader


class FolderSource(ColumnarSource):
    """A folder of Parquet files with the same columns, in the order of their names."""

    def __init__(self, path: str, categorical: Collection[str], drop: Collection[str]):
        name = os.path.basename(os.path.normpath(path)) or path
        files = parquet_files(path)
        if not files:
            raise TableError(
                "the folder has no file *.parquet; give one file, or a folder of Parquet", name
            )
        with _damage(name, "Parquet"):
            self._dataset = pa.dataset.dataset(
                files, format="parquet", partitioning="hive", partition_base_dir=path
            )
            n_rows = self._dataset.count_rows()
        schema = self._dataset.schema
        size = sum(_size(fragment) for fragment in self._dataset.get_fragments())
        super().__init__(name, schema, n_rows, size, categorical, drop)
        one = "one file" if len(files) == 1 else f"{len(files):,} files"
        said = f"folder of Parquet, {one}: {n_rows:,} rows, {len(schema):,} columns"
        self.stated.insert(0, said)

    def _read(self, names: list[str]) -> Iterator[pa.RecordBatch]:
        yield from self._dataset.to_batches(
            columns=names, batch_size=ROWS, use_threads=False, batch_readahead=2,
            fragment_readahead=1,
        )  # fmt: skip


def _size(fragment: pa.dataset.ParquetFileFragment) -> int:
    meta = fragment.metadata
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


class _damage:
    """Turn pyarrow's errors into one about the file."""

    def __init__(self, name: str, kind: str):
        self._name = name
        self._kind = kind

    def __enter__(self) -> None: ...

    def __exit__(self, _: object, error: BaseException | None, trace: object) -> None:
        is_system = isinstance(error, OSError) and error.filename is not None
        if isinstance(error, (pa.ArrowException, OSError)) and not is_system:
            raise TableError(
                f"not a readable {self._kind} file: {_one_line(error)}{COPIES}", self._name
            ) from error


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()).rstrip(".")[:200]
