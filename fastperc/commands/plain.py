"""What of the command line also works without typer and rich, and what needs the compiler least.

``info`` tells what it can where something is broken: that is when it is asked.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

DTYPES = ("float32", "float64")  # as `options` has them, which needs the kernels
COMMANDS = ("info", "warmup", "cache", "--version")


def knows(args: Sequence[str]) -> bool:
    """Whether a command is one of these."""
    return next(iter(args), None) in COMMANDS


def run(args: Sequence[str]) -> int:
    """Run one of them; returns the exit status."""
    from .. import __version__

    parser = _Parser(prog="fastperc", add_help=False)
    parser.add_argument("--version", action="store_true")
    commands = parser.add_subparsers(dest="command")
    commands.add_parser("info")
    commands.add_parser("warmup").add_argument("--dtype", choices=DTYPES)
    commands.add_parser("cache").add_argument("--clear", action="store_true")
    chosen = parser.parse_args(args)
    if chosen.version:
        print(f"fastperc {__version__}")
        return 0
    if chosen.command == "info":
        return info()
    if chosen.command == "cache":
        return show_cache(chosen.clear)
    return warmup(DTYPES if chosen.dtype is None else (chosen.dtype,))


class UsageError(ValueError):
    """What is wrong with the words of a command."""

    def format_message(self) -> str:
        """As typer's own errors have it."""
        return str(self)


class _Parser(argparse.ArgumentParser):
    def error(self, message):
        raise UsageError(f"{message}.")


def info() -> int:
    """Print versions, processor, kernel cache and threads."""
    from ..measuring import environment

    lines = list(environment.describe())
    width = max(len(name) for name, _ in lines)
    for name, value in lines:
        print(f"{name:{width}}  {value}")
    return 0


def warmup(dtypes: Sequence[str]) -> int:
    """Compile all kernels."""
    from .. import warmup as warming

    seconds = 0.0
    for step in warming.warmup(dtypes):
        print(f"{step.what:<34}{step.dtype:<9}{step.source:<13}{step.seconds:.2f} s", flush=True)
        seconds += step.seconds
    is_kept, outcome = warming.outcome()
    print(f"\nReady after {seconds:.1f} s{outcome}")
    return 0 if is_kept else 1


def show_cache(clear: bool) -> int:
    """Print where machine code lies and how much of it, or remove it."""
    from ..kernels import caching, jit, online

    source = caching.source_of(getattr(online.train_online, "py_func", online.train_online))
    left = 0
    folders = [*caching.cache_folders(source, online.__name__), source.parent / "__pycache__"]
    for folder in dict.fromkeys(folders):
        files = caching.stored_files(folder)
        size = sum(path.stat().st_size for path in files) / 1e6
        if clear:
            removed = [path for path in files if _remove(path)]
            left += len(files) - len(removed)
            print(f"{folder}: {len(removed)} of {len(files)} files removed")
        else:
            can = "" if caching.takes_files(folder) else ", not writable"
            print(f"{folder}: {len(files)} files, {size:.1f} MB{can}")
    if not jit.cache_is_on():
        print(f"The cache is off, since {jit.OFF_SWITCH} is set.")
    return 1 if left else 0


def _remove(path) -> bool:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return False
    return True
