"""Calls that train, made so that they can go on after the process was killed.

The decorator `resumable` gives a method its ``checkpoint``, ``every`` and ``resume``. What is kept
of the training within is the business of `training.checkpoints`; here is what the caller says.
"""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast

import numpy as np

from . import checks
from .training.checkpoints import (
    Interval,
    Journal,
    State,
    kept_in,
    restore_stream,
    stream_state,
)

Method = TypeVar("Method", bound=Callable[..., Any])
Stream = np.random.Generator | np.random.RandomState

SECONDS = {"s": 1.0, "min": 60.0, "h": 3600.0}
TIME = re.compile(r"(\d+(?:\.\d+)?) *(s|min|h)")


def resumable(streams: Callable[[Any], Sequence[Stream]]) -> Callable[[Method], Method]:
    """Let a method keep its training in a file where its keyword ``checkpoint`` names one.

    Parameters
    ----------
    streams : function of the object
        Returns the generators that the method draws from, in the state in which they are.
    """

    def decorate(method: Method) -> Method:
        @functools.wraps(method)
        def call(self: Any, *args: Any, **options: Any) -> Any:
            if options.get("checkpoint") is None:
                if options.get("resume"):
                    raise ValueError(
                        "resume: found True without a checkpoint, expected the file to go on from. "
                        "Give checkpoint='FILE'"
                    )
                return method(self, *args, **options)
            every, resume = options.get("every", "60s"), options.get("resume", False)
            return _keep(
                self, lambda: method(self, *args, **options), streams(self),
                options["checkpoint"], every, resume,
            )  # fmt: skip

        return cast(Method, call)

    return decorate


def check_every(every: object) -> Interval:
    """Return the interval that ``every`` stands for: epochs, or a time such as "60s"."""
    if isinstance(every, str):
        match = TIME.fullmatch(every.strip())
        if match and float(match[1]) > 0:
            return Interval(seconds=float(match[1]) * SECONDS[match[2]])
    elif (type(every) is int or isinstance(every, np.integer)) and every > 0:
        return Interval(epochs=int(every))
    raise ValueError(
        f"every: found {every!r:.60}, expected a time such as '60s', '10min' or '2h', or a "
        "positive whole number of epochs"
    )


def _keep(
    owner: object, call: Callable[[], Any], streams: Sequence[Stream], path: str | os.PathLike,
    every: object, resume: object,
) -> Any:  # fmt: skip
    """Make a call, whose runs are kept in a file; begin with those that it has, to resume."""
    from .files.checkpoints import CheckpointFile  # which most programs never need

    interval, file = check_every(every), CheckpointFile(path)
    found = file.read() if checks.check_flag(resume, "resume") else None
    starts = [stream_state(stream) for stream in streams]
    attributes = dict(vars(owner))
    if found is not None:
        if len(found["streams"]) != len(streams):
            raise ValueError(
                f"checkpoint: found the states of {len(found['streams'])} random generators, "
                f"expected {len(streams)}. Give the same random_state as before, or begin anew "
                "with resume=False"
            )
        for stream, state in zip(streams, found["streams"], strict=True):
            restore_stream(stream, state)
    else:
        file.check_place()
    first = starts if found is None else found["streams"]
    runs: dict[str, State] = {} if found is None else found["runs"]
    journal = Journal(file, interval, runs, lambda runs: {"streams": first, "runs": runs})
    try:
        return kept_in(journal, call)
    except BaseException:
        if not journal.has_begun:  # the call was refused: as if it had not been made
            vars(owner).clear()
            vars(owner).update(attributes)
            for stream, state in zip(streams, starts, strict=True):
                restore_stream(stream, state)
        raise
