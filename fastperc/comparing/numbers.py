"""Arrays as lines of numbers, the expected ones and yours side by side."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np

Array = np.ndarray
Write = Callable[[float], str]

COLUMNS, ROWS = 4, 3  # of a large array; one that is hardly larger is shown whole
DIGITS = 5
MOST = 12


def side_by_side(expected: Array, yours: Array | None, differs: bool = False) -> list[str]:
    """Return the rows of an array, those of another beside them after a bar.

    They have as many digits as it takes to see a difference; one that lies outside of what is shown
    has a line of its own.

    Parameters
    ----------
    expected, yours : ndarray
        Of one shape, 1-D or 2-D; ``yours`` may also be of another shape, or unknown: None.
    differs : bool
        Whether there is a difference that matters.
    """
    expected = np.atleast_2d(expected)
    if yours is None:
        return _rows(expected, _writer(expected))
    yours = np.atleast_2d(yours)
    if yours.shape != expected.shape:
        shown = _rows(expected, _writer(expected))
        return [*shown, f"yours has shape {yours.shape}, expected {expected.shape}"]
    write = _writer_of_both(expected, yours, differs)
    pairs = list(zip(_rows(expected, write), _rows(yours, write), strict=True))
    width = max(len(left) for left, _ in pairs)
    lines = [f"{left:<{width}}  |  {right}" for left, right in pairs]
    if differs and all(left == right for left, right in pairs):
        lines.append(_largest(expected, yours))
    return lines


def _largest(expected: Array, yours: Array) -> str:
    """Return where the difference is largest, and the numbers there."""
    gaps = np.nan_to_num(np.abs(yours - expected), nan=math.inf)
    index = np.unravel_index(gaps.argmax(), gaps.shape)
    place = ", ".join(map(str, index))
    return f"at [{place}]: {expected[index]:.9g}  |  {yours[index]:.9g}"


def _writer_of_both(expected: Array, yours: Array, differs: bool) -> Write:
    """Return how to write both so that what differs, and is shown, looks different."""
    both = np.concatenate([_cut(expected), _cut(yours)])
    digits = DIGITS
    while differs and digits < MOST:
        write = _writer(both, digits)
        if _rows(expected, write) != _rows(yours, write):
            return write
        digits += 1
    return _writer(both)


def _writer(array: Array, digits: int = DIGITS) -> Write:
    """Return how to write a number so that the largest of an array has so many digits."""
    sizes = np.abs(_cut(array))
    largest = float(sizes[np.isfinite(sizes)].max(initial=0.0))
    if not largest or (np.array_equal(array, np.round(array)) and largest < 1e6):
        return partial(_fixed, decimals=0)
    exponent = math.floor(math.log10(largest))
    if not -4 <= exponent < 7:
        return lambda value: f"{value:.{digits - 1}e}"
    return partial(_fixed, decimals=max(0, digits - 1 - exponent))


def _fixed(value: float, decimals: int) -> str:
    text = f"{value:.{decimals}f}"
    return text.removeprefix("-") if float(text) == 0 else text  # no -0.000


def _is_cut(length: int, most: int) -> bool:
    return length > most + 2


def _cut(array: Array) -> Array:
    """Return the numbers that are shown."""
    rows, columns = array.shape
    array = array[:ROWS] if _is_cut(rows, ROWS) else array
    return array[:, :COLUMNS] if _is_cut(columns, COLUMNS) else array


def _rows(array: Array, write: Write) -> list[str]:
    """Return the rows of an array as lines, with ``...`` for what is left out."""
    cells = [[write(float(value)) for value in row] for row in _cut(array)]
    width = max(len(cell) for row in cells for cell in row)
    more = "  ..." if _is_cut(array.shape[1], COLUMNS) else ""
    lines = ["  ".join(cell.rjust(width) for cell in row) + more for row in cells]
    return [*lines, *["..."] * _is_cut(array.shape[0], ROWS)]
