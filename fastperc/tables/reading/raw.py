"""The bytes of a file, a pipe or standard input: decompressed, and readable more than once."""

from __future__ import annotations

import gzip
import io
import os
import stat
import sys
import tempfile
import threading
import weakref
import zlib
from typing import BinaryIO, Protocol

import pyarrow as pa

from ...errors import TableError

CHUNK = 1 << 20
IN_MEMORY = 64 << 20  # of what comes through a pipe; the rest is kept in a temporary file
# Text shrinks to a tenth, a table of zeros to a thousandth: what grows more than this is refused.
MOST_GROWTH, GROWTH_COUNTS_FROM = 400, 32 << 20

COMPRESSED = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}


class Reader(Protocol):
    """What can be read, and closed."""

    def read(self, size: int, /) -> bytes:
        """Return at most so many bytes, none at the end."""

    def close(self) -> None:
        """Let go of the file."""


class Raw:
    """Bytes under a name, decompressed as they are read.

    Parameters
    ----------
    name : str
        For messages.
    path : str, optional
        A regular file.
    pipe : file, optional
        Anything else: read to its end at once, so that it can be read again.
    """

    def __init__(self, name: str, path: str | None = None, pipe: BinaryIO | None = None):
        self.name = name
        self.path = path
        self._spool = None if pipe is None else _Spool(pipe)
        with self._file() as file:
            self.head = file.read(16)
        self.compression = next((c for m, c in COMPRESSED.items() if self.head.startswith(m)), None)

    def _file(self) -> BinaryIO:
        if self._spool is not None:
            return io.BufferedReader(_SpoolReader(self._spool))
        assert self.path is not None
        return open(self.path, "rb")

    def seekable(self) -> BinaryIO:
        """Return the bytes as they are, as a file of which any part can be read."""
        return self._file()

    def stream(self) -> Reader:
        """Return the bytes from the start, decompressed.

        Its ``read`` raises TableError if the compressed file is damaged, or grows beyond reason.
        """
        file = self._file()
        return file if self.compression is None else _Decompressed(file, self)


class _Spool:
    """What came through a pipe, kept for as long as somebody reads it."""

    def __init__(self, pipe: BinaryIO):
        self.file = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115
        weakref.finalize(self, self.file.close)
        self.lock = threading.Lock()
        while chunk := pipe.read(CHUNK):
            self.file.write(chunk)


class _SpoolReader(io.RawIOBase):
    """One reader of a spool, with a position of its own."""

    def __init__(self, spool: _Spool):
        self._spool = spool
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        with self._spool.lock:
            if whence == os.SEEK_CUR:
                offset, whence = self._at + offset, os.SEEK_SET
            self._at = self._spool.file.seek(offset, whence)
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        with self._spool.lock:
            self._spool.file.seek(self._at)
            found = self._spool.file.read(len(buffer))
        buffer[: len(found)] = found
        self._at += len(found)
        return len(found)


class _Decompressed:
    """A compressed file, read as what it contains."""

    def __init__(self, file: BinaryIO, raw: Raw):
        self._file = file
        self._raw = raw
        self._inside = (
            gzip.GzipFile(fileobj=file)
            if raw.compression == "gzip"
            else pa.CompressedInputStream(pa.PythonFile(file, "r"), raw.compression)
        )
        self._grown = 0

    def read(self, size: int, /) -> bytes:
        try:
            found: bytes = self._inside.read(size)
        except (OSError, EOFError, zlib.error, pa.ArrowException) as error:
            raise TableError(
                f"the {self._raw.compression} file is damaged or cut off ({error}); "
                "make it again, or download it again",
                self._raw.name,
            ) from error
        self._grown += len(found)
        if self._grown > max(GROWTH_COUNTS_FROM, MOST_GROWTH * self._file.tell()):
            raise TableError(
                f"the {self._raw.compression} file grows more than {MOST_GROWTH} fold, which no "
                "usual table does; if it is one, decompress it and give the result",
                self._raw.name,
            )
        return found

    def close(self) -> None:
        self._inside.close()
        self._file.close()


def open_raw(path: str) -> Raw:
    """Return the bytes of a path; ``"-"`` is standard input, a FIFO or device is read once.

    Raises
    ------
    OSError
        If the system does not let it be read.
    """
    if path == "-":
        return Raw("standard input", pipe=sys.stdin.buffer)
    name = os.path.basename(path) or path
    if stat.S_ISREG(os.stat(path).st_mode):
        return Raw(name, path=path)
    with open(path, "rb") as pipe:
        mode = os.fstat(pipe.fileno()).st_mode
        if stat.S_ISBLK(mode) or (stat.S_ISCHR(mode) and not pipe.isatty() and path != os.devnull):
            raise TableError("this is a device; a table is in a file or comes through a pipe", name)
        return Raw(name, pipe=pipe)
