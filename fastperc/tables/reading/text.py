"""Bytes as UTF-8: the encoding of a table, and text that is no table's."""

from __future__ import annotations

import codecs
import contextlib

from ...errors import TableError
from .raw import CHUNK, Raw, Reader

SAMPLE = 1 << 18
LONGEST_LINE = 2 << 20  # bytes: 50,000 columns of 40 characters; memory is a multiple of it
MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


class NotUtf8Error(Exception):
    """Bytes that are not UTF-8 were met on the way."""


class Text:
    """The text of a file, as UTF-8, from the start.

    Parameters
    ----------
    raw : Raw
        The bytes.
    encoding : str
        A codec of Python's.
    sure : bool
        Whether bytes that do not fit are an error; otherwise they raise NotUtf8Error.
    skip : int
        How many lines at the start are left out.
    end : bytes
        What is read after the last byte.
    """

    def __init__(self, raw: Raw, encoding: str, sure: bool, skip: int = 0, end: bytes = b""):
        self._stream: Reader = raw.stream()
        self.closed = False
        self._name = raw.name
        self._encoding = encoding
        self._sure = sure
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self._is_utf8 = encoding in {"utf-8", "utf-8-sig"}
        self._skip = skip
        self._end: bytes | None = end
        self._lines = 0  # begun before what is read next
        self._since = 0  # bytes since the last end of a line

    def read(self, size: int = CHUNK, /) -> bytes:
        """Return about so many bytes of UTF-8; none at the end."""
        while not self.closed:
            found = self._stream.read(size)
            text = self._checked(self._decoded(found))
            if found == b"" and self._end is not None:
                text, self._end = text + self._end, None
            while self._skip and b"\n" in text:
                text = text.partition(b"\n")[2]
                self._skip -= 1
            if (text and not self._skip) or found == b"":
                return text
        return b""

    def close(self) -> None:
        """Close the file; nothing more is read."""
        self.closed = True
        self._stream.close()

    def _decoded(self, found: bytes) -> bytes:
        if self._is_utf8 and found.isascii() and not self._decoder.getstate()[0] and self._lines:
            return found
        try:
            return self._decoder.decode(found, final=not found).encode()
        except UnicodeError as error:
            if not self._sure:
                raise NotUtf8Error from error
            start = getattr(error, "start", 0)
            raise TableError(
                f"the bytes {{text}} are not {self._encoding}; name the encoding: --encoding",
                self._name,
                self._lines + found[:start].count(b"\n") + 1,
                text=found[start : getattr(error, "end", start + 1)].hex(" "),
            ) from error

    def _checked(self, text: bytes) -> bytes:
        if b"\0" in text:
            line = self._lines + text[: text.index(b"\0")].count(b"\n") + 1
            raise TableError(
                "found a NUL byte, which no text has: the file is damaged, or it is not a table",
                self._name,
                line,
            )
        last = max(text.rfind(b"\n"), text.rfind(b"\r"))
        self._since = self._since + len(text) if last < 0 else len(text) - last - 1
        if self._since > LONGEST_LINE:
            raise TableError(
                f"a line of more than {LONGEST_LINE >> 20} MB is not taken for a table's; tables "
                "have a line for each row",
                self._name,
                self._lines + text.count(b"\n") + 1,
            )
        self._lines += text.count(b"\n")
        return text


def encoding_of(raw: Raw, named: str | None) -> tuple[str, bool]:
    """Return the encoding of a text, and whether that is sure.

    TableError if there is none of that name.
    """
    if named is None:
        with contextlib.closing(raw.stream()) as stream:
            return _guess(stream.read(4096))
    try:
        return codecs.lookup(named).name, True
    except LookupError:
        raise TableError(
            "there is no encoding {text}; utf-8 is one", raw.name, text=named
        ) from None


def sample_of(raw: Raw, encoding: str, sure: bool) -> str:
    """Return the start of a text, to the end of a line or beyond."""
    sample = b""
    with contextlib.closing(Text(raw, encoding, sure)) as text:
        while chunk := text.read(SAMPLE):
            sample += chunk
            if len(sample) >= SAMPLE and max(sample.rfind(b"\n"), sample.rfind(b"\r")) > 0:
                break
    return sample.decode()


def _guess(head: bytes) -> tuple[str, bool]:
    """Return the encoding that the first bytes speak for, and whether it is sure."""
    for mark, encoding in MARKS.items():
        if head.startswith(mark):
            return encoding, True
    even, odd = head[::2].count(0), head[1::2].count(0)
    if odd > len(head) / 5 and even == 0:
        return "utf-16-le", True
    if even > len(head) / 5 and odd == 0:
        return "utf-16-be", True
    return "utf-8", False
