"""What a measurement or a bug report should say about the machine and the installation."""

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

from .. import __version__

PACKAGES = ("numpy", "numba", "llvmlite", "scipy", "scikit-learn", "safetensors", "tqdm")
OPTIONAL = ("matplotlib", "typer", "rich")
MISSING = "not installed"


def surroundings() -> Iterator[tuple[str, str]]:
    """Names and values: versions, processor, where compiled kernels are kept, threads.

    Examples
    --------
    >>> [name for name, _ in surroundings()][:3]
    ['fastperc', 'Python', 'numpy']
    """
    yield "fastperc", f"{__version__}, in {Path(__file__).parent}"
    yield "Python", f"{platform.python_version()} ({platform.python_implementation()})"
    for package in (*PACKAGES, *OPTIONAL):
        yield package, version_of(package)
    yield "system", platform.platform()
    compiled_for = f" ({target()})" if not trouble() else ""
    yield "processor", f"{processor()}{compiled_for}, {n_cores()} for this process"
    if trouble():
        yield "kernels", f"cannot be loaded: {trouble()}"
    else:
        yield from kernel_cache()
    yield "threads", told(threads)


@cache
def trouble() -> str:
    """Why the kernels cannot be loaded; empty if they can."""
    try:
        from ..kernels import jit, online  # noqa: F401
    except Exception as error:  # of Numba, of NumPy, of what they need
        return in_one_line(error)
    return ""


def told(tell: Callable[[], str]) -> str:
    """What a function says, or why it cannot."""
    try:
        return tell()
    except Exception as error:
        return f"unknown: {in_one_line(error)}"


def in_one_line(error: Exception) -> str:
    """An error with its kind."""
    return " ".join(f"{type(error).__name__}: {error}".split())


def version_of(package: str) -> str:
    """The version of an installed package, or that it is missing."""
    try:
        return version(package)
    except PackageNotFoundError:
        return MISSING


def processor() -> str:
    """The processor's name, as the system gives it."""
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
    """What kernels are compiled for: the model behind a name that a virtual machine hides."""
    from ..kernels import jit

    return jit.target()[0]


def n_cores() -> str:
    """How many cores this process may use, in words."""
    usable = getattr(os, "sched_getaffinity", None)
    n = len(usable(0)) if usable else os.cpu_count() or 1
    return "1 core" if n == 1 else f"{n} cores"


def kernel_cache() -> Iterator[tuple[str, str]]:
    """Whether machine code is kept on disk, and where: what is there, and what may be written."""
    from ..kernels import caching, jit, online

    if not is_compiled():
        yield "kernels", "plain Python, since NUMBA_DISABLE_JIT is set"
        return
    if not jit.cache_is_on():
        yield "kernel cache", f"off, since {jit.OFF_SWITCH} is set"
        return
    folders = getattr(online.train_online._cache, "folders", [])
    if not folders:
        yield "kernel cache", f"off, since {online.train_online._cache.reason}"
        return
    writable = [folder for folder in folders if caching.takes_files(folder)]
    main = next(iter([*writable, *folders]))
    others = [f for f in folders if f != main and (caching.stored_files(f) or not writable)]
    sizes = [path.stat().st_size for path in caching.stored_files(main)]
    state = "on" if writable else "read only, since no folder can be written to"
    yield "kernel cache", f"{state}, {len(sizes)} files, {sum(sizes) / 1e6:.1f} MB"
    also = [f"also read: {f} ({len(caching.stored_files(f))} files)" for f in others]
    yield "cache folder", "; ".join([str(main), *also])


def is_compiled() -> bool:
    """Whether kernels are machine code: not where NUMBA_DISABLE_JIT is set."""
    from ..kernels import online

    return hasattr(online.train_online, "signatures")


def threads() -> str:
    """On how many threads fastperc computes, and what stands beside it in measurements."""
    import scipy.linalg.blas  # noqa: F401, SciPy's own BLAS; it is asked about next
    from threadpoolctl import threadpool_info

    pools = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
    beside = {
        f"{pool['internal_api']} {pool['version']} up to {pool['num_threads']}" for pool in pools
    }
    return ", ".join(["fastperc trains on 1 unless told otherwise", *sorted(beside)])
