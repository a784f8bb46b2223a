"""When a run has to end: Ctrl-C and the time limit, looked at where the state is in order.

Python raises KeyboardInterrupt between any two instructions, also between the return of a kernel
and the line that takes note of what it did. While a run goes on, Ctrl-C is therefore put down as
wanted, and acted on at the next look, within about 50 ms.
"""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


class OutOfTimeError(Exception):
    """The time limit was reached on the way; what was begun is left undone."""


class Watch:
    """Looks at the clock and at Ctrl-C.

    Parameters
    ----------
    time_limit : float, optional
        Seconds from now on.
    """

    def __init__(self, time_limit: float | None = None):
        self.begin = time.perf_counter()
        self.end = math.inf if time_limit is None else self.begin + time_limit
        self._handler: Callable[[int, Any], Any] | None = None  # whose work is put off
        self._is_interrupted = False

    @property
    def is_over(self) -> bool:
        """Whether the time limit was reached."""
        return time.perf_counter() >= self.end

    def look(self) -> None:
        """Raise KeyboardInterrupt, or whatever Ctrl-C does here, or OutOfTimeError."""
        self.look_for_interrupt()
        if self.is_over:
            raise OutOfTimeError

    def look_for_interrupt(self) -> None:
        """Do what Ctrl-C does here, if it was pressed."""
        if self._is_interrupted and self._handler is not None:
            self._is_interrupted = False
            self._handler(signal.SIGINT, None)

    def with_grace(self, seconds: float) -> Watch:
        """A watch over the same run whose time ends later, by so much from now on at least."""
        other = _Later(self)
        other.end = max(self.end, time.perf_counter() + seconds)
        return other

    @contextmanager
    def interrupts_held(self) -> Iterator[None]:
        """Put Ctrl-C off within this block: to the next look, or to its end."""
        handler = signal.getsignal(signal.SIGINT)
        if threading.current_thread() is not threading.main_thread() or not callable(handler):
            yield
            return
        self._handler = handler
        signal.signal(signal.SIGINT, self._put_down)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, handler)
            pending, self._handler = self._is_interrupted, None
            self._is_interrupted = False
            if pending:
                handler(signal.SIGINT, None)

    @contextmanager
    def interrupts_free(self) -> Iterator[None]:
        """Let Ctrl-C through within this block, in which somebody else's code runs."""
        if self._handler is None:
            yield
            return
        signal.signal(signal.SIGINT, self._handler)
        try:
            self.look_for_interrupt()
            yield
        finally:
            signal.signal(signal.SIGINT, self._put_down)

    def _put_down(self, number: int, frame: Any) -> None:
        self._is_interrupted = True


class _Later(Watch):
    """Another end for the same run."""

    def __init__(self, watch: Watch):
        super().__init__()
        self._watch = watch

    def look_for_interrupt(self) -> None:
        self._watch.look_for_interrupt()


NO_LIMIT = Watch()
