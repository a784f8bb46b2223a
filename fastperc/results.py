"""The results of many networks: a row for each."""

from __future__ import annotations

import numbers
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, overload

import numpy as np

from .optional import require

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from pandas import DataFrame

    from .plots import Axes

SHOWN = 8  # rows of a representation
MOST_POINTS = 1000  # of a curve
WIDEST = 24  # characters of a text in it


class ResultsTable:
    """Hold the results of many networks: a row for each, and perhaps their learning curves.

    A column is read by its name, ``table["loss"]``, or as an attribute where nothing else has that
    name, ``table.loss``. ``table[3]`` is a row; slices, masks and arrays of numbers select a table.

    Parameters
    ----------
    columns : mapping of str to sequence of length n_networks
        Numbers, text or booleans become columns of that type, anything else one of objects.
    curves : mapping of str to array of shape (n_epochs, n_networks), optional
        A column for each network, NaN after its end.
    score : str
        The column that networks are judged by. The lowest is best if its name has ``loss`` or
        ``error`` in it, the highest otherwise.
    parameters : sequence of str
        The columns that the score is shown against.

    Attributes
    ----------
    records : recarray of shape (n_networks,)
    curves : dict of str to float64 array of shape (n_epochs, n_networks)
    score : str
    parameters : tuple of str

    Raises
    ------
    ValueError
        If columns or curves have different numbers of networks, or a name is no column's.

    Examples
    --------
    >>> table = ResultsTable({"lr": [0.1, 0.5, 2.0], "loss": [0.3, 0.02, 0.7]}, parameters=["lr"])
    >>> table.sort()
    ResultsTable of 3 networks
     lr  loss
    0.5  0.02
    0.1   0.3
      2   0.7
    >>> table[table["loss"] < 0.5].lr.tolist()
    [0.1, 0.5]
    """

    def __init__(
        self,
        columns: Mapping[str, Sequence[object] | np.ndarray],
        curves: Mapping[str, ArrayLike] | None = None,
        score: str = "loss",
        parameters: Sequence[str] = (),
    ):
        self.records = _records({name: _column(name, each) for name, each in columns.items()})
        self.curves = {
            name: _curve(name, curve, len(self)) for name, curve in (curves or {}).items()
        }
        self.score, self.parameters = score, tuple(parameters)
        for name in (score, *self.parameters):
            self._check_column(name, "score" if name == score else "parameters")

    @property
    def columns(self) -> list[str]:
        """The names of the columns."""
        return list(self.records.dtype.names or ())

    @property
    def lowest_is_best(self) -> bool:
        """Whether a low score is a good one."""
        return "loss" in self.score or "error" in self.score

    def __len__(self) -> int:
        return len(self.records)

    def __iter__(self) -> Iterator[np.record]:
        return iter(self.records)

    @overload
    def __getitem__(self, key: str) -> np.ndarray: ...
    @overload
    def __getitem__(self, key: int | np.integer) -> np.record: ...
    @overload
    def __getitem__(self, key: slice | Sequence[int] | np.ndarray) -> ResultsTable: ...
    def __getitem__(
        self, key: str | int | np.integer | slice | Sequence[int] | np.ndarray
    ) -> np.ndarray | np.record | ResultsTable:
        """Return a column, a row, or a table of some rows."""
        if isinstance(key, str):
            self._check_column(key, "column")
            return self.records[key]
        if isinstance(key, int | np.integer):
            return self.records[key]
        if not isinstance(key, slice):
            key = _check_rows(np.asarray(key))
        columns = {name: self.records[name][key] for name in self.columns}
        curves = {name: curve[:, key] for name, curve in self.curves.items()}
        return ResultsTable(columns, curves, self.score, self.parameters)

    def __getattr__(self, name: str) -> np.ndarray:
        # A table that is being copied has no records yet, and would look for them for ever.
        if "records" not in self.__dict__ or name not in self.columns:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return self.records[name]

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self.columns]

    def sort(self, by: str | None = None, *, descending: bool | None = None) -> ResultsTable:
        """Return a sorted table; equal rows stay in their order, NaN comes last.

        Parameters
        ----------
        by : str, optional
            A column; by default the score, the best first.
        descending : bool, optional
            Whether the highest comes first; by default only for a score that is to be high.

        Raises
        ------
        ValueError
            If there is no such column, or its values cannot be compared.
        """
        if descending is None:
            descending = by is None and not self.lowest_is_best
        name = self.score if by is None else by
        values = self[name]
        try:
            rank = np.unique(values, return_inverse=True)[1]
        except TypeError:
            raise ValueError(
                f"by: found column {name!r}, whose values cannot be compared, expected numbers or "
                "text. Sort by another one"
            ) from None
        if descending:
            missing = values != values  # NaN
            rank = np.where(missing, len(self), -rank)
        return self[np.argsort(rank, kind="stable")]

    def to_frame(self) -> DataFrame:
        """Return the columns as a pandas DataFrame; the curves are left out."""
        pandas = require("pandas", extra="frames")
        return pandas.DataFrame({name: self.records[name] for name in self.columns})

    def plot(self, title: str = "") -> Axes:
        """Draw the curves, and the score against each parameter; see `plots.plot_results`."""
        from .plots import plot_results

        return plot_results(self, title)

    def __repr__(self) -> str:
        n = len(self)
        lines = [f"ResultsTable of {n:,} network{'s' * (n != 1)}"]
        columns = [_texts(name, self.records[name][:SHOWN]) for name in self.columns]
        lines += ["  ".join(row).rstrip() for row in zip(*columns, strict=True)]
        return "\n".join(lines + [f"... and {n - SHOWN:,} more"] * (n > SHOWN))

    def _check_column(self, name: str, argument: str) -> None:
        if name not in self.columns:
            raise ValueError(
                f"{argument}: found {name!r}, expected one of {', '.join(self.columns)}"
            )


def _records(columns: dict[str, np.ndarray]) -> np.recarray:
    """Return the columns as one record array."""
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) != 1:
        found = ", ".join(f"{name} of {n}" for name, n in lengths.items()) or "none"
        raise ValueError(f"columns: found {found}, expected at least one, all of one length")
    dtype = np.dtype([(name, column.dtype) for name, column in columns.items()])
    records = np.recarray(next(iter(lengths.values())), dtype)
    for name, column in columns.items():
        records[name] = column
    return records


def _column(name: str, values: Sequence[object] | np.ndarray) -> np.ndarray:
    """Return a column of numbers, booleans or text where all its values are, else of objects."""
    if isinstance(values, np.ndarray) and values.ndim != 1:
        raise ValueError(
            f"columns: found {name} of shape {values.shape}, expected (n_networks,). "
            "Give curves as curves"
        )
    if isinstance(values, np.ndarray) and values.dtype.kind in "biuf":
        return values
    items = list(values)
    types = ((str, str), (bool | np.bool_, bool), (numbers.Integral, int), (numbers.Real, float))
    for kind, dtype in types:
        if items and all(isinstance(item, kind) for item in items):
            return _typed(items, dtype)
    column: np.ndarray = np.empty(len(items), object)
    for i, item in enumerate(items):  # at once, NumPy would look into tuples of one length
        column[i] = item
    return column


def _typed(items: list[object], dtype: type) -> np.ndarray:
    try:
        column: np.ndarray = np.array(items, dtype)
    except OverflowError:  # an int beyond 64 bits, such as a seed
        return np.array(items, object)
    return column.astype("U1") if column.dtype == "U0" else column


def _curve(name: str, curve: ArrayLike, n: int) -> np.ndarray:
    curve = np.asarray(curve, np.float64)
    if curve.ndim != 2 or curve.shape[1] != n:
        raise ValueError(
            f"curves: found {name} of shape {curve.shape}, expected (n_epochs, {n}), a column for "
            "each network"
        )
    return curve


def _check_rows(rows: np.ndarray) -> np.ndarray:
    """Return which rows to take, if it is a mask or numbers."""
    if rows.size == 0 and rows.dtype != bool:
        rows = rows.astype(np.intp)
    if rows.ndim != 1 or rows.dtype.kind not in "biu":
        raise TypeError(
            f"rows: found {rows.dtype} of shape {rows.shape}, expected a column's name, a number, "
            "a slice, a mask or an array of numbers"
        )
    return rows


def _texts(name: str, values: np.ndarray) -> list[str]:
    """Return a column's name and values, as wide as the widest; numbers end below each other."""
    texts = [name, *map(_text, values.tolist())]
    width = max(map(len, texts))
    align = ">" if values.dtype.kind in "iuf" else "<"
    return [f"{text:{align}{width}}" for text in texts]


def _text(value: object) -> str:
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return text if len(text) <= WIDEST else f"{text[: WIDEST - 3]}..."


@dataclass(frozen=True)
class ProgressiveScore:
    """How well a model predicted rows before it learned them.

    Attributes
    ----------
    metric : str
    score : float
        Over all rows.
    curve : ndarray of shape (n_points, 2)
        Rows seen, and the score over these.
    """

    metric: str
    score: float
    curve: np.ndarray

    @classmethod
    def of(cls, metric: str, values: np.ndarray, targets: np.ndarray) -> ProgressiveScore:
        """Make it of each row's part: what is averaged, or for r2 squared errors."""
        n = np.arange(1, len(values) + 1)
        means = np.cumsum(values) / n
        if metric == "r2":
            y = targets.astype(np.float64) - float(np.mean(targets))
            spread = np.cumsum(y * y) / n - (np.cumsum(y) / n) ** 2
            with np.errstate(divide="ignore", invalid="ignore"):
                means = 1.0 - means / spread
        at = np.unique(np.linspace(0, len(n) - 1, min(len(n), MOST_POINTS)).astype(np.intp))
        return cls(metric, float(means[-1]), np.column_stack([n[at], means[at]]))

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the curve; see `plots.plot_progressive`."""
        from .plots import plot_progressive

        return plot_progressive(self, ax=ax)
