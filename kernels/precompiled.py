"""Machine code that an installation brings: made for a level of processors, not for this one.

A wheel has, in the folder ``machine_code`` beside this file, the kernels compiled for one or more
levels, such as x86-64-v3: every processor that has the features of a level can run its code, and
gets the same bits from it. ``manifest.json`` there says what the code was made with and for. It is
only ever read.

Code of a level is used where this processor has all of the level's features, and Python, Numba,
llvmlite and the sources are the same as when it was made. A feature that is missing would be an
illegal instruction, so what is not known to fit is not used: kernels are then compiled, as in an
installation that brings nothing.
"""

import json
import re
import sys
from functools import cache
from pathlib import Path
from typing import NamedTuple

import llvmlite
import numba

FOLDER = Path(__file__).parent / "machine_code"


class Level(NamedTuple):
    """Machine code for all processors that have certain features.

    Attributes
    ----------
    name : str
        Also of its folder.
    triple, cpu, features : str
        The target as LLVM was given it; part of each file's key.
    required : tuple of str
        Features without which the code does not run, such as ``+avx2``.
    numpy : str
        The version of NumPy beside which it was made. It runs beside any.
    """

    name: str
    triple: str
    cpu: str
    features: str
    required: tuple[str, ...]
    numpy: str

    def magic_tuple(self):
        """Return the target, as Numba's code generator returns its own."""
        return self.triple, self.cpu, self.features

    @property
    def folder(self):
        """Where its files are."""
        return FOLDER / self.name


def makers(source_tag):
    """Return what machine code depends on beside the processor: all of it has to agree.

    Parameters
    ----------
    source_tag : str
        Fingerprint of the sources, as `fingerprint.build_tag` returns it.
    """
    return {
        "python": f"{sys.implementation.cache_tag}{getattr(sys, 'abiflags', '')}",
        "numba": numba.__version__,
        "llvmlite": llvmlite.__version__,
        "sources": source_tag,
    }


@cache
def choose(source_tag, triple, features):
    """Return the best level for a processor, or None, and why it is none.

    Parameters
    ----------
    source_tag : str
        See `makers`.
    triple : str
        System and architecture, as LLVM names them.
    features : frozenset of str
        What the processor has, such as ``+avx2``.

    Returns
    -------
    level : Level or None
    reason : str
        Empty where the installation brings no machine code, and where a level was found.
    """
    path = FOLDER / "manifest.json"
    if not path.is_file():
        return None, ""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        made_with, levels = found["made_with"], [_level(**level) for level in found["levels"]]
    except (OSError, ValueError, TypeError, KeyError) as error:
        return None, f"{path} cannot be read ({type(error).__name__}: {error})"
    for name, here in makers(source_tag).items():
        if made_with.get(name) != here:
            what = "other sources" if name == "sources" else f"{name} {made_with.get(name)}"
            return None, f"it was made with {what}, and here is {here[:20]}"
    return _best(levels, triple, features)


def _level(required, **rest):
    return Level(required=tuple(required), **rest)


def _best(levels, triple, features):
    """Return the first level of a list, best first, that fits; or None, and what the last lacks."""
    reason = "it is for no level of processors"
    for level in levels:
        lacking = sorted(set(level.required) - features)
        if system_of(level.triple) != system_of(triple):
            reason = f"it is for {level.triple}, and here is {triple}"
        elif lacking:
            reason = f"this processor lacks {', '.join(lacking)} of {level.name}"
        else:
            return level, ""
    return None, reason


def system_of(triple):
    """Return a target triple without versions: macOS's has that of the running system.

    Examples
    --------
    >>> system_of("arm64-apple-darwin23.5.0")
    'arm64-apple-darwin'
    """
    return re.sub(r"(?<=[a-z])[\d.]+$", "", triple)
