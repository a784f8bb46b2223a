"""Ctrl-C on the command line: gone within a quarter of a second, with exit status 130.

Python turns SIGINT into KeyboardInterrupt when its main thread comes round to it. A compiler pass
or a loop in C takes longer than that, and some libraries catch the exception and carry on. So a
second thread hears of the signal too. It gives the main thread a moment to clean up, then ends the
process.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, NoReturn

GRACE = 0.05  # seconds for files to be closed and networks to be left usable
INTERRUPTED = 130  # what shells report for a program that SIGINT ended: 128 + 2
SHOW_CURSOR = "\x1b[?25h"  # progress displays hide it

_ending = threading.Lock()


@contextmanager
def prompt_exit() -> Iterator[None]:
    """Within this block, SIGINT ends the process in ``GRACE`` seconds if nothing else does.

    To be entered in the main thread, since it is about signals.
    """
    receiver, sender = socket.socketpair()
    sender.setblocking(False)
    before = signal.set_wakeup_fd(sender.fileno(), warn_on_full_buffer=False)
    hook, sys.unraisablehook = sys.unraisablehook, _report_other
    threading.Thread(target=_end_after_sigint, args=(receiver,), daemon=True).start()
    try:
        yield
    finally:
        sys.unraisablehook = hook
        signal.set_wakeup_fd(before)
        sender.close()  # and with it ends the thread


def _end_after_sigint(receiver: socket.socket) -> None:
    """Wait for the byte that the signal handler of the C runtime writes."""
    with receiver:
        while received := receiver.recv(1):
            if received[0] == signal.SIGINT:
                time.sleep(GRACE)
                end_now()


def _report_other(unraisable: Any) -> None:
    """Report an exception that has nowhere to go, such as one in a C library's callback.

    KeyboardInterrupt is left out: the process is about to say that it was interrupted, and end.
    """
    if not isinstance(unraisable.exc_value, KeyboardInterrupt):
        sys.__unraisablehook__(unraisable)


def end_now() -> NoReturn:
    """Say that the program was interrupted, and end the process at once.

    Without the interpreter's own ending, which takes half a second once large packages are loaded.
    """
    _ending.acquire()  # never released: of two threads that come here, one speaks
    with suppress(OSError, ValueError):  # a closed stream
        if sys.stdout.isatty():
            sys.stdout.write(SHOW_CURSOR)
        sys.stdout.flush()
        sys.stderr.write("fastperc: interrupted\n")
        sys.stderr.flush()
    os._exit(INTERRUPTED)
