"""Explain a step by a penalty on the parameters, whose strength is fitted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from ..mistakes import Knobs
from ..passes import Array, Pass
from ..scales import Factor, in_words, meanings, scale
from .options import Part
from .search import Evidence, Explanation, is_near

LEAST = 4  # numbers, to fit one or two


class Fit(NamedTuple):
    """Gradients found are ``factor`` times the right ones and ``strength`` times a direction."""

    factor: float
    strength: float


def explain_decay(evidence: Evidence) -> list[Explanation]:
    """Return the penalties that explain a step: one strength for all blocks that are wrong."""
    e = evidence
    passes = Pass(e.problem, e.weights, e.biases, e.X, e.Y, Knobs(), e.step)
    passes.trace()
    blocks = [block for pair in zip(e.weights, e.biases, strict=True) for block in pair]
    right = [g for pair in zip(passes.by_weights, passes.by_biases, strict=True) for g in pair]
    used = [i for i in range(len(blocks)) if e.problem.bias or i % 2 == 0]
    if any(e.gradients[i].shape != right[i].shape for i in used):
        return []
    wrong = [i for i in used if not is_near(e.gradients[i], right[i], e.allowed)]
    return sorted(
        _explanations(evidence, blocks, right, used, wrong), key=lambda explained: explained.cost
    )


def _explanations(
    e: Evidence, blocks: list[Array], right: list[Array], used: list[int], wrong: list[int]
) -> Iterator[Explanation]:
    """Try the penalty on the wrong blocks; with a factor of all, on the weights or on all."""
    for name, direct in (("l2_penalty", blocks), ("l1_penalty", [np.sign(b) for b in blocks])):
        fit = _fitted(e, right, direct, wrong, factor=1.0)
        if fit and _holds(e, right, direct, fit, used, wrong):
            yield _explained(e, name, fit, wrong, [])
        for penalised in ([i for i in used if i % 2 == 0], used):
            fit = _fitted(e, right, direct, penalised)
            if fit is None or not np.isfinite(fit).all():
                continue
            if _holds(e, right, direct, fit, used, penalised) and abs(fit.factor - 1) > 1e-6:
                for factor in meanings(fit.factor, e.step, 1e-6)[:1]:
                    exact = Fit(scale(factor.names, e.step), fit.strength)
                    yield _explained(e, name, exact, penalised, used, factor)
                # Parameters shrink after the step: (1 - d) (W - lr g), which is
                # W - lr ((1 - d) g + d / lr W).
                shrink = fit.strength * e.problem.lr
                if name == "l2_penalty" and abs(fit.factor + shrink - 1) < 1e-9:
                    yield _shrunk(shrink, penalised)


def _fitted(
    e: Evidence, right: list[Array], direct: list[Array], blocks: list[int],
    factor: float | None = None,
) -> Fit | None:  # fmt: skip
    """Fit the strength, and the factor unless it is known, by least squares."""
    if not blocks:
        return None
    found, g, d = (
        np.concatenate([part[i].ravel() for i in blocks]) for part in (e.gradients, right, direct)
    )
    if len(found) < LEAST or not np.isfinite(found).all():
        return None
    if factor is not None:
        return Fit(factor, float(d @ (found - factor * g) / (d @ d)))
    solution, _, rank, _ = np.linalg.lstsq(np.stack([g, d], axis=1), found, rcond=None)
    return Fit(float(solution[0]), float(solution[1])) if rank == 2 else None


def _holds(
    e: Evidence, right: list[Array], direct: list[Array], fit: Fit, used: list[int],
    penalised: Iterable[int],
) -> bool:  # fmt: skip
    """Return whether a fit gives all gradients found, to rounding."""
    penalised = set(penalised)
    if abs(fit.strength) * max(np.abs(direct[i]).max() for i in penalised) < 30 * e.allowed:
        return False
    for i in used:
        expected = right[i] * fit.factor + (fit.strength * direct[i] if i in penalised else 0.0)
        if not is_near(e.gradients[i], expected, 4 * e.allowed):
            return False
    return True


def _explained(
    e: Evidence, name: str, fit: Fit, penalised: list[int], scaled: list[int],
    factor: Factor | None = None,
) -> Explanation:  # fmt: skip
    alpha = e.problem.alpha
    strength = fit.strength
    words = f"of strength {strength:.6g} on {_names(penalised)}"
    if alpha and name == "l2_penalty":
        if abs(strength + alpha * fit.factor) <= 1e-6 * alpha:
            name, words = "penalty_missing", f"alpha {alpha:g} on {_names(penalised)}"
        else:
            words = f"of strength {strength + alpha:.6g} where {alpha:g} is due"
    strengths = dict.fromkeys(penalised, strength)
    knobs = Knobs(sign_decay=strengths) if name == "l1_penalty" else Knobs(decay=strengths)
    cost = 1.1 if name != "l1_penalty" else 1.3
    parts = [Part(name, (name,), knobs, words, cost)]
    if factor is not None:
        scales = Knobs(scale=dict.fromkeys(scaled, factor.names))
        text = in_words(factor.names, e.shown)
        parts.append(Part(factor.cause, ("scale", factor.names), scales, text, factor.cost))
    return Explanation(tuple(parts), sum(part.cost for part in parts))


def _shrunk(shrink: float, penalised: list[int]) -> Explanation:
    words = f"{_names(penalised)} shrink by {shrink:.6g} after each step"
    knobs = Knobs(shrink=dict.fromkeys(penalised, shrink))
    return Explanation((Part("l2_penalty", ("l2_penalty",), knobs, words, 1.1),), 1.1)


def _names(blocks: Iterable[int]) -> str:
    return ", ".join(f"{'Wb'[i % 2]}{i // 2 + 1}" for i in blocks)
