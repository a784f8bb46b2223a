"""Pictures as files."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from ..optional import require

if TYPE_CHECKING:
    from .style import Axes


def as_png(ax: Axes, dpi: int = 130) -> bytes:
    """The whole figure as a PNG file's content; a figure that pyplot made is closed."""
    file = io.BytesIO()
    ax.figure.savefig(file, format="png", dpi=dpi)  # type: ignore[union-attr]
    require("matplotlib.pyplot", extra="plot").close(ax.figure)
    return file.getvalue()
