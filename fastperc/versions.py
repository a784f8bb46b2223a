"""The version that a stored model carries, and the word on one that another version stored."""

from __future__ import annotations

import warnings
from typing import Any

from . import __version__
from .errors import ModelVersionWarning

STAMP = "_fastperc_version"  # where a pickled state has it; scikit-learn stamps its own likewise


def stamped(state: dict[str, Any]) -> dict[str, Any]:
    """Return a state to be pickled, with this version.

    >>> stamped({"theta": 1}) == {"theta": 1, "_fastperc_version": __version__}
    True
    """
    return {**state, STAMP: __version__}


def unstamped(state: dict[str, Any], name: str) -> dict[str, Any]:
    """Return a state without its version; warn if it is not this one.

    Parameters
    ----------
    state : dict
        What `stamped` returned, or a state of version 0.1.0, which had no stamp.
    name : str
        What is being loaded.
    """
    state = dict(state)
    warn_of_version(state.pop(STAMP, None), name, stacklevel=3)
    return state


def warn_of_version(found: str | None, name: str, stacklevel: int = 1) -> None:
    """Warn that a model was stored by another version of fastperc, if it was.

    Parameters
    ----------
    found : str or None
        The version that stored it; None where that is not told, as by 0.1.0.
    name : str
        What is being loaded, such as ``"Network"`` or the name of a file.
    stacklevel : int
        As in `warnings.warn`, counted from the caller.
    """
    if found == __version__:
        return
    # In ASCII: nothing in a file gets to control a terminal.
    shown = "an older version than 0.1.1" if found is None else f"version {ascii(found)[1:-1]:.40}"
    warnings.warn(
        f"{name}: stored by {shown} of fastperc, loaded by {__version__}. Compare some predictions "
        "with those from before, and store it anew",
        ModelVersionWarning,
        stacklevel=stacklevel + 1,
    )
