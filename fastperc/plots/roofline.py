"""The rates of kernels, below the limits of the machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from .. import checks
from ..measuring.words import number
from .style import DARK, legend_beside, look, new_axes, plain_ticks, tidy

if TYPE_CHECKING:
    from .style import Axes


def plot_roofline(
    points: Mapping[str, tuple[float, float]],
    gflops: float,
    gbytes: float,
    cached: float | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw kernels below what the machine can do at most: its arithmetic, its memory, its caches.

    Parameters
    ----------
    points : mapping of name to (intensity, rate)
        Floating point operations per byte of samples and parameters, and 10^9 of them per second.
    gflops, gbytes : float
        The machine's peak of arithmetic and of memory traffic, 10^9 per second.
    cached : float, optional
        The peak of traffic within the caches, 10^9 per second: what fits into them may lie above
        the slope of memory.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Notes
    -----
    After Williams, Waterman and Patterson (2009), "Roofline"; with a slope for each kind of memory,
    as Ilic, Pratas and Sousa (2014), "Cache-aware roofline model", have it.

    Examples
    --------
    >>> ax = plot_roofline({"8-32-1": (0.6, 18.0)}, gflops=60, gbytes=14)
    >>> ax.get_legend_handles_labels()[1]
    ['14 GB/s, memory beyond the caches', '8-32-1']
    """
    gflops = checks.check_positive(gflops, "gflops")
    gbytes = checks.check_positive(gbytes, "gbytes")
    slopes = {"memory beyond the caches": gbytes}
    if cached is not None:
        slopes["second cache"] = checks.check_positive(cached, "cached")
    ax = new_axes((8.0, 4.4)) if ax is None else ax
    _draw_roof(ax, gflops, slopes, [intensity for intensity, _ in points.values()])
    for i, (name, (intensity, rate)) in enumerate(points.items()):
        ax.plot(
            [intensity], [rate], linestyle="", markersize=7, markeredgecolor=DARK,
            markeredgewidth=0.5, label=name, **look(i),
        )  # fmt: skip
    ax.set(xscale="log", yscale="log", xlabel="Operations per byte", ylabel="GFLOP/s")
    plain_ticks(ax.xaxis)
    plain_ticks(ax.yaxis)
    tidy(ax, "both")
    legend_beside(ax)
    return ax


def _draw_roof(ax: Axes, gflops: float, slopes: dict[str, float], intensities: list[float]) -> None:
    """Draw the flat top of arithmetic, beyond all points, and a slope for each memory."""
    ridges = [gflops / gbytes for gbytes in slopes.values()]
    x = [min(ridges) / 8, *intensities, max(ridges) * 30]
    left, right = min(x) / 1.5, max(x) * 1.5
    for ridge, style, (what, gbytes) in zip(ridges, ("-", "--"), slopes.items(), strict=False):
        edges = np.array([left, ridge, right])
        ax.plot(
            edges, np.minimum(gflops, gbytes * edges), style, color=DARK, linewidth=1.6,
            label=f"{number(gbytes, 2)} GB/s, {what}",
        )  # fmt: skip
    top = f"{number(gflops, 2)} GFLOP/s, matrix product"
    ax.annotate(top, (right, gflops), (0, 4), textcoords="offset points", ha="right", color=DARK)
