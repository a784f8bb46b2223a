"""What the elementary functions are compiled into: packed instructions in order, and no calls."""

import math
import platform
import re

import numpy as np
import pytest
from llvmlite import binding
from numba.core import config

from fastperc.kernels.elementary import EXP, apply
from fastperc.kernels.jit import kernel

pytestmark = pytest.mark.skipif(
    bool(config.DISABLE_JIT), reason="NUMBA_DISABLE_JIT is set: nothing is compiled"
)
each_dtype = pytest.mark.parametrize(
    "dtype", [np.float32, np.float64], ids=lambda dtype: dtype.__name__
)
X86 = platform.machine().lower() in {"x86_64", "amd64"}


def compiled(function, dtype, monkeypatch):
    """A fresh compilation: code from the disk cache cannot be inspected."""
    monkeypatch.setenv("FASTPERC_NUMBA_CACHE", "0")
    fresh = kernel(function)
    x = np.ones(8, dtype)
    fresh(EXP, x, x.copy())
    return fresh


def with_library_calls(code, x, out):
    for i in range(x.shape[0]):
        out[i] = math.exp(x[i]) + math.tanh(x[i]) + code


def library_calls(assembly):
    return set(re.findall(r"\b(?:exp|expm1|log|log1p|tanh|rint|ldexp|fma)f?\b", assembly))


def scalar_arithmetic(assembly):
    return re.findall(r"\tv?(?:add|sub|mul|div|min|max|fn?m\w+)s[sd]\t", assembly)


@each_dtype
def test_without_calls_and_in_packed_instructions(dtype, monkeypatch):
    fresh = compiled(apply.py_func, dtype, monkeypatch)
    (assembly,) = fresh.inspect_asm().values()
    assert library_calls(assembly) == set()
    if X86:
        assert scalar_arithmetic(assembly) == []
        assert re.search(r"\tv?divp[sd]\t", assembly)


@each_dtype
@pytest.mark.skipif(
    not X86 or config.CPU_NAME is not None or not binding.get_host_cpu_features().get("fma"),
    reason="not compiled for an x86-64 processor with fused multiply-add",
)
def test_products_and_sums_are_fused(dtype, monkeypatch):
    (assembly,) = compiled(apply.py_func, dtype, monkeypatch).inspect_asm().values()
    suffix = "ps" if dtype == np.float32 else "pd"
    assert len(re.findall(rf"\tvfn?m(?:add|sub)\d+{suffix}\t", assembly)) > 50


def test_library_calls_and_scalar_arithmetic_would_be_seen(monkeypatch):
    fresh = compiled(with_library_calls, np.float64, monkeypatch)
    (assembly,) = fresh.inspect_asm().values()
    assert library_calls(assembly) == {"exp", "tanh"}
    if X86:
        assert scalar_arithmetic(assembly)


@each_dtype
def test_the_order_of_operations_survives_inlining(dtype, monkeypatch):
    fresh = compiled(apply.py_func, dtype, monkeypatch)
    (llvm,) = fresh.inspect_llvm().values()
    flags = set(re.findall(r"= f(?:add|sub|mul|div) ([a-z ]*)<", llvm))
    assert flags == {"contract "}
