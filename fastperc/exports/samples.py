"""Samples from a file, for trying an export on them."""

from __future__ import annotations

import csv
import os

import numpy as np

from ..errors import DataError


def read_samples(path: str | os.PathLike, n_features: int, dtype: np.dtype) -> np.ndarray:
    """Read inputs from a ``.npy`` file, or from a table with commas, with or without a heading.

    Raises
    ------
    DataError
        If these are not rows of ``n_features`` finite numbers; the message names file and line.
    """
    name = os.fspath(path)
    X = _read_npy(name) if name.lower().endswith(".npy") else _read_table(name)
    if X.ndim != 2 or X.shape[1] != n_features or not len(X):
        raise DataError(
            f"{name}: found numbers of shape {X.shape}, expected (n_samples, {n_features}), the "
            "features of the model. Leave out columns of targets"
        )
    if not np.isfinite(X).all():
        line = int(np.argmin(np.isfinite(X).all(axis=1)))
        raise DataError(f"{name}: sample {line} (from 0) has numbers that are infinite or NaN")
    return X.astype(dtype)


def _read_npy(name: str) -> np.ndarray:
    try:
        X = np.load(name, allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise DataError(f"{name}: found no array that NumPy can read ({error})") from error
    if not isinstance(X, np.ndarray) or X.dtype.kind not in "fiub":
        raise DataError(f"{name}: found no array of numbers. Save one with numpy.save")
    return X.astype(np.float64)


def _read_table(name: str) -> np.ndarray:
    rows: list[list[float]] = []
    try:
        with open(name, newline="", encoding="utf-8-sig") as file:
            for number, cells in enumerate(csv.reader(file), 1):
                row = _numbers(cells, number, name)
                if rows and row and len(row) != len(rows[0]):
                    raise DataError(
                        f"{name}, line {number}: found {len(row)} cells, expected {len(rows[0])}"
                    )
                rows += [row] if row else []
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{name}: found no text with commas ({error})") from error
    return np.array(rows, np.float64)


def _numbers(cells: list[str], number: int, name: str) -> list[float]:
    """Return a line's numbers; none of the first line, if it is a heading."""
    try:
        return [float(cell) for cell in cells]
    except ValueError:
        if number == 1:
            return []
        raise DataError(f"{name}, line {number}: found a cell that is no number") from None
