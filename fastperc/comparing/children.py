"""Runs what may hang or crash in a child process, and says what became of it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = str(Path(__file__).parent)


class TroubleError(RuntimeError):
    """What a kernel did instead of training."""


def in_child(call: Callable[[], Any], seconds: float) -> Any:
    """The result of a call, computed in a copy of this process.

    Where a process cannot be copied (Windows; macOS, where that is unsafe), the call is made here,
    and without a limit of time.

    Raises
    ------
    TroubleError
        If the call raises, crashes, or takes longer than ``seconds``.
    """
    if sys.platform != "linux":
        result, trouble = _outcome(call)
    else:
        result, trouble = _copied(call, seconds)
    if trouble:
        raise TroubleError(trouble)
    return result


def _outcome(call: Callable[[], Any]) -> tuple[Any, str]:
    try:
        return call(), ""
    except Exception as error:
        return None, describe(error)


def _copied(call: Callable[[], Any], seconds: float) -> tuple[Any, str]:
    fork = multiprocessing.get_context("fork")
    receiver, sender = fork.Pipe(duplex=False)

    def work():
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        # If this process is gone before the child is: the alarm ends even what holds the GIL.
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, seconds + 1)
        sender.send(_outcome(call))

    child = fork.Process(target=work, daemon=True)
    with warnings.catch_warnings():  # about other threads, whose locks the child does not need
        warnings.filterwarnings("ignore", "This process.*is multi-threaded", DeprecationWarning)
        child.start()
    sender.close()
    try:
        if not receiver.poll(seconds):
            hint = "if it is only slow, give it fewer samples or a longer time limit"
            return None, f"hangs: not checked after {seconds:g} s; {hint}"
        return receiver.recv()
    except EOFError:
        child.join()
        return None, f"crashes: its process ended with {_status(child.exitcode)}"
    finally:
        child.kill()
        child.join()
        receiver.close()


def _status(code: int | None) -> str:
    if code is None or code >= 0:
        return f"exit status {code}"
    return f"signal {-code} ({signal.strsignal(-code)})"


def describe(error: BaseException) -> str:
    """An error in one line, with the innermost line of code that is not ours."""
    text = " ".join(str(error).split())
    text = text if len(text) <= 300 else f"{text[:297]}..."
    frames = [f for f in traceback.extract_tb(error.__traceback__) if not _is_ours(f.filename)]
    if frames:
        frame = frames[-1]
        where = f", at line {frame.lineno} of {os.path.basename(frame.filename)}"
        text += f"{where}: {frame.line}" if frame.line else where
    return f"raises {type(error).__name__}: {text}"


def _is_ours(filename: str) -> bool:
    is_library = "site-packages" in filename or filename.startswith("<")
    return is_library or str(Path(filename).parent) == HERE
