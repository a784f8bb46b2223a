"""Machine code on disk: where it lies, what counts as fresh, what happens to a damaged file.

Numba's own cache asks whether the file that defines a function has changed. That is too little
here: kernels call each other across files, so an edited helper would leave old code in its callers,
and compile flags and most ``NUMBA_*`` settings are not asked about at all. And it reads one folder
only, the first that it may write to: what another user has compiled is compiled once more.
`KernelCache` keeps Numba's way of storing a compiled function, and replaces the rest:

- files are looked for in every folder of Numba's order, and written to the first that takes them;
  then among those that the installation brings, see `precompiled`;
- the key of a stored function covers every source file of this folder, the compile flags, the
  settings that shape code and the versions of the compilers;
- to load machine code, Numba first imports and registers all that it could compile: half a second,
  of which our kernels need the runtime only;
- one file for each key, named by it. There is no index, so none can be torn, outrun by another
  process or left naming the wrong file;
- a checksum over name and content. A file that fails it is compiled again and rewritten. This finds
  accidents, not attackers: whoever may write to a cache folder may run code.

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
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from numba.core import config
from numba.core.caching import (
    CompileResultCacheImpl,
    FunctionCache,
    NullCache,
)
from numba.core.registry import cpu_target
from numba.core.runtime import rtsys
from numba.core.serialize import dumps

from . import precompiled
from .cache_folders import (
    PRECOMPILED_SWITCH,
    SWITCH,
    cache_folders,
    is_off,
    is_only,
    stored_files,
    takes_files,
)
from .fingerprint import build_tag

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
    """Give a dispatcher a disk cache.

    A function without a file (typed at a prompt, made by ``exec``) is left without one: nothing
    would tell its old code from its new.

    Parameters
    ----------
    dispatcher : numba dispatcher
        A function as `numba.njit` returns it; its cache is replaced.
    options : dict
        The options that it was compiled with.
    """
    source = source_of(dispatcher.py_func)
    if source is None:
        return
    try:
        dispatcher._cache = KernelCache(dispatcher.py_func, source, options)
    except RuntimeError as error:
        dispatcher._cache = NoCache(source.parent, error)


def source_of(function):
    """The file that a function is from, also where that is part of an archive; or None."""
    if _is_ours(function):
        # Not what its code says: that can be the path on the machine that built the installation.
        return Path(sys.modules[function.__module__].__file__)
    path = Path(inspect.getfile(function))
    return path if path.is_file() else None


def _is_ours(function):
    """Whether it is defined in a module of this folder."""
    module = sys.modules.get(function.__module__)
    is_typed = function.__code__.co_filename.startswith("<")
    inside = getattr(module, "__name__", "").startswith(f"{__package__}.")
    return inside and not is_typed and getattr(module, "__file__", None) is not None


# --- the cache of a function ----------------------------------------------------------------------


class NoCache(NullCache):
    """In place of a `KernelCache` where nothing can be kept: says so once something is compiled."""

    def __init__(self, place, error):
        self._place, self.reason = place, str(error)

    def save_overload(self, sig, data):
        warn_uncached(self._place, self.reason)


class _Storage(CompileResultCacheImpl):
    """Numba's way of storing a compiled function, without its search for a folder."""

    def __init__(self, function, source):
        self._lineno = function.__code__.co_firstlineno
        self._locator = SimpleNamespace(_py_file=str(source))  # which it names in a warning


class KernelCache(FunctionCache):
    """Numba's function cache with a complete key, checked files, all folders and no fatal errors.

    Parameters
    ----------
    function : function
        The Python function whose compiled versions are kept.
    source : Path
        Its file.
    options : dict
        Its compile options; part of the key.

    Raises
    ------
    RuntimeError
        If there is nothing to take `build_tag` of, or no folder at all.
    """

    def __init__(self, function, source, options):
        self._name, self._py_func = repr(function), function
        self._impl = _Storage(function, source)
        self._source = source
        self.folders = cache_folders(source, function.__module__)
        if not self.folders:
            raise RuntimeError("there is neither a folder beside the package nor a home")
        self._is_ours = _is_ours(function)
        # A kernel defined outside this folder adds its own file.
        own = "" if self._is_ours else source.read_bytes()
        self._tag = hashlib.sha256(f"{build_tag()} {own!r}".encode()).hexdigest()[:12]
        self._cache_file = self._files(self.folders)
        self._flags = sorted((name, canonical(value)) for name, value in options.items())
        self._defined_at = (function.__qualname__, function.__code__.co_firstlineno)
        self.enable()

    @property
    def cache_path(self):
        """The folder that new code goes to."""
        return str(next(filter(takes_files, self.folders), self.folders[0]))

    def load_overload(self, sig, target_context):
        """Return the stored code for a signature, or None if it has to be compiled."""
        if not self._enabled:
            return None
        if self._is_ours:
            rtsys.initialize(target_context)  # all that our kernels call
        else:
            target_context.refresh()
        codegen = target_context.codegen()
        found = self._load(self._cache_file, self._index_key(sig, codegen), target_context)
        level = shipped_level()[0] if found is None and self._is_ours else None
        if level is not None:
            key = self._key(sig, level, level.numpy)
            found = self._load(self._files([level.folder]), key, target_context)
        return found

    def _load(self, files, key, target_context):
        try:
            data = files.load(key)
            return None if data is None else self._impl.rebuild(target_context, data)
        except Exception as error:  # a foreign pickle can raise anything; compiling mends it all
            warnings.warn(
                f"the stored machine code of {self._defined_at[0]} for these arguments cannot be "
                f"used ({type(error).__name__}: {error}); it is compiled and stored afresh",
                KernelCacheWarning,
                stacklevel=2,
            )
            return None

    def save_overload(self, sig, data):
        """Store freshly compiled code, or warn that no folder takes it."""
        if not self._enabled or not self._impl.check_cachable(data):
            return
        if self._is_ours:
            warn_unused()
        key = self._index_key(sig, data.codegen)
        try:
            self._cache_file.save(key, self._impl.reduce(data))
        except OSError as error:
            warn_uncached(self._source.parent, error)

    def _index_key(self, sig, codegen):
        return self._key(sig, codegen, np.__version__)

    def _key(self, sig, target, numpy):
        settings = [(name, getattr(config, name, None)) for name in SETTINGS]
        return (super()._index_key(sig, target), self._defined_at, self._flags, settings, numpy)

    def _files(self, folders):
        return CodeFiles(folders, self._py_func, self._tag)


def shipped_level():
    """Return the level of processors for which the installation brings code to use here, or None,
    and why it is none; see `precompiled.choose`."""
    switch = precompiled_switch()
    if switch:
        return None, f"{switch} is set"
    triple, _, features = cpu_target.target_context.codegen().magic_tuple()
    return precompiled.choose(build_tag(), triple, frozenset(features.split(",")))


def precompiled_switch():
    """Return the variable of the environment by which code of the installation is left unused."""
    if is_off(PRECOMPILED_SWITCH):
        return PRECOMPILED_SWITCH
    return SWITCH if is_only() or is_off(SWITCH) else ""


class CodeFiles:
    """The files of one kernel: ``<module>.<kernel>-<python>-<tag>-<key>.nbc``, one for each key.

    Parameters
    ----------
    folders : list of Path
        Where they may lie, in the order of trying; one is made when a file is written to it.
    function : function
        The kernel.
    tag : str
        Fingerprint of the sources. Files of this kernel and this Python with another tag are stale;
        they are removed when a fresh one is written, so that edits do not pile up files.
    """

    def __init__(self, folders, function, tag):
        module = Path(inspect.getfile(function)).stem
        name = re.sub(r"[^\w.]", "", f"{module}.{function.__name__}")
        python = f"{sys.implementation.cache_tag}{getattr(sys, 'abiflags', '')}"
        self._folders = folders
        self._any_build = f"{name}-{python}-"
        self._this_build = f"{self._any_build}{tag}-"

    def name(self, key):
        """What the file for ``key`` is called, in whichever folder."""
        digest = hashlib.sha256(repr(key).encode()).hexdigest()
        return f"{self._this_build}{digest[:20]}.nbc"

    def load(self, key):
        """Return what was stored for ``key``, or None; an error if there is only a damaged file."""
        damage = None
        for folder in self._folders:
            path = folder / self.name(key)
            try:
                content = path.read_bytes()
            except OSError:  # not there, or not for us
                continue
            try:
                return self._sound(path, content)
            except Exception as error:
                damage = error
        if damage is not None:
            raise damage
        return None

    def _sound(self, path, content):
        checksum, payload = content[:CHECKSUM_BYTES], content[CHECKSUM_BYTES:]
        if checksum != self._checksum(path.name, payload):
            raise ValueError(f"{path}: {len(content)} bytes that do not match their checksum")
        return pickle.loads(payload)

    def save(self, key, data):
        """Store ``data`` for ``key`` in the first folder that takes it.

        Raises
        ------
        OSError
            If none does; it says what each answered.
        """
        payload = dumps(data)
        answers = []
        for folder in self._folders:
            try:
                self._write(folder, self.name(key), payload)
            except OSError as error:
                answers.append(f"{folder}: {error.strerror or error}")
            else:
                self._remove_files(folder, lambda name: not name.startswith(self._this_build))
                return
        raise OSError("; ".join(answers))

    def _write(self, folder, name, payload):
        """In one step that other processes see whole or not at all."""
        folder.mkdir(parents=True, exist_ok=True)
        unfinished = folder / f"{name}.{uuid.uuid4().hex[:8]}"
        try:
            unfinished.write_bytes(self._checksum(name, payload) + payload)
            os.replace(unfinished, folder / name)
        finally:
            with suppress(OSError):
                unfinished.unlink(missing_ok=True)

    def flush(self):
        """Forget all code of this kernel, so that it is compiled afresh."""
        for folder in self._folders:
            self._remove_files(folder, lambda name: name.startswith(self._this_build))

    def _remove_files(self, folder, is_unwanted):
        for path in stored_files(folder):
            if path.name.startswith(self._any_build) and is_unwanted(path.name):
                with suppress(OSError):  # somebody else's
                    path.unlink()

    @staticmethod
    def _checksum(name, payload):
        # With the name, so that a file copied over another is noticed too.
        return hashlib.sha256(name.encode() + payload).digest()


def canonical(value):
    """An option's value in a form that prints alike in every process: sets have no fixed order."""
    return sorted(value) if isinstance(value, set | frozenset) else value


def is_unkept():
    """Whether this process has compiled something that could not be kept."""
    return bool(_warned_about)


def warn_uncached(folder, error):
    """Warn, once in a process for each folder, that its kernels are compiled anew each time."""
    if str(folder) in _warned_about:
        return
    _warned_about.add(str(folder))
    warnings.warn(
        f"compiled kernels of {folder} are not kept on disk ({error}): every process compiles them "
        "again. Set NUMBA_CACHE_DIR to a writable folder, or FASTPERC_NUMBA_CACHE=0 to do without.",
        KernelCacheWarning,
        stacklevel=2,
    )


def warn_unused():
    """Warn, once in a process, that kernels are compiled although the installation brings code."""
    level, reason = shipped_level()
    is_wanted = level is not None or not reason or precompiled_switch()
    if is_wanted or str(precompiled.FOLDER) in _warned_about:
        return
    _warned_about.add(str(precompiled.FOLDER))
    warnings.warn(
        f"the machine code that came with fastperc is not used: {reason}. Kernels are compiled for "
        "this processor instead.",
        KernelCacheWarning,
        stacklevel=2,
    )


_warned_about: set[str] = set()
