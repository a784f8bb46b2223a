"""The commands of ``fastperc``, put together: every module here but a few is a command.

A command is a module that has a function of its own name. That function returns the exit status,
or None for 0.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import Annotated

import typer

from .. import __version__, commands

NO_COMMANDS = (
    "app", "console", "interrupts", "lines", "loading", "main", "plain", "table_options", "telling",
    "writing",
)  # fmt: skip

app = typer.Typer(
    name="fastperc",
    help="The perceptron family, compiled: perceptrons and small dense networks on a CPU.",
    epilog="Exit status: 0 success, 1 failure, 2 wrong usage, 3 bad data, 4 bad model file, "
    "5 training diverged, 130 interrupted.",
    add_completion=True,
    pretty_exceptions_enable=False,
)


@app.callback(invoke_without_command=True)
def begin(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an error; also after a command.")
    ] = False,
) -> None:
    """Print the version or the help. `main` reads --debug; here it is for the help."""
    if version:
        typer.echo(f"fastperc {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        context.get_help()


for found in pkgutil.iter_modules(commands.__path__):
    if found.name not in NO_COMMANDS:
        module = importlib.import_module(f".{found.name}", __package__)
        app.command()(getattr(module, found.name))
