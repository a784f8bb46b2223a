"""Intervals by the bootstrap for scores that are functions of sums over rows.

R^2, mean errors, accuracies and the log loss need of a resample only how large some sums are. Up to
`BLOCKS` rows are drawn one by one; more are first put into so many blocks at random, and blocks are
drawn: their sums vary as those of rows do, and a thousand resamples cost no more than a few.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

BLOCKS = 2000
RESAMPLES = 1000
COVERAGE = 0.95

Sums = dict[str, np.ndarray]
Scores = Mapping[str, Callable[[Sums], np.ndarray]]


@dataclass(frozen=True)
class Score:
    """How good predictions are.

    Attributes
    ----------
    name : str
        Such as "R2".
    value : float
        NaN where it is not defined, such as the R^2 of a target that is always the same.
    low, high : float
        The ends of the interval: 95 % of the resamples lie between.
    """

    name: str
    value: float
    low: float
    high: float


class Terms:
    """What each row adds to the sums that scores are made of.

    Parameters
    ----------
    n_rows : int
    """

    def __init__(self, n_rows: int):
        self.n_rows = n_rows
        self._rows: dict[str, np.ndarray] = {}
        self._of_class: dict[str, tuple[np.ndarray, np.ndarray, int]] = {}

    def add(self, name: str, values: np.ndarray) -> None:
        """Add a number for each row."""
        self._rows[name] = np.asarray(values, np.float64)

    def add_by_class(self, name: str, values: np.ndarray, codes: np.ndarray, n: int) -> None:
        """Add a number for each row to the sum of its class, of ``n``."""
        self._of_class[name] = np.asarray(values, np.float64), codes, n

    def sums(self, blocks: np.ndarray, n_blocks: int) -> Sums:
        """Return the sums of each block, (n_blocks,) or (n_blocks, n_classes)."""
        sums = {name: np.bincount(blocks, v, n_blocks) for name, v in self._rows.items()}
        for name, (values, codes, n) in self._of_class.items():
            of_both = np.bincount(blocks * n + codes, values, n_blocks * n)
            sums[name] = of_both.reshape(n_blocks, n)
        return sums

    def scores(self, functions: Scores, seed: int = 0, n_resamples: int = RESAMPLES) -> list[Score]:
        """Return scores with their intervals.

        Parameters
        ----------
        functions : mapping of str to callable
            For each score, a function of the sums of resamples, all along their first axis.
        """
        rng, n = np.random.default_rng(seed), self.n_rows
        n_blocks = min(n, BLOCKS)
        blocks = np.arange(n) if n <= BLOCKS else rng.permutation(n) % n_blocks
        sums = self.sums(blocks, n_blocks)
        counts = rng.multinomial(n_blocks, np.full(n_blocks, 1 / n_blocks), n_resamples)
        drawn = {name: counts.astype(np.float64) @ values for name, values in sums.items()}
        whole = {name: values.sum(axis=0, keepdims=True) for name, values in sums.items()}
        found = []
        for name, function in functions.items():
            with np.errstate(divide="ignore", invalid="ignore"):
                value, values = function(whole).item(), function(drawn)
            found.append(Score(name, value, *interval_of(values)))
        return found


def interval_of(values: np.ndarray) -> tuple[float, float]:
    """Return the quantiles between which most resamples lie; those without a score do not count."""
    values = values[np.isfinite(values)]
    if not len(values):
        return np.nan, np.nan
    tail = (1 - COVERAGE) / 2
    low, high = np.quantile(values, [tail, 1 - tail])
    return float(low), float(high)
