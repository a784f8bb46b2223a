"""Lines of text that fit a terminal of 80 columns, and cannot command it."""

from __future__ import annotations

import textwrap

WIDTH = 80


def wrapped(text: str, indent: str = "  ") -> list[str]:
    """Return a text in lines that fit, the second and later ones further in."""
    return textwrap.wrap(
        printable(text), WIDTH, initial_indent=indent, subsequent_indent=f"{indent}  ",
        break_on_hyphens=False,
    )  # fmt: skip


def printable(text: str) -> str:
    """Return text that cannot command a terminal, whatever a table has in it."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def cut(text: str, width: int) -> str:
    """Return text that fits into a column."""
    text = printable(text)
    return text if len(text) <= width else f"{text[: width - 3]}..."
