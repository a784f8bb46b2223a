"""PNG files that say from which results they were drawn."""

from __future__ import annotations

import hashlib
import struct
import zlib

from .results import Results

KEY = b"fastperc results"
SIGNATURE_AND_HEADER = 8 + 25  # bytes before the first chunk that is ours to add


def digest(results: Results) -> str:
    """Return the SHA-256 of everything that was measured, as it is stored."""
    return hashlib.sha256(results.to_json().encode()).hexdigest()


def stamp(png: bytes, text: str) -> bytes:
    """Return the picture with a text chunk after its header."""
    body = b"tEXt" + KEY + b"\0" + text.encode("ascii")
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    return png[:SIGNATURE_AND_HEADER] + chunk + png[SIGNATURE_AND_HEADER:]


def stamp_of(png: bytes) -> str:
    """Return the text that `stamp` added; empty in a picture without it."""
    begin = png.find(b"tEXt" + KEY + b"\0")
    if begin < 0:
        return ""
    (length,) = struct.unpack(">I", png[begin - 4 : begin])
    return png[begin + 4 + len(KEY) + 1 : begin + 4 + length].decode("ascii")
