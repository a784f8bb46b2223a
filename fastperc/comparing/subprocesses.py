"""Run what may hang or crash in a child process."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import sysconfig
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from ..errors import KernelFailedError
from .prints import quiet_process

HERE = Path(__file__).parents[1]
STDLIB = sysconfig.get_path("stdlib")

TroubleError = KernelFailedError  # the name in version 0.1

T = TypeVar("T")


LATE = (
    "hangs: not checked after {:g} s; if it is only slow, give it fewer samples or a longer time "
    "limit"
)


def in_child(call: Callable[[], T], seconds: float, is_quiet: bool = False, late: str = LATE) -> T:
    """Return the result of a call, computed in a copy of this process.

    Where a process cannot be copied (Windows; macOS, where that is unsafe), the call is made here,
    and without a limit of time. With ``is_quiet``, nothing that it prints is seen.

    Raises
    ------
    KernelFailedError
        If the call raises, crashes, or takes longer than ``seconds``: ``late`` says so.
    """
    limited = sys.platform == "linux"
    outcome = _copied(call, seconds, is_quiet, late) if limited else _outcome(call)
    if isinstance(outcome, KernelFailedError):
        raise outcome
    return outcome


def _outcome(call: Callable[[], T]) -> T | KernelFailedError:
    try:
        return call()
    except KernelFailedError as error:
        return error
    except Exception as error:
        return KernelFailedError(describe(error))


def _copied(
    call: Callable[[], T], seconds: float, is_quiet: bool, late: str
) -> T | KernelFailedError:
    fork = multiprocessing.get_context("fork")
    receiver, sender = fork.Pipe(duplex=False)

    def work() -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        # If this process is gone before the child is: the alarm ends even what holds the GIL.
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, seconds + 1)
        if is_quiet:
            quiet_process()
        sender.send(_outcome(call))

    child = fork.Process(target=work, daemon=True)
    with warnings.catch_warnings():  # about other threads, whose locks the child does not need
        warnings.filterwarnings("ignore", "This process.*is multi-threaded", DeprecationWarning)
        child.start()
    sender.close()
    try:
        if not receiver.poll(seconds):
            return KernelFailedError(late.format(seconds))
        outcome: T | KernelFailedError = receiver.recv()
        return outcome
    except EOFError:
        child.join()
        return KernelFailedError(f"crashes: its process ended with {_status(child.exitcode)}")
    finally:
        child.kill()
        child.join()
        receiver.close()


def _status(code: int | None) -> str:
    if code is None or code >= 0:
        return f"exit status {code}"
    return f"signal {-code} ({signal.strsignal(-code)})"


def describe(error: BaseException) -> str:
    """Return an error in one line, with the innermost line of code that is not of this package."""
    text = " ".join(str(error).split())
    text = text if len(text) <= 300 else f"{text[:297]}..."
    frames = [f for f in traceback.extract_tb(error.__traceback__) if not _is_ours(f)]
    if frames:
        frame = frames[-1]
        where = f", at line {frame.lineno} of {_name_of(frame.filename)}"
        text += f"{where}: {frame.line}" if frame.line else where
    return "; ".join([f"raises {type(error).__name__}: {text}", *getattr(error, "__notes__", ())])


def _is_ours(frame: traceback.FrameSummary) -> bool:
    filename = frame.filename
    if filename.startswith("<"):  # a cell of a notebook has lines, built-in modules have none
        return not frame.line or filename.startswith(("<frozen", "<__array_function__"))
    is_library = "site-packages" in filename or filename.startswith(STDLIB)
    return is_library or HERE in Path(filename).parents


def _name_of(filename: str) -> str:
    """Return the name of a file, or what a cell of a notebook is called."""
    if "ipykernel" in filename or filename.startswith("<ipython"):
        return "a notebook cell"
    return os.path.basename(filename)
