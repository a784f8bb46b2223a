"""Import optional packages when they are needed, with the remedy where they are missing."""

import importlib
from types import ModuleType


def require(module: str, *, extra: str) -> ModuleType:
    """Import an optional package; where it is missing, the error has the line that installs it.

    Parameters
    ----------
    module : str
        Dotted name, such as ``"matplotlib.pyplot"``.
    extra : str
        The extra of fastperc that installs it: ``"plot"``, ``"cli"``, ``"bench"``, ``"frames"``,
        ``"tables"``, ``"river"``, ``"torch"``, ``"onnx"`` or ``"dask"``.

    Returns
    -------
    module
        The imported module, the innermost one of a dotted name.

    Raises
    ------
    ImportError
        If the package is not installed. The errors of an installed package that fails to import
        are passed on: installing it again would not help.

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
