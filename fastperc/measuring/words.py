"""Write numbers, times and factors in words, and tables in text: for every page and message."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "us"), (1e-9, "ns"))

Lines = Sequence[Sequence[str]]


def number(value: float, digits: int = 3) -> str:
    """Return a number rounded to significant digits, but not before the decimal point.

    Examples
    --------
    >>> [number(value) for value in (0.5234, 2.0, 79.44, 1638.4, math.nan)]
    ['0.523', '2', '79.4', '1,638', '-']
    """
    if math.isnan(value):
        return "-"
    exponent = math.floor(math.log10(abs(value))) if value else 0
    text = f"{value:,.{max(0, digits - 1 - exponent)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def duration(seconds: float, digits: int = 2) -> str:
    """Return a time in the largest unit that it exceeds.

    Examples
    --------
    >>> [duration(seconds) for seconds in (8e-9, 2.5e-6, 0.0123, 4.56, 78, 1638)]
    ['8 ns', '2.5 us', '12 ms', '4.6 s', '78 s', '1,638 s']
    """
    if math.isnan(seconds):
        return "-"
    size, unit = next((pair for pair in UNITS if seconds >= pair[0]), UNITS[-1])
    return f"{number(seconds / size, digits)} {unit}"


def factor(ratio: float) -> str:
    """Return a ratio with two digits or more, as a factor.

    Examples
    --------
    >>> [factor(ratio) for ratio in (0.852, 2.0, 6.42, 12.3, 1280, math.nan)]
    ['0.85x', '2x', '6.4x', '12x', '1,280x', '-']
    """
    return "-" if math.isnan(ratio) else f"{number(ratio, 2)}x"


def percent(share: float, decimals: int = 1) -> str:
    """Return a share of 1 as a percentage.

    Examples
    --------
    >>> percent(0.975), percent(0.1249, 0)
    ('97.5 %', '12 %')
    """
    return "-" if math.isnan(share) else f"{100 * share:.{decimals}f} %"


def span(low: float, high: float, write: Callable[[float], str] = number) -> str:
    """Return both ends of an interval.

    Examples
    --------
    >>> span(1.5, 2.25, factor)
    '1.5x..2.2x'
    """
    return "-" if math.isnan(low) else f"{write(low)}..{write(high)}"


def short_count(value: float) -> str:
    """Return a count in few characters.

    Examples
    --------
    >>> [short_count(value) for value in (8, 1e3, 1e5, 1e6, 2.5e7)]
    ['8', '1,000', '100,000', '1M', '25M']
    """
    return f"{value:,.6g}" if value < 1e6 else f"{value / 1e6:,g}M"


def columns(lines: Lines, left: int = 1) -> list[str]:
    """Return a table as lines of plain text; all columns but the first ``left`` are aligned right.

    Examples
    --------
    >>> print(*columns([["time", "ns"], ["numpy", "17,058"], ["c", "421"]]), sep="\\n")
    time       ns
    numpy  17,058
    c         421
    """
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return ["  ".join(_padded(line, widths, left)).rstrip() for line in lines]


def _padded(line: Sequence[str], widths: list[int], left: int) -> list[str]:
    pairs = enumerate(zip(line, widths, strict=True))
    return [cell.ljust(width) if k < left else cell.rjust(width) for k, (cell, width) in pairs]


def markdown(lines: Lines, left: int = 1) -> str:
    """Return a table in Markdown; all columns but the first ``left`` are aligned right.

    Examples
    --------
    >>> print(markdown([["case", "time"], ["8-32-1", "70 ns"]]))
    | case | time |
    | --- | ---: |
    | 8-32-1 | 70 ns |
    """
    head, *rows = lines
    rule = ["---"] * left + ["---:"] * (len(head) - left)
    return "\n".join(f"| {' | '.join(line)} |" for line in (head, rule, *rows))
