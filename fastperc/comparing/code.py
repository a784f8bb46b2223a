"""What a compiled kernel became: how long that took, and whether its loops run in SIMD lanes."""

from __future__ import annotations

import re
from collections.abc import Callable
from time import perf_counter
from typing import Any

import numpy as np

from ..kernels import batch, online
from ..kernels.jit import kernel
from .problem import Problem
from .runners import is_compiled

# Fused multiply-add on whole registers: x86 (vfmadd231ps), and Arm (fmla v0.4s).
PACKED_FMA = re.compile(r"\bvfn?m(?:add|sub)\d*p[sd]\b|\bfmla\s+[vz]")


def kernel_of(problem: Problem) -> Any:
    """The kernel of fastperc that trains a problem."""
    return online.train_online if problem.kind == "online" else batch.train_batches


def compile_afresh(dispatcher: Any, dtype: str) -> tuple[float, int | None]:
    """Compile a kernel of fastperc once more; the seconds, and its packed multiply-adds.

    Machine code from disk can be run but not read.
    """
    signature = next(
        s for s in dispatcher.signatures if str(getattr(s[0], "dtype", "")) == np.dtype(dtype).name
    )
    fresh = kernel(dispatcher.py_func)
    fresh._cache.disable()
    begin = perf_counter()
    fresh.compile(signature)
    return perf_counter() - begin, packed_fma(fresh)


def packed_fma(function: Callable) -> int | None:
    """How many packed multiply-adds a function's assembly has; None if it cannot be read."""
    if not is_compiled(function):
        return None
    texts = function.inspect_asm().values()  # type: ignore[attr-defined]
    return sum(len(PACKED_FMA.findall(text)) for text in texts) if any(texts) else None
