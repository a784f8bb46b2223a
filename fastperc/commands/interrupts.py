"""Ctrl-C on the command line: gone within a quarter of a second, with exit status 130.

Python turns SIGINT into KeyboardInterrupt when its main thread comes round to it. A compiler pass
or a loop in C takes longer than that, and some libraries catch the exception and carry on. So a
second thread hears of the signal too. It gives the main thread a moment to clean up, then ends the
process. In the middle of an import or of a compilation there is nothing to clean up, and an
exception can crash the process: there, none is raised.

This is loaded before anything else, so it loads little itself.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from contextlib import contextmanager, suppress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType
    from typing import NoReturn

GRACE = 0.05  # seconds for files to be closed and networks to be left usable
INTERRUPTED = 130  # what shells report for a program that SIGINT ended: 128 + 2
SHOW_CURSOR = "\x1b[?25h"  # progress displays hide it
FRAGILE = ("numba", "llvmlite")  # packages whose work must not be left in the middle

_ending = threading.Lock()
_come = threading.Event()
_calm = threading.Event()


@contextmanager
def prompt_exit(to_the_end: bool = False) -> Iterator[None]:
    """Within this block, SIGINT ends the process in ``GRACE`` seconds if nothing else does.

    To be entered in the main thread, since it is about signals.

    Parameters
    ----------
    to_the_end : bool
        Whether the process ends after the block: what it had to do is done then, and SIGINT is not
        heard any more.
    """
    _come.clear()
    _calm.clear()
    handler = signal.getsignal(signal.SIGINT)
    is_ours = handler is signal.default_int_handler
    if is_ours:  # a caller's own stays
        signal.signal(signal.SIGINT, _interrupt)
    receiver, sender = os.pipe()
    if hasattr(os, "set_blocking"):
        os.set_blocking(sender, False)
    before = signal.set_wakeup_fd(sender, warn_on_full_buffer=False)
    hook, sys.unraisablehook = sys.unraisablehook, _report_other
    threading.Thread(target=_end_after_sigint, args=(receiver,), daemon=True).start()
    try:
        yield
    finally:
        sys.unraisablehook = hook
        signal.set_wakeup_fd(before)
        if is_ours:
            signal.signal(signal.SIGINT, signal.SIG_IGN if to_the_end else handler)
        os.close(sender)  # and with it ends the thread


def has_come() -> bool:
    """Whether SIGINT has come since `prompt_exit` was entered."""
    return _come.is_set()


def no_exception_any_more() -> None:
    """Let SIGINT end the process only, from now on to the end of `prompt_exit`."""
    _calm.set()


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Raise KeyboardInterrupt in the main thread, once, and where that does no harm."""
    _come.set()
    if not _calm.is_set() and not _is_fragile(frame):
        _calm.set()
        raise KeyboardInterrupt


def _is_fragile(frame: FrameType | None) -> bool:
    """Whether an import or a compilation is under way."""
    while frame is not None:
        package = str(frame.f_globals.get("__name__")).partition(".")[0]
        if package in FRAGILE or frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


def _end_after_sigint(receiver: int) -> None:
    """Wait for the byte that the signal handler of the C runtime writes."""
    while received := os.read(receiver, 1):
        if received[0] == signal.SIGINT:
            _come.set()
            time.sleep(GRACE)
            end_now()
    os.close(receiver)


def _report_other(unraisable: sys.UnraisableHookArgs) -> None:
    """Report an exception that has nowhere to go, such as one in a C library's callback.

    None after Ctrl-C: the process is about to say that it was interrupted, and end.
    """
    if not has_come() and not isinstance(unraisable.exc_value, KeyboardInterrupt):
        sys.__unraisablehook__(unraisable)


def end_now() -> NoReturn:
    """Say that the program was interrupted, and end the process at once.

    Without the interpreter's own ending, which takes half a second once large packages are loaded.
    """
    _ending.acquire()  # never released: of two threads that come here, one speaks
    with suppress(OSError, ValueError, AttributeError):  # a closed stream, or none
        if sys.stdout.isatty():
            sys.stdout.write(SHOW_CURSOR)
        sys.stdout.flush()
        sys.stderr.write("fastperc: interrupted\n")
        sys.stderr.flush()
    os._exit(INTERRUPTED)
