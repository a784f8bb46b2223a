"""``fastperc demo``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer


def demo(
    out: Annotated[
        Path, typer.Option(metavar="DIR", file_okay=False, help="Folder for the pictures.")
    ] = Path("fastperc-demo"),
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            exists=True,
            file_okay=False,
            help="Folder of california_housing.csv.gz and heart_statlog.dat; default: the value of "
            "the environment variable FASTPERC_DATA.",
        ),
    ] = None,
    online: Annotated[
        bool, typer.Option("--online", help="Download these two data sets if they are missing.")
    ] = False,
) -> None:
    """Train networks on real data, time them against plain loops, and plot the results."""
    os.environ.setdefault("MPLBACKEND", "Agg")  # pictures go to files; no window, no screen needed
    from ..demo import run
    from .console import make_console

    run(make_console(), out, data, online)
