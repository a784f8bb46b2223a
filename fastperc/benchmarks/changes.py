"""Find what is slower or faster than in an older run, by more than the noise.

Each run has the best round of several passes in which the machine was still; the mean of the best
two passes is the case's time. A kernel counts as changed if that differs by more than `LEAST`, and
the bootstrap interval of the ratio by more than `NOISE`; unless the case's baseline, which ran in
turn with the kernel, has changed in the same direction. A case is not judged if its best passes
never agree or fewer than `FEWEST` were undisturbed; nor is anything if the probe of `Stillness`
says that the machine itself has changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..measuring.stillness import SLACK, Stillness
from ..measuring.words import percent
from .results import OURS, Result, Results
from .running import FEWEST, agree, environment_here

# Of 328 rows of the same code, timed ten times on a machine three quarters busy, 5 were over 8 %
# off, one 11.6 %; the standard deviation was 2.6 %.
LEAST = 0.12
NOISE = 0.05
RESAMPLES = 1000


@dataclass(frozen=True)
class Ratio:
    """New time divided by old, and its 95 % interval."""

    value: float
    low: float
    high: float

    @property
    def is_real(self) -> bool:
        """Return whether the change is more than noise."""
        slower = self.value > 1 + LEAST and self.low > 1 + NOISE
        faster = self.value < 1 / (1 + LEAST) and self.high < 1 / (1 + NOISE)
        return slower or faster


@dataclass(frozen=True)
class Change:
    """A kernel's case in two runs.

    Attributes
    ----------
    key, way : str
    time : Ratio
        The ratio of its own times.
    baseline : Ratio or None
        The ratio of the baseline's times; None where there is none.
    """

    key: str
    way: str
    time: Ratio
    baseline: Ratio | None

    @property
    def is_real(self) -> bool:
        """Return whether it is more than noise, and the baseline did not change likewise."""
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
            f"{self.key}, {self.way}: {percent(ratio - 1, 0)} {word} (new / old "
            f"{self.time.value:.2f}, 95 %: {self.time.low:.2f} to {self.time.high:.2f})"
        )


def probe(old: Results) -> Stillness:
    """Return the probe for a run to be compared, with its best time of then on this machine."""
    now = environment_here()
    same = all(now[name] == old.environment.get(name) for name in ("processor", "numpy"))
    return Stillness(old.machine["probe"]) if same else Stillness()


def changes(old: Results, new: Results) -> list[Change]:
    """Return each kernel's case that can be judged, whether it changed or not."""
    if not is_same_machine(old, new):
        return []
    return [
        change(before, after, way)
        for before, after, way in _pairs(old, new)
        if agree(before.ways[way]) and agree(after.ways[way])
    ]


def not_judged(old: Results, new: Results) -> list[str]:
    """Return the kernels' cases of both runs that cannot be judged."""
    known = {(change.key, change.way) for change in changes(old, new)}
    return [f"{b.key}, {way}" for b, _, way in _pairs(old, new) if (b.key, way) not in known]


def is_same_machine(old: Results, new: Results) -> bool:
    """Return whether the machine at its best was equally fast."""
    low, high = sorted(results.machine["probe"] for results in (old, new))
    return high <= (1 + SLACK) * low


def _pairs(old: Results, new: Results) -> list[tuple[Result, Result, str]]:
    """Return what both runs have timed in passes, not just once."""
    before = {result.key: result for result in old.results}
    return [
        (before[after.key], after, way)
        for after in new.results
        for way in OURS
        if after.key in before and all(_was_timed(r, way) for r in (before[after.key], after))
    ]


def _was_timed(result: Result, way: str) -> bool:
    n_passes = len(result.ways.get(way, ())) + len(result.disturbed.get(way, ()))
    return way in result.ways and n_passes >= FEWEST


def change(old: Result, new: Result, way: str) -> Change:
    """Compare one way of a case in two runs."""
    base = new.baseline
    compared = way != base and all(agree(result.ways.get(base, ())) for result in (old, new))
    baseline = ratio_of(old.ways[base], new.ways[base]) if compared else None
    return Change(new.key, way, ratio_of(old.ways[way], new.ways[way]), baseline)


def ratio_of(old: Sequence[float], new: Sequence[float]) -> Ratio:
    """Return the ratio of two runs' times."""
    rng = np.random.default_rng(0)
    low, high = np.percentile(_time(_drawn(rng, new)) / _time(_drawn(rng, old)), [2.5, 97.5])
    return Ratio(float(_time(np.array(new)) / _time(np.array(old))), float(low), float(high))


def _drawn(rng: np.random.Generator, passes: Sequence[float]) -> np.ndarray:
    """Draw the passes again, (`RESAMPLES`, passes)."""
    values = np.array(passes)
    return values[rng.integers(0, len(values), (RESAMPLES, len(values)))]


def _time(passes: np.ndarray) -> np.ndarray:
    """Return the mean of the best two passes."""
    return np.sort(passes, axis=-1)[..., :2].mean(axis=-1)


def summary(old: Results, new: Results) -> str:
    """Return lines on what changed, what counts as noise, and what cannot be judged."""
    found, left = changes(old, new), not_judged(old, new)
    real = [str(change) for change in found if change.is_real]
    unjudged = f", {len(left)} not judged" * bool(left)
    head = f"{len(real) or 'none'} of {len(found)} changed{unjudged}"
    rule = (
        f"noise: up to {percent(LEAST, 0)} between the best passes, or an interval that comes "
        f"within {percent(NOISE, 0)} of no change"
    )
    return "\n".join([f"{head}; {rule}", *real, *_omissions(old, new, left)])


def _omissions(old: Results, new: Results, left: list[str]) -> list[str]:
    if not left:
        return []
    if not is_same_machine(old, new):
        ratio = new.machine["probe"] / old.machine["probe"]
        return [f"not judged: anything; the machine itself takes {ratio:.2f} times as long as then"]
    return [
        f"not judged, because fewer than {FEWEST} passes of a run were undisturbed by other work "
        f"on the machine, or the best of them did not agree: {'; '.join(left)}"
    ]
