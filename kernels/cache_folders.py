"""Where machine code is looked for and written, and the variables that decide about it."""

import hashlib
import os
import re
import sys
from functools import cache
from pathlib import Path

from numba.core import config
from numba.misc.appdirs import AppDirs

SWITCH = "FASTPERC_NUMBA_CACHE"
PRECOMPILED_SWITCH = "FASTPERC_PRECOMPILED"


def cache_folders(source, module):
    """Where machine code of a file may lie, in the order of trying: as Numba has it.

    1. In the folder that ``NUMBA_CACHE_DIR`` names.
    2. Beside the file, in ``__pycache__``. For an installed package that is the ``__pycache__`` of
       ``site-packages``: pip leaves what it did not bring, and a folder that is left with the
       package's name would be imported in place of the next installation.
    3. In the user's cache folder, such as ``~/.cache/numba``, if there is a home.

    With ``FASTPERC_NUMBA_CACHE=only`` in the environment, in the first alone, and what the
    installation brings is left: for measurements and tests, which have to know what was compiled.

    Parameters
    ----------
    source : Path
        The file, or its place in an archive.
    module : str
        Its dotted name.
    """
    below = _folder_name(_lasting(source, module))
    found = []
    if config.CACHE_DIR:
        found.append(Path(config.CACHE_DIR).absolute() / below)
        if is_only():
            return found
    if source.parent.is_dir():
        found.append(_beside(source, module))
    user = Path(AppDirs(appname="numba", appauthor=False).user_cache_dir)
    if user.is_absolute():  # without a home it is "~/.cache", below any folder
        found.append(user / below)
    return found


def is_only():
    """Return whether the one folder that machine code may come from is named."""
    return bool(config.CACHE_DIR) and _setting(SWITCH) == "only"


def is_off(variable):
    """Return whether a variable of the environment turns off what is on by default."""
    return _setting(variable) in {"0", "false", "no", "off"}


def _setting(variable):
    return os.environ.get(variable, "").strip().lower()


def _folder_name(source):
    """The name of the folder for the files of all sources that lie beside one."""
    folder = source.absolute().parent
    return f"{folder.name}_{hashlib.sha256(str(folder).encode()).hexdigest()[:40]}"


def _lasting(source, module):
    """``source``, or a name for it that is the same the next time: a frozen application may unpack
    itself to another folder each time."""
    if not getattr(sys, "frozen", False):
        return source
    return Path(sys.executable).parent.joinpath(*module.split("."))


def _beside(source, module):
    *packages, _ = module.split(".")
    base = source.parents[len(packages)] if len(source.parents) > len(packages) else source.parent
    if packages and base.joinpath(*packages) == source.parent and _has_installed(base, packages[0]):
        return base / "__pycache__" / ".".join(packages)
    return source.parent / "__pycache__"


@cache
def _has_installed(folder, package):
    """Whether an installer has put a package there."""
    return any(folder.glob(f"{package}-*.dist-info"))


def takes_files(folder):
    """Whether a folder, which need not be there yet, can probably be written to."""
    there = next(path for path in (folder, *folder.parents) if path.exists())
    return there.is_dir() and os.access(there, os.W_OK | os.X_OK)


def stored_files(folder):
    """The files of machine code in a folder; none where it is not there or may not be read."""
    try:
        return sorted(path for path in folder.iterdir() if IS_CODE.search(path.name))
    except OSError:
        return []


# With what is left of a write that was killed.
IS_CODE = re.compile(r"-[0-9a-f]{12}-[0-9a-f]{20}\.nbc(\.[0-9a-f]{8})?$")
