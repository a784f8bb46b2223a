"""Pictures as files."""

from __future__ import annotations

import io
from os import PathLike, fspath
from os.path import splitext
from typing import TYPE_CHECKING, cast

from ..files.atomic import replace_file
from ..optional import require

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from .style import Axes


def as_png(ax: Axes, dpi: int = 130) -> bytes:
    """Return the whole figure as the content of a PNG file, and close it in pyplot."""
    return _content(ax, "png", dpi)


def as_svg(ax: Axes) -> bytes:
    """Return the whole figure as the content of an SVG file, with text as text; close it."""
    with require("matplotlib", extra="plot").rc_context({"svg.fonttype": "none"}):
        return _content(ax, "svg", 72)


def save_figure(ax: Axes, path: str | PathLike[str], dpi: int = 150) -> None:
    """Write the whole figure to a file, completely or not at all, and close it in pyplot.

    The file's ending names the format.

    Raises
    ------
    ValueError
        If matplotlib has no such format.
    """
    replace_file(fspath(path), _content(ax, _kind(path), dpi))


def check_format(path: str | PathLike[str]) -> None:
    """Raise ValueError if matplotlib has no format of the name that a file ends with."""
    kind = _kind(path)
    formats = require("matplotlib.figure", extra="plot").Figure().canvas.get_supported_filetypes()
    if kind.lower() not in formats:
        raise ValueError(f"found the ending {kind!r}, expected one of {', '.join(sorted(formats))}")


def _kind(path: str | PathLike[str]) -> str:
    return splitext(path)[1][1:] or "png"


def _content(ax: Axes, kind: str, dpi: int) -> bytes:
    figure, file = cast("Figure", ax.figure), io.BytesIO()
    figure.savefig(file, format=kind, dpi=dpi)
    require("matplotlib.pyplot", extra="plot").close(figure)
    return file.getvalue()


def resize(ax: Axes, width: float, height: float) -> None:
    """Set the size of the whole figure in inches."""
    cast("Figure", ax.figure).set_size_inches(width, height)
