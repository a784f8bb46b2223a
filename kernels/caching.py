"""Machine code on disk: what counts as fresh, and what happens to a file that is damaged.

Numba's own cache asks whether the file that defines a function has changed. That is too little
here: kernels call each other across files, so an edited helper would leave old code in its callers,
and compile flags and most ``NUMBA_*`` settings are not asked about at all. `KernelCache` keeps
Numba's choice of folder and its way of storing a compiled function, and replaces the rest:

- the key of a stored function covers every source file of this folder, the compile flags, the
  settings that shape code and the versions of the compilers;
- one file for each key, named by it. There is no index, so none can be torn, outrun by another
  process or left naming the wrong file;
- a checksum over name and content. A file that fails it is compiled again and rewritten. This finds
  accidents, not attackers: whoever may write to the cache folder may run code.

No failure here may cost a result. It costs a compilation, and a `KernelCacheWarning` says so.
"""

import hashlib
import inspect
import os
import pickle
import re
import sys
import uuid
import warnings
from functools import cache
from pathlib import Path

import llvmlite
import numba
import numpy as np
from numba.core import config
from numba.core.caching import FunctionCache
from numba.core.serialize import dumps

# Settings that change the machine code and are missing from Numba's own key. One that this version
# of Numba does not have reads as None.
SETTINGS = (
    "BOUNDSCHECK",
    "OPT",
    "LOOP_VECTORIZE",
    "SLP_VECTORIZE",
    "USING_SVML",
    "LLVM_REFPRUNE_PASS",
    "LLVM_REFPRUNE_FLAGS",
    "DEBUGINFO_DEFAULT",
    "EXTEND_VARIABLE_LIFETIMES",
    "DEBUG_JIT",
    "DEBUG_NRT",
    "DEBUG_ARRAY_OPT_RUNTIME",
    "USE_LEGACY_TYPE_SYSTEM",
)

CHECKSUM_BYTES = hashlib.sha256().digest_size


class KernelCacheWarning(UserWarning):
    """Compiled kernels could not be kept on disk, or a kept one could not be used."""


def keep_on_disk(dispatcher, options):
    """Give a dispatcher a disk cache, or warn once in this process that no folder can hold one.

    A function without a file (typed at a prompt, made by ``exec``) is left without a cache: nothing
    would tell its old code from its new.

    Parameters
    ----------
    dispatcher : numba dispatcher
        A function as `numba.njit` returns it; its cache is replaced.
    options : dict
        The options that it was compiled with.
    """
    try:
        dispatcher._cache = KernelCache(dispatcher.py_func, options)
    except RuntimeError as error:
        source = Path(inspect.getfile(dispatcher.py_func))
        if source.exists():
            warn_uncached(str(source.parent), error)


def source_tag(folder):
    """Fingerprint of all Python sources below ``folder`` and of the versions that compile them.

    Raises
    ------
    RuntimeError
        If there are no sources to read (a zipped or source-less installation): nothing would tell
        old code from new, so nothing may be kept.
    """
    sources = sorted(folder.rglob("*.py"))
    if not sources:
        raise RuntimeError(f"found no Python sources in {folder} to tell old code from new")
    tag = hashlib.sha256(f"{numba.__version__} {llvmlite.__version__} {np.__version__}".encode())
    for source in sources:
        tag.update(f"\0{source.relative_to(folder).as_posix()}\0".encode())
        tag.update(hashlib.sha256(source.read_bytes()).digest())
    return tag.hexdigest()


@cache
def build_tag():
    """`source_tag` of this folder, as it was when the process began to load kernels.

    Taken once: an edit made later is not what this process runs, and must not be what its code is
    filed under.
    """
    return source_tag(Path(__file__).parent)


class KernelCache(FunctionCache):
    """Numba's function cache with a complete key, checked files and no fatal errors.

    Parameters
    ----------
    function : function
        The Python function whose compiled versions are kept.
    options : dict
        Its compile options; part of the key.

    Raises
    ------
    RuntimeError
        If Numba finds no writable folder, or `source_tag` no sources.
    """

    def __init__(self, function, options):
        super().__init__(function)
        # A kernel defined outside this folder adds the stamp of its own file.
        stamp = self._impl.locator.get_source_stamp()
        tag = hashlib.sha256(f"{build_tag()} {stamp!r}".encode()).hexdigest()
        self._cache_file = CodeFiles(self.cache_path, function, tag[:12])
        self._flags = sorted((name, canonical(value)) for name, value in options.items())
        self._defined_at = (function.__qualname__, function.__code__.co_firstlineno)

    def load_overload(self, sig, target_context):
        """Return the stored code for a signature, or None if it has to be compiled."""
        try:
            return super().load_overload(sig, target_context)
        except Exception as error:  # a foreign pickle can raise anything; compiling mends it all
            warnings.warn(
                f"the stored machine code of {self._defined_at[0]} in {self.cache_path} cannot be "
                f"used ({type(error).__name__}: {error}); it is compiled and stored afresh",
                KernelCacheWarning,
                stacklevel=2,
            )
            return None

    def save_overload(self, sig, data):
        """Store freshly compiled code, or warn that the folder does not take it."""
        try:
            super().save_overload(sig, data)
        except OSError as error:
            warn_uncached(self.cache_path, error)

    def _index_key(self, sig, codegen):
        settings = [(name, getattr(config, name, None)) for name in SETTINGS]
        return (super()._index_key(sig, codegen), self._defined_at, self._flags, settings)


class CodeFiles:
    """The files of one kernel: ``<module>.<kernel>-<python>-<tag>-<key>.nbc``, one for each key.

    Parameters
    ----------
    folder : str
        Where the files lie; it has to exist when one is written.
    function : function
        The kernel.
    tag : str
        Fingerprint of the sources. Files of this kernel and this Python with another tag are stale;
        they are removed when a fresh one is written, so that edits do not pile up files.
    """

    def __init__(self, folder, function, tag):
        module = Path(inspect.getfile(function)).stem
        name = re.sub(r"[^\w.]", "", f"{module}.{function.__name__}")
        python = f"{sys.implementation.cache_tag}{getattr(sys, 'abiflags', '')}"
        self._folder = Path(folder)
        self._any_build = f"{name}-{python}-"
        self._this_build = f"{self._any_build}{tag}-"

    def path(self, key):
        """Where the code for ``key`` lies, if it was ever stored."""
        digest = hashlib.sha256(repr(key).encode()).hexdigest()
        return self._folder / f"{self._this_build}{digest[:20]}.nbc"

    def load(self, key):
        """Return what was stored for ``key``, or None; ValueError if the file is damaged."""
        path = self.path(key)
        try:
            content = path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        checksum, payload = content[:CHECKSUM_BYTES], content[CHECKSUM_BYTES:]
        if checksum != self._checksum(path, payload):
            raise ValueError(f"{path.name}: {len(content)} bytes that do not match their checksum")
        return pickle.loads(payload)

    def save(self, key, data):
        """Store ``data`` for ``key`` in one step that other processes see whole or not at all."""
        path = self.path(key)
        payload = dumps(data)
        unfinished = path.with_name(f"{path.name}.{uuid.uuid4().hex[:8]}")
        try:
            unfinished.write_bytes(self._checksum(path, payload) + payload)
            os.replace(unfinished, path)
        finally:
            unfinished.unlink(missing_ok=True)
        self._remove_files(lambda name: not name.startswith(self._this_build))

    def flush(self):
        """Forget all code of this kernel, so that it is compiled afresh."""
        self._remove_files(lambda name: name.startswith(self._this_build))

    def _remove_files(self, is_unwanted):
        for path in self._folder.iterdir():
            if path.name.startswith(self._any_build) and is_unwanted(path.name):
                path.unlink(missing_ok=True)

    @staticmethod
    def _checksum(path, payload):
        # With the name, so that a file copied over another is noticed too.
        return hashlib.sha256(path.name.encode() + payload).digest()


def canonical(value):
    """An option's value in a form that prints alike in every process: sets have no fixed order."""
    return sorted(value) if isinstance(value, set | frozenset) else value


def warn_uncached(folder, error):
    """Warn, once in a process for each folder, that its kernels are compiled anew each time."""
    if folder in _warned_about:
        return
    _warned_about.add(folder)
    warnings.warn(
        f"compiled kernels of {folder} are not kept on disk ({error}): every process compiles them "
        "again. Set NUMBA_CACHE_DIR to a writable folder, or FASTPERC_NUMBA_CACHE=0 to do without.",
        KernelCacheWarning,
        stacklevel=2,
    )


_warned_about: set[str] = set()
