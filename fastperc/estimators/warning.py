"""Warnings that point to the line of the user's own code."""

from __future__ import annotations

import sys
import warnings
from types import FrameType

OURS = __name__.partition(".")[0]
BETWEEN = {OURS, "sklearn", "joblib", "contextlib"}  # what lies between a user's line and a warning


def warn(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn, with the file and line of the nearest caller outside of this and scikit-learn."""
    warnings.warn(message, category, stacklevel=_levels())


def _levels() -> int:
    """Return the stack level of the user's line; in a worker, of the first caller."""
    levels, nearest = 0, 0
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        levels += 1
        package = frame.f_globals.get("__name__", "").partition(".")[0]
        if package not in BETWEEN:
            return levels
        if package != OURS and not nearest:
            nearest = levels
        frame = frame.f_back
    return nearest or 1
