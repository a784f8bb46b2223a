"""What share of the machine's peak each variant reaches."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..measuring.machine import Machine
from ..measuring.threads import n_usable_cores
from .runners import FunctionRunner, Runner

if TYPE_CHECKING:
    from .candidate import Candidate

# What is faster than this many times the peak is more than one core: no clock changes that much.
BOOST = 1.25


def share_peak(candidates: Sequence[Candidate], machine: Machine) -> Machine:
    """Fill in `Row.share_of_peak`, of as many cores as a variant works on; return the machine.

    Its peak is raised to what a variant reaches on each of its cores: no share is over 100 %.
    """
    able = [c for c in candidates if c.runner is not None and not math.isnan(c.row.gflops)]
    per_core = [c.row.gflops / cores_of(c.runner, c.row.gflops, machine) for c in able if c.runner]
    machine = machine.raised_to(max(per_core, default=0))
    for candidate, rate in zip(able, per_core, strict=True):
        candidate.row.share_of_peak = rate / machine.gflops
    return machine


def cores_of(runner: Runner, gflops: float, machine: Machine) -> int:
    """Return how many cores a variant works on.

    A function of the user's does not say: compiled to run in parallel it has all of them, and
    otherwise as many as its rate cannot be reached without.
    """
    if not isinstance(runner, FunctionRunner):
        return getattr(runner, "threads", 1)
    if getattr(runner.function, "targetoptions", {}).get("parallel"):
        return n_usable_cores()
    return max(1, math.ceil(gflops / (BOOST * machine.loop)))
