"""The commands of ``fastperc``. Needs typer and rich; `cli.main` sees to that."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from . import bench as bench_command
from . import compare as compare_command
from . import plain as plain_commands

app = typer.Typer(
    name="fastperc",
    help="The perceptron family, compiled: perceptrons and small dense networks on a CPU.",
    epilog="Exit status: 0 fine, 2 wrong usage, 3 bad data, 4 bad model file, 5 training diverged, "
    "130 interrupted, 1 anything else.",
    add_completion=False,
    pretty_exceptions_enable=False,
)


class Dtype(StrEnum):
    """Of all arithmetic."""

    float32 = "float32"
    float64 = "float64"


@app.callback(invoke_without_command=True)
def begin(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an error; also after a command.")
    ] = False,
) -> None:
    """What is to be done without a command. `cli.main` takes --debug; here it is for the help."""
    if version:
        from .. import __version__

        typer.echo(f"fastperc {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        context.get_help()


@app.command()
def demo(
    out: Annotated[
        Path, typer.Option(metavar="DIR", file_okay=False, help="Where the pictures go.")
    ] = Path("fastperc-demo"),
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            exists=True,
            file_okay=False,
            help="Folder of california_housing.csv.gz and heart_statlog.dat. By default the one "
            "that the environment variable FASTPERC_DATA names, if it does.",
        ),
    ] = None,
    online: Annotated[
        bool, typer.Option("--online", help="Fetch these two data sets if they are not there.")
    ] = False,
) -> None:
    """Train networks on real data, time them against plain loops, and draw pictures of it."""
    os.environ.setdefault("MPLBACKEND", "Agg")  # pictures go to files; no window, no screen needed
    from ..demo import run
    from .console import make_console

    run(make_console(), out, data, online)


@app.command()
def replay() -> None:
    """Print every figure that the tutorials print, beside the same computed here."""
    from ..tutorials import replay as recompute
    from .console import WRONG, make_console, table

    console, figures = make_console(), recompute()
    right = ("published", "computed")
    lines = table("training run", "figure", *right, "agrees", right=right)
    for f in figures:
        agrees, style = ("yes", None) if f.agrees else ("NO", WRONG)
        lines.add_row(f.run, f.quantity, f.published, f.computed, agrees, style=style)
    console.print(lines)
    n_agree = sum(figure.agrees for figure in figures)
    console.print(f"\n{n_agree} of {len(figures)} figures agree to every printed digit.")
    if not figures.agrees:
        raise typer.Exit(1)


@app.command()
def warmup(
    dtype: Annotated[Dtype | None, typer.Option(help="Only these kernels; default: both.")] = None,
) -> None:
    """Compile all kernels now, so that no program has to wait for them later."""
    from .. import warmup as warming
    from ..model.options import DTYPES
    from .console import Growing, duration, make_console, table

    console = make_console()
    right = ("time",)
    with Growing(console, table("kernels", "dtype", "from", *right, right=right)) as lines:
        lines.waiting_for("the first time, this takes about a minute")
        seconds = 0.0
        for step in warming.warmup(DTYPES if dtype is None else (dtype.value,)):
            lines.table.add_row(step.what, step.dtype, step.source, duration(step.seconds))
            lines.waiting_for("the first time, this takes about a minute")
            seconds += step.seconds
    is_kept, outcome = warming.outcome()
    console.print(f"\nReady after {duration(seconds)}{outcome}")
    if not is_kept:
        raise typer.Exit(1)


@app.command()
def info() -> None:
    """Print versions, processor, kernel cache and threads: what a bug report should say."""
    plain_commands.info()


@app.command()
def cache(
    clear: Annotated[bool, typer.Option("--clear", help="Remove it.")] = False,
) -> None:
    """Print where compiled kernels are kept and how much of them, or remove them."""
    raise typer.Exit(plain_commands.show_cache(clear))


app.command()(compare_command.compare)
app.command()(bench_command.bench)
