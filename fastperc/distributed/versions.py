"""Workers have to have the library that their client has: other code may have other bits."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from .. import __version__

Result = TypeVar("Result")


def by_version(version: str, function: Callable[..., Result], *given: object) -> Result:
    """Call a function, on a worker whose fastperc is of this version.

    Raises
    ------
    RuntimeError
        If it is of another one.
    """
    if version != __version__:
        raise RuntimeError(
            f"fastperc: found version {__version__} on a worker, expected {version}, the client's. "
            "Install the same version on all machines"
        )
    return function(*given)
