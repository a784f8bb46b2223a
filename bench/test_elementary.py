"""Elementary functions over an array: NumPy, a loop that calls math, and SIMD lanes.

``pytest bench/test_elementary.py``: one group for each function and dtype; each entry's
``ns_per_element`` is in the report that ``--benchmark-json`` writes.
"""

import math

import numpy as np
import pytest

from fastperc.kernels.elementary import EXP, LOG, SIGMOID, SOFTPLUS, TANH, apply
from fastperc.kernels.jit import kernel

CODES = {"exp": EXP, "log": LOG, "sigmoid": SIGMOID, "tanh": TANH, "softplus": SOFTPLUS}
N = 4096  # arguments and results stay in the first cache


def with_numpy(code, x, out):
    if code == EXP:
        np.exp(x, out=out)
    elif code == LOG:
        np.log(x, out=out)
    elif code == SIGMOID:
        np.divide(1, 1 + np.exp(-x), out=out)
    elif code == TANH:
        np.tanh(x, out=out)
    else:
        np.add(np.maximum(x, 0), np.log1p(np.exp(-np.abs(x))), out=out)


@kernel
def with_math(code, x, out):
    one = x.dtype.type(1)
    for i in range(x.shape[0]):
        v = x[i]
        if code == EXP:
            out[i] = math.exp(v)
        elif code == LOG:
            out[i] = math.log(v)
        elif code == SIGMOID:
            out[i] = one / (one + math.exp(-v))
        elif code == TANH:
            out[i] = math.tanh(v)
        else:
            out[i] = max(v, one - one) + math.log1p(math.exp(-abs(v)))


WAYS = {"numpy": with_numpy, "math": with_math, "lanes": apply}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=lambda dtype: dtype.__name__)
@pytest.mark.parametrize("name", CODES)
def test_elementary(benchmark, name, dtype, way):
    benchmark.group = f"{name} {dtype.__name__}"
    x = np.random.default_rng(5).normal(0, 3, N).astype(dtype)
    x = np.abs(x) + 1 if name == "log" else x
    expected, got = np.empty((2, N), dtype)
    with_numpy(CODES[name], x, expected)
    WAYS[way](CODES[name], x, got)
    np.testing.assert_allclose(got, expected, rtol=8 * np.finfo(dtype).eps)
    benchmark(WAYS[way], CODES[name], x, got)
    if benchmark.enabled:
        benchmark.extra_info["ns_per_element"] = benchmark.stats["min"] / N * 1e9
