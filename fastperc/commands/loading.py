"""Functions of the user's, by the names that a command line gives them: ``my.py:epoch``."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import io
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

from ..errors import KernelFailedError

LATE = (
    "has not ended after {:g} s. If it trains, or loops, at top level, put that below "
    "if __name__ == '__main__':, or give it a longer --time-limit"
)


@contextlib.contextmanager
def folders_first(names: Sequence[str]) -> Iterator[None]:
    """Within this block, let files import their neighbours, as Python does with a script's.

    Nothing is stored in the folders: no ``__pycache__`` appears. What was imported from them is
    forgotten after the block.
    """
    path, stored, known = [*sys.path], sys.dont_write_bytecode, {*sys.modules}
    folders = [_folder(name) for name in names]
    sys.path[:0] = [*dict.fromkeys(folders)]
    sys.dont_write_bytecode = True
    try:
        yield
    finally:
        sys.path[:], sys.dont_write_bytecode = path, stored
        for name in {*sys.modules} - known:
            if os.path.dirname(getattr(sys.modules[name], "__file__", None) or "") in folders:
                del sys.modules[name]


def _folder(name: str) -> str:
    """Return the folder of a file, or for the name of a module, this one."""
    place = name.rpartition(":")[0]
    return str(Path(place).resolve().parent) if place.endswith(".py") else os.getcwd()


def load(name: str, seconds: float) -> Callable[..., object]:
    """Import what ``module:function`` or ``file.py:function`` names.

    A function, another callable, or an object with a method ``fit``. The import is tried in a
    copy of this process first, which may print, and which ends after ``seconds``.
    """
    place, _, attribute = name.rpartition(":")
    if place.endswith(".py") and not Path(place).is_file():
        raise ValueError(f"cannot read {place}: there is no such file")
    try:
        module = _import_tried(place, seconds)
    except KernelFailedError as error:
        raise ValueError(f"{place} cannot be imported: it {error}") from error
    found: object = module
    for part in attribute.split("."):
        found = getattr(found, part, None)
    if not is_kernel(found):
        there = [n for n, v in vars(module).items() if is_kernel(v) and not n.startswith("_")]
        raise ValueError(
            f"{name}: found no function {attribute!r}, expected one of {', '.join(there) or 'none'}"
        )
    return found  # type: ignore[return-value]


def is_kernel(value: object) -> bool:
    """Return whether something can be compared: a function, or an object that can be fitted."""
    return callable(value) or hasattr(value, "fit")


def _import_tried(place: str, seconds: float) -> ModuleType:
    """Import a module after a trial in a child; what it prints is seen once."""
    from ..comparing.subprocesses import describe, in_child

    shown: contextlib.AbstractContextManager[None] = contextlib.nullcontext()
    if sys.platform == "linux":  # elsewhere, a process cannot be copied
        in_child(lambda: _import(place) and None, seconds, late=LATE)
        shown = _nothing_shown()
    with shown:
        try:
            return _import(place)
        except Exception as error:  # a user's module can raise anything
            raise KernelFailedError(describe(error)) from error


@contextlib.contextmanager
def _nothing_shown() -> Iterator[None]:
    nowhere = io.StringIO()
    with contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
        yield


def _import(place: str) -> ModuleType:
    """Import a module by its name or its file; what ends the program is an error here."""
    try:
        return _load_file(Path(place)) if place.endswith(".py") else importlib.import_module(place)
    except SystemExit as error:
        message = f"SystemExit({error.code!r}): it ends the program"
        raise RuntimeError(message).with_traceback(error.__traceback__) from None


class _Fresh(SourceFileLoader):
    """Compile a file as it is now; what is stored of it may be a second older."""

    def get_code(self, fullname: str) -> CodeType:
        return self.source_to_code(self.get_data(self.path), self.path)


def _load_file(path: Path) -> ModuleType:
    file, name = str(path.resolve()), path.stem
    for module in [*sys.modules.values()]:  # another function of it, or its neighbour's import
        if getattr(module, "__file__", None) == file and module.__name__ != "__main__":
            return module
    while name in sys.modules:  # a file called random.py does not become everybody's random
        name += "_"
    spec = importlib.util.spec_from_file_location(name, file, loader=_Fresh(name, file))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # as Numba and pickle expect
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
