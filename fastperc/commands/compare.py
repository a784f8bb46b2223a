"""``fastperc compare``."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .loading import folders_first, load
from .writing import check_files, check_picture

if TYPE_CHECKING:
    from ..comparing import Comparison

# What the arguments of `fastperc.compare` are called here.
OPTIONS = {
    "kind": "--as", "variants": "--against", "n_samples": "--samples", "batch_size": "--batch",
    "time_limit": "--time-limit", "kernel": "KERNEL", "bias": "--no-bias",
    **{name: f"--{name}" for name in (
        "layout", "sizes", "hidden", "output", "loss", "dtype", "lr", "momentum", "alpha",
        "epochs", "seconds",
    )}
}  # fmt: skip


def compare(
    kernels: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="KERNEL",
            help="online, batches, full, forward or gradient; or one or more functions of your "
            "own: my.py:epoch, mymodule:my_epoch.",
        ),
    ] = None,
    kind: Annotated[
        str | None,
        typer.Option("--as", metavar="KERNEL", help="Which of these your functions are."),
    ] = None,
    layout: Annotated[
        str,
        typer.Option(
            help="How your functions have samples: in rows, or in columns, X (n_inputs, n) and "
            "W (n_out, n_in)."
        ),
    ] = "rows",
    sizes: Annotated[str, typer.Option(help="Inputs, hidden units, outputs.")] = "8-32-1",
    hidden: Annotated[str, typer.Option(help="Hidden activation.")] = "sigmoid",
    output: Annotated[str, typer.Option(help="Output activation.")] = "identity",
    loss: Annotated[str, typer.Option(help="Loss function.")] = "squared_error",
    samples: Annotated[int, typer.Option(min=1, help="Number of samples.")] = 20_000,
    batch: Annotated[int, typer.Option(min=1, help="Samples per update, for batches.")] = 32,
    dtype: Annotated[str, typer.Option(help="Precision: float32 or float64.")] = "float32",
    lr: Annotated[float | None, typer.Option(help="Learning rate.")] = None,
    momentum: Annotated[float, typer.Option(help="Share of the last step in the next.")] = 0.0,
    alpha: Annotated[float, typer.Option(help="L2 penalty on the weights.")] = 0.0,
    epochs: Annotated[int, typer.Option(min=1, help="Epochs in one call of your function.")] = 1,
    no_bias: Annotated[bool, typer.Option("--no-bias", help="A network without biases.")] = False,
    against: Annotated[
        str | None,
        typer.Option(
            help="Variants to compare with, separated by commas: python, numpy, fastperc, "
            "2 threads, c, jax, onnxruntime, sklearn, torch; or all."
        ),
    ] = None,
    seconds: Annotated[float, typer.Option(help="Approximate duration of the timing.")] = 2.0,
    time_limit: Annotated[
        float,
        typer.Option(help="Seconds before a function of yours, or its import, counts as hung."),
    ] = 20.0,
    inspect: Annotated[bool, typer.Option("--inspect", help="Also measure compile time.")] = False,
    explain: Annotated[
        bool,
        typer.Option(
            "--explain", help="Also print the numbers of the first wrong step, beside the right."
        ),
    ] = False,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Plot the times to this file.")
    ] = None,
    json: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write all results to this file.")
    ] = None,
) -> int:
    """Check and time several implementations of one kernel, your own among them.

    Of a function of yours that is wrong, this tells the first wrong step, the wrong parameters and,
    where it is known, the likely cause. The exit status is 1 if an implementation disagrees with
    the reference or fails. ``help(fastperc.compare)`` describes how a function of yours is called.
    """
    os.environ.setdefault("MPLBACKEND", "Agg")
    from ..comparing import compare as run

    names = kernels or ["online"]
    own = check_names(names, kind)
    plot = check_picture(plot)
    check_files(json)
    try:
        with folders_first(names if own else ()):
            result = run(
                [load(name, time_limit) for name in names] if own else names[0], kind,
                variants=against, layout=layout, sizes=sizes, hidden=hidden, output=output,
                loss=loss, n_samples=samples, batch_size=batch, dtype=dtype, lr=lr,
                momentum=momentum, alpha=alpha, epochs=epochs, bias=not no_bias, seconds=seconds,
                time_limit=time_limit, inspect=inspect,
            )  # fmt: skip
    except (ValueError, TypeError) as error:
        raise typer.BadParameter(in_words_of_options(str(error))) from error
    show(result, explain)
    if json is not None:
        result.to_json(json)
        typer.echo(f"wrote {json}")
    if plot is not None:
        draw(result, plot)
        typer.echo(f"wrote {plot}")
    return 0 if result.agrees else 1


def check_names(names: Sequence[str], kind: str | None) -> bool:
    """Return whether kernels are functions of the user's, rather than a name of the table."""
    from ..comparing.task import TASKS

    tasks = ", ".join(TASKS)
    unknown = next((name for name in names if ":" not in name and name not in TASKS), None)
    if unknown is not None:
        raise typer.BadParameter(
            f"KERNEL: found {unknown!r}, expected one of {tasks}, or a function of yours. Name the "
            f"function after a colon: {unknown}:my_epoch"
        )
    own = [name for name in names if ":" in name]
    if own and kind is None:
        raise typer.BadParameter(
            f"--as: found nothing, expected one of {tasks}: what {own[0]} does"
        )
    if not own and kind is not None:
        raise typer.BadParameter(f"--as {kind} is for a function of yours, such as my.py:epoch")
    if len(own) < len(names) and len(names) > 1:
        raise typer.BadParameter(
            f"KERNEL: found {' '.join(names)}, expected one of {tasks}, or only functions of yours"
        )
    return bool(own)


def in_words_of_options(text: str) -> str:
    """Return an error's text with the option's name in place of an argument's of `compare`."""
    name, colon, rest = text.partition(":")
    return f"{OPTIONS[name]}{colon}{rest}" if name in OPTIONS else text


def show(result: Comparison, explain: bool) -> None:
    """Print a comparison."""
    typer.echo(result.table())
    if explain:
        typer.echo(f"\n{result.explain()}\n")


def draw(result: Comparison, path: Path) -> None:
    """Plot the times to a file, in the format that its name ends with."""
    from ..plots.files import save_figure

    save_figure(result.plot(), path)
