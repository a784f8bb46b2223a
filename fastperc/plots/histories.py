"""Learning curves: of one run, of several in one picture, of many in a panel for each problem."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from ..optional import require
from .style import (
    legend_beside,
    look,
    names_at_ends,
    new_axes,
    new_panels,
    plain_ticks,
    tidy,
)

if TYPE_CHECKING:
    from .style import Axes


class LossCurves(Protocol):
    """The losses of each epoch of a training run, as a `History` has them."""

    loss: list[float]
    validation_loss: list[float]


Histories = LossCurves | Mapping[str, LossCurves] | Iterable[tuple[str, LossCurves]]


def plot_history(
    histories: Histories,
    ax: Axes | None = None,
) -> Axes:
    """Draw the loss of each epoch: solid lines for training, dashed ones for validation.

    The loss axis is logarithmic where losses are positive and span more than a decade.

    Parameters
    ----------
    histories : History, or mapping or pairs of label and History
        A run, or several to compare.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Examples
    --------
    >>> from fastperc import History
    >>> ax = plot_history({"lr 0.1": History(loss=[4, 2, 1]), "lr 1": History(loss=[4, 3, 3])})
    >>> ax.get_legend_handles_labels()[1]
    ['lr 0.1', 'lr 1']
    """
    runs = _labelled(histories)
    ax = new_axes((6.4, 4.0)) if ax is None else ax
    for i, (label, history) in enumerate(runs):
        _plot_run(ax, i, label, history, alone=len(runs) == 1)
    _name_axes(ax, runs)
    if len(ax.lines) > 3:
        legend_beside(ax, handlelength=3.5)
    elif len(ax.lines) > 1:
        ax.legend(frameon=False, handlelength=3.5)
    return ax


def plot_histories(panels: Mapping[str, Histories], title: str = "") -> Axes:
    """Draw learning curves of several problems, each in a panel with axes of its own.

    A curve has its name at its end: solid and thick for training, dashed and thin for validation.

    Parameters
    ----------
    panels : mapping of title to histories
        What `plot_history` takes, for each panel.
    title : str
        Of the whole figure.

    Returns
    -------
    matplotlib Axes
        Those of the last panel; ``ax.figure.axes`` are all.

    Examples
    --------
    >>> from fastperc import History
    >>> ax = plot_histories({"iris": History(loss=[4, 2, 1], validation_loss=[5, 3, 2])})
    >>> [text.get_text() for text in ax.texts]
    ['training', 'validation']
    """
    runs = {name: _labelled(histories) for name, histories in panels.items()}
    axes = new_panels(len(runs), title)
    for ax, (name, lines) in zip(axes, runs.items(), strict=True):
        for i, (label, history) in enumerate(lines):
            _plot_run(ax, i, label, history, alone=len(lines) == 1, markers=False)
        _name_axes(ax, lines)
        ax.set_title(name)
    for ax in axes:
        names_at_ends(ax)
    return axes[-1]


def _name_axes(ax: Axes, runs: list[tuple[str, LossCurves]]) -> None:
    """Set scales and names of the axes; that of losses is logarithmic over more than a decade."""
    ticker = require("matplotlib.ticker", extra="plot")
    losses = [loss for _, run in runs for loss in (*run.loss, *run.validation_loss)]
    if min(losses) > 0 and max(losses) > 10 * min(losses):
        ax.set_yscale("log")
        plain_ticks(ax.yaxis)
    ax.xaxis.set_major_locator(ticker.MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    ax.set(xlabel="Epoch", ylabel="Loss (mean over samples)")
    tidy(ax, "both")


def _labelled(histories: object) -> list[tuple[str, LossCurves]]:
    """Return the labels and curves of all runs; a single one has no label."""
    runs: list[Any]
    if _has_curves(histories):
        runs = [("", histories)]
    elif isinstance(histories, Mapping):
        runs = list(histories.items())
    else:
        runs = list(histories) if isinstance(histories, Iterable) else [("", histories)]
    if not all(map(_is_run, runs)):
        raise TypeError(
            f"histories: found {histories!r:.60}, expected a History, or a dict or pairs of label "
            "and History. Train first, and give net.history"
        )
    empty = [label for label, history in runs if not history.loss]
    if empty or not runs:
        which = f"in {empty[0]!r}" if empty and empty[0] else "at all"
        raise ValueError(
            f"histories: found no epoch {which}, expected at least 1. Train for an epoch first"
        )
    return runs


def _is_run(value: object) -> bool:
    return isinstance(value, Sequence) and len(value) == 2 and _has_curves(value[1])


def _has_curves(value: object) -> bool:
    curves = [getattr(value, name, None) for name in ("loss", "validation_loss")]
    return all(isinstance(curve, list) for curve in curves)


def _plot_run(
    ax: Axes, i: int, label: str, history: LossCurves, alone: bool, markers: bool = True
) -> None:
    """Draw the one or two curves of a run; training has a few markers that tell it from others."""
    names = ("training", "validation") if alone else (label, f"{label}, validation")
    if losses := history.loss:
        # Runs have their markers at different epochs, so that equal losses do not hide one.
        every = max(1, len(losses) // 8)
        shown = look(i) if markers or len(losses) == 1 else {"color": look(i)["color"]}
        ax.plot(
            range(1, len(losses) + 1), losses, "-", label=names[0], linewidth=1.8, markersize=5,
            markevery=(i * every // 3 % len(losses), every), **shown,
        )  # fmt: skip
    if losses := history.validation_loss:
        marker = "_" if len(losses) == 1 else ""
        ax.plot(
            range(1, len(losses) + 1), losses, "--", label=names[1], linewidth=1.2, marker=marker,
            color=look(i)["color"],
        )  # fmt: skip
