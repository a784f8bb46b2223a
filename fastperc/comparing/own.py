"""The user's functions and objects: checked in a process of their own, then made ready."""

from __future__ import annotations

import re
from ast import literal_eval
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from ..errors import KernelFailedError
from . import conduct
from .agreement import Finding, WrongBlock, check
from .calling import signature_error
from .candidate import Candidate
from .objects import Kernel, ObjectRunner, is_object, learning_rate_of
from .prints import Prints, swallowed
from .problem import Problem
from .result import Row
from .runners import FunctionRunner, UserRunner
from .slots import Reader
from .starts import Start, start_of
from .subprocesses import in_child
from .variants import VARIANTS

SHAPES = re.compile(r"shape (\(.*?\)), expected (\(.*?\))$")


Examination = Callable[[Problem, conduct.Remembering], None]  # raises if a kernel misbehaves


class Checked(NamedTuple):
    """The outcome of a check, and whether y has to be given as a vector."""

    finding: Finding
    is_flat: bool = False


def check_kernels(kernels: object) -> list[Kernel]:
    """Return the user's functions and objects as a list; they can be called."""
    if isinstance(kernels, (list, tuple)) and not kernels:
        raise ValueError("kernel: found an empty list, expected functions of yours")
    given = list(kernels) if isinstance(kernels, (list, tuple)) else [kernels]
    found: list[Kernel] = []
    for kernel in given:
        if isinstance(kernel, type):
            raise TypeError(
                f"kernel: found the class {kernel.__name__}, expected a function or an object. "
                f"Give an object of it, {kernel.__name__}(...)"
            )
        if not (callable(kernel) or is_object(kernel)):
            raise TypeError(
                f"kernel: found {kernel!r:.60}, expected a function, or an object with a method fit"
            )
        found.append(kernel)
    return found


def names_of(kernels: Sequence[Kernel]) -> list[str]:
    """Return a name for each row, all different and none that of a variant."""
    names: list[str] = []
    for kernel in kernels:
        inner = getattr(kernel, "func", kernel)  # of functools.partial
        name = getattr(inner, "__name__", type(inner).__name__)
        name = f"my {name}" if name in VARIANTS else name
        number = sum(other == name or other.startswith(f"{name} (") for other in names)
        names.append(f"{name} ({number + 1})" if number else name)
    return names


def settle(
    problem: Problem, kernels: Sequence[Kernel], time_limit: float, reader: Reader | None,
    with_lr: bool,
) -> Problem:  # fmt: skip
    """Return the problem with what the first object among the user's says: where it starts.

    And, ``with_lr``, at which learning rate.
    """
    model = next((kernel for kernel in kernels if is_object(kernel)), None)
    if model is None:
        return problem
    rate = learning_rate_of(model)
    if with_lr and rate is not None and rate > 0:
        problem = replace(problem, lr=rate)
    if problem.initial is None:
        with suppress(KernelFailedError):  # its own candidate will tell
            problem = replace(problem, initial=start_of(model, problem, time_limit, reader).theta)
    return problem


def function_candidate(
    function: Kernel, problem: Problem, time_limit: float, *, name: str = "",
    reader: Reader | None = None,
) -> Candidate:  # fmt: skip
    """Check a user's function, and make it ready to be timed."""
    row = Row(name or names_of([function])[0], "your function")
    candidate = Candidate(row, problem, is_own=True)
    row.error = _refusal(function, problem)
    if row.error:
        return candidate
    prints = Prints()
    try:
        start = _start(function, problem, time_limit, reader)
        checked = check_in_subprocess(function, problem, time_limit, prints, reader, start)
    except KernelFailedError as error:
        row.error = str(error)
    else:
        row.finding = checked.finding
        with swallowed():
            candidate.prepare(_maker(function, reader, start, checked.is_flat))
    row.output = prints.text()
    return candidate


def _refusal(function: Kernel, problem: Problem) -> str:
    """Return why a kernel cannot be called for the problem's task, or nothing."""
    if is_object(function):
        why = "cannot be asked for a gradient: it has a method fit. Give a function, or its method"
        return why if problem.kind == "gradient" else ""
    return signature_error(function, problem) if callable(function) else ""


def _start(
    function: Kernel, problem: Problem, time_limit: float, reader: Reader | None
) -> Start | None:
    """Return where an object that trains starts, which must be where all others do."""
    if not (is_object(function) and problem.task.trains):
        return None
    start = start_of(function, problem, time_limit, reader)
    allowed = float(np.finfo(problem.dtype).eps)
    if start.restarts and not np.allclose(start.theta, problem.theta, rtol=allowed, atol=allowed):
        raise KernelFailedError(
            "makes start values of its own in fit: they are not those of the other variants. Let "
            "it make them in __init__, or leave out start="
        )
    return start


def _maker(
    function: Kernel, reader: Reader | None, start: Start | None, is_flat: bool
) -> Callable[[Problem], UserRunner]:
    """Return a function from a problem to the runner of what the user gave."""
    restarts = start is not None and start.restarts

    def make(problem: Problem) -> UserRunner:
        if is_object(function):
            return ObjectRunner(problem, function, reader, is_flat=is_flat, restarts=restarts)
        assert callable(function)
        return FunctionRunner(problem, function, problem.layout)

    return make


def check_in_subprocess(
    function: Kernel, problem: Problem, seconds: float, prints: Prints,
    reader: Reader | None = None, start: Start | None = None,
) -> Checked:  # fmt: skip
    """Check a user's function in a process of its own, in float64 and in the problem's dtype.

    A single target may have to be a vector: an object gets it as it comes out right.
    """
    has_two_forms = is_object(function) and problem.task.trains and problem.sizes[-1] == 1

    def examine(problem: Problem, runner: conduct.Remembering) -> None:
        conduct.examine(problem, runner, function, prints, seconds)

    def checked() -> Checked:
        outcome: Checked | None = None
        trouble: Exception | None = None
        for is_flat in (False, True)[: 1 + has_two_forms]:
            try:
                make = _maker(function, reader, start, is_flat)
                finding = _in_both_dtypes(make, problem, examine)
            except Exception as error:
                trouble = trouble or error
                continue
            if outcome is None or finding.agrees:
                outcome = Checked(finding, is_flat)
            if finding.agrees:
                break
        if outcome is None:
            assert trouble is not None
            raise trouble
        return outcome

    return in_child(checked, seconds, is_quiet=True)


def _in_both_dtypes(
    make: Callable[[Problem], UserRunner], problem: Problem, examine: Examination
) -> Finding:
    """Check in float64 and in the problem's dtype.

    Float64 tells a wrong formula from rounding, so it comes first; a function that cannot take it
    is checked in the problem's dtype alone.
    """
    with np.errstate(all="ignore"):
        exact = replace(problem, dtype="float64")
        try:
            finding = _in_one_dtype(make, exact, examine)
        except KernelFailedError:
            raise
        except Exception:
            if problem.dtype == "float64":
                raise
            return _in_one_dtype(make, problem, examine)
        if finding.agrees and (short := with_short_batch(exact)) is not None:
            with swallowed():
                of_short = check(short, conduct.Remembering(make(short)))
            finding = finding if of_short.agrees else in_layout(of_short, short)
        if not finding.agrees or problem.dtype == "float64":
            return finding
        with swallowed():
            return in_layout(check(problem, conduct.Remembering(make(problem))), problem)


def with_short_batch(problem: Problem) -> Problem | None:
    """Return a problem whose last batch is short where that is not so and samples are drawn.

    The samples of a user may well be all that a function is for.
    """
    size, n = problem.batch_size, problem.n_samples
    if problem.kind != "batches" or problem.data is not None or size == 1 or n % size:
        return None
    return replace(problem, n_samples=min(n, 3 * size) - 1)


def _in_one_dtype(
    make: Callable[[Problem], UserRunner], problem: Problem, examine: Examination
) -> Finding:
    runner = conduct.Remembering(make(problem))
    examine(problem, runner)
    with swallowed():
        finding = check(problem, runner)
    conduct.complain_of(runner.changed())
    return in_layout(finding, problem)


def in_layout(finding: Finding, problem: Problem) -> Finding:
    """Return a finding whose places and shapes are those of the user's layout."""
    if problem.layout == "rows" or finding.agrees:
        return finding
    form = problem.form(problem.layout)

    def turned(block: WrongBlock) -> WrongBlock:
        index = (*block.index, 0) if block.name[0] == "b" and block.index else block.index[::-1]
        found = SHAPES.search(block.note)
        if found is None:
            return replace(block, index=index)
        shapes = [literal_eval(shape) for shape in found.groups()]
        right = shapes[1][::-1] if block.name == "outputs" else form.shape(block.name)
        note = f"shape {shapes[0][::-1]}, expected {right}"
        return replace(block, index=index, note=note)

    return replace(finding, blocks=[turned(block) for block in finding.blocks])
