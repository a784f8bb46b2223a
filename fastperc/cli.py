"""The door of the command line: exit status, one-line errors, Ctrl-C.

What the commands do is in `commands`, which is loaded when there is one to run.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence

from .extras import require
from .interrupts import INTERRUPTED, prompt_exit

FINE, ERROR, WRONG_USAGE, BAD_DATA, BAD_MODEL_FILE, DIVERGED = range(6)


def main(args: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status.

    Parameters
    ----------
    args : sequence of str, optional
        By default those of the process.

    Returns
    -------
    int
        0 fine, 1 an error of fastperc itself, 2 wrong usage, 3 bad data, 4 bad model file,
        5 training diverged, 130 interrupted.
    """
    words = [*(sys.argv[1:] if args is None else args)]
    with prompt_exit():
        try:
            return _run([word for word in words if word != "--debug"])
        except KeyboardInterrupt:
            complain("interrupted")
            return INTERRUPTED
        except BrokenPipeError:  # `fastperc replay | head` has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return ERROR
        except Exception as error:
            if "--debug" in words:
                traceback.print_exc()
            complain(message_of(error))
            return exit_status(error)


def _run(args: list[str]) -> int:
    for package in ("typer", "rich"):
        require(package, extra="cli")
    from typer.main import get_command

    from .commands import app

    status = get_command(app).main(args, prog_name="fastperc", standalone_mode=False)
    sys.stdout.flush()  # a closed pipe shows here, not when Python ends
    return status or FINE


def exit_status(error: Exception) -> int:
    """Which status an error ends the process with."""
    from .datafiles import DataError
    from .errors import DivergedError, ModelFileError

    kinds: list[tuple[type[Exception], int]] = [
        (DataError, BAD_DATA),
        (ModelFileError, BAD_MODEL_FILE),
        (DivergedError, DIVERGED),
        (OSError, WRONG_USAGE),  # a folder that is not there or may not be written to
    ]
    if is_about_usage(error):
        return WRONG_USAGE
    return next((status for kind, status in kinds if isinstance(error, kind)), ERROR)


def is_about_usage(error: Exception) -> bool:
    """Whether typer raised it, or `require`. Typer's own classes changed their home over time."""
    is_missing_extra = isinstance(error, ImportError) and "fastperc[" in str(error)
    return hasattr(error, "format_message") or is_missing_extra


def message_of(error: Exception) -> str:
    """What to say of it."""
    if hasattr(error, "format_message"):
        return f"{error.format_message()} Try 'fastperc --help'"
    if isinstance(error, OSError) and error.filename is not None:
        return f"cannot use {os.fspath(error.filename)!r}: {error.strerror}"
    if exit_status(error) == ERROR:
        kind = type(error).__name__
        return f"{kind}: {error}. This should not happen; --debug shows where it does"
    return str(error)


def complain(message: str) -> None:
    """One line on standard error, whatever is in the message."""
    line = " ".join(message.split())
    print(f"fastperc: {line}", file=sys.stderr)
