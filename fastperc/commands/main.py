"""The entry point of the command line: exit status, one-line errors, Ctrl-C.

The commands are put together in `app`, which is loaded when there is one to run.
"""

from __future__ import annotations

import gc
import os
import sys

from . import interrupts
from .interrupts import INTERRUPTED, end_now, prompt_exit

TYPE_CHECKING = False  # what is loaded before SIGINT is listened to should be little
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

SUCCESS, FAILURE, WRONG_USAGE, BAD_DATA, BAD_MODEL_FILE, DIVERGED = range(6)
MANY = 200_000  # objects: imports make as many, all of which stay


def main(args: Sequence[str] | None = None) -> int:
    """Run a command; return the exit status.

    Parameters
    ----------
    args : sequence of str, optional
        By default those of the process, which is expected to end afterwards.

    Returns
    -------
    int
        0 success, 1 failure, 2 wrong usage, 3 bad data, 4 bad model file, 5 training diverged,
        130 interrupted.
    """
    status = INTERRUPTED
    if args is None:
        gc.set_threshold(MANY)  # to look through them for garbage takes a quarter of a second
    with prompt_exit(to_the_end=args is None):
        try:
            try:
                status = _answer([*(sys.argv[1:] if args is None else args)])
            finally:
                interrupts.no_exception_any_more()
        except BaseException:  # what Ctrl-C became on its way
            if not interrupts.has_come():
                raise
        if interrupts.has_come() or status == INTERRUPTED:
            end_now()
    return status


def _answer(words: list[str]) -> int:
    """Run a command; report an error in one line."""
    _open_missing_streams()
    try:
        return _run([word for word in words if word != "--debug"])
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # `fastperc replay | head` has seen enough
        _drop_output()
        return FAILURE
    except Exception as error:
        if interrupts.has_come():  # whatever it says, it is the end of what was interrupted
            return INTERRUPTED
        if "--debug" in words:
            import traceback

            traceback.print_exc()
        complain(message_of(error))
        status = exit_status(error)
        _flush_or_drop()
        return status


def _open_missing_streams() -> None:
    """Open the null device where a standard stream is closed, as in ``fastperc info >&-``.

    In this order, each gets the lowest descriptor that is free: its own.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115


def _flush_or_drop() -> None:
    """Write what is left, so that Python does not try, and fail, when it ends."""
    try:
        sys.stdout.flush()
    except OSError:  # a full disk
        _drop_output()


def _drop_output() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run(args: list[str]) -> int:
    from . import plain

    try:
        command = _typer_command()
    except Exception:  # not there, or broken
        if not plain.knows(args):
            raise
        return plain.run(args)
    status = command.main(args, prog_name="fastperc", standalone_mode=False)
    sys.stdout.flush()  # a closed pipe shows here, not when Python ends
    return status or SUCCESS


def _typer_command() -> Any:
    from ..optional import require

    require("typer", extra="cli")
    require("rich", extra="cli")
    from typer.main import get_command

    from .app import app

    return get_command(app)


def exit_status(error: Exception) -> int:
    """Return the status with which an error ends the process.

    Options are checked where they are read, so a ValueError is about data: a table with text in a
    cell, a column too few.
    """
    from ..errors import DivergedError, ModelFileError

    kinds: list[tuple[type[Exception], int]] = [
        (ModelFileError, BAD_MODEL_FILE),
        (DivergedError, DIVERGED),
        (ValueError, BAD_DATA),
        (OSError, WRONG_USAGE),  # a folder that is not there or may not be written to
    ]
    if is_about_usage(error):
        return WRONG_USAGE
    return next((status for kind, status in kinds if isinstance(error, kind)), FAILURE)


def is_about_usage(error: Exception) -> bool:
    """Return whether typer or `require` raised it. Typer's classes have moved over time."""
    is_missing_extra = isinstance(error, ImportError) and "fastperc[" in str(error)
    return hasattr(error, "format_message") or is_missing_extra


def message_of(error: Exception) -> str:
    """Return the text to show for an error."""
    from ..errors import DataError

    if hasattr(error, "format_message"):
        text, context = error.format_message(), getattr(error, "ctx", None)
        stop = "" if text.endswith((".", "?", "!")) else "."
        return f"{text}{stop} Try '{context.command_path if context else 'fastperc'} --help'"
    if isinstance(error, OSError) and error.filename is not None:
        return f"cannot use {os.fspath(error.filename)!r}: {error.strerror}"
    status, text = exit_status(error), str(error).rstrip(".")
    if status == FAILURE:
        kind = type(error).__name__
        return f"{kind}: {text}. This should not happen; --debug shows where it does"
    if status == BAD_DATA and not isinstance(error, DataError):
        return f"{text}. --debug shows where this was found"
    return str(error)


def complain(message: str) -> None:
    """Print a message to standard error, as one line, whatever is in it."""
    words = " ".join(message.split())
    line = "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in words)
    print(f"fastperc: {line}", file=sys.stderr)
