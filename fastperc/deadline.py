"""When a run has to end: Ctrl-C and the time limit, looked at where the state is in order.

Python raises KeyboardInterrupt between any two instructions, also between the return of a kernel
and the line that takes note of what it did. While a run goes on, Ctrl-C is therefore put down as
wanted, and acted on at the next check, within about 50 ms.
"""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from types import FrameType
from typing import Any

from .errors import OutOfTimeError

try:  # what `signal` wraps: its enumerations cost as much as the shortest of trainings
    from _signal import getsignal
    from _signal import signal as set_handler
except ImportError:
    from signal import getsignal
    from signal import signal as set_handler

SIGINT = int(signal.SIGINT)


class Deadline:
    """The time limit of a run, and the Ctrl-C that was pressed meanwhile.

    Parameters
    ----------
    time_limit : float, optional
        Seconds from now on.
    """

    def __init__(self, time_limit: float | None = None):
        self.begin = time.perf_counter()
        self.end = math.inf if time_limit is None else self.begin + time_limit
        self._handler: Callable[[int, Any], object] | None = None  # whose work is put off
        self._is_interrupted = False

    def __getstate__(self) -> tuple[float, float]:
        """Return beginning and end by the clock on the wall, which other processes have too."""
        offset = time.time() - time.perf_counter()
        return self.begin + offset, self.end + offset

    def __setstate__(self, state: tuple[float, float]) -> None:
        offset = time.time() - time.perf_counter()
        self.begin, self.end = (moment - offset for moment in state)
        self._handler, self._is_interrupted = None, False

    @property
    def is_over(self) -> bool:
        """True once the time limit was reached."""
        return time.perf_counter() >= self.end

    @property
    def is_interrupted(self) -> bool:
        """True once Ctrl-C was pressed, until that is acted on."""
        return self._is_interrupted

    def check(self) -> None:
        """Raise KeyboardInterrupt, or whatever Ctrl-C does here, or OutOfTimeError."""
        self.check_interrupt()
        if self.is_over:
            raise OutOfTimeError

    def check_interrupt(self) -> None:
        """Act on Ctrl-C, if it was pressed, as is done here."""
        if self._is_interrupted and self._handler is not None:
            self._is_interrupted = False
            self._handler(SIGINT, None)

    def extended(self, seconds: float) -> Deadline:
        """Return a deadline over the same run that leaves at least ``seconds`` from now on."""
        other = _Later(self)
        other.end = max(self.end, time.perf_counter() + seconds)
        return other

    def interrupts_deferred(self) -> AbstractContextManager[None]:
        """Put Ctrl-C off within a block: to the next check, or to the end of the block."""
        return _Deferral(self)

    def _defer(self) -> Callable[[int, Any], object] | None:
        """Put down Ctrl-C from now on; returns what it did, or nothing where it is not ours."""
        handler = getsignal(SIGINT)
        if threading.current_thread() is not threading.main_thread() or not callable(handler):
            return None
        self._handler = handler
        set_handler(SIGINT, self._note)
        return handler

    def _act_again(self, handler: Callable[[int, Any], object]) -> None:
        """Let Ctrl-C do what it did before, also if it was pressed meanwhile."""
        set_handler(SIGINT, handler)
        pending, self._handler = self._is_interrupted, None
        self._is_interrupted = False
        if pending:
            handler(SIGINT, None)

    def interrupts_allowed(self) -> AbstractContextManager[None]:
        """Let Ctrl-C through within a block in which somebody else's code runs."""
        return _Allowance(self)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._is_interrupted = True


class _Deferral:
    """The block of `Deadline.interrupts_deferred`: a generator would take longer."""

    def __init__(self, deadline: Deadline):
        self.deadline = deadline

    def __enter__(self) -> None:
        self.handler = self.deadline._defer()

    def __exit__(self, *error: object) -> None:
        if self.handler is not None:
            self.deadline._act_again(self.handler)


class _Allowance:
    """The block of `Deadline.interrupts_allowed`.

    No generator: where Ctrl-C is raised on the way into the block, its end would be run by the
    garbage collector, and put Ctrl-C off for a run that is over by then.
    """

    def __init__(self, deadline: Deadline):
        self.deadline = deadline

    def __enter__(self) -> None:
        if self.deadline._handler is not None:
            set_handler(SIGINT, self.deadline._handler)
            self.deadline.check_interrupt()

    def __exit__(self, *error: object) -> None:
        if self.deadline._handler is not None:
            set_handler(SIGINT, self.deadline._note)


class _Later(Deadline):
    """Another end for the same run."""

    def __init__(self, deadline: Deadline):
        super().__init__()
        self._deadline = deadline

    def check_interrupt(self) -> None:
        self._deadline.check_interrupt()

    def interrupts_allowed(self) -> AbstractContextManager[None]:
        return self._deadline.interrupts_allowed()


NO_LIMIT = Deadline()
