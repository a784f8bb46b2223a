"""What a kernel prints: the first lines of its first call are kept, the rest is swallowed."""

from __future__ import annotations

import contextlib
import io
import os
import sys
import tempfile
from collections.abc import Iterator

LINES = 10
CHARACTERS = 4000


class Swallow(io.TextIOBase):
    """A stream that forgets what is written to it."""

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        return len(text)


class Kept(Swallow):
    """A stream that writes the first characters to a file, which another process may read."""

    def __init__(self, file: int):
        self.file, self.left = file, CHARACTERS

    def write(self, text: str) -> int:
        part = text[: self.left]
        self.left -= len(part)
        os.write(self.file, part.encode(errors="replace"))
        return len(text)


@contextlib.contextmanager
def redirected(stream: io.TextIOBase) -> Iterator[None]:
    """Send what is printed, on stdout or stderr, to a stream."""
    with contextlib.redirect_stdout(stream), contextlib.redirect_stderr(stream):
        yield


def swallowed() -> contextlib.AbstractContextManager[None]:
    """Swallow what is printed."""
    return redirected(Swallow())


class Prints:
    """The prints of a kernel, across processes: the file is there before the copy is made."""

    def __init__(self) -> None:
        self.is_used = False
        self.file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `text`

    @contextlib.contextmanager
    def kept(self) -> Iterator[None]:
        """Keep what is printed inside, up to a few thousand characters; only the first time."""
        stream = Swallow() if self.is_used else Kept(self.file.fileno())
        self.is_used = True
        with redirected(stream):
            yield

    def text(self) -> str:
        """Return the first lines that were kept, and forget them."""
        with self.file as file:
            file.seek(0)
            lines = file.read(2 * CHARACTERS).decode(errors="replace").splitlines()
        more = ["..."] if len(lines) > LINES else []
        return "\n".join([*lines[:LINES], *more])


def quiet_process() -> None:
    """Send all that this process writes, also from C, to nowhere, for good."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    sys.stdout, sys.stderr = Swallow(), Swallow()
    for stream in (1, 2):
        os.dup2(nowhere, stream)
    os.close(nowhere)
