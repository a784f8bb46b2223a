"""The likely cause: the mistake that gives a function's numbers, to rounding."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from time import process_time
from typing import NamedTuple

import numpy as np

from ..mistakes import Knobs, Mistake
from ..passes import Array
from ..problem import Problem
from ..scales import Step, in_words, products
from .decays import explain_decay
from .names import CAUSES
from .observed import EVIDENT, Check, Observe, Observed, OutOfTime, Tolerance, near
from .options import Part, backs, biases, forwards, outers, outputs, slopes
from .schedules import explain_schedule
from .search import (
    ALLOWED,
    EQUAL,
    Evidence,
    Explanation,
    explain_outputs,
    explain_step,
    knobs_of,
    total_cost,
)

SECONDS = 3.0  # of the processor
AMBIGUOUS = 3  # more names than this that fit equally say nothing


class Likely(NamedTuple):
    """The mistake found, and names of others that give the same numbers."""

    mistake: Mistake
    others: tuple[str, ...] = ()

    def __str__(self) -> str:
        return ", or ".join([self.mistake.words, *(CAUSES[name] for name in self.others)])


def likely_cause(
    problem: Problem, observe: Observe, wrong: int, tolerance: Tolerance,
    seconds: float = SECONDS,
) -> Likely | None:  # fmt: skip
    """Return the mistake that gives a wrong function's numbers, or None if no known one does.

    Parameters
    ----------
    problem : Problem
    observe : callable
        Returns what the function computes, or its parameters after some calls with all rows and,
        if not 0, one with the first rows.
    wrong : int
        The first wrong step, or number of rows.
    tolerance : callable
        How far rounding may take numbers, by steps and their size.
    seconds : float
        About how long to look, of the processor, and how long to ask the function, of the clock.
    """
    with np.errstate(all="ignore"):
        try:
            seen = Observed(problem, observe, wrong, tolerance, seconds)
            if not _is_evident(seen):
                return None
            fits = list(_fits(seen, process_time() + seconds))
        except OutOfTime:
            return None
    fits = [(cost, mistake) for cost, mistake in fits if mistake.name]
    if not fits:
        return None
    best = fits[0][0]
    equal = {mistake.name: mistake for cost, mistake in reversed(fits) if cost < best + EQUAL}
    equal.pop(fits[0][1].name)
    if fits[0][1].name == "derivative_missing":  # which is that of the identity
        equal.pop("derivative_of_another_activation", None)
    others = tuple(reversed(equal))
    return None if len(others) >= AMBIGUOUS else Likely(fits[0][1], others)


def _is_evident(seen: Observed) -> bool:
    """Return whether the function is so far off that its numbers can tell why."""
    check = seen.checks[0]
    found = seen.found(check.calls, check.rows)
    if found is None or not all(np.isfinite(block).all() for block in found):
        return False
    right = seen.simulated(Mistake(""), check)
    allowed = EVIDENT * seen.allowed(right, check.steps)
    return not all(near(f, r, allowed) for f, r in zip(found, right, strict=True))


def _fits(seen: Observed, deadline: float) -> Iterator[tuple[float, Mistake]]:
    """Give what explains all that was seen, the simplest first."""
    p = seen.problem
    if _nothing_moves(seen):
        yield 1.0, Mistake("not_in_place", CAUSES["not_in_place"])
        return
    for most in ALLOWED:
        steps = _of_a_step if p.epochs == 1 or not p.task.trains else _of_a_run
        found = [pair for pair in steps(seen, most, deadline) if seen.explains_all(pair[1])]
        if p.task.trains and most == ALLOWED[0]:
            found += [(cost, _in_words(m)) for cost, m in explain_schedule(seen)]
        if found or p.kind == "forward":
            break
    yield from sorted(found, key=lambda pair: pair[0])


def _nothing_moves(seen: Observed) -> bool:
    """Return whether parameters never change: neither in this run nor with more rows."""
    p = seen.problem
    if not p.task.trains or seen.wrong != 1:
        return False
    rows = min(p.n_samples, 3 * p.batch_size)
    for calls, given in ((0, seen.checks[0].rows), (0, rows), (1, 0)):
        if (calls, given) == (0, 0):
            continue
        found = seen.found(calls, given)
        if found is None or not all(map(np.array_equal, found, seen.run.start)):
            return False
    return True


def _of_a_step(seen: Observed, most: float, deadline: float) -> Iterator[tuple[float, Mistake]]:
    """Give explanations of the first wrong step."""
    check = seen.checks[0]
    if seen.problem.kind == "forward":
        found = seen.found(check.calls, check.rows)
        assert found is not None
        outputs = _shaped(found[0], (check.rows, seen.problem.sizes[-1]))
        start, X = seen.run.start, seen.run.X[: check.rows]
        allowed = seen.allowed([outputs], 1)
        fits = explain_outputs(seen.problem, start[::2], start[1::2], X, outputs, allowed)
        yield from (_as_mistake(seen.problem, fit) for fit in fits)
        return
    evidence = _evidence(seen, check, most, deadline)
    if evidence is not None:
        explanations = explain_step(evidence)
        explanations += explain_decay(evidence) if most == ALLOWED[0] else []
        explanations.sort(key=lambda explanation: explanation.cost)
        yield from (_as_mistake(seen.problem, each) for each in explanations)


def _of_a_run(seen: Observed, most: float, deadline: float) -> Iterator[tuple[float, Mistake]]:
    """Give single mistakes, in one layer or in all, where no single step can be seen."""
    p = seen.problem
    parts = [*forwards(p), *outputs(p, None)]
    for k in range(len(p.sizes) - 1):
        parts += [*outers(p, k, Knobs()), *biases(p, k)]
        if k < len(p.sizes) - 2:
            parts += [*slopes(k, p.activations[k], None), *backs(p, k)]
    kinds: dict[tuple[object, ...], list[Part]] = {}
    for part in parts:
        kinds.setdefault(part.kind, []).append(part)
    groups: list[tuple[Part, ...]] = [(part,) for part in parts if part.kind]
    groups += [tuple(each) for kind, each in kinds.items() if kind and len(each) > 1]
    for factor in products():
        knobs = Knobs(scale=dict.fromkeys(range(2 * len(p.sizes) - 2), factor.names))
        words = in_words(factor.names, Step.of(p, p.batch_size, p.n_samples))
        groups.append((Part(factor.cause, ("scale", factor.names), knobs, words, factor.cost),))
    for group in groups:
        if total_cost(group) <= most and process_time() < deadline:
            yield _as_mistake(p, Explanation(group, total_cost(group)))


def _shaped(found: Array, shape: tuple[int, ...]) -> Array:
    return found.reshape(shape) if found.size == np.prod(shape) else found


def _evidence(seen: Observed, check: Check, most: float, deadline: float) -> Evidence | None:
    """Return the step that was found to be wrong, from right parameters before it."""
    p = seen.problem
    found = seen.found(check.calls, check.rows)
    assert found is not None
    trains = p.task.trains
    few = not trains or (check.calls == 0 and p.kind == "full")
    before = seen.run.start if few else seen.right(check.steps - 1)
    batch = np.arange(check.rows) if few else seen.batch(check.steps - 1)
    step = Step.of(p, len(batch), check.rows or p.n_samples)
    n_rows = seen.wrong if not trains else p.n_samples
    shown = Step.of(p, n_rows) if few else step
    allowed = 2 * seen.allowed([*found, *before], check.steps)
    gradients = found
    if trains:
        allowed /= p.lr
        gradients = [(b - f) / p.lr for b, f in _pairs(before, found)]
        if p.momentum and check.steps > 1:
            passes = seen.run.pass_of(before, batch, len(batch))
            right = [
                g for pair in zip(passes.by_weights, passes.by_biases, strict=True) for g in pair
            ]
            after = seen.right(check.steps)
            gradients = [
                g + (a - f) / p.lr for g, (a, f) in zip(right, _pairs(after, found), strict=True)
            ]
    return Evidence(
        p, before[::2], before[1::2], seen.run.X[batch], seen.run.Y[batch], gradients, allowed,
        step, shown, most, deadline,
    )  # fmt: skip


def _pairs(expected: list[Array], found: list[Array]) -> Iterator[tuple[Array, Array]]:
    """Pair blocks of the same shape, or of shapes that go together."""
    for e, f in zip(expected, found, strict=True):
        if e.shape != f.shape and f.size == e.size:
            f = f.reshape(e.shape)
        try:
            np.broadcast_shapes(e.shape, f.shape)
        except ValueError:
            f = f.T
        try:
            np.broadcast_shapes(e.shape, f.shape)
        except ValueError:
            f = np.full(e.shape, np.nan)
        yield e, f


# --- words ----------------------------------------------------------------------------------------


def _as_mistake(problem: Problem, explanation: Explanation) -> tuple[float, Mistake]:
    """Return an explanation as one mistake: a cause of a step before a mere factor."""
    real = [part for part in explanation.parts if part.kind]
    parts = sorted(real, key=lambda part: part.kind[:1] == ("scale",))
    names = list(dict.fromkeys(part.name for part in parts))
    words = "; and ".join(_sentence(problem, name, parts) for name in names)
    layers = sorted({part.layer + 1 for part in parts if part.layer is not None})
    knobs = knobs_of(explanation.parts)
    return explanation.cost, Mistake(names[0] if names else "", words, tuple(layers), knobs)


def _sentence(problem: Problem, name: str, parts: Iterable[Part]) -> str:
    """Return what a cause is, and where: the blocks of a factor unless it is that of all."""
    places: dict[str, list[str]] = {}
    for part in parts:
        if part.name == name and part.words:
            blocks = [f"{'Wb'[i % 2]}{i // 2 + 1}" for i in sorted(part.knobs.scale)]
            places.setdefault(part.words, []).extend(blocks * (part.kind[0] == "scale"))
    n_blocks = (2 if problem.bias else 1) * (len(problem.sizes) - 1)
    words = [
        f"{', '.join(sorted(blocks, key=lambda b: (b[1:], b)))} {text}"
        if 0 < len(blocks) < n_blocks
        else text
        for text, blocks in places.items()
    ]
    return f"{CAUSES[name]} ({'; '.join(words)})" if words else CAUSES[name]


def _in_words(mistake: Mistake) -> Mistake:
    words = f" ({mistake.words})" if mistake.words else ""
    return Mistake(
        mistake.name, CAUSES[mistake.name] + words, mistake.layers, mistake.knobs,
        mistake.schedule,
    )  # fmt: skip
