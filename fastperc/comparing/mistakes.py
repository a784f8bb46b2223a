"""Mistakes as data: what a step, or a run, does instead of what it should.

Layers count from 0 here, and blocks are W1, b1, W2, b2, ...
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import NamedTuple


class Slope(NamedTuple):
    """The derivative of an activation as somebody takes it: ``FORMULAS[of]`` of a value.

    ``at`` says which: the layer's output ``"a"``, its sum ``"z"``, its ``"bias"``, its ``"error"``
    (the derivative of the loss by its outputs). With ``through``, of the activation of that value.
    """

    of: str = "one"
    at: str = "a"
    through: bool = False
    power: int = 1


class Outer(NamedTuple):
    """What the gradient of a matrix is the product of: inputs of the layer and its error."""

    inputs: str = "a"  # "z": their sums, "step": whether they are positive, or "a0", "a1", ...
    error: str = "delta"
    transposed: bool = False


class OutputDelta(NamedTuple):
    """What goes back from the output: an error times a slope."""

    error: str
    slope: Slope


@dataclass(frozen=True)
class Knobs:
    """What is done instead, by layer; from ``scale`` on, by block."""

    activation: dict[int, str] = field(default_factory=dict)
    softmax: dict[int, str] = field(default_factory=dict)  # one of `AXES`
    biased: dict[int, bool] = field(default_factory=dict)
    flipped: dict[int, bool] = field(default_factory=dict)
    source: dict[int, int] = field(default_factory=dict)  # the layer's inputs: a[source]
    output: dict[int, OutputDelta] = field(default_factory=dict)
    slope: dict[int, Slope] = field(default_factory=dict)
    back: dict[int, str] = field(default_factory=dict)  # how the error comes down to the layer
    outer: dict[int, Outer] = field(default_factory=dict)
    bias: dict[int, str] = field(default_factory=dict)
    scale: dict[int, tuple[str, ...]] = field(default_factory=dict)  # names of `scales.VALUES`
    decay: dict[int, float] = field(default_factory=dict)
    sign_decay: dict[int, float] = field(default_factory=dict)
    shrink: dict[int, float] = field(default_factory=dict)

    def __or__(self, other: Knobs) -> Knobs:
        """Return both; of scales of a block, the product."""
        merged = {f.name: {**getattr(self, f.name), **getattr(other, f.name)} for f in fields(self)}
        for block, names in self.scale.items():
            merged["scale"][block] = (*names, *other.scale.get(block, ()))
        return Knobs(**merged)


@dataclass(frozen=True)
class Schedule:
    """What is done instead in the course of a run, step after step.

    Attributes
    ----------
    order : str or tuple of int
        Of the steps' batches: ``"reversed"``, or their numbers. Or ``"rows reversed"``; or
        ``"out i"``, which leaves row i to the end.
    batch : str
        Rows of an update: a number, ``"all"``, or empty as they should be.
    stale : bool
        Whether all gradients of an epoch are those at its beginning.
    momentum : dict of int to float
        The factor of each block that has one.
    rule : str
        How: by ``"velocity"``, ``"nesterov"``, as an ``"average"``, or of the ``"last"`` gradient;
        or the ``"running"`` mean of all gradients.
    rates : tuple of float
        Multiples of the learning rate, of each step; the last goes on.
    """

    order: str | tuple[int, ...] = ""
    batch: str = ""
    stale: bool = False
    momentum: dict[int, float] = field(default_factory=dict)
    rule: str = "velocity"
    rates: tuple[float, ...] = ()


@dataclass(frozen=True)
class Mistake:
    """A known mistake: its name in `causes.CAUSES`, its place, and what is done instead.

    Attributes
    ----------
    name : str
    words : str
        What is wrong, in words, place included.
    layers : tuple of int
        The layers it is in, counted from 1; empty if in all, or in none.
    knobs : Knobs
        Within a step.
    schedule : Schedule
        From step to step.
    """

    name: str
    words: str = ""
    layers: tuple[int, ...] = ()
    knobs: Knobs = field(default_factory=Knobs, repr=False)
    schedule: Schedule = field(default_factory=Schedule, repr=False)


RIGHT = Mistake("")
