"""Optional packages: imported when something needs them, with the remedy when they are missing."""

import importlib
from types import ModuleType


def require(module: str, *, extra: str) -> ModuleType:
    """Import an optional package, or say which line installs it.

    Parameters
    ----------
    module : str
        What to import, such as ``"matplotlib.pyplot"``.
    extra : str
        The extra of fastperc that brings it: ``"plot"``, ``"cli"`` or ``"bench"``.

    Returns
    -------
    module
        The imported module, the innermost one of a dotted name.

    Raises
    ------
    ImportError
        If the package is not installed. An installed package that fails to import raises whatever
        it raises: installing it again would not help.

    Examples
    --------
    >>> require("json", extra="plot").dumps([1, 2])
    '[1, 2]'
    >>> require("no_such_package", extra="plot")
    Traceback (most recent call last):
        ...
    ImportError: this needs no_such_package, which is not installed: pip install 'fastperc[plot]'
    """
    package = module.partition(".")[0]
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != package:
            raise
        raise ImportError(
            f"this needs {package}, which is not installed: pip install 'fastperc[{extra}]'",
            name=package,
        ) from error
