"""What kernels reach of what the machine can do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from .. import checks
from .style import DARK, digits, legend_beside, look, new_axes, plain_ticks, tidy

if TYPE_CHECKING:
    from .style import Axes


def plot_roofline(
    points: Mapping[str, tuple[float, float]],
    gflops: float,
    gbytes: float,
    ax: Axes | None = None,
) -> Axes:
    """Draw kernels below what the machine can do at most: its arithmetic, and its memory.

    Parameters
    ----------
    points : mapping of name to (intensity, rate)
        Floating point operations per byte of samples and parameters, and 10^9 of them per second.
    gflops, gbytes : float
        The machine's peak of arithmetic and of memory traffic, 10^9 per second.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Notes
    -----
    After Williams, Waterman and Patterson (2009), "Roofline". Below a network that fits into the
    caches lies faster memory than was measured: such a point may be left of the ridge and above the
    slope.

    Examples
    --------
    >>> ax = plot_roofline({"8-32-1": (0.6, 18.0)}, gflops=60, gbytes=14)
    >>> ax.get_legend_handles_labels()[1]
    ['8-32-1']
    """
    gflops = checks.check_positive(gflops, "gflops")
    gbytes = checks.check_positive(gbytes, "gbytes")
    ax = new_axes((8.0, 4.4)) if ax is None else ax
    _draw_roof(ax, gflops, gbytes, [intensity for intensity, _ in points.values()])
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


def _draw_roof(ax: Axes, gflops: float, gbytes: float, intensities: list[float]) -> None:
    """The slope of memory and the flat top of arithmetic, over all points and well beyond."""
    ridge = gflops / gbytes
    x = [ridge / 30, *intensities, ridge * 30]
    edges = np.array([min(x) / 1.5, ridge, max(x) * 1.5])
    ax.plot(edges, np.minimum(gflops, gbytes * edges), color=DARK, linewidth=1.6)
    top = f"{digits(gflops)} GFLOP/s, matrix product"
    slope = f"{digits(gbytes)} GB/s, memory beyond the caches"
    ax.annotate(top, (edges[2], gflops), (0, 4), textcoords="offset points", ha="right", color=DARK)
    ax.annotate(
        slope, (edges[0], gbytes * edges[0]), (14, 2), textcoords="offset points", color=DARK
    )
