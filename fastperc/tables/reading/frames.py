"""Tables in memory: pandas and polars, pyarrow, and whatever speaks Arrow's PyCapsule interface."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import numpy as np
import pyarrow as pa

from ...errors import TableError
from .columnar import ColumnarSource
from .options import Options


class FrameSource(ColumnarSource):
    """A table that is in memory, and stays there as it is."""

    def __init__(self, name: str, table: pa.Table, options: Options):
        self._table = table
        super().__init__(name, name, table.schema, table.num_rows, table.nbytes, options)

    def _read(self, names: list[str]) -> Iterator[pa.RecordBatch]:
        yield from self._table.select(names).to_batches()


def is_frame(source: object) -> bool:
    """Return whether `table_of` takes it."""
    return hasattr(source, "__arrow_c_stream__") or hasattr(source, "__arrow_c_array__")


def table_of(source: object, drop: Collection[str] = ()) -> pa.Table:
    """Return a frame as a table of pyarrow's, without a copy where that is possible.

    Raises
    ------
    TableError
        If a column has values of different kinds.
    """
    if isinstance(source, pa.Table):
        return source
    if is_pandas(source):
        return _of_pandas(source, drop)
    if hasattr(source, "__arrow_c_stream__"):
        return pa.table(source)
    return pa.Table.from_batches([pa.record_batch(source)])


def is_pandas(source: object) -> bool:
    """Return whether it is a DataFrame of pandas, which need not be there."""
    return type(source).__module__.partition(".")[0] == "pandas"


def _of_pandas(frame: object, drop: Collection[str]) -> pa.Table:
    """Return a DataFrame as a table, null where pandas has NaN or None; the index stays behind.

    What is in columns that are left out does not matter, nor whether Arrow has a type for it.
    """
    names = [str(name) for name in frame.columns]  # type: ignore[attr-defined]
    columns = []
    for k, name in enumerate(names):
        series = frame.iloc[:, k]  # type: ignore[attr-defined]
        if name in drop:
            series = np.full(len(series), None)
        try:
            columns.append(pa.array(series, from_pandas=True))
        except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
            kinds = sorted({type(value).__name__ for value in series.dropna()})
            raise TableError(
                f"the values are of several kinds, {', '.join(kinds[:4])}; make them one with "
                f"astype, or leave the column out: drop=[{name!r}]",
                "the DataFrame",
                column=name,
            ) from error
    chunked = [c if isinstance(c, pa.ChunkedArray) else pa.chunked_array([c]) for c in columns]
    return pa.Table.from_arrays(chunked, names=names)
