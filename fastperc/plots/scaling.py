"""Times as a function of a size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from .. import checks
from ..measuring.words import short_count
from ..optional import require
from .style import looks, new_axes, plain_ticks, tidy

if TYPE_CHECKING:
    from .style import Axes

Line = tuple[np.ndarray, np.ndarray]


def plot_scaling(
    series: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    *,
    xlabel: str,
    ylabel: str = "Nanoseconds per sample",
    ideal: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw how times depend on a size: one line for each way, both axes logarithmic.

    Parameters
    ----------
    series : mapping of label to (sizes, times)
    xlabel, ylabel : str
    ideal : {"constant", "inverse", "linear"}, optional
        Also draw, dashed, where each way's times would be if the first one's stayed the same, fell
        with the size, or grew with it.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Examples
    --------
    >>> ax = plot_scaling({"fastperc": ([1, 2], [80, 41])}, xlabel="Threads", ideal="inverse")
    >>> ax.get_legend_handles_labels()[1]
    ['fastperc', 'ideal']
    """
    if not series:
        raise ValueError("series: found none, expected at least one label with (sizes, times)")
    powers = {"constant": 0, "inverse": -1, "linear": 1}
    power = None if ideal is None else powers[checks.check_choice(ideal, "ideal", powers)]
    ax = new_axes((6.4, 4.0)) if ax is None else ax
    styles = looks(series)
    for i, (label, (sizes, times)) in enumerate(series.items()):
        x, y = _check_line(label, sizes, times)
        ax.plot(x, y, label=label, markersize=5, **styles[i])
        if power is not None:
            named = "ideal" if i == len(series) - 1 else None
            colour = styles[i]["color"]
            ax.plot(x, y[0] * (x / x[0]) ** power, "--", color=colour, linewidth=1, label=named)
    ax.set(xscale="log", yscale="log", xlabel=xlabel, ylabel=ylabel)
    plain_ticks(ax.yaxis)
    ticks = sorted({float(value) for sizes, _ in series.values() for value in sizes})
    if len(ticks) <= 12:
        ticker = require("matplotlib.ticker", extra="plot")
        ax.set_xticks(ticks, [short_count(tick) for tick in ticks])
        ax.xaxis.set_minor_locator(ticker.NullLocator())
    tidy(ax, "both")
    ax.legend(frameon=False, handlelength=3.5)
    return ax


def _check_line(label: str, sizes: Sequence[float], times: Sequence[float]) -> Line:
    """Return sizes and times as arrays, if there are as many of both, all positive."""
    x, y = np.asarray(sizes, np.float64), np.asarray(times, np.float64)
    if x.ndim != 1 or x.shape != y.shape or len(x) == 0 or not ((x > 0).all() and (y > 0).all()):
        raise ValueError(
            f"series: found shapes {x.shape} and {y.shape} for {label!r}, expected as many sizes "
            "as times, all positive"
        )
    return x, y
