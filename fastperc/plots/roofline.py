"""The rates of kernels, below the limits of the machine."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

import numpy as np

from .. import checks
from ..measuring.words import number
from .style import DARK, OURS, SMALL, new_axes, plain_ticks, tidy

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.figure import Figure
    from matplotlib.text import Annotation

    from .style import Axes

SLOPE = "slope"  # mark of the names along slopes, turned as these are after the layout
Box = tuple[float, float, float, float]

# Where the name of a point may stand, the best place first: offset in points, and alignments.
FAR = 14
PLACES = (
    ((6, 0), "left", "center"), ((-6, 0), "right", "center"), ((0, 6), "center", "bottom"),
    ((0, -6), "center", "top"), ((5, 5), "left", "bottom"), ((5, -5), "left", "top"),
    ((-5, 5), "right", "bottom"), ((-5, -5), "right", "top"), ((8, FAR), "left", "bottom"),
    ((8, -FAR), "left", "top"), ((-8, FAR), "right", "bottom"), ((-8, -FAR), "right", "top"),
)  # fmt: skip


def plot_roofline(
    points: Mapping[str, tuple[float, float]],
    gflops: float,
    gbytes: float,
    cached: float | None = None,
    ax: Axes | None = None,
    *,
    nearest: float | None = None,
    peak_of: str = "of multiply-adds",
) -> Axes:
    """Draw kernels below what the machine can do at most: its arithmetic, its memory, its caches.

    Parameters
    ----------
    points : mapping of name to (intensity, rate)
        Floating point operations per byte of samples and parameters, and 10^9 of them per second.
    gflops, gbytes : float
        The machine's peak of arithmetic and of memory traffic, 10^9 per second.
    cached, nearest : float, optional
        The peak of traffic within the second and the first cache, 10^9 per second: what fits into
        a cache may lie above the slopes of what is further away.
    ax : matplotlib Axes, optional
    peak_of : str
        What the peak of arithmetic is of, written behind it.

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
    >>> [text.get_text() for text in ax.texts]
    ['60 GFLOP/s of multiply-adds', '14 GB/s, memory beyond the caches', '8-32-1']
    """
    gflops = checks.check_positive(gflops, "gflops")
    slopes = {"memory beyond the caches": checks.check_positive(gbytes, "gbytes")}
    if cached is not None:
        slopes["second cache"] = checks.check_positive(cached, "cached")
    if nearest is not None:
        slopes["first cache"] = checks.check_positive(nearest, "nearest")
    ax = new_axes((9.0, 6.0)) if ax is None else ax
    x, y = (np.array([pair[k] for pair in points.values()], float) for k in (0, 1))
    ax.set(xscale="log", yscale="log", xlabel="Operations per byte", ylabel="GFLOP/s")
    _draw_roof(ax, gflops, slopes, x, y, peak_of)
    ax.plot(x, y, "o", color=OURS, markersize=6, markeredgecolor=DARK, markeredgewidth=0.5)
    plain_ticks(ax.xaxis)
    plain_ticks(ax.yaxis)
    tidy(ax, "both")
    _name_points(ax, points)
    return ax


def _draw_roof(
    ax: Axes, gflops: float, slopes: dict[str, float], x: np.ndarray, y: np.ndarray, peak_of: str
) -> None:
    """Draw the flat top of arithmetic, beyond all points, and a slope for each memory, named."""
    ridges = [gflops / gbytes for gbytes in slopes.values()]
    left, right = min([*x, *ridges]) / 3, max([*x, *ridges]) * 4
    low = min([*y, *(left * gbytes for gbytes in slopes.values())]) / 1.5
    ax.set(xlim=(left, right), ylim=(low, 1.6 * gflops))
    for ridge, style, gbytes in zip(ridges, ("-", "--", ":"), slopes.values(), strict=False):
        edges = np.array([left, ridge, right])
        ax.plot(edges, np.minimum(gflops, gbytes * edges), style, color=DARK, linewidth=1.5)
    top = f"{number(gflops, 2)} GFLOP/s {peak_of}"
    _write(ax, top, (right, gflops), ((0, 4), "right", "bottom"))
    for (what, gbytes), ridge in zip(slopes.items(), ridges, strict=True):
        # On the slope's upper side, in its direction, where it ends in the flat top.
        text = _write(
            ax, f"{number(gbytes, 2)} GB/s, {what}", (ridge, gflops), ((-12, -2), "right", "bottom")
        )
        text.set(rotation_mode="anchor", gid=SLOPE)


def _write(
    ax: Axes, text: str, xy: tuple[float, float], place: tuple[tuple[float, float], str, str]
) -> Annotation:
    """Write beside a point of the plane, in small letters; from far away with a line to it."""
    offset, ha, va = place
    line = {"arrowstyle": "-", "linewidth": 0.5, "color": DARK} if abs(offset[1]) >= FAR else None
    return ax.annotate(
        text, xy, offset, textcoords="offset points", ha=ha, va=va, color=DARK, fontsize=SMALL,
        arrowprops=line,
    )  # fmt: skip


def _name_points(ax: Axes, points: Mapping[str, tuple[float, float]]) -> None:
    """Write the name of each point beside it, where it hides no point and no other name."""
    figure = cast("Figure", ax.figure)
    figure.draw_without_rendering()  # before the layout, places in pixels are not known
    (x0, y0), (x1, y1) = ax.transData.transform([(1, 1), (10, 10)])
    for text in ax.texts:
        if text.get_gid() == SLOPE:
            text.set_rotation(math.degrees(math.atan2(y1 - y0, x1 - x0)))
    pixels = ax.transData.transform([*points.values()]) if points else np.empty((0, 2))
    half = 4 * figure.dpi / 72  # of a point's size
    taken: list[Box] = [(x - half, y - half, x + half, y + half) for x, y in pixels]
    taken += [_box(text) for text in ax.texts]
    frame = _box(ax)
    for i, (name, xy) in enumerate(points.items()):
        found: list[tuple[float, Box]] = []
        for place in PLACES:
            text = _write(ax, name, xy, place)
            box = _box(text)
            text.remove()
            others = [other for k, other in enumerate(taken) if k != i]
            hidden = [_common(box, other) for other in others]
            found.append((sum(hidden) + _outside(box, frame), box))
        best = min(range(len(PLACES)), key=lambda k: found[k][0])
        _write(ax, name, xy, PLACES[best])
        taken.append(found[best][1])


def _box(artist: Artist) -> Box:
    """Return left, bottom, right and top in pixels."""
    left, bottom, right, top = map(float, artist.get_window_extent().extents)
    return left, bottom, right, top


def _common(a: Box, b: Box) -> float:
    """Return the area that two boxes (left, bottom, right, top) share."""
    width, height = (min(a[k + 2], b[k + 2]) - max(a[k], b[k]) for k in (0, 1))
    return max(0.0, float(width)) * max(0.0, float(height))


def _outside(box: Box, frame: Box) -> float:
    """Return the area of a box that is outside the frame."""
    area = float((box[2] - box[0]) * (box[3] - box[1]))
    return area - _common(box, frame)
