"""Fixed shards of data: the blocks of Dask arrays and frames, or the row groups of Parquet files.

Which rows make a shard depends on the data alone, never on the workers.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from ..errors import DataError
from ..optional import require

if TYPE_CHECKING:
    from dask.delayed import Delayed

Rows: TypeAlias = "tuple[Any, Any]"  # of a shard: inputs, and targets or None; arrays or frames


class Shard(NamedTuple):
    """Rows that one task works on.

    Attributes
    ----------
    name : str
    rows : Delayed
        Of `Rows`.
    """

    name: str
    rows: Delayed


def shards_of(X: Any, y: Any = None, target: str | Sequence[str] | None = None) -> list[Shard]:
    """Return the shards of data, one for each block of X or each row group.

    Parameters
    ----------
    X : dask.array.Array, dask.dataframe.DataFrame, or path
        A path names a Parquet file or a folder of them, taken in the order of their names.
    y : dask.array.Array, dask.dataframe.Series or DataFrame, optional
    target : str or sequence of str, optional
        The column, or columns, of the frame or of the files that stand in for y.

    Returns
    -------
    list of Shard

    Raises
    ------
    TypeError, ValueError
        For other data, and where X and y do not fit each other.
    DataError
        Where there are no Parquet files.

    Examples
    --------
    >>> import dask.array as da
    >>> [shard.name for shard in shards_of(da.ones((5, 2), chunks=(3, 2)), da.ones(5, chunks=3))]
    ['shard 0', 'shard 1']
    """
    require("distributed", extra="dask")
    if y is not None and target is not None:
        raise ValueError("target: found one beside y, expected one of them")
    columns = None if target is None else [target] if isinstance(target, str) else [*target]
    if isinstance(X, (str, os.PathLike)):
        if y is not None:
            raise ValueError("y: found one beside a path, expected target='COLUMN'")
        return _of_parquet(Path(X), columns)
    if not hasattr(X, "to_delayed"):
        raise TypeError(
            f"X: found {type(X).__name__}, expected a Dask array, a Dask DataFrame or the path of "
            "Parquet files. What fits into memory is fitted by the estimator's own fit"
        )
    return _of_collections(X, y, columns)


def _of_collections(X: Any, y: Any, columns: list[str] | None) -> list[Shard]:
    from dask.delayed import delayed

    if hasattr(X, "rechunk"):
        if columns is not None:
            raise ValueError("target: found one with an array, which has no names. Give y")
        if X.ndim != 2:
            raise ValueError(f"X: found {X.ndim} dimensions, expected 2")
        X = X.rechunk({1: -1})
    if hasattr(y, "rechunk"):
        y = _in_blocks_of(X, y)
    inputs = _delayed(X)
    targets = [None] * len(inputs) if y is None else _delayed(y)
    if len(inputs) != len(targets):
        raise ValueError(
            f"y: found {len(targets)} partitions, expected {len(inputs)} as in X, with the same "
            "rows in each"
        )
    pair = delayed(_pair, pure=True)
    return [
        Shard(f"shard {k}", pair(*both, columns))
        for k, both in enumerate(zip(inputs, targets, strict=True))
    ]


def _in_blocks_of(X: Any, y: Any) -> Any:
    """Return the array y with blocks of the same rows as those of X."""
    chunks = X.chunks[0] if hasattr(X, "chunks") else ()
    is_known = len(chunks) and not np.isnan(chunks).any() and not np.isnan(y.chunks[0]).any()
    if is_known:
        if y.shape[0] != X.shape[0]:
            raise ValueError(f"y: found {y.shape[0]} rows, expected {X.shape[0]} as in X")
        y = y.rechunk({0: chunks})
    return y.rechunk({1: -1}) if y.ndim == 2 else y


def _delayed(collection: Any) -> list[Any]:
    return np.ravel(collection.to_delayed()).tolist()


def _pair(X: Any, y: Any, columns: list[str] | None) -> Rows:
    """Return inputs and targets of one shard."""
    if columns is not None:
        return _split(X, columns)
    if y is not None and len(X) != len(y):
        raise ValueError(f"found {len(X)} rows of X and {len(y)} of y, expected the same")
    return X, y


def _split(frame: Any, columns: list[str]) -> Rows:
    """Return a frame without the columns of the targets, and these."""
    missing = [name for name in columns if name not in frame.columns]
    if missing:
        raise ValueError(f"target: found no column {missing[0]!r}")
    targets = frame[columns[0]] if len(columns) == 1 else frame[columns]
    return frame.drop(columns=columns), targets


def _of_parquet(path: Path, columns: list[str] | None) -> list[Shard]:
    from dask.delayed import delayed

    parquet = require("pyarrow.parquet", extra="dask")
    files = sorted(path.glob("*.parquet")) if path.is_dir() else [path]
    if not files or not files[0].exists():
        raise DataError(f"{path}: found no Parquet file there, expected one or more *.parquet")
    read = delayed(read_group, pure=True)
    return [
        Shard(f"{file.name}, row group {k}", read(str(file.absolute()), k, columns))
        for file in files
        for k in range(parquet.read_metadata(file).num_row_groups)
    ]


def read_group(file: str, group: int, columns: list[str] | None) -> Rows:
    """Read one row group, on a worker."""
    import pyarrow
    import pyarrow.parquet as parquet

    # No threads, and no map of the file, whose pages would count as the worker's memory. Columns
    # are not copied where they need not be, and what Arrow has no use for is given back at once.
    with parquet.ParquetFile(file, memory_map=False) as opened:
        table = opened.read_row_group(group, use_threads=False)
        frame = table.to_pandas(split_blocks=True, self_destruct=True)
    del table
    pyarrow.default_memory_pool().release_unused()
    return (frame, None) if columns is None else _split(frame, columns)
