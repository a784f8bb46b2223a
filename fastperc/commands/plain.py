"""The commands that also work without typer and rich, read from the command line by argparse."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import NoReturn

COMMANDS = ("info", "warmup", "cache", "--version")


def knows(args: Sequence[str]) -> bool:
    """Return whether a command is one of these."""
    return next(iter(args), None) in COMMANDS


def run(args: Sequence[str]) -> int:
    """Run one of them; return its exit status."""
    from .. import __version__
    from . import cache, info, warmup

    parser = _Parser(prog="fastperc", add_help=False)
    parser.add_argument("--version", action="store_true")
    commands = parser.add_subparsers(dest="command")
    commands.add_parser("info").add_argument("path", nargs="?")
    warm = commands.add_parser("warmup")
    warm.add_argument("--dtype", choices=[*map(str, warmup.Dtype)])
    warm.add_argument("--native", action="store_true")
    commands.add_parser("cache").add_argument("--clear", action="store_true")
    chosen = parser.parse_args(args)
    if chosen.version:
        print(f"fastperc {__version__}")
        return 0
    if chosen.command == "cache":
        return cache.cache(chosen.clear)
    if chosen.command == "warmup":
        return warmup.warmup(chosen.dtype, chosen.native)
    info.info(chosen.path)
    return 0


class UsageError(ValueError):
    """A mistake in the words of a command."""

    def format_message(self) -> str:
        """Return the message, under the name that it has in typer's errors."""
        return str(self)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}.")
