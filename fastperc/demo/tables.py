"""The demo's tables, and the sentences that are made from figures."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.table import Table

from ..commands.console import WRONG, marked, table
from ..measuring.words import duration, factor, percent
from ..tutorials import Replay, Speedup
from ..warmup import WarmupStep
from ..warmup import outcome as warmup_outcome
from .scores import Outcome


def plain(name: str) -> str:
    """Return a data set's name as words."""
    return name.replace("_", " ")


def show_kernels(console: Console, step: WarmupStep) -> None:
    """Print what it took to have the kernels ready."""
    if step.source == "compiled":
        end = f"compiled{warmup_outcome()[1]}"
    elif step.source == "plain Python":
        end = f"as they are{warmup_outcome()[1]}"
    else:
        end = "compiled by an earlier run."
    console.print(f"Kernels ready in {duration(step.seconds)}, {end}")


def show_replay(console: Console, figures: Replay) -> None:
    """Print for each run of the tutorials how many figures agree, and the last of them."""
    right = ("published", "computed", "agree")
    lines = table("training run", *right, right=right)
    for run in dict.fromkeys(figure.run for figure in figures):
        own = [figure for figure in figures if figure.run == run]
        agree = sum(figure.agrees for figure in own)
        last = own[-1]
        cells = f"{run}: {last.quantity}", last.published, last.computed, f"{agree} of {len(own)}"
        lines.add_row(*cells, style=None if agree == len(own) else WRONG)
    console.print(lines)


def outcomes_table() -> Table:
    """Return the empty table of the experiments."""
    sides = ("fastperc", "sklearn")
    pairs = [f"{what}:\n{side}" for what in ("score", "time") for side in sides]
    return table(
        "data set", "network", "splits", *pairs, "faster", right=("splits", *pairs, "faster")
    )


def add_outcome(lines: Table, outcome: Outcome) -> None:
    """Add a row, with the better score, or both that look alike, and the shorter time marked."""
    ours, theirs = outcome.ours, outcome.theirs
    ahead = round(ours.score, 3) - round(theirs.score, 3)
    lines.add_row(
        plain(outcome.experiment.data),
        "-".join(map(str, outcome.sizes)),
        str(outcome.experiment.n_splits),
        marked(score(outcome.measure, ours.score), ahead >= 0),
        marked(score(outcome.measure, theirs.score), ahead <= 0),
        marked(duration(ours.seconds), outcome.ratio >= 1),
        marked(duration(theirs.seconds), outcome.ratio <= 1),
        factor(outcome.ratio),
    )


def score(measure: str, value: float) -> str:
    """Return an accuracy as a percentage, another score with its name.

    Examples
    --------
    >>> score("accuracy", 0.975), score("R2", 0.4649)
    ('97.5 %', 'R2 0.465')
    """
    return percent(value) if measure == "accuracy" else f"{measure} {value:.3f}"


def speedups_table() -> Table:
    """Return the empty table of the speed-ups."""
    right = ("loop", "kernel", "faster")
    return table("training", "work", *right, right=right)


def add_speedup(lines: Table, line: Speedup) -> None:
    """Add a row."""
    seconds = duration(line.loop_seconds), duration(line.compiled_seconds)
    lines.add_row(line.name, line.work, *seconds, marked(factor(line.ratio), line.ratio >= 1))


def show_path(console: Console, path: Path) -> None:
    """Print a path on a line of its own, unbroken, so that it can be clicked or copied."""
    console.print(str(path), soft_wrap=True, highlight=False, markup=False)
