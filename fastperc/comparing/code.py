"""Read machine code: its compile time, and whether its loops run in SIMD lanes."""

from __future__ import annotations

import json
import math
import os
import re
import subprocess
import sys
from typing import Any

from ..kernels import batch, online, predict
from .calling import Function
from .problem import Problem
from .ways.network import NetworkRunner

# Fused multiply-add on whole registers: x86 (vfmadd231ps), and Arm (fmla v0.4s).
PACKED_FMA = re.compile(r"\bvfn?m(?:add|sub)\d*p[sd]\b|\bfmla\s+[vz]")

AFRESH = """
import json, sys
from fastperc.comparing.code import compile_here
print(compile_here(**json.loads(sys.argv[1])))
"""


def count_packed_fma(assembly: str) -> int:
    """Count the multiply-adds that work on several numbers at once.

    Examples
    --------
    >>> count_packed_fma("vfmadd231ps %zmm0, %zmm1, %zmm2\\n vfmadd231ss %xmm0, %xmm1, %xmm2")
    1
    """
    return len(PACKED_FMA.findall(assembly))


def kernel_of(problem: Problem) -> Function:
    """Return the kernel of fastperc that solves a problem."""
    kernels: dict[str, Function] = {
        "online": online.train_online,
        "forward": predict.predict_rows,
        "gradient": batch.gradient_rows,
    }
    return kernels.get(problem.kind, batch.train_batches)


def of_dispatcher(function: Function, dtype: str | None = None) -> tuple[float, int | None]:
    """Return the compile time of a function of Numba's, and its number of packed multiply-adds.

    The time is NaN if the machine code is from disk, the number None if there is no machine code.
    With a dtype, only the version whose first argument is an array of that counts, or a tuple that
    begins with one.
    """
    versions = [
        version
        for signature, version in getattr(function, "overloads", {}).items()
        if dtype in (None, str(getattr(first_array(signature[0]), "dtype", None)))
    ]
    assemblies = [text for text in map(assembly_of, versions) if text]
    if not assemblies:
        return math.nan, None
    seconds = sum(seconds_of_compiling(version) for version in versions)
    return seconds, sum(map(count_packed_fma, assemblies))


def first_array(kind: Any) -> Any:
    """Return the type of an argument, or of the first element of a tuple."""
    return getattr(kind, "types", (kind,))[0]


def seconds_of_compiling(version: Any) -> float:
    """Return the seconds spent in Numba's compiler; NaN for what was loaded from disk."""
    timers = (getattr(version, "metadata", None) or {}).get("timers", {})
    return timers.get("compiler_lock", math.nan)


def assembly_of(version: Any) -> str:
    """Return the assembly of a compiled version, empty if it cannot be had.

    Numba shows none of code from disk. It keeps its optimised intermediate form, however, and the
    assembly is written from that.
    """
    library = version.library
    module = getattr(library, "_shared_module", None)
    if module is None:
        return library.get_asm_str()
    return library.codegen._tm.emit_assembly(module)


def compile_afresh(problem: Problem) -> float:
    """Return the compile time of fastperc's kernel, in a process that has compiled nothing.

    In this process the kernel's parts may have been compiled already.
    """
    network = {"sizes": problem.sizes, "dtype": problem.dtype, "kind": problem.kind}
    outcome = subprocess.run(
        [sys.executable, "-P", "-c", AFRESH, json.dumps(network)],
        env={**os.environ, "FASTPERC_NUMBA_CACHE": "0"}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return float(outcome.stdout)


def compile_here(sizes: list[int], dtype: str, kind: str) -> float:
    """Return the compile time of a kernel in this process, at its first call."""
    n = 4 if kind in ("online", "batches") else 300
    size = {"online": 1, "batches": 2}.get(kind, n)
    problem = Problem(kind, tuple(sizes), dtype=dtype, n_samples=n, batch_size=size)
    NetworkRunner(problem).train(n)
    return of_dispatcher(kernel_of(problem), dtype)[0]
