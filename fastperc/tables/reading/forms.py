"""How cells are written: missing ones, numbers, dates, true and false.

A form says which texts it takes, and turns them into values. Patterns are tried on the different
texts of a batch only; that a whole batch is plain numbers is seen faster, by `plain_numbers`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

MISSING = ("", "?", "NA", "N/A", "n/a", "na", "#N/A", "#NA", "<NA>", "NaN", "nan", "NAN", "-nan",
           "-NaN", "NaT", "null", "NULL", "Null", "None", "none", "NONE", "\\N")  # fmt: skip
# These are signs of something else in a column of texts: the classes + and -, say.
MISSING_AMONG_NUMBERS = ("-", "--", ".")

_MISSING = pa.array(MISSING)
_MISSING_NUMBERS = pa.array((*MISSING, *MISSING_AMONG_NUMBERS))

SIGN, EXPONENT = r"[+\-\x{2212}]?", r"(?:[eE][+-]?[0-9]+)?"
SPACES = r" '\x{a0}\x{202f}\x{2019}"  # that stand between thousands in one country or another
INFINITE = r"(?i:inf|infinity)"
GROUPS = {  # marks between thousands: how numbers with them begin
    mark: rf"^{SIGN}[0-9]{{1,3}}(?:[{characters}][0-9]{{3}})+(?:[^0-9]|$)"
    for mark, characters in {",": ",", ".": ".", " ": SPACES}.items()
}
LEADING_ZERO = r"^0[0-9]+$|^0[xX]"
LONG_DIGITS = r"^[+-]?[0-9]{19,}$"


def number_pattern(decimal: str) -> str:
    """Return the pattern of a number with this decimal mark, also with thousands set apart."""
    other = re_escape("," if decimal == "." else ".")
    mark = re_escape(decimal)
    whole = rf"(?:[0-9]{{1,3}}(?:{other}[0-9]{{3}})+|[0-9]{{1,3}}(?:[{SPACES}][0-9]{{3}})+|[0-9]+)"
    return rf"(?:{SIGN}(?:{whole}(?:{mark}[0-9]*)?|{mark}[0-9]+){EXPONENT}|{SIGN}{INFINITE})"


def re_escape(mark: str) -> str:
    """Return the pattern of a mark itself."""
    return rf"\{mark}"


def trimmed(cells: pa.Array, missing: pa.Array = _MISSING_NUMBERS) -> pa.Array:
    """Return cells without white space around, null where missing."""
    cells = pc.utf8_trim_whitespace(cells)
    absent = pc.is_in(cells, value_set=missing)
    return pc.if_else(absent, pa.scalar(None, cells.type), cells)


def plain_numbers(cells: pa.Array, whole: bool) -> pa.Array | None:
    """Return cells that are all finite numbers as a computer writes them; None if some are not.

    Parameters
    ----------
    cells : pyarrow.StringArray
        Trimmed.
    whole : bool
        Whether int64 is tried first.
    """
    if whole and pc.any(pc.starts_with(cells, "+")).as_py():
        return None  # +1 is an integer, but not for pyarrow
    for kind in (pa.int64(), pa.float64()) if whole else (pa.float64(),):
        numbers = _cast(cells, kind)
        if numbers is None:
            continue
        if kind == pa.int64() or pc.all(pc.is_finite(numbers), min_count=0).as_py():
            return numbers
    return None


def _cast(cells: pa.Array, kind: pa.DataType) -> pa.Array | None:
    """Return cells as numbers if they all are; a few are tried first, as failing is slow."""
    try:
        cells.slice(0, 64).cast(kind)
        return cells.cast(kind)
    except pa.ArrowInvalid:
        return None


def with_leading_zero(cells: pa.Array) -> pa.Array:
    """Return the cells such as 007, which a number would not keep, and 0x1F."""
    starts = cells.filter(pc.starts_with(cells, "0"), null_selection_behavior="drop")
    return starts.filter(pc.match_substring_regex(starts, LEADING_ZERO))


@dataclass(frozen=True)
class Numbers:
    """Numbers in text.

    Parameters
    ----------
    decimal : {".", ","}
        The other one, spaces and apostrophes may stand between thousands.
    percent : bool
        Whether each ends in %: the values are hundredths.
    whole : bool
        Whether they are read as int64.
    """

    decimal: str = "."
    percent: bool = False
    whole: bool = False

    @property
    def type(self) -> pa.DataType:
        """What they become."""
        return pa.int64() if self.whole else pa.float64()

    @property
    def words(self) -> str:
        """What they are called in messages."""
        kind = "a percentage" if self.percent else "a number"
        return f"{kind} with a decimal comma" if self.decimal == "," else kind

    def matches(self, texts: pa.Array) -> pa.Array:
        """Return which texts are such numbers."""
        end = r" ?%" if self.percent else ""
        return pc.match_substring_regex(texts, f"^{number_pattern(self.decimal)}{end}$")

    def values(self, cells: pa.Array) -> pa.Array:
        """Return trimmed cells, all of which match, as numbers; infinite ones as such."""
        if self.decimal == "." and not self.percent:
            numbers = _cast(cells, self.type)
            if numbers is not None:
                return numbers
        each = cells.dictionary_encode()
        texts = pc.replace_substring_regex(each.dictionary, rf"^\+|[{SPACES}%]", "")
        texts = pc.replace_substring(texts, "\N{MINUS SIGN}", "-")
        texts = pc.replace_substring(texts, "," if self.decimal == "." else ".", "")
        texts = pc.replace_substring(texts, ",", ".")
        numbers = _cast_number(texts, self.type)
        if self.percent:
            numbers = pc.divide(numbers, 100.0)
        return numbers.take(each.indices)


def _cast_number(texts: pa.Array, kind: pa.DataType) -> pa.Array:
    if kind == pa.int64():
        texts = pc.replace_substring_regex(texts, r"^(-?)0+([0-9])", r"\1\2")
    return texts.cast(kind)


@dataclass(frozen=True)
class Truths:
    """True and false."""

    type = pa.bool_()
    words = "true or false"

    def matches(self, texts: pa.Array) -> pa.Array:
        """Return which texts are one of the two."""
        return pc.is_in(pc.utf8_lower(texts), value_set=pa.array(["true", "false"]))

    def values(self, cells: pa.Array) -> pa.Array:
        """Return trimmed cells, all of which match, as booleans."""
        return pc.equal(pc.utf8_lower(cells), "true")


YEAR, MONTH, DAY = r"(?P<y>[0-9]{4})", r"(?P<m>[0-9]{1,2})", r"(?P<d>[0-9]{1,2})"
ORDERS = {
    "year first": f"{YEAR}[-/.]{MONTH}[-/.]{DAY}",
    "day first": f"{DAY}[-/.]{MONTH}[-/.]{YEAR}",
    "month first": f"{MONTH}/{DAY}/{YEAR}",
}
CLOCK = (
    r"(?:(?:T| +)(?P<hour>[01]?[0-9]|2[0-3]):(?P<minute>[0-5][0-9])"
    r"(?::(?P<second>[0-5][0-9])(?:[.,](?P<fraction>[0-9]{1,9}))?)?)?"
)
ZONE = r" ?(?:Z|UTC|(?P<sign>[+-])(?P<hours>[01][0-9]|2[0-3]):?(?P<minutes>[0-5][0-9]))"
MICROSECONDS = 1_000_000


@dataclass(frozen=True)
class Dates:
    """Dates, maybe with the time of the day and an offset from UTC, which is taken off.

    Parameters
    ----------
    order : {"year first", "day first", "month first"}
    time, zone : bool
        Whether they have them.
    """

    order: str = "year first"
    time: bool = False
    zone: bool = False

    @property
    def type(self) -> pa.DataType:
        """What they become."""
        return pa.timestamp("us") if self.time else pa.date32()

    @property
    def words(self) -> str:
        """What they are called in messages."""
        return f"a date{' with a time' if self.time else ''}, {self.order}"

    def matches(self, texts: pa.Array) -> pa.Array:
        """Return which texts are such dates, of days that exist."""
        parts = self._parts(texts)
        good = np.asarray(parts.is_valid())
        if good.any():
            year, month, day = (_integers(parts, name)[good] for name in "ymd")
            real = (month >= 1) & (month <= 12) & (day >= 1) & (year >= 1)
            start = _first_of_month(year, np.clip(month, 1, 12))
            good[good] = real & ((start + (day - 1)).astype("M8[M]") == start.astype("M8[M]"))
        return pa.array(good)

    def values(self, cells: pa.Array) -> pa.Array:
        """Return trimmed cells, all of which match, as dates."""
        each = cells.dictionary_encode()
        parts = self._parts(each.dictionary)
        year, month, day = (_integers(parts, name) for name in "ymd")
        days = _first_of_month(year, month) + (day - 1)
        if not self.time:
            return pa.array(days).cast(self.type).take(each.indices)
        seconds = (_integers(parts, "hour") * 60 + _integers(parts, "minute")) * 60
        seconds += _integers(parts, "second")
        if self.zone:
            offset = (_integers(parts, "hours") * 60 + _integers(parts, "minutes")) * 60
            seconds -= np.where(np.asarray(pc.equal(parts.field("sign"), "-")), -offset, offset)
        fraction = pc.utf8_slice_codeunits(pc.utf8_rpad(parts.field("fraction"), 6, "0"), 0, 6)
        microseconds = fraction.cast(pa.int64()).to_numpy() + seconds * MICROSECONDS
        times = days.astype("M8[us]") + microseconds
        return pa.array(times).cast(self.type).take(each.indices)

    def _parts(self, texts: pa.Array) -> pa.StructArray:
        """Return the parts of each date as texts; null where it is none."""
        pattern = ORDERS[self.order] + (CLOCK if self.time else "") + (ZONE if self.zone else "")
        return pc.extract_regex(texts, f"^{pattern}$")


def _integers(parts: pa.StructArray, name: str) -> np.ndarray:
    """Return a part as numbers, 0 where there is none."""
    texts = pc.fill_null(parts.field(name), "")
    return pc.if_else(pc.equal(texts, ""), "0", texts).cast(pa.int64()).to_numpy()


def _first_of_month(year: np.ndarray, month: np.ndarray) -> np.ndarray:
    return ((year - 1970) * 12 + month - 1).astype("M8[M]").astype("M8[D]")


@dataclass(frozen=True)
class Texts:
    """Text as it is."""

    type = pa.string()
    words = "text"

    def values(self, cells: pa.Array) -> pa.Array:
        """Return the cells."""
        return cells


@dataclass(frozen=True)
class Nothing:
    """No value at all."""

    type = pa.null()
    words = "nothing"

    def values(self, cells: pa.Array) -> pa.Array:
        """Return as many nulls."""
        return pa.nulls(len(cells))


Form = Numbers | Truths | Dates | Texts | Nothing
POINT, COMMA, PERCENT = Numbers("."), Numbers(","), Numbers(".", percent=True)
PERCENT_COMMA = Numbers(",", percent=True)
FORMS: tuple[Numbers | Truths | Dates, ...] = (
    POINT, COMMA, PERCENT, PERCENT_COMMA, Truths(),
    *(Dates(order, time) for order in ORDERS for time in (False, True)),
    *(Dates(order, True, True) for order in ORDERS),
)  # fmt: skip


def cells_of(form: Form, cells: pa.Array) -> pa.Array:
    """Return cells as a file has them as values of a form."""
    is_text = isinstance(form, Texts)
    return form.values(trimmed(cells, _MISSING if is_text else _MISSING_NUMBERS))
