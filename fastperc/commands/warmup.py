"""``fastperc warmup``."""

from __future__ import annotations

import os
from contextlib import suppress
from enum import StrEnum
from typing import Annotated

with suppress(ImportError):  # `plain` runs this command without it
    import typer


class Dtype(StrEnum):
    """The precisions that there are kernels for."""

    float32 = "float32"
    float64 = "float64"


def warmup(
    dtype: Annotated[
        Dtype | None, typer.Option(help="Precision of the kernels to compile; default: both.")
    ] = None,
    native: Annotated[
        bool,
        typer.Option("--native", help="For this very processor, whatever the installation brings."),
    ] = False,
) -> int:
    """Compile all kernels now, so that no program has to wait for them later."""
    from .. import warmup as warming
    from ..kernels import cache_folders

    if native:
        os.environ[cache_folders.PRECOMPILED_SWITCH] = "0"

    print("The first time, this takes about a minute.\n", flush=True)
    seconds = 0.0
    for step in warming.warmup(tuple(Dtype) if dtype is None else (dtype,)):
        print(f"{step.what:<34}{step.dtype:<9}{step.source:<13}{step.seconds:.2f} s", flush=True)
        seconds += step.seconds
    is_kept, outcome = warming.outcome()
    print(f"\nReady after {seconds:.1f} s{outcome}")
    return 0 if is_kept else 1
