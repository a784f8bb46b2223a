"""``fastperc info``. It prints what it can where something is broken: that is when it is needed."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from typing import Annotated

try:
    import typer

    Path = Annotated[str | None, typer.Argument(help="A file that save wrote.")]
except ImportError:  # the command works without
    Path = str | None  # type: ignore[assignment,misc]


def info(path: Path = None) -> None:
    """Print versions, processor, kernel cache and threads, as a bug report should state them.

    With a path, print what a file holds instead.
    """
    from ..measuring import environment

    lines = list(environment.describe() if path is None else describe_file(path))
    width = max(len(name) for name, _ in lines)
    for name, value in lines:
        print(f"{name:{width}}  {printable(value)}")


def describe_file(path: str) -> Iterator[tuple[str, str]]:
    """Return names and values of what a file holds; ModelFileError if it is none of ours."""
    from .. import saving

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", category=UserWarning)  # the version is printed
        return saving.describe(os.fspath(path))


def printable(value: str) -> str:
    """Return text that cannot command a terminal, whatever a file has in it."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in value)
