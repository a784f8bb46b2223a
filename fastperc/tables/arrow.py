"""Columns of pyarrow's as arrays of NumPy, and what is to be known of them.

pyarrow is loaded when a function is first called: a model of a table is read from its file without.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa

    from .reading import Source

DAY = 86_400_000_000  # microseconds


def role_of_type(of: pa.DataType) -> str | None:
    """Return the role of a column of a type if nothing else is said; None if it holds nothing."""
    import pyarrow as pa

    if pa.types.is_integer(of) or pa.types.is_floating(of):
        return "number"
    if pa.types.is_date(of) or pa.types.is_timestamp(of):
        return "date"
    return None if pa.types.is_null(of) else "category"


def is_text(column: pa.ChunkedArray) -> bool:
    """Return whether a column holds text."""
    import pyarrow as pa

    return bool(pa.types.is_string(column.type) or pa.types.is_large_string(column.type))


def check_type(column: pa.ChunkedArray, name: str, role: str, source: Source | None) -> None:
    """Refuse a column that cannot have a role."""
    import pyarrow as pa

    from ..errors import TableError

    if role == "category" or role_of_type(column.type) in (role, None):
        return
    if role == "number" and pa.types.is_boolean(column.type):
        return
    what = "numbers" if role == "number" else "dates"
    there = column.drop_null()
    text = str(there[0].as_py()) if len(there) else str(column.type)
    message = f"found {{text}}, expected {what}, as in training"
    place = None if source is None else source.name
    raise TableError(message, place, column=name, text=text)


def check_missing(
    table: pa.Table, names: Sequence[str], source: Source | None = None, first: int = 0
) -> None:
    """Raise a TableError that names the first cells without a value, if there are any."""
    counts = {name: n for name in names if (n := table[name].null_count)}
    if not counts:
        return
    places = {name: first_missing(table[name]) for name in counts}
    name = min(places, key=lambda name: places[name])
    raise missing_error(source, first + places[name], name, counts)


def missing_error(source: Source | None, row: int, name: str, counts: dict[str, int]) -> Exception:
    """Return the error of cells without a value: where the first is, and what can be done."""
    from ..errors import TableError

    n, some = sum(counts.values()), [*counts][:3]
    where = ", ".join(some) + (", ..." if len(counts) > 3 else "")
    cells = "this cell has" if n == 1 else f"{n:,} cells have"
    message = (
        f"{cells} no value, in {where}. Say what is to be done: --missing indicator (the mean, and "
        "a column that tells), mean, or drop (such rows)"
    )
    if source is None:
        return TableError(f"row {row + 1:,}: {message}", column=name)
    return source.error(message, row, name)


def first_missing(column: pa.ChunkedArray) -> int:
    """Return the row of the first cell without a value, counted from 0; -1 if there is none."""
    import pyarrow.compute as pc

    return int(pc.index(pc.is_null(column), True).as_py())


def numbers_of(column: pa.ChunkedArray) -> np.ndarray:
    """Return a column of numbers as float64, NaN where there is no value."""
    import pyarrow as pa

    if pa.types.is_null(column.type):
        return np.full(len(column), np.nan)
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.int8())
    numbers = column.to_numpy()
    return np.array(numbers, np.float64)


def texts_of(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column as text, numbers without decimals as whole ones, whatever else is there."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_string(column.type):
        return column
    texts = column.cast(pa.string())
    if not pa.types.is_floating(column.type):
        return texts
    is_whole = pc.and_(pc.equal(pc.round(column), column), pc.less(pc.abs(column), 2.0**53))
    whole = pc.if_else(is_whole, column, pa.scalar(None, column.type)).cast(pa.int64())
    return pc.coalesce(whole.cast(pa.string()), texts)


def counts_of(column: pa.ChunkedArray) -> dict[str, int]:
    """Return how many cells have each text; those without a value do not count."""
    counts = texts_of(column).drop_null().value_counts()
    return dict(zip(counts.field(0).to_pylist(), counts.field(1).to_pylist(), strict=True))


def places_of(column: pa.ChunkedArray, texts: Sequence[str]) -> np.ndarray:
    """Return the place of each cell among texts: -1 if it is none of them, -2 without a value."""
    import pyarrow as pa
    import pyarrow.compute as pc

    found = pc.index_in(texts_of(column), value_set=pa.array(texts, pa.string()))
    places = pc.fill_null(found, -1).to_numpy().astype(np.int64)
    if column.null_count:
        places[column.is_null().to_numpy()] = -2
    return places


def days_of(column: pa.ChunkedArray) -> tuple[np.ndarray, np.ndarray]:
    """Return dates as days since 1970 with their fractions, and where there is no value."""
    import pyarrow as pa

    is_missing = column.is_null().to_numpy()
    if pa.types.is_null(column.type):
        return np.zeros(len(column)), is_missing
    microseconds = column.cast(pa.timestamp("us")).cast(pa.int64()).fill_null(0).to_numpy()
    return microseconds / DAY, is_missing
