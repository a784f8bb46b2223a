"""`describe`: what is in the columns of a table, and what `train` would do with each."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from .arrow import role_of_type, texts_of
from .columns import USED, Column
from .reading import Source, open_source
from .reading.source import check_there
from .roles import Cells, role_of
from .understanding import listed, understand

MOST_LISTED = 3  # values of a column

# What each role means for a column, and what comes of it.
USES = {
    "number": "scaled", "category": "one-hot", "date": "in parts", "target": "predicted",
    "weight": "weight", "group": "group",
}  # fmt: skip


@dataclass(frozen=True)
class ColumnSummary:
    """What is in a column.

    Attributes
    ----------
    name : str
    type : str
        "whole", "number", "text", "date", "time", "yes/no" or "empty".
    n_missing, n_distinct : int
        Cells without a value, and different values.
    values : str
        The least and the largest number or date; the most frequent texts with their shares.
    role : str
        What `train` takes it for, of `fastperc.tables.columns.ROLES`.
    why : str
        The reason, if it is left out.
    """

    name: str
    type: str
    n_missing: int
    n_distinct: int
    values: str
    role: str
    why: str

    @property
    def use(self) -> str:
        """What `train` would do with the column, in a word or two."""
        return USES.get(self.role, f"left out: {self.why}" if self.why else "left out")


@dataclass(frozen=True)
class Description:
    """What is in a table.

    Attributes
    ----------
    table : str
    n_rows : int
    columns : list of ColumnSummary
    stated, warnings : list of str
        What was recognised in the file and, with a target, what was understood; what may be a
        mistake.
    """

    table: str
    n_rows: int
    columns: list[ColumnSummary]
    stated: list[str]
    warnings: list[str]


def describe(
    table: object,
    *,
    target: str | None = None,
    numeric: Collection[str] = (),
    categorical: Collection[str] = (),
    drop: Collection[str] = (),
    separator: str | None = None,
    encoding: str | None = None,
    decimal: str | None = None,
) -> Description:
    """Describe the columns of a table, and what `train` would do with each.

    Parameters
    ----------
    table : path, DataFrame, Arrow object or Source
        What `fastperc.tables.reading.open_source` takes.
    target : str, optional
        The column to predict: with it, also what kind of task that is.
    numeric, categorical, drop : collection of str
        As in `train`.
    separator, encoding, decimal : str, optional
        Of text. By default they are found out.

    Returns
    -------
    Description

    Raises
    ------
    TableError
        If it is not a table, something is wrong with it, or nothing can be learned from the target.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from fastperc.tables import describe
    >>> found = describe(pa.table({"size": [1.5, 2.5, None], "kind": ["a", "b", "b"]}))
    >>> for column in found.columns:
    ...     print(column.name, column.type, column.n_missing, column.n_distinct, column.values)
    size number 1 2 1.5 to 2.5
    kind text 0 2 b (67%), a (33%)
    """
    source = open_source(
        table, numeric=numeric, categorical=categorical, drop=drop, separator=separator,
        encoding=encoding, decimal=decimal,
    )  # fmt: skip
    check_there((*numeric, *categorical), source.names, source.name)
    whole = source.read()
    cells = {name: Cells(name, whole[name]) for name in source.names}
    stated = [*source.stated]
    warnings: list[str] = []
    if target is None:
        told = {**dict.fromkeys(numeric, "number"), **dict.fromkeys(categorical, "category")}
        roles = {
            name: one.as_role(told[name], "as you say") if name in told else role_of(one)
            for name, one in cells.items()
        }
    else:
        roles = _with_target(source, target, whole, numeric, categorical, stated, warnings)
    columns = [summary_of(one, roles[name]) for name, one in cells.items()]
    lacking = [c.name for c in columns if c.n_missing and c.role in USED]
    if lacking:
        n = sum(whole[name].null_count for name in lacking)
        warnings.append(
            f"{n:,} cells of {listed(lacking)} have no value: train has to be told what to do, "
            "--missing indicator, mean or drop"
        )
    return Description(source.name, whole.num_rows, columns, stated, warnings)


def _with_target(
    source: Source, target: str, table: pa.Table, numeric: Collection[str],
    categorical: Collection[str], stated: list[str], warnings: list[str],
) -> dict[str, Column]:  # fmt: skip
    """Return the roles of the columns, and add what was understood to the lists."""
    found = understand(source, target, numeric=numeric, categorical=categorical, table=table)
    stated += [text for text in found.stated if text.startswith("Target ")]
    warnings += found.warnings
    return {column.name: column for column in found.columns}


def summary_of(cells: Cells, column: Column) -> ColumnSummary:
    """Return what is in a column."""
    return ColumnSummary(
        cells.name, type_of(cells.column.type), cells.n_missing, cells.n_distinct, values_of(cells),
        column.role, column.why,
    )  # fmt: skip


def type_of(kind: pa.DataType) -> str:
    """Return the name of a type in a word."""
    if pa.types.is_integer(kind):
        return "whole"
    if pa.types.is_timestamp(kind):
        return "time"
    if pa.types.is_boolean(kind):
        return "yes/no"
    if pa.types.is_null(kind):
        return "empty"
    return {"category": "text"}.get(role := role_of_type(kind) or "", role)


def values_of(cells: Cells) -> str:
    """Return the range of a column, or its most frequent values with their shares."""
    if not len(cells.there):
        return ""
    if cells.is_number or cells.is_date:
        ends = pc.min_max(cells.there).as_py()
        low, high = (f"{x:.6g}" if isinstance(x, float) else str(x) for x in ends.values())
        return low if low == high else f"{low} to {high}"
    if cells.n_distinct == len(cells.there) > MOST_LISTED:
        return f"such as {texts_of(cells.there.slice(0, 1))[0].as_py()}"
    counts = texts_of(cells.there).value_counts()
    pairs = zip(counts.field(0).to_pylist(), counts.field(1).to_pylist(), strict=True)
    some = sorted(pairs, key=lambda pair: (-pair[1], pair[0]))[:MOST_LISTED]
    return ", ".join(f"{text} ({n / len(cells.there):.0%})" for text, n in some)
