"""Where an object's training starts: at the weights it has, or at those that its ``fit`` makes."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from ..errors import KernelFailedError
from .objects import ObjectRunner, Trainable
from .prints import swallowed
from .problem import Problem, as_theta
from .slots import Reader
from .subprocesses import in_child


class Start(NamedTuple):
    """Start values, laid out as ``theta``, and whether ``fit`` makes them anew, always the same."""

    theta: np.ndarray
    restarts: bool = False


def start_of(
    model: Trainable, problem: Problem, time_limit: float, reader: Reader | None = None
) -> Start:
    """Return where an object starts; what ``fit`` makes of its parameters in no epochs tells.

    Raises
    ------
    KernelFailedError
        If it has no parameters that can be found, draws them in ``fit``, or fails.
    """

    def found() -> Start:
        with swallowed(), np.errstate(all="ignore"):
            return _start_of(model, replace(problem, dtype="float64"), reader)

    return in_child(found, time_limit, is_quiet=True)


def _start_of(model: Trainable, problem: Problem, reader: Reader | None) -> Start:
    runner = _bare(problem, model, reader)
    present: list[np.ndarray] | None = None
    trouble: KernelFailedError | None = None
    try:
        present = runner.read()
    except KernelFailedError as error:
        trouble = error
    untrained = _untrained(problem, model, reader) if problem.task.trains else None
    if untrained is None or (present is not None and _equal(untrained, present)):
        if present is None:
            assert trouble is not None
            raise trouble
        return Start(as_theta(present, problem.form()))
    again = _untrained(problem, model, reader)
    if again is None or not _equal(untrained, again):
        raise KernelFailedError(
            "draws its start values in fit, other ones each time: let it make them in __init__, "
            "or seed them"
        )
    if present is not None:
        elsewhere = _bare(problem, model, reader)
        elsewhere.write([block + 1 for block in present])
        from_there = _untrained(problem, elsewhere.model, reader)
        if from_there is None or not _equal(untrained, from_there):  # so it has trained nonetheless
            return Start(as_theta(present, problem.form()))
    return Start(as_theta(untrained, problem.form()), restarts=True)


def _bare(problem: Problem, model: Trainable, reader: Reader | None) -> ObjectRunner:
    """Return a runner that leaves the object's parameters as they are."""
    return ObjectRunner(problem, model, reader, restarts=True)


def _untrained(
    problem: Problem, model: Trainable, reader: Reader | None
) -> list[np.ndarray] | None:
    """Return the parameters after ``fit`` of no epochs or, failing that, with a rate of 0."""
    n_rows = min(problem.n_samples, 2 * problem.step_rows)
    for meaning in ("epochs", "lr"):
        for is_flat in (False, True)[: 1 + (problem.sizes[-1] == 1)]:
            runner = ObjectRunner(problem, model, reader, is_flat=is_flat, restarts=True)
            if not any(meaning in names.values() for names in runner.places()):
                continue
            with suppress(Exception):  # the check will tell
                runner.fit(*runner.samples(n_rows), changed={meaning: 0})
                return runner.read()
    return None


def _equal(first: Sequence[np.ndarray], second: Sequence[np.ndarray]) -> bool:
    pairs = zip(first, second, strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)
