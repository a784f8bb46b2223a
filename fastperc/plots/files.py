"""Pictures as files."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from ..optional import require

if TYPE_CHECKING:
    from .style import Axes


def as_png(ax: Axes, dpi: int = 130) -> bytes:
    """Return the whole figure as a PNG file's content; a figure that pyplot made is closed."""
    return as_image(ax, "png", dpi)


def as_image(ax: Axes, form: str, dpi: int = 130) -> bytes:
    """Return the whole figure as `as_png` does, in any format that matplotlib writes."""
    file = io.BytesIO()
    ax.figure.savefig(file, format=form, dpi=dpi)  # type: ignore[union-attr]
    require("matplotlib.pyplot", extra="plot").close(ax.figure)
    return file.getvalue()
