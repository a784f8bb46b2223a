"""Tables that are large, or no plain files: for tests/tables/cases.toml and the tests of reading.

Each function writes one into a folder, and returns its path.
"""

import gzip
import os
import threading
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet

TABLES = Path(__file__).parent / "tables"
SIZE = pa.array([40.0, 50.5, 60.25] * 10)
Y = pa.array([130.0, 140.0, 150.0] * 10)


def write(folder, name, content):
    """Write a file of bytes or text."""
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def text_late(folder):
    """Text in a column of numbers, first in row 100,001."""
    return write(folder, "late.csv", "size,y\n" + "1,2\n" * 100_000 + "x,3\n")


def commas_late(folder):
    """The first decimal comma in row 100,001."""
    return write(folder, "late.csv", "size;y\n" + "1;0\n2;1\n" * 50_000 + "1,5;0\n")


def latin_late(folder):
    """The first byte that is not UTF-8 in row 100,001."""
    return write(folder, "late.csv", b"kind,y\n" + b"a,0\nb,1\n" * 50_000 + b"\xe9,0\n")


def lines_late(folder):
    """A cell of two lines, and text among numbers after many rows."""
    text = 'kind,y\n"a\nb",1\n' + "c,2\n" * 99_999 + "d,x\n"
    return write(folder, "late.csv", text)


def wide(folder):
    """100,000 columns."""
    names = ",".join(f"c{k}" for k in range(100_000))
    return write(folder, "wide.csv", f"{names}\n" + "1," * 99_999 + "1\n")


def long_line(folder, megabytes=3):
    """One line."""
    with open(folder / "long.csv", "wb") as file:
        for _ in range(megabytes):
            file.write(b"x" * (1 << 20))
    return folder / "long.csv"


def long_cell(folder, megabytes=3):
    """A cell that is quoted and does not end."""
    with open(folder / "long.csv", "wb") as file:
        file.write(b'size,y\n"1')
        for _ in range(megabytes):
            file.write(b"x" * (1 << 20))
    return folder / "long.csv"


def quote_never_closed(folder, megabytes=3):
    """A quote that has the rest of a long table in it."""
    return write(folder, "quote.csv", b'size,y\n1,2\n"1,2\n' + b"3,4\n" * (megabytes << 18))


def bomb(folder, megabytes=40):
    """Zeros, well compressed: a table of many rows in few bytes."""
    with gzip.open(folder / "bomb.csv.gz", "wb") as file:
        for _ in range(megabytes):
            file.write(b"0,0\n" * (1 << 18))
    return folder / "bomb.csv.gz"


def zstd_bomb(folder, megabytes=40):
    """As before, in another format."""
    with pa.CompressedOutputStream(str(folder / "bomb.csv.zst"), "zstd") as file:
        for _ in range(megabytes):
            file.write(b"0,0\n" * (1 << 18))
    return folder / "bomb.csv.zst"


def zeros(folder):
    """A device that never ends."""
    return Path("/dev/zero")


def pipe(folder):
    """A FIFO, into which somebody writes a table."""
    path = folder / "pipe.csv"
    os.mkfifo(path)
    content = (TABLES / "plain.csv").read_bytes()
    threading.Thread(target=path.write_bytes, args=[content], daemon=True).start()
    return path


def not_there(folder):
    """No file."""
    return folder / "nothing.csv"


def unreadable(folder):
    """A file that nobody may read; None where there is no such thing, as for root."""
    path = write(folder, "secret.csv", "size,y\n1,2\n")
    path.chmod(0)
    return None if os.access(path, os.R_OK) else path


def links_in_a_circle(folder):
    """A link to a link to itself."""
    (folder / "one.csv").symlink_to(folder / "two.csv")
    (folder / "two.csv").symlink_to(folder / "one.csv")
    return folder / "one.csv"


def folder_without_tables(folder):
    """A folder with other files."""
    write(folder, "notes.txt", "none here")
    return folder


def _parquet(path, **columns):
    path.parent.mkdir(exist_ok=True)
    pa.parquet.write_table(pa.table(columns), path)
    return path


def folder_of_two_tables(folder):
    """Parquet files with other columns."""
    _parquet(folder / "1.parquet", size=SIZE, y=Y)
    _parquet(folder / "2.parquet", size=SIZE, y=Y, rooms=SIZE)
    return folder


def folder(folder):
    """Parquet files in folders that are named after a value."""
    for year in (2020, 2021):
        rooms = pa.array([0, 1, 2] * 10)
        _parquet(folder / f"year={year}" / "part.parquet", size=SIZE, rooms=rooms, y=Y)
    return folder


def parquet_infinite(folder):
    """An infinite number among others."""
    return _parquet(folder / "t.parquet", size=pa.array([1.0, 2.0, float("inf")]), y=Y[:3])


def parquet_nan(folder):
    """A NaN, which is a missing cell."""
    numbers = pa.array([float("nan"), *(k**2 % 17 for k in range(29))], pa.float64())
    return _parquet(folder / "t.parquet", size=numbers, y=pa.array(range(30)).cast(pa.float64()))


def parquet_nested(folder):
    """A column of lists."""
    lists = pa.array([[k] for k in range(30)])
    numbers = pa.array([k**2 % 17 for k in range(30)])
    y = pa.array(range(30)).cast(pa.float64())
    return _parquet(folder / "t.parquet", size=numbers, list=lists, y=y)


def parquet_text(folder):
    """Numbers as text, and one that is none."""
    return _parquet(folder / "t.parquet", size=pa.array(["1", "two", "3"]), y=Y[:3])


def parquet_without_rows(folder):
    """Columns, but no row."""
    return _parquet(folder / "t.parquet", size=SIZE[:0], y=Y[:0])
