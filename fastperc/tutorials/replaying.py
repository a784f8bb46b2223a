"""Recompute the figures that the tutorials print."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain

import numpy as np

from ..measuring.words import columns
from . import published
from .mlp import MLP
from .sigmoid_units import train_perceptron, train_two_layer


@dataclass(frozen=True)
class Figure:
    """A printed figure and its recomputation.

    Attributes
    ----------
    run : str
        Training run that prints it.
    quantity : str
        Quantity and step.
    published : str
        As printed. Two dots at its end mean that the page cuts it short.
    computed : str
        ``value`` in the form in which the tutorial's program printed, cut where that one is cut.
    value : float
        The recomputed value in full.
    """

    run: str
    quantity: str
    published: str
    computed: str
    value: float

    @property
    def agrees(self) -> bool:
        """Return whether all printed digits are the same."""
        return self.computed == self.published


@dataclass(frozen=True)
class Replay:
    """The figures of `replay`, in the order of the tutorials; iterable."""

    figures: tuple[Figure, ...]

    def __iter__(self) -> Iterator[Figure]:
        return iter(self.figures)

    def __len__(self) -> int:
        return len(self.figures)

    @property
    def agrees(self) -> bool:
        """Return whether every figure agrees to all its printed digits."""
        return all(figure.agrees for figure in self)

    def summary(self) -> str:
        """Return a line for each run with how many of its figures agree."""
        runs = dict.fromkeys(figure.run for figure in self)
        lines = []
        for run in runs:
            agree = [figure.agrees for figure in self if figure.run == run]
            lines.append(f"{run:<44}  {sum(agree):>3} of {len(agree):>3} figures agree")
        return "\n".join(lines)

    def table(self) -> str:
        """Return a line for each figure: run, quantity, published, computed, and agreement."""
        header = ("run", "quantity", "published", "computed", "agrees")
        rows = [(f.run, f.quantity, f.published, f.computed, yes_no(f.agrees)) for f in self]
        head, *lines = columns([header, *rows], left=len(header))
        return "\n".join([head, "-" * max(map(len, lines)), *lines])

    __str__ = table


def replay() -> Replay:
    """Recompute every figure that the tutorials print from start weights that they also print.

    These are the trace of the network of five scalars, and the runs of sigmoid units: one input
    (twice), three inputs, and a hidden layer on one and on four samples. Inputs, targets and start
    weights are not listed. All else that the tutorials print comes from random weights that they do
    not print, and cannot be replayed: the two runs of one sigmoid unit on four samples.

    Returns
    -------
    Replay

    Examples
    --------
    >>> figures = replay()
    >>> len(figures), figures.agrees
    (283, True)
    >>> print(figures.table())
    run    quantity          published       computed        agrees
    ---...
    MLP    step 0, loss      169             169             yes
    MLP    step 0, pred      4               4               yes
    ...
    """
    runs = [
        replay_trace(),
        *map(replay_unit, published.UNIT_RUNS),
        *map(replay_layers, published.LAYERS_RUNS),
    ]
    return Replay(tuple(chain.from_iterable(runs)))


def replay_trace() -> Iterator[Figure]:
    """Yield the five stretches of the trace of `MLP`, and its summary."""
    model = MLP([(2, 2)], [17])
    model.train(epoch=1000)
    for row in published.TRACE.split("\n")[1:-1]:
        step, *texts = row.split()
        line = model.trace[int(step)]
        for name, text, value in zip(published.TRACE_COLUMNS, texts, line, strict=True):
            if text != ".":
                yield figure("MLP", f"step {step}, {name}", text, value, in_array)
    loss, pred = model.trace[-1, :2]
    yield figure("MLP", "last loss", published.SUMMARY["loss"], loss, in_array)
    yield figure("MLP", "last pred", published.SUMMARY["pred"], pred, four_decimals)


def replay_unit(run: published.UnitRun) -> Iterator[Figure]:
    """Yield the figures of a run of `train_perceptron`, whose target is 1."""
    name = f"train_perceptron, {run.name}"
    scalar = in_full if len(run.start) == 1 else in_array
    _, first = train_perceptron(run.X, [1], run.start, iterations=1)
    yield figure(name, "first prediction", run.first_prediction, first[0], scalar)
    weights, last = train_perceptron(run.X, [1], run.start, iterations=1000)
    for i, (text, weight) in enumerate(zip(run.weights, weights, strict=True), 1):
        yield figure(name, f"final weight {i}", text, weight, scalar)
    yield figure(name, "final prediction", run.prediction, last[0], in_array)


def replay_layers(run: published.LayersRun) -> Iterator[Figure]:
    """Yield the figures of a run of `train_two_layer`."""
    *_, outputs = train_two_layer(run.X, run.y, run.weights1, run.weights2, run.rounds)
    for i, (text, value) in enumerate(zip(run.outputs, outputs, strict=True), 1):
        yield figure(f"train_two_layer, {run.name}", f"output {i}", text, value, in_array)


def figure(
    run: str, quantity: str, text: str, value: float, form: Callable[[float], str]
) -> Figure:
    """Return a `Figure` whose computed text has the form of the published one."""
    computed = form(float(value))
    if text.endswith(".."):
        computed = computed[: len(text) - 2] + ".."
    return Figure(run, quantity, text, computed, float(value))


def in_array(value: float) -> str:
    """Write a value as NumPy does in an array: 8 decimals, without trailing zeros."""
    scientific = 0 < abs(value) < 1e-4
    form = np.format_float_scientific if scientific else np.format_float_positional
    return str(form(value, precision=8, trim="-"))


def in_full(value: float) -> str:
    """Write a value as Python 2 does: 12 significant digits."""
    return f"{value:.12g}"


def four_decimals(value: float) -> str:
    """Write a value as the summary does."""
    return f"{value:.4f}"


def yes_no(value: bool) -> str:
    """Return the word for the table."""
    return "yes" if value else "NO"
