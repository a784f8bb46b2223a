"""The numbers of one step as a tutorial writes it down, what is expected and yours beside it.

Forward pass, backward pass and update: a formula, and below it its numbers. The expected ones are
the reference's, from the parameters before the first wrong step. Yours are known at the end of the
step, and the gradient follows from them. What lies between is known where a mistake was found that
leads to the same end.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .formulas import Formulas
from .numbers import side_by_side
from .passes import Trace, trace
from .printing import difference
from .scales import Step as Factors

if TYPE_CHECKING:
    from .finding import Finding, WrongStep
    from .problem import Problem
    from .result import Row

Array = np.ndarray
# Smaller differences, as shares of the largest number, are rounding: within a step, and at its end.
SAME = 1e-9
CLOSE = {"float32": 1e-4, "float64": 1e-8}
FIRST, OTHER = "<-- the first that differs", "<- differs"


class Quantity(NamedTuple):
    """A formula, what it should give, what yours gives if known, and whether they differ."""

    formula: str
    expected: Array
    yours: Array | None = None
    differs: bool = False


def explain(row: Row) -> str:
    """Return the numbers of a row's first wrong step, or of the first step if none is wrong."""
    if row.error or row.finding is None or row.problem is None:
        return f"{row.name}: there are no numbers to explain{row.error and f'. It {row.error}'}"
    explanation = Explanation(replace(row.problem, dtype=row.finding.dtype), row.finding)
    lines = [f"{row.name}: {explanation.title}", *explanation.notes]
    marks = iter([FIRST])
    for heading, quantities in explanation.sections():
        lines += ["", heading]
        for formula, expected, yours, differs in quantities:
            mark = f"   {next(marks, OTHER)}" if differs else ""
            shown = side_by_side(expected, yours, differs)
            lines += [f"  {formula}{mark}", *(f"      {line}" for line in shown)]
    return "\n".join(lines)


@dataclass(frozen=True)
class Explanation:
    """Work out the quantities of one step."""

    problem: Problem
    finding: Finding

    @property
    def step(self) -> WrongStep | None:
        """The step as it was found; none if a call takes its rows several times."""
        several = self.problem.task.trains and self.problem.epochs > 1
        return None if several else self.finding.step

    @cached_property
    def rows(self) -> slice:
        """The samples of the step."""
        step = self.step
        if step is None:
            return slice(0, min(self.problem.step_rows, self.problem.n_samples))
        return slice(step.first_row, step.last_row)

    @cached_property
    def samples(self) -> tuple[Array, Array]:
        """Those samples in float64."""
        X, Y = self.problem.samples
        return X[self.rows].astype(np.float64), Y[self.rows].astype(np.float64)

    @cached_property
    def before(self) -> tuple[list[Array], list[Array]]:
        """Weights and biases before the step."""
        step = self.step
        if step is None or not self.problem.task.trains:
            weights, biases = self.problem.start()
            return [W.astype(np.float64) for W in weights], [b.astype(np.float64) for b in biases]
        if not self.problem.bias:
            return list(step.before), [np.zeros(W.shape[1]) for W in step.before]
        return list(step.before[::2]), list(step.before[1::2])

    @cached_property
    def right(self) -> Trace:
        """The reference's numbers."""
        return trace(self.problem, *self.before, *self.samples)

    @cached_property
    def yours(self) -> Trace | None:
        """Your numbers, if a mistake is known that leads to the same end within this step."""
        step, mistake = self.step, self.finding.mistake
        if step is None or mistake is None:
            return None
        given = Factors.of(self.problem, len(self.samples[0]), step.last_row)
        made = trace(self.problem, *self.before, *self.samples, mistake=mistake, step=given)
        ends = dict(zip(self.problem.block_names, step.found, strict=True))
        allowed = CLOSE[self.finding.dtype]
        is_same = all(_are_near(*pair, allowed) for pair in self._ends(made, ends))
        return made if is_same else None

    def _ends(self, made: Trace, ends: dict[str, Array]) -> Iterator[tuple[Array, Array]]:
        """Return what a pass leads to in pairs with what was found."""
        kinds = {"W": made.weights, "b": made.biases}
        if not self.problem.task.trains:
            kinds = {"W": made.by_weights, "b": made.by_biases}
        for name, found in ends.items():
            if name == "outputs":
                yield made.a[-1], found[-len(made.a[-1]) :]
            else:
                yield kinds[name[0]][int(name[1:]) - 1], found

    @cached_property
    def write(self) -> Formulas:
        """The formulas."""
        return Formulas(self.problem, len(self.samples[0]))

    @property
    def title(self) -> str:
        """Which step this is."""
        problem, number = self.problem, (self.step and self.finding.first_wrong) or 1
        if problem.kind == "gradient":
            step = f"the gradient of {self._rows_in_words}"
        elif problem.kind == "forward":
            step = f"the outputs of {self._rows_in_words}"
        else:
            step = f"step {number:,}, {self._rows_in_words}"
        lr = f", lr {problem.lr:g}" if problem.task.trains else ""
        sizes = "-".join(map(str, problem.sizes))
        return f"{step}; {sizes}, {problem.hidden}, {problem.output}, {problem.loss}{lr}"

    @property
    def _rows_in_words(self) -> str:
        first, last = self.rows.start + 1, self.rows.stop
        return f"row {first:,}" if first == last else f"rows {first:,} to {last:,}"

    @property
    def notes(self) -> list[str]:
        """What the columns are, and where yours come from."""
        if self.step is None:
            return ["these are expected; of yours, a single step is not known: try one epoch"]
        lines = ["left: expected; right: yours"]
        if self.finding.agrees:
            lines = [
                f"{lines[0]}; no difference is larger than {difference(self.finding.absolute)}"
            ]
        if self.yours is not None:
            return [*lines, "of yours, what leads to the end is worked out from the likely cause"]
        known = {"forward": "the outputs are known", "gradient": "the gradient is known"}
        training = f"the end is known, and so the gradient, (before - after) / lr in {self.dtype}"
        return [*lines, f"of yours, {known.get(self.problem.kind, training)}"]

    @property
    def dtype(self) -> str:
        """The precision of the check."""
        return self.finding.dtype

    def sections(self) -> Iterator[tuple[str, list[Quantity]]]:
        """Return headings, and the quantities below each."""
        yield "given", [*self._inputs()]
        yield "forward pass", [*self._forward()]
        if self.problem.kind != "forward":
            yield "backward pass", [*self._backward()]
        if self.problem.task.trains:
            yield "update", [*self._update()]

    def _inputs(self) -> Iterator[Quantity]:
        (X, Y), (weights, biases) = self.samples, self.before
        yield self._paired("x", X)
        if self.problem.kind != "forward":
            yield self._paired("y", Y)
        for layer, (W, b) in enumerate(zip(weights, biases, strict=True), start=1):
            yield self._paired(f"W{layer}", W)
            if self.problem.bias:
                yield self._paired(f"b{layer}", np.atleast_2d(b))

    def _forward(self) -> Iterator[Quantity]:
        right, yours = self.right, self.yours
        for k in range(len(right.z)):
            found = yours.a[k + 1] if yours else None
            if self.step and self.problem.kind == "forward" and k + 1 == len(right.z):
                found = self.step.found[0][-len(right.z[k]) :]
            yield self._paired(self.write.sums(k + 1), right.z[k], yours and yours.z[k])
            yield self._paired(self.write.outputs(k + 1), right.a[k + 1], found)

    def _backward(self) -> Iterator[Quantity]:
        right, yours = self.right, self.yours
        for k in reversed(range(len(right.z))):
            layer = k + 1
            yield self._paired(self.write.delta(layer), right.delta[k], yours and yours.delta[k])
            yield self._of_block(f"W{layer}", self.write.by_weights(layer), right.by_weights[k])
            if self.problem.bias:
                yield self._of_block(f"b{layer}", self.write.by_biases(layer), right.by_biases[k])

    def _of_block(self, block: str, formula: str, expected: Array) -> Quantity:
        """Return the gradient of a block, and what was found of it or follows from its move."""
        found = self._found(block)
        if found is not None and self.problem.task.trains:
            assert self.step is not None
            before = self._of(self.step.before, block)
            has_velocity = self.problem.momentum and (self.finding.first_wrong or 1) > 1
            is_known = before.shape == found.shape and not has_velocity
            found = (before - found) / self.problem.lr if is_known else None
        return self._checked(block, formula, expected, found)

    def _update(self) -> Iterator[Quantity]:
        for k, (W, b) in enumerate(zip(self.right.weights, self.right.biases, strict=True)):
            for kind, after in (("W", W), ("b", b))[: 1 + self.problem.bias]:
                block = f"{kind}{k + 1}"
                expected = after if self.step is None else self._of(self.step.expected, block)
                yield self._checked(block, self.write.update(block), expected, self._found(block))

    def _of(self, blocks: list[Array], block: str) -> Array:
        return blocks[self.problem.block_names.index(block)]

    def _found(self, block: str) -> Array | None:
        """Return a block as it was found, if that is known."""
        return None if self.step is None else self._of(self.step.found, block)

    def _checked(self, block: str, formula: str, expected: Array, found: Array | None) -> Quantity:
        """Return a quantity that is wrong where checking has found the block wrong."""
        is_wrong = any(block == wrong.name for wrong in self.finding.blocks)
        found = None if found is None else np.atleast_2d(found)
        quantity = self._paired(formula, np.atleast_2d(expected), found)
        return quantity._replace(differs=is_wrong and found is not None)

    def _paired(self, formula: str, expected: Array, found: Array | None = None) -> Quantity:
        """Return a quantity in the layout of the problem, different where rounding is exceeded."""
        turn = np.transpose if self.problem.layout == "columns" else np.asarray
        if found is None:
            return Quantity(formula, turn(expected))
        return Quantity(formula, turn(expected), turn(found), not _are_near(expected, found, SAME))


def _are_near(expected: Array, found: Array, share: float) -> bool:
    """Return whether two arrays differ by a share of the largest number at most."""
    if found.shape != expected.shape:
        return False
    size = share * float(np.abs(expected).max(initial=0.0))
    return bool(np.allclose(found, expected, rtol=0, atol=size))
