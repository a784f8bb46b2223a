"""One page on a training: the table, the score, what is got wrong, what was tried."""

from __future__ import annotations

import os
from collections.abc import Iterable

import numpy as np
from sklearn.pipeline import Pipeline

from ... import __version__
from ...files.atomic import replace_file
from ...plots.files import as_svg
from ..importances import Importance, importances
from ..reading import Source, open_source
from ..records import Candidate, TrainingRecord
from . import pictures
from .page import Html, page, picture, table, tag
from .pictures import Picture

MOST_COLUMNS = 500  # that are named one by one
MOST_CLASSES = 100


def write_report(
    pipeline: Pipeline, path: str | os.PathLike[str], table: object | None = None
) -> None:
    """Write a page on a training that opens in any browser and loads nothing.

    Parameters
    ----------
    pipeline : Pipeline
        What `train` returned.
    path : str or os.PathLike
        Of the HTML file.
    table : path, DataFrame, Arrow object or Source, optional
        What `train` was given. Read once more, for what each column is worth; without it that is
        left out.

    Raises
    ------
    TableError
        If the table is not that of the training.
    OSError
        If the system does not let the file be written.
    """
    run = pipeline.run_
    found = [] if table is None else importances(pipeline, source_of(run, table))
    content = page(
        f"{run.understanding.target}: a model of {run.understanding.table}",
        *_score(run), *_table(run), *_training(pipeline), *_errors(pipeline),
        *_importance(run, found), *_candidates(run), _footer(run),
    )  # fmt: skip
    replace_file(os.fspath(path), content.encode())


def source_of(run: TrainingRecord, table: object) -> Source:
    """Return the table of a training, read as it was then."""
    names = ("separator", "encoding", "decimal", "numeric", "categorical", "drop")
    options = {name: run.options[name] for name in names if run.options.get(name)}
    return open_source(table, **options)  # type: ignore[arg-type]


def _score(run: TrainingRecord) -> Iterable[Html]:
    by = "the most frequent class" if run.understanding.is_classification else "the mean"
    yield tag(
        "p", tag("strong", f"{run.score_name} {run.score:.4f}"),
        f" on {run.n_held:,} rows that were held out. The simplest answer, {by} for every row, "
        f"has {run.baseline:.4f}.", class_="score",
    )  # fmt: skip
    if run.stopped == "time_limit":
        yield tag("p", "The time limit ended the training.", class_="warning")


def _table(run: TrainingRecord) -> Iterable[Html]:
    found = run.understanding
    yield tag("h2", "The table")
    stated = found.stated
    if stated:
        yield tag("ul", *(tag("li", sentence) for sentence in stated))
    for sentence in found.warnings:
        yield tag("p", sentence, class_="warning")
    yield table(
        ("Column", "Role", "Why", "Missing", "Different"),
        ([c.name, c.role, c.why, f"{c.n_missing:,}", f"{c.n_distinct:,}"]
         for c in found.columns[:MOST_COLUMNS]),
        "Columns", (3, 4),
    )  # fmt: skip
    if len(found.columns) > MOST_COLUMNS:
        yield tag("p", f"and {len(found.columns) - MOST_COLUMNS:,} more columns.")
    if found.is_classification:
        counts = [*zip(found.classes, found.class_counts, strict=True)]
        total = max(1, sum(found.class_counts))
        yield tag("h3", "Classes")
        yield table(
            ("Class", "Rows", "Part"),
            ([name, f"{n:,}", f"{n / total:.1%}"] for name, n in counts[:MOST_CLASSES]),
            "Classes", (1, 2),
        )  # fmt: skip


def _training(pipeline: Pipeline) -> Iterable[Html]:
    run = pipeline.run_
    yield tag("h2", "Training")
    yield tag(
        "p", f"{run.n_training:,} rows were learned from. The model: {run.best.name}; "
        f"{pipeline['model'].n_features_in_:,} inputs.",
    )  # fmt: skip
    yield _row(pictures.curves(pipeline))
    if run.seconds:
        yield table(
            ("Step", "Seconds"), ([name, f"{time:.2f}"] for name, time in run.seconds.items()),
            "Times", (1,),
        )  # fmt: skip


def _errors(pipeline: Pipeline) -> Iterable[Html]:
    run = pipeline.run_
    yield tag("h2", "Errors on rows that were held out")
    if not len(run.held_target):
        yield tag("p", "The record of this training has no predictions of held-out rows.")
        return
    if len(run.held_target) < run.n_held:
        yield tag("p", f"The pictures show {len(run.held_target):,} of {run.n_held:,} rows.")
    if not run.understanding.is_classification:
        off = np.abs(run.held_target - run.held_prediction)
        yield tag(
            "p", f"Half of the predictions are off by at most {np.median(off):.4g}, nine in ten by "
            f"at most {np.quantile(off, 0.9):.4g}; on average {off.mean():.4g}.",
        )  # fmt: skip
    yield _row(pictures.errors(pipeline))


def _importance(run: TrainingRecord, found: list[Importance]) -> Iterable[Html]:
    yield tag("h2", "Importance of columns")
    if not found:
        yield tag("p", "Not looked at: that needs the table, and rows that were held out.")
        return
    yield tag(
        "p", f"How much {run.score_name} falls when the cells of a column are shuffled among "
        "held-out rows: mean and standard deviation of five times. Columns that say the same share "
        "what they are worth, and each may seem to be worth little.",
    )  # fmt: skip
    yield _row(pictures.importance(found, run.score_name))
    yield table(
        ("Column", "Loss", "Spread"),
        ([each.name, f"{each.mean:.4f}", f"{each.spread:.4f}"] for each in found[:MOST_COLUMNS]),
        "Importance of columns", (1, 2),
    )  # fmt: skip


def _candidates(run: TrainingRecord) -> Iterable[Html]:
    yield tag("h2", "What was tried")
    yield table(
        ("Network", f"{run.score_name} of folds", "Spread", "Folds", "Epochs", "Seconds", "Ended"),
        map(_candidate, run.candidates), "Networks and linear models that were tried",
        (1, 2, 4, 5),
    )  # fmt: skip


def _candidate(one: Candidate) -> list[str]:
    folds = ", ".join(map(_number, one.fold_scores))
    return [one.name, _number(one.score), _number(one.spread), folds, f"{one.epochs:,}",
            f"{one.seconds:.2f}", one.ended.replace("_", " ")]  # fmt: skip


def _number(score: float) -> str:
    return f"{score:.4f}" if np.isfinite(score) else "none"


def _footer(run: TrainingRecord) -> Html:
    said = {
        name: value
        for name, value in run.options.items()
        if value not in (None, False, (), []) and name != "every"
    }
    options = ", ".join(f"{name} {value}" for name, value in said.items())
    return tag("footer", tag("p", f"fastperc {__version__}. Options: {options}."))


def _row(some: Iterable[Picture]) -> Html:
    shown = [picture(as_svg(one.draw()), one.title, one.words) for one in some]
    return tag("div", *shown, class_="pictures")
