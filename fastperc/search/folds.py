"""The parts of a split, as networks see them: behind the steps of a pipeline, fitted once."""

from __future__ import annotations

import time
from typing import NamedTuple

import numpy as np
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import _num_samples


class Data(NamedTuple):
    """What a search was given."""

    X: object
    y: object
    sample_weight: np.ndarray | None


class Part(NamedTuple):
    """Some of the samples.

    Attributes
    ----------
    X, y, weight
        As they were given.
    inputs
        X as the network sees it; None where that cannot be computed.
    """

    X: object
    y: object
    weight: np.ndarray | None
    inputs: object

    @property
    def n_samples(self) -> int:
        """How many samples there are."""
        return int(_num_samples(self.X))


class Fold:
    """A split, for candidates that have the same steps before the network.

    Attributes
    ----------
    X, y, rows, weight
        What networks are fitted to: all of the data and the rows to learn from, or, behind steps,
        their outputs for these rows and None.
    steps : Pipeline or None
        Fitted.
    error : Exception or None
        What fitting them raised.
    seconds : float
        What fitting them took.
    """

    def __init__(self, data: Data, train: np.ndarray, test: np.ndarray, steps: Pipeline | None):
        self.data, self.train, self.test = data, train, test
        self.steps = steps
        self.error: Exception | None = None
        self.X, self.y, self.weight = data
        self.rows: np.ndarray | None = train
        begin = time.perf_counter()
        if steps is not None:
            self._fit(clone(steps))
        self.seconds = time.perf_counter() - begin

    def _fit(self, steps: Pipeline) -> None:
        part = self._part(self.train)
        self.steps, self.rows = steps, None
        self.y, self.weight = part.y, part.weight
        try:
            self.X = steps.fit_transform(part.X, part.y)
        except Exception as error:
            self.error = error

    def _part(self, rows: np.ndarray) -> Part:
        X, y, weight = self.data
        X = _safe_indexing(X, rows)
        return Part(X, _safe_indexing(y, rows), None if weight is None else weight[rows], X)

    @property
    def test_part(self) -> Part:
        """The samples that are held out."""
        part = self._part(self.test)
        if self.steps is None:
            return part
        try:
            return part._replace(inputs=self.steps.transform(part.X))
        except Exception:  # which scoring the whole pipeline will raise again
            return part._replace(inputs=None)

    @property
    def train_part(self) -> Part:
        """The samples that are learned from."""
        part = self._part(self.train)
        return part if self.steps is None else part._replace(inputs=self.steps.transform(part.X))
