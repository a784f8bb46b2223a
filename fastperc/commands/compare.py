"""``fastperc compare``."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ..comparing import Comparison


def compare(
    kernel: Annotated[
        str,
        typer.Argument(
            metavar="KERNEL",
            help="online, batches, full, forward or gradient; or a function of your own: "
            "mymodule:my_epoch, my.py:epoch.",
        ),
    ] = "online",
    kind: Annotated[
        str | None,
        typer.Option("--as", metavar="KERNEL", help="Which of these a function of your own is."),
    ] = None,
    sizes: Annotated[str, typer.Option(help="Inputs, hidden units, outputs.")] = "8-32-1",
    hidden: Annotated[str, typer.Option(help="Hidden activation.")] = "sigmoid",
    output: Annotated[str, typer.Option(help="Output activation.")] = "identity",
    loss: Annotated[str, typer.Option(help="Loss function.")] = "squared_error",
    samples: Annotated[int, typer.Option(min=1, help="Number of samples.")] = 20_000,
    batch: Annotated[int, typer.Option(min=1, help="Samples per update, for batches.")] = 32,
    dtype: Annotated[str, typer.Option(help="Precision: float32 or float64.")] = "float32",
    lr: Annotated[float | None, typer.Option(help="Learning rate.")] = None,
    against: Annotated[
        str | None,
        typer.Option(
            help="Variants to compare with, separated by commas: python, numpy, fastperc, "
            "2 threads, c, jax, onnxruntime, sklearn, torch; or all."
        ),
    ] = None,
    seconds: Annotated[float, typer.Option(help="Approximate duration of the timing.")] = 2.0,
    time_limit: Annotated[
        float, typer.Option(help="Seconds before a kernel counts as hung.")
    ] = 20.0,
    inspect: Annotated[bool, typer.Option("--inspect", help="Also measure compile time.")] = False,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Plot the times to this file.")
    ] = None,
    json: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write all results to this file.")
    ] = None,
) -> int:
    """Check and time several implementations of one kernel, your own among them.

    The exit status is 1 if one of them disagrees with the reference. ``help(fastperc.compare)``
    describes how a function of your own is called.
    """
    os.environ.setdefault("MPLBACKEND", "Agg")
    from ..comparing import compare as run

    check_folders(plot, json)
    if kind is not None and ":" not in kernel:
        raise typer.BadParameter(f"--as {kind} is for a function of yours, such as my.py:epoch")
    try:
        result = run(
            load(kernel) if ":" in kernel else kernel, kind, variants=against, sizes=sizes,
            hidden=hidden, output=output, loss=loss, n_samples=samples, batch_size=batch,
            dtype=dtype, lr=lr, seconds=seconds, time_limit=time_limit, inspect=inspect,
        )  # fmt: skip
    except (ValueError, TypeError) as error:
        raise typer.BadParameter(str(error)) from error
    typer.echo(result.table())
    if json is not None:
        result.to_json(json)
    if plot is not None:
        draw(result, plot)
    return 0 if result.agrees else 1


def check_folders(*paths: Path | None) -> None:
    """Refuse, before any work, to write to a folder that is not there."""
    for path in paths:
        if path is not None and not path.parent.is_dir():
            raise typer.BadParameter(f"cannot write {path}: there is no folder {path.parent}")


def draw(result: Comparison, path: Path) -> None:
    """Plot the times to a file, in the format that its name ends with."""
    from ..plots.files import save_figure

    try:
        save_figure(result.plot(), path)
    except ValueError as error:  # an unknown format
        raise typer.BadParameter(f"cannot write {path}: {error}") from error


def load(name: str) -> Callable[..., object]:
    """Import the function that ``module:function`` or ``file.py:function`` names."""
    place, _, attribute = name.rpartition(":")
    try:
        module = _load_file(place) if place.endswith(".py") else _load_module(place)
    except Exception as error:  # a user's module can raise anything
        raise ValueError(
            f"{name}: {place} cannot be imported: {type(error).__name__}: {error}"
        ) from error
    function = getattr(module, attribute, None)
    if not callable(function):
        there = [n for n, v in vars(module).items() if callable(v) and not n.startswith("_")]
        raise ValueError(
            f"{name}: found no function {attribute!r}, expected one of {', '.join(there) or 'none'}"
        )
    return function


def _load_module(place: str) -> ModuleType:
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    return importlib.import_module(place)


def _load_file(place: str) -> ModuleType:
    path = Path(place)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module  # as Numba and pickle expect
    spec.loader.exec_module(module)
    return module
