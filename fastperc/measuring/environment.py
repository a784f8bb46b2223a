"""Describe the machine and the installation, for measurements and bug reports."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from .. import __version__
from .threads import n_usable_cores

PACKAGES = ("numpy", "numba", "llvmlite", "scipy", "scikit-learn", "safetensors", "tqdm")
OPTIONAL = ("matplotlib", "typer", "rich")
MISSING = "not installed"


def describe() -> Iterator[tuple[str, str]]:
    """Yield names and values: versions, processor, cache of compiled kernels, threads.

    Examples
    --------
    >>> [name for name, _ in describe()][:3]
    ['fastperc', 'Python', 'numpy']
    """
    yield "fastperc", f"{__version__}, in {Path(__file__).parent}"
    yield "Python", f"{platform.python_version()} ({platform.python_implementation()})"
    for package in (*PACKAGES, *OPTIONAL):
        yield package, version_of(package)
    yield "system", platform.platform()
    compiled_for = f" ({target()})" if not loading_error() else ""
    yield "processor", f"{processor()}{compiled_for}, {n_cores()} for this process"
    if loading_error():
        yield "kernels", f"cannot be loaded: {loading_error()}"
    else:
        yield from kernel_cache()
    yield "threads", text_or_error(threads)
    yield "BLAS", text_or_error(blas)


@cache
def loading_error() -> str:
    """Return why the kernels cannot be loaded; empty if they can."""
    try:
        from ..kernels import jit, online  # noqa: F401
    except Exception as error:  # of Numba, of NumPy, of what they need
        return in_one_line(error)
    return ""


def text_or_error(function: Callable[[], str]) -> str:
    """Return what a function returns, or why it cannot."""
    try:
        return function()
    except Exception as error:
        return f"unknown: {in_one_line(error)}"


def in_one_line(error: Exception) -> str:
    """Return an error and its type in one line."""
    return " ".join(f"{type(error).__name__}: {error}".split())


def version_of(package: str) -> str:
    """Return the version of an installed package, or `MISSING`."""
    try:
        return version(package)
    except PackageNotFoundError:
        return MISSING


def revision() -> str:
    """Return Git's name of the code, with ``-dirty`` if it has been changed; empty without Git."""
    root = Path(__file__).parents[2]
    if not (root / ".git").exists():
        return ""
    command = ["git", "-C", str(root), "describe", "--always", "--dirty"]
    with suppress(OSError):
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    return ""


def processor() -> str:
    """Return the processor's name, as the system gives it."""
    with suppress(OSError), open("/proc/cpuinfo", encoding="utf-8", errors="replace") as lines:
        for line in lines:
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    if sys.platform == "darwin":
        with suppress(OSError):
            command = ["sysctl", "-n", "machdep.cpu.brand_string"]
            answer = subprocess.run(command, capture_output=True, text=True, check=False)
            return answer.stdout.strip() or platform.machine()
    return platform.processor() or platform.machine()


def target() -> str:
    """Return the processor that kernels are compiled for, also where a virtual machine hides it."""
    from ..kernels import jit

    return jit.target()[0]


def n_cores() -> str:
    """Return how many cores this process may use, in words."""
    n = n_usable_cores()
    return "1 core" if n == 1 else f"{n} cores"


def kernel_cache() -> Iterator[tuple[str, str]]:
    """Yield whether machine code is cached on disk, where, and how much of it."""
    from ..kernels import cache_folders, jit, online, precompiled

    if not is_compiled():
        yield "kernels", "plain Python, since NUMBA_DISABLE_JIT is set"
        return
    if precompiled.FOLDER.exists():
        yield "machine code", machine_code()
    if not jit.cache_is_on():
        yield "kernel cache", f"off, since {jit.OFF_SWITCH} is set"
        return
    folders = getattr(online.train_online._cache, "folders", [])
    if not folders:
        yield "kernel cache", f"off, since {online.train_online._cache.reason}"
        return
    writable = [folder for folder in folders if cache_folders.takes_files(folder)]
    main = next(iter([*writable, *folders]))
    others = [f for f in folders if f != main and (cache_folders.stored_files(f) or not writable)]
    sizes = [path.stat().st_size for path in cache_folders.stored_files(main)]
    state = "on" if writable else "read only, since no folder can be written to"
    yield "kernel cache", f"{state}, {len(sizes)} files, {sum(sizes) / 1e6:.1f} MB"
    also = [f"also read: {f} ({len(cache_folders.stored_files(f))} files)" for f in others]
    yield "cache folder", "; ".join([str(main), *also])


def machine_code() -> str:
    """Return whether the machine code that came with the installation is used, in words."""
    from ..kernels import cache_folders, caching

    level, reason = caching.shipped_level()
    if level is not None:
        n_files = len(cache_folders.stored_files(level.folder))
        return f"{n_files} files for {level.name} came with the installation"
    return f"compiled here; what came with the installation is not used: {reason}"


def is_compiled() -> bool:
    """Return whether kernels are machine code, which they are not under NUMBA_DISABLE_JIT."""
    from ..kernels import online

    return hasattr(online.train_online, "signatures")


def threads() -> str:
    """Return the number of threads of fastperc and of the BLAS libraries beside it."""
    beside = {
        f"{pool['internal_api']} {pool['version']} up to {pool['num_threads']}"
        for pool in blas_libraries()
    }
    return ", ".join(["fastperc trains on 1 unless told otherwise", *sorted(beside)])


# By them, OpenBLAS is told to use the kernels of another processor than this one.
BLAS_SETTINGS = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")


def blas() -> str:
    """Return which kernels NumPy and SciPy multiply matrices with, and what slows them."""
    kernels = {pool.get("architecture", "this processor") for pool in blas_libraries()}
    slowed = slowed_blas()
    return f"kernels for {', '.join(sorted(kernels))}{f'; {slowed}' if slowed else ''}"


def slowed_blas() -> str:
    """Return which settings keep NumPy and scikit-learn from being as fast as they can; or ''."""
    found = [f"{name}={os.environ[name]}" for name in BLAS_SETTINGS if os.environ.get(name)]
    them = "it" if len(found) == 1 else "them"
    consequence = f"can slow NumPy and scikit-learn: unset {them} to compare with them"
    return f"{' and '.join(found)} {consequence}" if found else ""


def blas_libraries() -> list[dict[str, Any]]:
    """Return what threadpoolctl knows of each BLAS in this process."""
    import scipy.linalg.blas  # noqa: F401, SciPy's own BLAS; it is asked about next
    from threadpoolctl import threadpool_info

    return [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
