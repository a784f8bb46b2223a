"""What is slower or faster than in an older run, by more than the noise.

Two runs meet two moods of the machine. So a kernel counts as changed only if its own time has
changed and its time beside the case's baseline too, which ran in turn with it: by more than `LEAST`
between lower quartiles, which other processes hardly touch, and still so when the rounds are drawn
again (the bootstrap interval stays outside `NOISE`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .storing import Result, Results

LEAST = 0.12
NOISE = 0.05
RESAMPLES = 1000


OURS = ("fastperc", "2 threads")  # what else is timed stands beside these, and is not ours


@dataclass(frozen=True)
class Ratio:
    """New divided by old, of the lower quartiles; it lies there with a probability of 95 %."""

    value: float
    low: float
    high: float

    @property
    def is_real(self) -> bool:
        """Whether it is more than noise."""
        slower = self.value > 1 + LEAST and self.low > 1 + NOISE
        faster = self.value < 1 / (1 + LEAST) and self.high < 1 / (1 + NOISE)
        return slower or faster


@dataclass(frozen=True)
class Change:
    """One kernel's case in two runs.

    Attributes
    ----------
    key, way : str
    time : Ratio
        Of its own times.
    beside : Ratio or None
        Of its times divided by the baseline's, round by round; None where it is the baseline.
    """

    key: str
    way: str
    time: Ratio
    beside: Ratio | None

    @property
    def is_real(self) -> bool:
        """Whether it is more than noise, and in both the same way."""
        if self.beside is None or not self.time.is_real:
            return self.time.is_real
        same_way = (self.time.value > 1) == (self.beside.value > 1)
        return self.beside.is_real and same_way

    def __str__(self) -> str:
        ratio = self.time.value
        word, ratio = ("slower", ratio) if ratio > 1 else ("faster", 1 / ratio)
        return (
            f"{self.key}, {self.way}: {100 * (ratio - 1):.0f} % {word} (new / old "
            f"{self.time.value:.2f}, 95 %: {self.time.low:.2f} to {self.time.high:.2f})"
        )


def changes(old: Results, new: Results) -> list[Change]:
    """One entry for each kernel's case that both runs have, whether it changed or not."""
    before = {result.key: result for result in old.results}
    found = []
    for result in new.results:
        known = before.get(result.key)
        for way in OURS:
            if known is not None and known.ways.get(way) and result.ways.get(way):
                found.append(_change(known, result, way))
    return found


def _change(old: Result, new: Result, way: str) -> Change:
    base = new.baseline
    beside = None
    if way != base and old.ways.get(base):
        beside = ratio_of(_beside(old, way, base), _beside(new, way, base))
    return Change(new.key, way, ratio_of(old.ways[way], new.ways[way]), beside)


def _beside(result: Result, way: str, base: str) -> list[float]:
    return [a / b for a, b in zip(result.ways[way], result.ways[base], strict=True)]


def ratio_of(old: Sequence[float], new: Sequence[float]) -> Ratio:
    """Compare the rounds of two runs."""
    rng = np.random.default_rng(0)
    low, high = np.percentile(_quartiles(rng, new) / _quartiles(rng, old), [2.5, 97.5])
    value = np.percentile(new, 25) / np.percentile(old, 25)
    return Ratio(float(value), float(low), float(high))


def _quartiles(rng: np.random.Generator, rounds: Sequence[float]) -> np.ndarray:
    values = np.array(rounds)
    drawn = values[rng.integers(0, len(values), (RESAMPLES, len(values)))]
    return np.percentile(drawn, 25, axis=1)


def summary(found: Sequence[Change]) -> str:
    """Lines on what changed, and what counts as noise."""
    real = [str(change) for change in found if change.is_real]
    rule = (
        f"noise: up to {100 * LEAST:.0f} % between lower quartiles, or an interval that comes "
        f"within {100 * NOISE:.0f} % of no change"
    )
    head = f"{len(real)} of {len(found)} changed" if real else f"none of {len(found)} changed"
    return "\n".join([f"{head}; {rule}", *real])
