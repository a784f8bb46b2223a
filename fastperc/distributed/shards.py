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

Collection: TypeAlias = Any  # an array or a frame of Dask, which come without types
Rows: TypeAlias = "tuple[Any, Any, Any]"
"""Of a shard: inputs; targets or None; weights or None. Arrays or frames."""


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


class Columns(NamedTuple):
    """Columns of a frame that are no inputs: names of targets, and the name of weights."""

    targets: list[str]
    weight: str | None


def shards_of(
    X: Collection,
    y: Collection = None,
    target: str | Sequence[str] | None = None,
    weight: Collection = None,
) -> list[Shard]:
    """Return the shards of data, one for each block of X or each row group.

    Parameters
    ----------
    X : dask.array.Array, dask.dataframe.DataFrame, or path
        A path names a Parquet file or a folder of them, taken in the order of their names.
    y : dask.array.Array, dask.dataframe.Series or DataFrame, optional
    target : str or sequence of str, optional
        The column, or columns, of the frame or of the files that stand in for y.
    weight : dask.array.Array, dask.dataframe.Series or str, optional
        Sample weights, or the column that has them.

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
    names = [] if target is None else [target] if isinstance(target, str) else [*target]
    columns = Columns(names, weight if isinstance(weight, str) else None)
    if isinstance(X, (str, os.PathLike)):
        if y is not None:
            raise ValueError("y: found one beside a path, expected target='COLUMN'")
        if weight is not None and not columns.weight:
            raise ValueError(
                "sample_weight: found an array beside a path, expected the name of a column"
            )
        return _of_parquet(Path(X), columns)
    if not hasattr(X, "to_delayed"):
        raise TypeError(
            f"X: found {type(X).__name__}, expected a Dask array, a Dask DataFrame or the path of "
            "Parquet files. What fits into memory is fitted by the estimator's own fit"
        )
    return _of_collections(X, y, None if columns.weight else weight, columns)


def _of_collections(
    X: Collection, y: Collection, weight: Collection, columns: Columns
) -> list[Shard]:
    from dask.delayed import delayed

    if hasattr(X, "rechunk"):
        if columns.targets:
            raise ValueError("target: found one with an array, which has no names. Give y")
        if columns.weight:
            raise ValueError(
                f"sample_weight: found {columns.weight!r} with an array, which has no names. Give "
                "a Dask array"
            )
        if X.ndim != 2:
            raise ValueError(f"X: found {X.ndim} dimensions, expected 2")
        X = X.rechunk({1: -1})
    inputs = _delayed(X)
    targets = _beside(X, y, "y", len(inputs))
    weights = _beside(X, weight, "sample_weight", len(inputs))
    together = delayed(_together, pure=True)
    return [
        Shard(f"shard {k}", together(*parts, columns))
        for k, parts in enumerate(zip(inputs, targets, weights, strict=True))
    ]


def _beside(X: Collection, other: Collection, name: str, n_parts: int) -> list[Any]:
    """Return the parts of y or of weights, for each of those of X."""
    if other is None:
        return [None] * n_parts
    if not hasattr(other, "to_delayed"):
        raise TypeError(
            f"{name}: found {type(other).__name__}, expected a Dask array or a Dask Series, as of X"
        )
    if hasattr(other, "rechunk"):
        other = _in_blocks_of(X, other, name)
    parts = _delayed(other)
    if len(parts) != n_parts:
        raise ValueError(
            f"{name}: found {len(parts)} partitions, expected {n_parts} as in X, with the same "
            "rows in each"
        )
    return parts


def _in_blocks_of(X: Collection, y: Collection, name: str) -> Collection:
    """Return the array y with blocks of the same rows as those of X."""
    chunks = X.chunks[0] if hasattr(X, "chunks") else ()
    is_known = len(chunks) and not np.isnan(chunks).any() and not np.isnan(y.chunks[0]).any()
    if is_known:
        if y.shape[0] != X.shape[0]:
            raise ValueError(f"{name}: found {y.shape[0]} rows, expected {X.shape[0]} as in X")
        y = y.rechunk({0: chunks})
    return y.rechunk({1: -1}) if y.ndim == 2 else y


def _delayed(collection: Collection) -> list[Any]:
    return np.ravel(collection.to_delayed()).tolist()


def _together(X: Collection, y: Collection, weight: Collection, columns: Columns) -> Rows:
    """Return inputs, targets and weights of one shard."""
    X, *named = _split(X, columns)
    found = [named[0] if y is None else y, named[1] if weight is None else weight]
    for name, other in zip(("y", "sample_weight"), found, strict=True):
        if other is not None and len(X) != len(other):
            raise ValueError(
                f"found {len(X)} rows of X and {len(other)} of {name}, expected the same"
            )
    return X, found[0], found[1]


def _split(frame: Any, columns: Columns) -> Rows:
    """Return a frame without the columns of targets and weights, and these."""
    names, weight = columns
    others = names + ([weight] if weight else [])
    if not others:
        return frame, None, None
    missing = [name for name in others if name not in frame.columns]
    if missing:
        what = "target" if missing[0] in names else "sample_weight"
        raise ValueError(f"{what}: found no column {missing[0]!r}")
    targets = None if not names else frame[names[0]] if len(names) == 1 else frame[names]
    return frame.drop(columns=others), targets, frame[weight] if weight else None


def _of_parquet(path: Path, columns: Columns) -> list[Shard]:
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


def read_group(file: str, group: int, columns: Columns) -> Rows:
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
    return _split(frame, columns)
