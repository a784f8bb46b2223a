"""Which C compiler there is."""

from __future__ import annotations

import os
import shutil


def compiler() -> str | None:
    """Return the C compiler that ``CC`` names, or cc, gcc or clang."""
    names = (os.environ.get("CC", ""), "cc", "gcc", "clang")
    return next((path for name in names if name and (path := shutil.which(name))), None)
