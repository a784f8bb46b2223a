"""The style of all pictures: colours and markers, axes, ticks."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from textwrap import wrap
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np

from ..optional import require

if TYPE_CHECKING:
    from matplotlib.axes import Axes as Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

# Okabe and Ito (2008), "Color universal design", without black; then three of Tol (2021), "Colour
# schemes". There is one marker more, so that colour and marker together tell 110 things apart.
COLOURS = (
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#F0E442",
    "#332288", "#882255", "#999999",
)  # fmt: skip
MARKERS = "os^DvPX<>ph"
DARK = "#333333"
# What fastperc does has the first colour in every picture; a user's own code the second, and what
# has no name of its own is grey.
OURS, YOURS, OTHERS = COLOURS[0], COLOURS[1], "#777777"
Look = dict[str, Any]  # colour and marker, for matplotlib
SMALL = 8  # points: names inside a picture, and notes below it


def new_axes(size: tuple[float, float]) -> Axes:
    """Return axes on a new figure of this size in inches, which pyplot manages."""
    pyplot = require("matplotlib.pyplot", extra="plot")
    return pyplot.subplots(figsize=size, layout="constrained")[1]


def new_panels(n: int, title: str) -> list[Axes]:
    """Return n axes on a new figure, two or three in a row."""
    pyplot = require("matplotlib.pyplot", extra="plot")
    across = n if n < 4 else 2 if n == 4 else 3
    down = -(-n // across)
    size = max(5.5, 4.2 * across), 3.2 * down + 0.3
    figure, axes = pyplot.subplots(down, across, figsize=size, layout="constrained", squeeze=False)
    figure.suptitle("\n".join(wrap(title, int(9 * size[0]))))  # no wider than the figure
    for ax in axes.flat[n:]:
        ax.remove()
    return [*axes.flat[:n]]


def names_at_ends(ax: Axes) -> None:
    """Write the name of each line where it ends, to the right of the picture."""
    figure = cast("Figure", ax.figure)
    lines = [line for line in ax.lines if not str(line.get_label()).startswith("_")]
    for line in lines:  # in their places only after the layout, which makes room for them
        _name_line(ax, line, (1, 0.5), 0)
    figure.draw_without_rendering()
    for text in ax.texts[-len(lines) :]:
        text.remove()
    frame = ax.get_window_extent()
    ends = [
        ax.transData.transform(np.asarray(line.get_xydata())[-1])[1] - frame.y0 for line in lines
    ]
    points = [72 / figure.dpi * end for end in ends]
    for line, place in zip(lines, spread(points, 1.25 * SMALL), strict=True):
        _name_line(ax, line, (1, 0), place)


def _name_line(ax: Axes, line: Line2D, xy: tuple[float, float], points: float) -> None:
    ax.annotate(
        str(line.get_label()), xy, (5, points), xycoords="axes fraction", fontsize=SMALL,
        textcoords="offset points", va="center", color=line.get_color(), annotation_clip=False,
    )  # fmt: skip


def size_for(names: Sequence[str]) -> tuple[float, float]:
    """Return the size in inches of a figure with a row for each name."""
    return 6.4 + 0.08 * max(0, max(map(len, names)) - 20), 1.0 + 0.38 * len(names)


def name_rows(ax: Axes, names: Sequence[str]) -> None:
    """Put a name beside each row, the first on top."""
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(len(names) - 0.5, -0.5)
    tidy(ax, "x")


def tidy(ax: Axes, grid: Literal["x", "y", "both"]) -> None:
    """Draw a faint grid behind the data, and no frame at the top and right."""
    ax.grid(axis=grid, color="0.88", linewidth=0.8)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)


def look(i: int) -> Look:
    """Return colour and marker of the i-th series in a picture."""
    return {"color": nth(COLOURS, i), "marker": nth(MARKERS, i)}


def looks(names: Iterable[str]) -> list[Look]:
    """Return colour and marker of each series; ``fastperc`` has the first, wherever it stands."""
    names = list(names)
    others = iter(range(1, len(names) + 1))
    if "fastperc" not in names:
        others = iter(range(len(names)))
    return [look(0) if name == "fastperc" else look(next(others)) for name in names]


def nth(items: Sequence[str], i: int) -> str:
    """Return the item of that number; after the last comes the first again."""
    return items[i % len(items)]


def legend_beside(ax: Axes, **options: Any) -> None:
    """Draw a legend to the right of the picture, where it hides nothing."""
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False, **options)


def note_below(ax: Axes, text: str) -> None:
    """Write small print below the name of the lower axis, from the left edge of the picture on."""
    if text:
        ax.annotate(
            "\n".join(line for part in text.splitlines() for line in wrap(part, 100)), (0, 0),
            (0, -6), xycoords=("axes fraction", ax.xaxis.label), textcoords="offset points",
            va="top", ha="left", fontsize=SMALL, color="0.35", annotation_clip=False,
        )  # fmt: skip


def spread(positions: Sequence[float], gap: float) -> list[float]:
    """Move positions apart, none more than it must, until neighbours are ``gap`` apart.

    Examples
    --------
    >>> spread([5.0, 0.0, 5.0], gap=2.0)
    [4.0, 0.0, 6.0]
    """
    order = sorted(range(len(positions)), key=positions.__getitem__)
    groups: list[list[float]] = []  # of neighbours: how many, and the middle of where they belong
    for i in order:
        groups.append([1, positions[i]])
        while (
            len(groups) > 1
            and groups[-1][1] - groups[-2][1] < gap * (groups[-1][0] + groups[-2][0]) / 2
        ):
            n, middle = groups.pop()
            m, other = groups.pop()
            groups.append([n + m, (n * middle + m * other) / (n + m)])
    moved = [middle + gap * (k - (n - 1) / 2) for n, middle in groups for k in range(int(n))]
    found = dict(zip(order, moved, strict=True))
    return [found[i] for i in range(len(positions))]


def plain_ticks(axis: Axis, unit: str = "") -> None:
    """Label powers of ten on a logarithmic axis as 0.1, 1, 1,000.

    Where fewer than two of them lie on the axis, 2 and 5 times these are labelled as well, or all
    whole numbers of times.
    """
    ticker = require("matplotlib.ticker", extra="plot")
    low, high = axis.get_view_interval()
    powers = math.floor(math.log10(high)) - math.ceil(math.log10(low)) + 1
    enough = high > 30 * low and powers > 1
    times = (1.0,) if enough else (1.0, 2.0, 5.0) if high > 5 * low else range(1, 10)
    axis.set_major_locator(ticker.LogLocator(subs=[*times]))
    axis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:,.10g}{unit}"))
    axis.set_minor_locator(ticker.NullLocator())
