"""The pictures of a training: curves, errors, calibration, importance of columns."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import TYPE_CHECKING, NamedTuple

from sklearn.pipeline import Pipeline

from ...plots import (
    plot_calibration,
    plot_confusion,
    plot_history,
    plot_importances,
    plot_predicted,
    plot_residuals,
)
from ...plots.files import check_format, save_figure
from ...plots.style import new_panels
from ..importances import Importance
from ..records import TrainingRecord

if TYPE_CHECKING:
    from ...plots.style import Axes

MOST_COLUMNS = 25  # whose importance is drawn


class Picture(NamedTuple):
    """A picture, what is seen on it in words, and how to draw it on axes, or a new figure."""

    title: str
    words: str
    draw: Callable[..., Axes]


def write_plot(pipeline: Pipeline, path: str | os.PathLike[str]) -> None:
    """Draw the losses of training and the errors on held-out rows, side by side.

    Parameters
    ----------
    pipeline : Pipeline
        What `train` returned.
    path : str or os.PathLike
        Its ending names the format, such as ``.png`` or ``.svg``.

    Raises
    ------
    ValueError
        If there is no such format.
    OSError
        If the system does not let the file be written.
    """
    check_format(path)
    run = pipeline.run_
    pictures = [*curves(pipeline), *errors(pipeline)]
    if not pictures:
        raise ValueError("there is nothing to draw: no epoch, and no row that was held out")
    score = f"{run.score_name} {run.score:.4f} on {run.n_held:,} rows held out"
    axes = new_panels(len(pictures), f"{run.understanding.task}: {score}")
    for ax, picture in zip(axes, pictures, strict=True):
        picture.draw(ax=ax)
        ax.set_title(picture.title)
    save_figure(axes[0], path)


def curves(pipeline: Pipeline) -> Iterator[Picture]:
    """Yield the picture of the losses, if there is an epoch."""
    run = pipeline.run_
    if not run.loss_curve:
        return
    losses = SimpleNamespace(loss=run.loss_curve, validation_loss=run.validation_curve)
    words = f"The loss falls from {run.loss_curve[0]:.4g} to {run.loss_curve[-1]:.4g} in "
    words += f"{len(run.loss_curve):,} epochs."
    yield Picture("Loss in training", words, lambda ax=None: plot_history(losses, ax))


def errors(pipeline: Pipeline) -> Iterator[Picture]:
    """Yield the pictures of how far predictions are off on held-out rows."""
    run = pipeline.run_
    true, predicted = run.held_target, run.held_prediction
    if not len(true):
        return
    if not run.understanding.is_classification:
        yield Picture(
            "Predicted and true values",
            f"A point for each held-out row; the closer to the diagonal, the better. {_score(run)}",
            lambda ax=None: plot_predicted(true, predicted, ax),
        )
        yield Picture(
            "Residuals",
            "How many held-out rows are off by how much: true minus predicted value.",
            lambda ax=None: plot_residuals(true, predicted, ax),
        )
        return
    yield Picture(
        "Confusion",
        "How many held-out rows of each class, down, are taken for which, across.",
        lambda ax=None: plot_confusion(true, predicted, run.understanding.classes, ax),
    )
    probability = run.held_probability
    if probability is None:
        return
    classes = pipeline["model"].classes_
    if len(classes) == 2:
        given, happened, what = probability[:, 1], true == classes[1], "of the second class"
    else:
        given, happened, what = (
            probability.max(axis=1),
            true == predicted,
            "of the class that is predicted",
        )
    yield Picture(
        "Calibration",
        f"How often it is so, over the probability {what}; on the diagonal they agree.",
        lambda ax=None: plot_calibration(given, happened, ax),
    )


def importance(found: list[Importance], score_name: str) -> Iterator[Picture]:
    """Yield the picture of what columns are worth, if any was looked at."""
    if not found:
        return
    shown = found[:MOST_COLUMNS]
    names, means, spreads = zip(*shown, strict=True)
    yield Picture(
        "Importance of columns",
        f"What {score_name} loses when the cells of a column are shuffled; most with the first.",
        lambda ax=None: plot_importances(
            names, means, spreads, ax, xlabel=f"Loss of {score_name} when shuffled"
        ),
    )


def _score(run: TrainingRecord) -> str:
    return f"{run.score_name} is {run.score:.4f}."
