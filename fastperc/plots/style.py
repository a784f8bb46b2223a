"""The style of all pictures: colours and markers, axes, ticks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from ..optional import require

if TYPE_CHECKING:
    from matplotlib.axes import Axes as Axes
    from matplotlib.axis import Axis

# Okabe and Ito (2008), "Color universal design", without black; then three of Tol (2021), "Colour
# schemes". There is one marker more, so that colour and marker together tell 110 things apart.
COLOURS = (
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#F0E442",
    "#332288", "#882255", "#999999",
)  # fmt: skip
MARKERS = "os^DvPX<>ph"
DARK = "#333333"


def new_axes(size: tuple[float, float]) -> Axes:
    """Return axes on a new figure of this size in inches, which pyplot manages."""
    pyplot = require("matplotlib.pyplot", extra="plot")
    return pyplot.subplots(figsize=size, layout="constrained")[1]


def tidy(ax: Axes, grid: Literal["x", "both"]) -> None:
    """Draw a faint grid behind the data, and no frame at the top and right."""
    ax.grid(axis=grid, color="0.88", linewidth=0.8)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)


def look(i: int) -> dict[str, Any]:
    """Return colour and marker of the i-th series in a picture."""
    return {"color": nth(COLOURS, i), "marker": nth(MARKERS, i)}


def nth(items: Sequence[str], i: int) -> str:
    """Return the item of that number; after the last comes the first again."""
    return items[i % len(items)]


def legend_beside(ax: Axes, **options: Any) -> None:
    """Draw a legend to the right of the picture, where it hides nothing."""
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False, **options)


def plain_ticks(axis: Axis, unit: str = "") -> None:
    """Label powers of ten on a logarithmic axis as 0.1, 1, 1,000.

    On a short axis, 2 and 5 times these are labelled as well.
    """
    ticker = require("matplotlib.ticker", extra="plot")
    low, high = axis.get_view_interval()
    axis.set_major_locator(ticker.LogLocator(subs=(1.0,) if high > 30 * low else (1.0, 2.0, 5.0)))
    axis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:,.10g}{unit}"))
    axis.set_minor_locator(ticker.NullLocator())
