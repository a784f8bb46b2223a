"""How one column becomes numbers: what was learned of it, and how that is applied.

An encoding has a name, that of its column; ``width``, how many numbers there are for each cell;
``names``, those of the numbers; and ``write``, which writes those of a column into a part of an
array that is all zeros, and returns how many cells were of no known category.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np

from . import arrow

if TYPE_CHECKING:
    import pyarrow as pa

TAILS = 8.0  # deviations from the mean, beyond which a distribution has long tails
MOST_RARE = 10_000  # categories whose names are kept although they have no column
PARTS = {"month": 12, "weekday": 7, "hour": 24}  # of dates, and after how many they repeat


@dataclass(frozen=True)
class NumberEncoding:
    """A number: ``(f(x) - mean) / scale``.

    ``f`` is the identity where ``width_of_middle`` is 0, else
    ``arcsinh((x - middle) / width_of_middle)``. A cell without a value is 0, the mean.
    """

    role: ClassVar[str] = "number"

    name: str
    mean: float
    scale: float
    middle: float = 0.0
    width_of_middle: float = 0.0
    has_indicator: bool = False

    @classmethod
    def learn(cls, name: str, column: pa.ChunkedArray, indicator: bool) -> Self:
        """Return the encoding of a column's numbers."""
        numbers = arrow.numbers_of(column)
        is_missing = np.isnan(numbers)
        numbers = numbers[~is_missing]
        middle, width = _tails(numbers)
        if width:
            numbers = np.arcsinh(_scaled(numbers, middle, width))
        mean, scale = _moments(numbers)
        return cls(name, mean, scale, middle, width, bool(indicator and is_missing.any()))

    @property
    def words(self) -> str:
        """What `fastperc info` says of it."""
        tails = f", long tails around {self.middle:.4g}" if self.width_of_middle else ""
        return f"a number{tails}{', or no value' * self.has_indicator}"

    @property
    def width(self) -> int:
        return 1 + self.has_indicator

    @property
    def names(self) -> list[str]:
        return [self.name, *([f"{self.name} missing"] if self.has_indicator else [])]

    def write(self, column: pa.ChunkedArray, out: np.ndarray) -> int:
        numbers = arrow.numbers_of(column)
        if self.width_of_middle:
            numbers = np.arcsinh(_scaled(numbers, self.middle, self.width_of_middle))
        numbers = _scaled(numbers, self.mean, self.scale)
        if column.null_count:
            is_missing = np.isnan(numbers)
            numbers[is_missing] = 0.0
            if self.has_indicator:
                out[:, 1] = is_missing
        out[:, 0] = numbers
        return 0


@dataclass(frozen=True)
class CategoryEncoding:
    """A category: 1 in its column and 0 in the others.

    Attributes
    ----------
    categories : tuple of str
        Those with a column each, sorted; what is no text is written as one.
    rare : tuple of str
        Those known from `fit` that share a column with all that were not there.
    has_missing : bool
        Whether there is one for cells without a value.
    is_text : bool
        Whether the column held text in `fit`.
    """

    role: ClassVar[str] = "category"

    name: str
    categories: tuple[str, ...]
    rare: tuple[str, ...] = ()
    has_missing: bool = False
    is_text: bool = True

    @classmethod
    def learn(cls, name: str, column: pa.ChunkedArray, most: int, min_count: int) -> Self:
        """Return the encoding of a column's categories."""
        counts = arrow.counts_of(column)
        frequent = sorted(counts, key=lambda text: (-counts[text], text))[:most]
        kept = sorted(text for text in frequent if counts[text] >= min_count)
        rare = sorted(counts.keys() - {*kept})[:MOST_RARE]
        return cls(name, tuple(kept), tuple(rare), column.null_count > 0, arrow.is_text(column))

    @property
    def words(self) -> str:
        """What `fastperc info` says of it."""
        some = ", ".join(self.categories[:6]) + (", ..." if len(self.categories) > 6 else "")
        more = f", {len(self.rare)} rare ones" if self.rare else ""
        return f"{len(self.categories)} categories: {some}{more}{', or none' * self.has_missing}"

    @property
    def has_other(self) -> bool:
        """Whether there is a column for what has none of its own."""
        return bool(self.rare)

    @property
    def width(self) -> int:
        return len(self.categories) + self.has_other + self.has_missing

    @property
    def names(self) -> list[str]:
        more = ["other"] * self.has_other + ["missing"] * self.has_missing
        return [
            *(f"{self.name}={text}" for text in self.categories),
            *(f"{self.name} {what}" for what in more),
        ]

    def write(self, column: pa.ChunkedArray, out: np.ndarray) -> int:
        places = arrow.places_of(column, [*self.categories, *self.rare])  # -1 unseen, -2 missing
        other, is_unseen = len(self.categories), places == -1
        if self.has_other:
            places[is_unseen | (places > other)] = other
        rows = np.flatnonzero(places >= 0)
        out[rows, places[rows]] = 1
        if self.has_missing:
            out[places == -2, -1] = 1
        return int(is_unseen.sum())


@dataclass(frozen=True)
class DateEncoding:
    """A date: its day number, scaled, and sine and cosine of the parts that repeat.

    Attributes
    ----------
    parts : tuple of str
        Of `PARTS`.
    """

    role: ClassVar[str] = "date"

    name: str
    mean: float
    scale: float
    parts: tuple[str, ...]
    has_indicator: bool = False

    @classmethod
    def learn(cls, name: str, column: pa.ChunkedArray, indicator: bool) -> Self:
        """Return the encoding of a column's dates."""
        days, is_missing = arrow.days_of(column)
        mean, scale = _moments(days[~is_missing])
        there = days[~is_missing]
        parts = tuple(part for part in PARTS if np.ptp(_part(there, part), axis=0) > 1e-9)
        return cls(name, mean, scale, parts, bool(indicator and is_missing.any()))

    @property
    def words(self) -> str:
        """What `fastperc info` says of it."""
        return f"a date: {', '.join(('day', *self.parts))}{', or no value' * self.has_indicator}"

    @property
    def width(self) -> int:
        return 1 + 2 * len(self.parts) + self.has_indicator

    @property
    def names(self) -> list[str]:
        parts = [f"{self.name} {part} {what}" for part in self.parts for what in ("sin", "cos")]
        return [self.name, *parts, *([f"{self.name} missing"] if self.has_indicator else [])]

    def write(self, column: pa.ChunkedArray, out: np.ndarray) -> int:
        days, is_missing = arrow.days_of(column)
        there = ~is_missing
        out[there, 0] = (days[there] - self.mean) / self.scale
        for k, part in enumerate(self.parts):
            angle = 2 * np.pi / PARTS[part] * _part(days[there], part)
            out[there, 2 * k + 1], out[there, 2 * k + 2] = np.sin(angle), np.cos(angle)
        if self.has_indicator:
            out[:, -1] = is_missing
        return 0


Encoding = NumberEncoding | CategoryEncoding | DateEncoding


def _part(days: np.ndarray, part: str) -> np.ndarray:
    """Return a part of dates, which are days since 1970 with their fractions."""
    whole = np.floor(days)
    if part == "hour":
        return (days - whole) * 24
    if part == "weekday":  # 1970 began on a Thursday: Monday is 0
        return (whole + 3) % 7
    months = whole.astype(np.int64).astype("M8[D]").astype("M8[M]")
    within = whole - months.astype("M8[D]").astype(np.int64)
    return months.astype(np.int64) % 12 + within / 31


def _scaled(numbers: np.ndarray, middle: float, width: float) -> np.ndarray:
    """Return ``(numbers - middle) / width``, also where the difference is no number."""
    if abs(middle) < 1e300:
        with np.errstate(over="ignore"):
            scaled = (numbers - middle) / width
        if not np.isinf(scaled).any():
            return scaled
    return numbers / width - middle / width


def _moments(numbers: np.ndarray) -> tuple[float, float]:
    """Return mean and deviation; 0 and 1 of nothing, and 1 for a deviation of 0."""
    if not len(numbers):
        return 0.0, 1.0
    unit = float(np.abs(numbers).max()) or 1.0
    if 1e-100 < unit < 1e100:  # squares are numbers, too
        unit = 1.0
    mean, deviation = float((numbers / unit).mean()), float((numbers / unit).std())
    is_constant = not deviation > 1e-12 * abs(mean)
    return mean * unit, unit if is_constant else deviation * unit


def _tails(numbers: np.ndarray) -> tuple[float, float]:
    """Return median and half the interquartile range where there are long tails, else zeros."""
    if len(numbers) < 100:
        return 0.0, 0.0
    mean, deviation = _moments(numbers)
    ends = np.array([numbers.min(), numbers.max()])
    if np.abs(_scaled(ends, mean, deviation)).max() <= TAILS:
        return 0.0, 0.0
    low, middle, high = np.quantile(numbers, [0.25, 0.5, 0.75]).tolist()
    width = (high - low) / 2
    if not width:  # more than half are one number: zeros, most often
        others = np.abs(numbers[numbers != middle] - middle)
        width = float(np.median(others)) / 10
    return middle, width
