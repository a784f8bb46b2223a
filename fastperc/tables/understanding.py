"""`understand`: what is to be predicted from what, and what the user should know of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..errors import TableError, shown
from .arrow import is_text, numbers_of, texts_of
from .columns import TASKS, USED, Column, Understanding
from .reading import Source
from .reading.source import check_there
from .roles import FEW_VALUES, Cells, role_of

MOST_CLASSES = 20  # of whole numbers that are taken for classes
ROWS_OF_A_CLASS = 5  # in the mean
MOST_LABELS = 1000
RARE = 0.05  # part of the rows, of a class
LISTED = 8
SAME = "it says the same as the target"
LARGEST, SMALLEST = 1e30, 1e-30  # numbers that a network can be made to give


def understand(
    source: Source,
    target: str | None = None,
    *,
    task: str | None = None,
    numeric: Collection[str] = (),
    categorical: Collection[str] = (),
    drop: Collection[str] = (),
    weight: str | None = None,
    group: str | None = None,
    missing: str = "error",
    table: pa.Table | None = None,
    n_missing: Mapping[str, int] | None = None,
) -> Understanding:
    """Find out what the columns of a table are, and what there is to predict.

    Parameters
    ----------
    source : Source
    target : str
        The column to predict.
    task : {"regression", "binary", "multiclass"}, optional
        By default text, true or false, and whole numbers of few values are classes.
    numeric, categorical, drop : collection of str
        Columns that are what the user says.
    weight, group : str, optional
        The columns of sample weights, and of groups that are not to be torn apart.
    missing : {"error", "drop", "mean", "indicator"}
        Kept in the result; missing cells are counted here, and refused by `train`.
    table : pyarrow.Table, optional
        The rows to go by, if these are not all.
    n_missing : mapping of str to int, optional
        Cells of all rows without a value, by column; by default those of the table.

    Returns
    -------
    Understanding

    Raises
    ------
    TableError
        If a column is not there, or nothing can be learned from the target.
    """
    names = source.names
    if target is None:
        raise TableError(
            f"say which column to predict: --target NAME. There are {listed(names)}", source.name
        )
    asked = (target, weight, group, *numeric, *categorical)
    check_there((name for name in asked if name is not None), names, source.name)
    table = source.read() if table is None else table
    special = {target: "target", weight: "weight", group: "group"}
    told = {**dict.fromkeys(numeric, "number"), **dict.fromkeys(categorical, "category")}
    cells = {name: Cells(name, table[name]) for name in names}
    if task is None and target in told:
        task = "regression" if told[target] == "number" else "multiclass"
    kind = task_of(cells[target], task, source)
    columns = []
    for name in names:
        if name in special:
            column = cells[name].as_role(special[name], "")
        elif name in told:
            column = cells[name].as_role(told[name], "as you say")
        else:
            column = role_of(cells[name])
            if column.role in ("number", "category") and repeats(cells[target], cells[name], kind):
                column = replace(column, role="dropped", why=SAME)
        if n_missing is not None:
            column = replace(column, n_missing=n_missing[name])
        columns.append(column)
    if not any(column.role in USED for column in columns):  # rather this than nothing
        columns = [role_of(cells[column.name]) if column.why == SAME else column
                   for column in columns]  # fmt: skip
    columns += [Column(name, "dropped", "as you say") for name in drop if name not in cells]
    classes, counts = ((), ()) if kind == "regression" else classes_of(cells[target])
    n_rows = table.num_rows if source.n_rows is None else source.n_rows
    found = Understanding(
        source.name, n_rows, target, kind, tuple(columns), missing, classes, counts
    )
    if not found.inputs:
        left = _left_out(found)
        raise source.error(
            f"there is no column to predict {shown(target)} from" + (f". {left}" if left else "")
        )
    found.stated[:] = [*source.stated, *sentences(found, cells)]
    found.warnings[:] = warnings_of(found, cells)
    return found


# --- the target ----------------------------------------------------------------------------------


def task_of(cells: Cells, task: str | None, source: Source) -> str:
    """Return the task that a target sets, or raise TableError if it is none."""
    n, there = cells.n_distinct, len(cells.there)
    wrong = lambda message: TableError(message, source.name, column=cells.name)  # noqa: E731
    if not there:
        raise wrong("the target has no value in any row")
    if n == 1:
        value = str(texts_of(cells.there)[0].as_py())
        raise wrong(f"the target is always {shown(value, 40)}: there is nothing to learn")
    if cells.is_date:
        raise wrong("the target is a date, which cannot be predicted: store it as a number of days")
    if task is None:
        task = _likely(cells)
    if task not in TASKS:
        raise ValueError(f"task: found {task!r}, expected one of {', '.join(TASKS)}")
    if task == "regression":
        if not cells.is_number:
            raise wrong(
                "the target of a regression is a number, and this is none: leave out --task"
            )
        largest = np.abs(numbers_of(cells.there)).max()
        if not SMALLEST < largest < LARGEST:
            raise wrong(
                f"the target has numbers as large as {largest:.2g}, expected at least "
                f"{SMALLEST:g} and at most {LARGEST:g}: store it in another unit"
            )
        return task
    if task == "binary" and n != 2:
        raise wrong(f"the target has {n:,} different values, expected 2: leave out --task")
    if cells.is_number and not cells.is_whole and n > MOST_CLASSES:
        raise wrong("the target has numbers with decimals, which are no classes: leave out --task")
    if n > MOST_LABELS or (n > 2 and 2 * n > there):
        raise wrong(
            f"the target has {n:,} different values in {there:,} rows, too many for classes: "
            "each should come several times. If it is a number, say --numeric"
        )
    return "binary" if n == 2 else "multiclass"


def _likely(cells: Cells) -> str:
    """Return the task that nobody has said."""
    n, there = cells.n_distinct, len(cells.there)
    if not cells.is_number:
        return "multiclass"
    few = n == 2 or (n <= MOST_CLASSES and there >= ROWS_OF_A_CLASS * n)
    return "multiclass" if few and cells.is_whole else "regression"


def labels_of(column: pa.ChunkedArray) -> np.ndarray:
    """Return the labels of a target: texts, whole numbers, or True and False."""
    if is_text(column):
        return np.array(column.to_pylist(), str)
    if pa.types.is_boolean(column.type):
        return column.to_numpy()
    numbers = numbers_of(column)
    is_whole = (numbers == np.round(numbers)).all()
    return numbers.astype(np.int64) if is_whole else numbers


def classes_of(cells: Cells) -> tuple[tuple[object, ...], tuple[int, ...]]:
    """Return the classes of a target in ascending order, and how many rows each has."""
    classes, counts = np.unique(labels_of(cells.there), return_counts=True)
    return tuple(classes.tolist()), tuple(counts.tolist())


def repeats(target: Cells, other: Cells, task: str) -> bool:
    """Return whether a column says the same as the target, so that it cannot be known before."""
    both = pc.and_(pc.is_valid(target.column), pc.is_valid(other.column))
    n = pc.sum(both).as_py() or 0
    if n < max(10, 0.9 * len(target.there)):
        return False
    one, two = target.column.filter(both), other.column.filter(both)
    if task == "regression":
        if not other.is_number:
            return False
        pair = np.array([numbers_of(one), numbers_of(two)])
        if (pair.min(axis=1) == pair.max(axis=1)).any():
            return False
        pair /= np.abs(pair).max(axis=1, keepdims=True)
        return bool(abs(np.corrcoef(pair)[0, 1]) > 1 - 1e-9)
    if target.n_distinct != other.n_distinct:
        return False
    codes = [part.combine_chunks().dictionary_encode().indices.to_numpy() for part in (one, two)]
    pairs = np.unique(codes[0].astype(np.int64) * target.n_distinct + codes[1])
    return len(pairs) == target.n_distinct


# --- sentences -----------------------------------------------------------------------------------


def sentences(found: Understanding, cells: Mapping[str, Cells]) -> list[str]:
    """Return what was understood, in sentences, with how to say otherwise."""
    lines = [_of_target(found, cells[found.target])]
    for role, word in (("number", "Numbers"), ("category", "Categories"), ("date", "Dates")):
        names = found.of(role)
        if names:
            lines.append(f"{word}: {listed(names)}")
    left = _left_out(found)
    if left:
        lines.append(left)
    lacking = [c for c in found.columns if c.role in USED and c.n_missing]
    n = sum(column.n_missing for column in lacking)
    if n:
        some = [f"{column.name} ({column.n_missing:,})" for column in lacking]
        lines.append(f"Without a value: {n:,} cells, of {listed(some)}; --missing {found.missing}")
    n = cells[found.target].n_missing
    if n:
        lines.append(f"Left out: {n:,} rows whose target has no value")
    return lines


def warnings_of(found: Understanding, cells: Mapping[str, Cells]) -> list[str]:
    """Return what may be a mistake, in sentences."""
    lines = []
    codes = [name for name in found.of("number") if cells[name].may_be_code]
    if codes:
        lines.append(
            f"Whole numbers of at most {FEW_VALUES} values: {listed(codes)}; if they are codes, "
            f"say --categorical {codes[0]}"
        )
    for column in found.columns:
        if column.role == "dropped" and column.why == SAME:
            as_what = "numeric" if cells[column.name].is_number else "categorical"
            lines.append(
                f"{column.name!r} says the same as the target, and was left out; to keep it, say "
                f"--{as_what} {column.name}"
            )
    if found.is_classification:
        lines += _of_classes(found)
    return lines


def _of_target(found: Understanding, cells: Cells) -> str:
    name = found.target
    if not found.is_classification:
        numbers = numbers_of(cells.there)
        return (
            f"Target {name!r}: a number from {numbers.min():.4g} to {numbers.max():.4g}, "
            f"mean {numbers.mean():.4g}"
        )
    total = sum(found.class_counts)
    order = np.argsort(found.class_counts)[::-1][:4]
    some = [f"{found.classes[k]!s:.30} ({found.class_counts[k] / total:.0%})" for k in order]
    more = f" and {len(found.classes) - 4} more" if len(found.classes) > 4 else ""
    hint = "; if it is a quantity, say --task regression" if cells.is_number and (
        len(found.classes) > 2) else ""  # fmt: skip
    return f"Target {name!r}: {len(found.classes)} classes, {', '.join(some)}{more}{hint}"


def _of_classes(found: Understanding) -> list[str]:
    lines, total = [], sum(found.class_counts)
    k = int(np.argmin(found.class_counts))
    part = found.class_counts[k] / total
    if part < RARE and part < 0.5 / len(found.classes):
        lines.append(
            f"Class {found.classes[k]!s:.30} has {found.class_counts[k]:,} of {total:,} rows; to "
            "let rare classes count as much as others, say --class-weight balanced"
        )
    if all(isinstance(label, str) and label.endswith(".") for label in found.classes):
        lines.append(
            f"All labels end in a full stop, such as {found.classes[0]!r:.40}: those of other "
            "tables may not"
        )
    return lines


def _left_out(found: Understanding) -> str:
    words = [f"{column.name} ({column.why})" for column in found.columns
             if column.role in ("text", "identifier", "constant", "dropped")]  # fmt: skip
    return f"Left out: {listed(words)}" if words else ""


def listed(names: Sequence[str]) -> str:
    """Return names with commas between; of many, the first and how many more there are."""
    some = ", ".join(names[:LISTED])
    return some if len(names) <= LISTED else f"{some} and {len(names) - LISTED} more"
