"""The results of many networks: their learning curves, and their scores against parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from ..optional import require
from .style import OTHERS, OURS, SMALL, YOURS, new_panels, plain_ticks, tidy

if TYPE_CHECKING:
    from .style import Axes

BEST = 3  # networks whose curves are drawn on top
DECADE = 10.0  # what positive numbers have to span for a logarithmic axis


class Results(Protocol):
    """A table as `results.ResultsTable` is one."""

    curves: dict[str, np.ndarray]
    score: str
    parameters: tuple[str, ...]

    @property
    def lowest_is_best(self) -> bool: ...

    def __getitem__(self, name: str) -> np.ndarray: ...


def plot_results(table: Results, title: str = "") -> Axes:
    """Draw the curves of all networks, and the score of each against each parameter.

    The curves of the best networks lie on top, in colour. Axes are logarithmic where numbers are
    positive and span more than a decade.

    Parameters
    ----------
    table : ResultsTable
    title : str
        Of the whole figure.

    Returns
    -------
    matplotlib Axes
        Those of the last panel; ``ax.figure.axes`` are all.

    Raises
    ------
    ValueError
        If the table has no networks, or neither curves nor parameters.

    Examples
    --------
    >>> from fastperc.results import ResultsTable
    >>> table = ResultsTable({"lr": [0.1, 1.0, 20.0], "loss": [3, 1, 2]}, parameters=["lr"])
    >>> plot_results(table).get_xscale()
    'log'
    """
    score = np.asarray(table[table.score], np.float64)
    if not len(score):
        raise ValueError(
            "plot: found a table of 0 networks, expected at least 1. Select some of its rows"
        )
    order = np.argsort(score if table.lowest_is_best else -score, kind="stable")
    best = order[np.isfinite(score[order])][:BEST]
    n_panels = len(table.curves) + len(table.parameters)
    if not n_panels:
        raise ValueError(
            "plot: found a table without curves and parameters, expected one at least. Plot its "
            "columns as they are: table.to_frame().plot()"
        )
    panels = iter(new_panels(n_panels, title))
    for name, curves in table.curves.items():
        _draw_curves(ax := next(panels), curves, best)
        ax.set_ylabel(_words(name))
    for name in table.parameters:
        _draw_scores(ax := next(panels), table[name], score, best)
        ax.set_xlabel(name)
        ax.set_ylabel(_words(table.score))
    return ax


def _words(name: str) -> str:
    return name.replace("_", " ")


def _draw_curves(ax: Axes, curves: np.ndarray, best: np.ndarray) -> None:
    """Draw one curve for each network: all in one collection, however many there are."""
    collections = require("matplotlib.collections", extra="plot")
    epochs = np.arange(1.0, len(curves) + 1)
    for numbers, colour, width, alpha in (
        (np.arange(curves.shape[1]), OTHERS, 0.6, max(0.08, min(1.0, 30 / curves.shape[1]))),
        (best, OURS, 1.6, 1.0),
    ):
        lines = np.stack([np.broadcast_to(epochs, curves.T[numbers].shape), curves.T[numbers]], -1)
        ax.add_collection(
            collections.LineCollection(lines, colors=colour, linewidths=width, alpha=alpha)
        )
    ax.autoscale_view()
    ax.set_xlabel("epoch")
    finite = curves[np.isfinite(curves)]
    if _spans_decades(finite):
        # What has diverged would hide the others; the best must not lie on the frame.
        low = finite.min()
        ax.set_ylim(low / 1.2, max(np.quantile(finite, 0.99), low * DECADE) * 1.2)
        ax.set_yscale("log")
        plain_ticks(ax.yaxis)
    tidy(ax, "both")
    ax.text(
        1.0, 1.01, f"{curves.shape[1]:,} networks, the best {len(best)} in colour",
        transform=ax.transAxes, ha="right", va="bottom", fontsize=SMALL, color="0.35",
    )  # fmt: skip


def _draw_scores(ax: Axes, values: np.ndarray, score: np.ndarray, best: np.ndarray) -> None:
    """Draw a point for each network."""
    values = np.asarray(values)
    if values.dtype.kind in "iuf":
        places = values.astype(np.float64)
        finite = places[np.isfinite(places)]
        if _spans_decades(finite):
            ax.set_xscale("log")
            ax.set_xlim(finite.min() / 1.5, finite.max() * 1.5)
            plain_ticks(ax.xaxis)
    else:
        names, at = np.unique(values.astype(str), return_inverse=True)
        places = at.astype(np.float64)
        ax.set_xticks(range(len(names)), [name[:20] for name in names])
        ax.margins(x=0.15)
    ax.scatter(places, score, s=14, color=OTHERS, alpha=0.6, linewidths=0)
    ax.scatter(places[best], score[best], s=34, color=OURS, marker="D", linewidths=0)
    if len(best):
        ax.axhline(score[best[0]], color=YOURS, linewidth=0.8, linestyle=":")
    if _spans_decades(score[np.isfinite(score)]):
        ax.set_yscale("log")
        plain_ticks(ax.yaxis)
    tidy(ax, "both")


def _spans_decades(values: np.ndarray) -> bool:
    """Return whether a logarithmic axis shows such numbers better."""
    return bool(len(values) and values.min() > 0 and values.max() > DECADE * values.min())
