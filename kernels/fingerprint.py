"""What tells the code of one state of the sources from that of another."""

import hashlib
import importlib.util
import pkgutil
import sys
from functools import cache
from pathlib import Path
from types import CodeType

import llvmlite
import numba


@cache
def build_tag():
    """Fingerprint of this folder, as it was when the process began to load kernels.

    Taken once: an edit made later is not what this process runs, and must not be what its code is
    filed under.

    Raises
    ------
    RuntimeError
        If there is nothing to take it of: nothing would tell old code from new.
    """
    folder = Path(__file__).parent
    return source_tag(folder) if folder.is_dir() else loader_tag(sys.modules[__package__])


def source_tag(folder):
    """Fingerprint of all Python files below ``folder`` and of the versions that compile them.

    Files are sources, and what an installation without sources has in their place: ``.pyc`` files
    outside of ``__pycache__``.
    """
    files = sorted(p for p in folder.rglob("*.py*") if p.parent.name != "__pycache__")
    return _tag((p.relative_to(folder).as_posix(), _content(p)) for p in files)


def _content(path):
    # A .pyc file begins with 16 bytes that tell the age of its source.
    return path.read_bytes()[16 if path.suffix == ".pyc" else 0 :]


def loader_tag(package):
    """`source_tag` of a package that is no folder: in a zip archive or a frozen application."""
    modules = pkgutil.iter_modules(package.__path__, f"{package.__name__}.")
    return _tag((name, _loaded(name)) for name in sorted(module.name for module in modules))


def _loaded(name):
    """What the loader of a module has to tell one version of it from another."""
    loader = importlib.util.find_spec(name).loader
    try:
        return loader.get_data(loader.get_filename(name))
    except (AttributeError, ImportError, OSError):  # a frozen application has no such file
        return repr(described(loader.get_code(name))).encode()


def described(code):
    """A code object in a form that prints alike in every process."""
    if isinstance(code, frozenset):
        return sorted(map(repr, code))
    if not isinstance(code, CodeType):
        return code
    constants = [described(constant) for constant in code.co_consts]
    return (code.co_qualname, code.co_code, code.co_names, code.co_varnames, constants)


def _tag(parts):
    tag = hashlib.sha256(f"{numba.__version__} {llvmlite.__version__}".encode())
    parts = list(parts)
    if not parts:
        raise RuntimeError("found no Python sources, nor what they became, to tell old from new")
    for name, content in parts:
        tag.update(f"\0{name}\0".encode())
        tag.update(hashlib.sha256(content).digest())
    return tag.hexdigest()
