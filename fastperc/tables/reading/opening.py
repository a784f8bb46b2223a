"""Find out what is given as a table, and open it."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Collection

from ...errors import TableError
from .columnar import ArrowSource, FolderSource, ParquetSource
from .delimited import DelimitedSource
from .frames import FrameSource, is_frame, is_pandas, table_of
from .options import Options
from .raw import Raw, open_raw
from .source import Source

# What begins like this is a table, or not, whatever the name ends in.
ARROW = (b"ARROW1", b"\xff\xff\xff\xff")
OTHERS = {
    b"PK\x03\x04": "a ZIP archive or an Excel workbook; unpack it, or save the sheet as CSV",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook; save the sheet as CSV",
    b"BZh": "compressed by bzip2; decompress it, or compress it by gzip or zstd",
    b"\xfd7zXZ": "compressed by xz; decompress it, or compress it by gzip or zstd",
    b"SQLite format 3": "an SQLite database; export the table as CSV",
    b"\x89HDF": "an HDF5 file; store the table as Parquet or CSV",
    b"%PDF": "a PDF document; a table is expected, as CSV or Parquet",
    b"FEA1": "Feather's first version; store it by pyarrow.feather.write_feather as its second",
    b"\x93NUMPY": "a NumPy array, whose columns have no names; store it as CSV or Parquet",
    b"<!DOCTYPE": "a web page; download the table itself",
    b"<!doctype": "a web page; download the table itself",
    b"<html": "a web page; download the table itself",
    b"<?xml": "XML; a table is expected, as CSV or Parquet",
    b"@relation": "ARFF; save it as CSV",
    b"@RELATION": "ARFF; save it as CSV",
    b"[{": "JSON; a table is expected, as CSV or Parquet",
    b'{"': "JSON; a table is expected, as CSV or Parquet",
}


def open_source(
    source: object,
    *,
    separator: str | None = None,
    encoding: str | None = None,
    decimal: str | None = None,
    numeric: Collection[str] = (),
    categorical: Collection[str] = (),
    drop: Collection[str] = (),
    used: Collection[str] | None = None,
) -> Source:
    """Open a table of any kind.

    Parameters
    ----------
    source : str, path, DataFrame or Arrow object
        A path to text (CSV, TSV and the like, plain or compressed by gzip or zstd), Parquet,
        Feather or Arrow, a folder of Parquet, ``"-"`` for standard input, a DataFrame of pandas
        or polars, or whatever has ``__arrow_c_stream__`` or ``__arrow_c_array__``.
    separator, encoding, decimal : str, optional
        Of text. By default they are found out.
    numeric : collection of str
        Columns of text that are numbers: anything else in them is an error.
    categorical : collection of str
        Columns that are read as text, whatever is in them.
    drop : collection of str
        Columns that are not read.
    used : collection of str, optional
        If given, other columns of a text are read as text: what is in them is no error.

    Returns
    -------
    Source

    Raises
    ------
    TableError
        If it is not a table, or something is wrong with it; see there.
    OSError
        If the system does not let it be read.
    TypeError
        If it is none of these.

    Examples
    --------
    >>> import pyarrow
    >>> source = open_source(pyarrow.table({"size": [1.5, None], "kind": ["a", "b"]}))
    >>> source.names, source.n_rows
    (('size', 'kind'), 2)
    >>> source.read(["size"])["size"].to_pylist()
    [1.5, None]
    """
    if isinstance(source, Source):
        return source
    told = [frozenset(names) for names in (numeric, categorical, drop)]
    only = None if used is None else frozenset(used)
    options = Options(separator, encoding, decimal, told[0], told[1], told[2], only)
    begin = time.perf_counter()
    found = _opened(source, options)
    found.seconds = time.perf_counter() - begin
    return found


def _opened(source: object, options: Options) -> Source:
    """Open what is no source yet."""
    if is_frame(source) or is_pandas(source):
        name = "the DataFrame" if "DataFrame" in type(source).__name__ else "the table"
        return FrameSource(name, table_of(source, options.drop), options)
    if not isinstance(source, (str, os.PathLike)):
        raise TypeError(
            f"a table is a path, a DataFrame or an Arrow object, not {type(source).__name__}"
        )
    path = os.fspath(source)
    if path != "-" and stat.S_ISDIR(os.stat(path).st_mode):
        return FolderSource(path, options)
    raw = open_raw(path)
    kind = _kind(raw)
    if kind == "parquet":
        return ParquetSource(raw, options)
    if kind == "arrow":
        return ArrowSource(raw, options)
    return DelimitedSource(raw, options)


def _kind(raw: Raw) -> str:
    """Return what the first bytes say."""
    for start, what in OTHERS.items():
        if raw.head.startswith(start):
            raise TableError(f"this is {what}", raw.name)
    if raw.head.startswith(b"PAR1"):
        return "parquet"
    return "arrow" if raw.head.startswith(ARROW) else "text"
