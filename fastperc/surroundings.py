"""What a measurement or a bug report should say about the machine and the installation."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

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
    yield "fastperc", f"{version('fastperc')}, in {Path(__file__).parent}"
    yield "Python", f"{platform.python_version()} ({platform.python_implementation()})"
    for package in (*PACKAGES, *OPTIONAL):
        yield package, version_of(package)
    yield "system", platform.platform()
    yield "processor", f"{processor()} ({target()}), {n_cores()} for this process"
    yield from kernel_cache()
    yield "threads", threads()


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
    from .kernels import jit

    return jit.target()[0]


def n_cores() -> str:
    """How many cores this process may use, in words."""
    usable = getattr(os, "sched_getaffinity", None)
    n = len(usable(0)) if usable else os.cpu_count() or 1
    return "1 core" if n == 1 else f"{n} cores"


def kernel_cache() -> Iterator[tuple[str, str]]:
    """Whether machine code is kept on disk, and where."""
    from .kernels import jit, online

    if not hasattr(online.train_online, "signatures"):
        yield "kernels", "plain Python, since NUMBA_DISABLE_JIT is set"
        return
    folder = online.train_online.stats.cache_path
    if folder is None:
        reason = "no folder is writable" if jit.cache_is_on() else f"{jit.OFF_SWITCH} is set"
        yield "kernel cache", f"off, since {reason}"
        return
    sizes = [path.stat().st_size for path in Path(folder).glob("*.nbc")]
    yield "kernel cache", f"on, {len(sizes)} files, {sum(sizes) / 1e6:.1f} MB"
    yield "cache folder", folder


def threads() -> str:
    """On how many threads fastperc computes, and what stands beside it in measurements."""
    import scipy.linalg.blas  # noqa: F401, SciPy's own BLAS; it is asked about next
    from threadpoolctl import threadpool_info

    pools = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
    beside = {
        f"{pool['internal_api']} {pool['version']} up to {pool['num_threads']}" for pool in pools
    }
    return ", ".join(["fastperc trains on 1 unless told otherwise", *sorted(beside)])
