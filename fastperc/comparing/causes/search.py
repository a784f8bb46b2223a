"""Explain one step: the mistakes that turn the right numbers into those found, to rounding.

A layer's gradient follows from the forward pass and from what comes down from the layers above. So
the search goes as the backward pass does: whatever explains the last layer's blocks is kept, and is
the start for the layer below. What explains the first layer as well explains everything.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Sequence
from time import process_time
from typing import NamedTuple

import numpy as np

from ..mistakes import Knobs, Outer
from ..passes import Array, Pass
from ..problem import Problem
from ..scales import Step, cost_of, in_words, meanings, scale
from . import options
from .options import Part

ALLOWED = (1.45, 2.5)  # the cost that is allowed: first of one mistake, then of two at once
EQUAL = 0.15  # costs that differ by less are equal
LIKELY = 0.6  # what gives the same numbers and costs more than this more is not looked into
KEPT = 60  # explanations of the layers so far
PAIRS_OF_FORWARD = 400


class Evidence(NamedTuple):
    """A step as it was found: parameters before it, its rows, its gradient.

    ``gradients`` are those that the step has followed, by block; ``allowed`` how far rounding may
    have taken each of their numbers.
    """

    problem: Problem
    weights: list[Array]
    biases: list[Array]
    X: Array
    Y: Array
    gradients: list[Array]
    allowed: float
    step: Step
    shown: Step
    most: float
    deadline: float


class Explanation(NamedTuple):
    """Mistakes that explain all that was looked at so far, simple ones first."""

    parts: tuple[Part, ...]
    cost: float


def total_cost(parts: Iterable[Part]) -> float:
    """Return how far-fetched mistakes are together: of one kind, they are one."""
    costs: dict[tuple[object, ...], list[float]] = {}
    scales: list[tuple[str, ...]] = []
    for part in parts:
        if part.kind[:1] == ("scale",):
            scales += part.knobs.scale.values()
        elif part.kind:
            costs.setdefault(part.kind, []).append(part.cost)
    factors = cost_of(tuple({name for names in scales for name in names})) if scales else 0.0
    factors += 0.1 * (len(set(scales)) - 1) * bool(scales) + 0.02 * len(scales)
    return factors + sum(max(each) + 0.05 * (len(each) - 1) for each in costs.values())


def knobs_of(parts: Iterable[Part]) -> Knobs:
    """Return what is done instead with several mistakes."""
    knobs = Knobs()
    for part in parts:
        knobs |= part.knobs
    return knobs


class State(NamedTuple):
    """A pass that has come down to some layer, and its mistakes."""

    parts: tuple[Part, ...]
    passes: Pass
    cost: float


def explain_step(evidence: Evidence) -> list[Explanation]:
    """Return the explanations of a step, the simplest first."""
    states = [
        _start(evidence, parts)
        for parts in _forward_parts(evidence.problem)
        if total_cost(parts) <= evidence.most
    ]
    n_layers = len(evidence.weights)
    for k in reversed(range(n_layers)):
        states = _cheapest(new for state in states for new in _through(evidence, state, k))
    return [Explanation(state.parts, state.cost) for state in states]


def _forward_parts(problem: Problem) -> list[tuple[Part, ...]]:
    """Return the mistakes of a forward pass: none, one, one in all layers, or two of them."""
    parts = options.forwards(problem)
    single: list[tuple[Part, ...]] = [(part,) for part in parts]
    by_kind: dict[tuple[object, ...], list[Part]] = {}
    for part in parts[1:]:
        by_kind.setdefault(part.kind, []).append(part)
    in_all = [tuple(each) for each in by_kind.values() if len(each) > 1]
    pairs = [
        (one, other)
        for i, one in enumerate(parts[1:], 1)
        for other in parts[i + 1 :]
        if one.layer != other.layer or one.kind != other.kind
    ]
    return [*single, *in_all, *(pairs if len(pairs) <= PAIRS_OF_FORWARD else [])]


def _start(evidence: Evidence, parts: tuple[Part, ...]) -> State:
    e = evidence
    knobs = knobs_of(parts)
    passes = Pass(e.problem, e.weights, e.biases, e.X, e.Y, knobs, e.step)
    return State(parts, passes, total_cost(parts))


def _cheapest(states: Iterable[State]) -> list[State]:
    return sorted(states, key=lambda state: state.cost)[:KEPT]


def _through(evidence: Evidence, state: State, k: int) -> Iterator[State]:
    """Go through a layer in all ways that give the gradients found there."""
    seen: dict[tuple[float, ...], float] = {}
    ways = [(total_cost((*state.parts, *w)), w) for w in _delta_parts(evidence.problem, state, k)]
    for cost, parts in sorted(ways, key=lambda way: way[0]):
        if cost > evidence.most or process_time() > evidence.deadline:
            return
        passes = _with(state.passes, parts)
        passes.set_delta(k)
        if cost > seen.setdefault(_digest(passes.delta[k], passes.error[k]), cost) + LIKELY:
            continue  # the same numbers follow from something simpler
        yield from _blocks(evidence, passes, (*state.parts, *parts), k)


def _digest(*arrays: Array) -> tuple[float, ...]:
    """Return two numbers that are the same for the same arrays, up to rounding."""
    digest = []
    for array in arrays:
        flat = array.ravel()
        sums = float(flat @ np.cos(np.arange(len(flat)))), float(np.abs(flat).sum())
        digest += [float(f"{number:.9e}") for number in sums]
    return tuple(digest)


def _delta_parts(problem: Problem, state: State, k: int) -> list[tuple[Part, ...]]:
    knobs = state.passes.knobs
    own, given = problem.activations[k], knobs.activation.get(k)
    if k == len(problem.sizes) - 2:
        return [(part,) for part in options.outputs(problem, given)]
    return [
        (back, slope)
        for slope in options.slopes(k, own, given)
        for back in options.backs(problem, k)
    ]


def _with(passes: Pass, parts: Iterable[Part]) -> Pass:
    """Return a copy of a pass that goes on with more mistakes."""
    new = copy.copy(passes)
    new.knobs = passes.knobs | knobs_of(parts)
    for name in (
        "delta", "error", "by_weights", "by_biases", "new_weights", "new_biases"
    ):  # fmt: skip
        setattr(new, name, list(getattr(passes, name)))
    return new


class Budget(NamedTuple):
    """What more may cost: ``left``; what is of a kind that is paid for is free."""

    left: float
    paid: set[tuple[object, ...]]

    def allows(self, part: Part) -> bool:
        """Return whether a part is not too far-fetched, after all that has been found."""
        return part.cost <= self.left or part.kind in self.paid

    @property
    def allows_factors(self) -> bool:
        """Return whether a factor is not."""
        return self.left >= 1 or any(kind[:1] == ("scale",) for kind in self.paid)


def _blocks(evidence: Evidence, passes: Pass, above: tuple[Part, ...], k: int) -> Iterator[State]:
    """Explain the two blocks of a layer, given what goes back through it."""
    budget = Budget(evidence.most - total_cost(above), {part.kind for part in above})
    of_weights = _fits_of_weights(evidence, passes, k, budget)
    if not of_weights:
        return
    of_biases = _fits_of_bias(evidence, passes, k, budget)
    for one in of_weights:
        for other in of_biases:
            parts = (*above, *one, *other)
            cost = total_cost(parts)
            if cost <= evidence.most:
                new = _with(passes, (*one, *other))
                new.set_gradient(k)
                yield State(parts, new, cost)


def _fits_of_weights(
    evidence: Evidence, passes: Pass, k: int, budget: Budget
) -> list[tuple[Part, ...]]:
    n = len(passes.X)
    found, block = evidence.gradients[2 * k], 2 * k
    alpha = evidence.problem.alpha
    if alpha and found.shape == evidence.weights[k].shape:
        found = found - alpha * evidence.weights[k]
    candidates = (
        (passes.outer(k, part.knobs.outer.get(k, Outer())) / n, part)
        for part in options.outers(evidence.problem, k, passes.knobs)
        if budget.allows(part)
    )
    return _fits(evidence, found, candidates, block, budget)


def _fits_of_bias(
    evidence: Evidence, passes: Pass, k: int, budget: Budget
) -> list[tuple[Part, ...]]:
    if not evidence.problem.bias:
        return [()]
    n, b = len(passes.X), evidence.biases[k]
    found, block = evidence.gradients[2 * k + 1], 2 * k + 1
    if not passes.knobs.biased.get(k, True) and not np.any(found):
        return [(Part("", (), Knobs(scale={block: ("0",)}), cost=0.0),)]
    candidates = (
        (_as_found(passes.bias_as(k, how) / n, b, found, evidence.problem), part)
        for part in options.biases(evidence.problem, k)
        for how in [part.knobs.bias.get(k, "")]
        if _can_be_added(how, n, len(b)) and budget.allows(part)
    )
    return _fits(evidence, found, candidates, block, budget)


def _can_be_added(how: str, n: int, units: int) -> bool:
    """Return whether a gradient of this kind goes together with a bias (units,)."""
    return how != "units" or n in (1, units) or units == 1


def _as_found(gradient: Array, b: Array, found: Array, problem: Problem) -> Array:
    """Return a bias's gradient in the shape found, if it can have that."""
    if problem.task.trains:
        gradient = np.broadcast_to(gradient, np.broadcast_shapes(gradient.shape, b.shape))
    if gradient.shape != found.shape and gradient.size == found.size:
        return gradient.T if gradient.T.shape == found.shape else gradient.reshape(found.shape)
    if gradient.shape != found.shape and found.size == 1:
        flat = gradient.ravel()
        return flat[:1].reshape(found.shape) if np.all(flat == flat[0]) else gradient
    return gradient


def _fits(
    evidence: Evidence,
    found: Array,
    candidates: Iterable[tuple[Array, Part]],
    block: int,
    budget: Budget,
) -> list[tuple[Part, ...]]:
    """Return what gives the gradient of a block: a candidate, perhaps times a known factor."""
    fits: list[tuple[Part, ...]] = []
    nothing = not np.any(np.abs(found) > evidence.allowed)
    is_zero = not evidence.problem.task.trains and not np.any(found)
    for gradient, part in candidates:
        if gradient.shape != found.shape or not np.isfinite(gradient).all():
            continue
        if is_zero and part.kind and np.any(gradient):
            continue  # a sum that vanishes is not 0 to the last bit
        own = () if not part.kind else (part,)
        if is_near(found, gradient, evidence.allowed):
            if not part.kind:
                return [(part,)]  # the right one: nothing else is looked for
            fits.append(own)
        elif not nothing and budget.allows_factors:
            fits += [(*own, factor) for factor in _factors(evidence, found, gradient, block)]
    if nothing:
        fits.append((_not_updated(evidence.problem, block),))
    return sorted(fits, key=total_cost)[:6]


def is_near(found: Array, gradient: Array, allowed: float) -> bool:
    """Return whether two gradients are the same to rounding."""
    size = float(np.abs(gradient).max(initial=0.0))
    return bool(np.abs(found - gradient).max(initial=0.0) <= allowed + 1e-13 * size)


def _factors(evidence: Evidence, found: Array, gradient: Array, block: int) -> list[Part]:
    """Return the known factors by which a gradient becomes that found."""
    size = float((gradient**2).sum())
    if size == 0 or not np.isfinite(found).all():
        return []
    factor = float((found * gradient).sum()) / size
    if not is_near(found, factor * gradient, evidence.allowed):
        return []
    precision = min(1e-3, 1e-9 + 4 * evidence.allowed / float(np.abs(found).max()))
    parts = []
    for meaning in meanings(factor, evidence.step, precision):
        exact = scale(meaning.names, evidence.step) * gradient
        if is_near(found, exact, evidence.allowed):
            words = in_words(meaning.names, evidence.shown)
            kind = ("scale", meaning.names)
            knobs = Knobs(scale={block: meaning.names})
            parts.append(Part(meaning.cause, kind, knobs, words, meaning.cost, block // 2))
    return parts[:3]


def _not_updated(problem: Problem, block: int) -> Part:
    name = "bias_not_updated" if block % 2 else "weights_not_updated"
    words = f"{'Wb'[block % 2]}{block // 2 + 1} does not move"
    if not problem.task.trains:
        words = f"the gradient of {'Wb'[block % 2]}{block // 2 + 1} is 0"
    kind = ("not updated", block % 2)
    return Part(name, kind, Knobs(scale={block: ("0",)}), words, 0.95, block // 2)


def explain_outputs(
    problem: Problem, weights: Sequence[Array], biases: Sequence[Array], X: Array, found: Array,
    allowed: float,
) -> list[Explanation]:  # fmt: skip
    """Return the explanations of outputs, the simplest first."""
    fits = []
    if not np.isfinite(found).all():
        return []
    for parts in _forward_parts(problem):
        passes = Pass(problem, weights, biases, X, X, knobs_of(parts))
        outputs = passes.a[-1]
        if outputs.shape == found.shape and is_near(found, outputs, allowed):
            real = tuple(part for part in parts if part.kind)
            fits.append(Explanation(real, total_cost(real)))
    return sorted(fits, key=lambda fit: fit.cost)
