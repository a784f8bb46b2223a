"""Parts of a table, by the values of a column."""

from __future__ import annotations

import itertools

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .arrow import numbers_of, role_of_type, texts_of

MOST_SLICES = 20  # values of a column that get a slice each
QUARTILES = 4


def slices_of(column: pa.ChunkedArray) -> list[tuple[str, np.ndarray]]:
    """Return what the values of a column are called, and which rows have each."""
    found, there = [], column.drop_null()
    n_distinct = len(there.unique())
    is_ordered = role_of_type(column.type) in ("number", "date")
    if len(there) and is_ordered and n_distinct > MOST_SLICES:
        found = _quartiles(column)
    elif len(there):
        found = _values(texts_of(column), is_ordered)
    if column.null_count:
        found.append(("no value", np.flatnonzero(column.is_null().to_numpy())))
    return found


def _values(texts: pa.ChunkedArray, is_ordered: bool) -> list[tuple[str, np.ndarray]]:
    counts = texts.drop_null().value_counts()
    n, values = counts.field(1).to_numpy(), counts.field(0).to_pylist()
    order = sorted(range(len(n)), key=lambda k: (-n[k], values[k]))
    names = [values[k] for k in order[:MOST_SLICES]]
    names.sort(key=float if is_ordered and not _is_date(names[0]) else str)
    codes = pc.index_in(texts, value_set=pa.array(names, pa.string()))
    codes = pc.fill_null(codes, -1).to_numpy()
    found = [(name, np.flatnonzero(codes == k)) for k, name in enumerate(names)]
    others = np.flatnonzero((codes < 0) & ~texts.is_null().to_numpy())
    if len(others):
        found.append((f"{len(n) - MOST_SLICES:,} others", others))
    return found


def _is_date(text: str) -> bool:
    return text[4:5] == "-" and text[7:8] == "-"


def _quartiles(column: pa.ChunkedArray) -> list[tuple[str, np.ndarray]]:
    """Return four ranges of numbers or dates, with about as many rows each."""
    is_date = role_of_type(column.type) == "date"
    if is_date:
        numbers = column.cast(pa.timestamp("us")).cast(pa.int64()).to_numpy()
        numbers = np.where(column.is_null().to_numpy(), np.nan, numbers)
    else:
        numbers = numbers_of(column)
    edges = np.nanquantile(numbers, np.linspace(0, 1, QUARTILES + 1), method="nearest")
    edges = np.unique(edges)

    def words(edge: float) -> str:
        return str(np.datetime64(int(edge), "us").astype("M8[D]")) if is_date else f"{edge:.4g}"

    found = []
    for k, (low, high) in enumerate(itertools.pairwise(edges)):
        is_in = (numbers >= low if k == 0 else numbers > low) & (numbers <= high)
        name = f"{words(low)} to {words(high)}" if k == 0 else f"> {words(low)} to {words(high)}"
        found.append((name, np.flatnonzero(is_in)))
    return found
