"""What is slower or faster than in an older run, by more than the noise.

Each run has the best round of several passes, and the best two passes of a case agree, or it was
passed over again: their mean is the case's time. A kernel counts as changed if that has by more
than `LEAST`, and by more than `NOISE` still when passes are drawn again (the bootstrap interval).
Two runs may meet two moods of the machine: where the case's baseline, which ran in turn with the
kernel, has changed the same way, nothing is said of the kernel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .storing import OURS, Result, Results

LEAST = 0.10
NOISE = 0.03
FEWEST = 3  # passes: one figure, taken once, says nothing about noise
RESAMPLES = 1000


@dataclass(frozen=True)
class Ratio:
    """New divided by old; it lies between ``low`` and ``high`` with a probability of 95 %."""

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
    baseline : Ratio or None
        Of the baseline's; None where there is none.
    """

    key: str
    way: str
    time: Ratio
    baseline: Ratio | None

    @property
    def is_real(self) -> bool:
        """Whether it is more than noise, and not the machine's mood."""
        moved_too = (
            self.baseline is not None
            and self.baseline.is_real
            and (self.baseline.value > 1) == (self.time.value > 1)
        )
        return self.time.is_real and not moved_too

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
    return [
        change(before[result.key], result, way)
        for result in new.results
        for way in OURS
        if result.key in before and _enough(result, way) and _enough(before[result.key], way)
    ]


def _enough(result: Result, way: str) -> bool:
    return len(result.ways.get(way, ())) >= FEWEST


def change(old: Result, new: Result, way: str) -> Change:
    """Compare one way of a case in two runs."""
    base = new.baseline
    compared = way != base and len(old.ways.get(base, ())) >= FEWEST
    baseline = ratio_of(old.ways[base], new.ways[base]) if compared else None
    return Change(new.key, way, ratio_of(old.ways[way], new.ways[way]), baseline)


def ratio_of(old: Sequence[float], new: Sequence[float]) -> Ratio:
    """Compare the passes of two runs."""
    rng = np.random.default_rng(0)
    low, high = np.percentile(_time(_drawn(rng, new)) / _time(_drawn(rng, old)), [2.5, 97.5])
    return Ratio(float(_time(np.array(new)) / _time(np.array(old))), float(low), float(high))


def _drawn(rng: np.random.Generator, passes: Sequence[float]) -> np.ndarray:
    """The passes drawn again, (`RESAMPLES`, passes)."""
    values = np.array(passes)
    return values[rng.integers(0, len(values), (RESAMPLES, len(values)))]


def _time(passes: np.ndarray) -> np.ndarray:
    """The mean of the best two passes."""
    return np.sort(passes, axis=-1)[..., :2].mean(axis=-1)


def summary(found: Sequence[Change]) -> str:
    """Lines on what changed, and what counts as noise."""
    real = [str(change) for change in found if change.is_real]
    rule = (
        f"noise: up to {100 * LEAST:.0f} % between the best passes, or an interval that comes "
        f"within {100 * NOISE:.0f} % of no change"
    )
    head = f"{len(real)} of {len(found)} changed" if real else f"none of {len(found)} changed"
    return "\n".join([f"{head}; {rule}", *real])
