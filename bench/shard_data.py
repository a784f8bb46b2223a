"""Real data for one model on shards: read, encoded, and written as shards for workers to read."""

import csv
import gzip
import os
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import dask.array as da
import numpy as np
from dask.delayed import delayed


class Problem(NamedTuple):
    """Samples and class numbers to train on, and others to test on."""

    X: np.ndarray
    y: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray

    def first(self, n):
        """Return the problem with fewer samples to train on."""
        return self._replace(X=self.X[:n], y=self.y[:n])

    def shuffled(self):
        """Return the problem with samples to train on in any order."""
        order = np.random.default_rng(0).permutation(len(self.y))
        return self._replace(X=self.X[order], y=self.y[order])

    def by_class(self):
        """Return the problem with the samples of each class side by side."""
        order = np.argsort(self.y, kind="stable")
        return self._replace(X=self.X[order], y=self.y[order])


def folder():
    """Return the folder of data sets that FASTPERC_DATA names."""
    if not os.environ.get("FASTPERC_DATA"):
        raise SystemExit("FASTPERC_DATA: found none, expected the folder of data sets")
    return Path(os.environ["FASTPERC_DATA"])


def fashion():
    """Return Fashion-MNIST: 784 pixels from 0 to 1, 10 classes, 60,000 and 10,000 samples."""
    arrays = []
    for part in ("train", "t10k"):
        pixels = _idx(f"{part}-images-idx3")
        arrays.append((pixels.reshape(len(pixels), -1) / 255).astype(np.float32))
        arrays.append(_idx(f"{part}-labels-idx1").astype(np.int64))
    return Problem(*arrays)


def _idx(name):
    with gzip.open(folder() / f"fashion-mnist-{name}-ubyte.gz") as file:
        content = file.read()
    shape = np.frombuffer(content, ">i4", content[3], offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * len(shape)).reshape(shape)


def adult():
    """Return Adult: numbers standardised, names one-hot by what the training part has."""
    train, test = (_table(f"adult_{part}.csv.gz") for part in ("train", "test"))
    columns = [_encoded(train[name], test[name]) for name in train if name != "income"]
    X, X_test = (np.hstack(side).astype(np.float32) for side in zip(*columns, strict=True))
    y, y_test = (np.array([v.startswith(">") for v in t["income"]], int) for t in (train, test))
    return Problem(X, y, X_test, y_test)


def _table(name):
    with gzip.open(folder() / name, "rt") as file:
        rows = [*csv.DictReader(file)]
    return {column: np.array([row[column] for row in rows]) for column in rows[0]}


def _encoded(train, test):
    """Return one column of the table as columns of numbers, of both parts."""
    try:
        train, test = train.astype(float), test.astype(float)
    except ValueError:
        names = np.unique(train)
        return [(values[:, None] == names).astype(float) for values in (train, test)]
    return [((values - train.mean()) / train.std())[:, None] for values in (train, test)]


class Stored:
    """A problem's samples in files, which workers read a shard at a time.

    Parameters
    ----------
    problem : Problem
    folder : Path
    """

    def __init__(self, problem, folder):
        self.shape = problem.X.shape
        self.paths = [str(folder / name) for name in ("X.npy", "y.npy")]
        for path, values in zip(self.paths, (problem.X, problem.y), strict=True):
            np.save(path, values)

    def shards(self, n_shards):
        """Return Dask arrays X and y in that many blocks."""
        cuts = np.linspace(0, self.shape[0], n_shards + 1).astype(int).tolist()
        X, y = (
            da.concatenate([
                da.from_delayed(delayed(_rows)(path, a, b), (b - a, *width), dtype)
                for a, b in pairwise(cuts)
            ])
            for path, width, dtype in zip(
                self.paths, (self.shape[1:], ()), (np.float32, np.int64), strict=True
            )
        )  # fmt: skip
        return X, y


def _rows(path, first, last):
    return np.array(np.load(path, mmap_mode="r")[first:last])
