"""Calls of one kernel by another, by address."""

import os

import numpy as np
import pytest
from numba import typeof
from scipy.sparse import csr_array

from fastperc import Network
from fastperc.kernels import online
from fastperc.kernels.call_by_address import address_of, call, entrance
from fastperc.kernels.jit import kernel
from fastperc.training.steps import OnlineSteps

compiled_only = pytest.mark.skipif(
    os.environ.get("NUMBA_DISABLE_JIT", "0") not in {"", "0"},
    reason="the compiler is off: NUMBA_DISABLE_JIT=1",
)


@kernel
def scaled_sum(v, n, factor, out):
    s = 0.0
    for i in range(n):
        s += factor * v[i]
        out[i] = v[i]
    return s


@kernel
def through(address, v, n, factor, out):
    return call(address, 0.0, (v, n, factor, out))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_call_by_address_does_what_the_kernel_does(dtype):
    v, out, wanted = np.arange(5, dtype=dtype), np.zeros(5, dtype), np.zeros(5, dtype)
    address = address_of(scaled_sum, v, 0, 0.0, out)
    assert through(address, v, 4, 0.5, out) == scaled_sum(v, 4, 0.5, wanted) == 3.0
    np.testing.assert_array_equal(out, wanted)
    np.testing.assert_array_equal(out, [0, 1, 2, 3, 0])


@pytest.mark.parametrize("number", [np.float32, np.float64, float])
@pytest.mark.parametrize("count", [np.int32, np.uint64, int])
def test_numbers_of_any_size_arrive(number, count):
    v, out = np.arange(5.0), np.zeros(5)
    address = address_of(scaled_sum, v, 0, 0.0, out)
    assert through(address, v, count(4), number(2), out) == 12.0


@compiled_only
def test_asking_again_compiles_nothing():
    v = np.zeros(1)
    first = address_of(scaled_sum, v, 0, 0.0, v)
    n = len(scaled_sum.signatures)
    assert address_of(scaled_sum, v, 7, 1.5, v) == first
    assert len(scaled_sum.signatures) == n


@compiled_only
def test_an_error_reaches_the_caller(run_python):
    # With bounds checked, a kernel can raise; without, it promises not to.
    code = """
import numpy as np
from fastperc.kernels.call_by_address import address_of, call
from fastperc.kernels.jit import kernel

@kernel
def last(v, i):
    return v[i]

@kernel
def through(address, v, i):
    return call(address, 0.0, (v, i))

v = np.arange(3.0)
address = address_of(last, v, 0)
assert through(address, v, 2) == 2.0
try:
    through(address, v, 3)
except IndexError as error:
    print(error)
"""
    out = run_python(code, NUMBA_BOUNDSCHECK=1, FASTPERC_NUMBA_CACHE=0)
    assert "out of bounds" in out


@compiled_only
def test_an_entrance_does_what_the_kernel_does_and_compiles_nothing_more():
    v, out = np.arange(5.0), np.zeros(5)
    enter = entrance(scaled_sum, v, 0, 0.5, out)
    n = len(scaled_sum.signatures)
    assert enter(v, 4, 0.5, out) == scaled_sum(v, 4, 0.5, np.zeros(5)) == 3.0
    assert out.tolist() == [0, 1, 2, 3, 0]
    assert entrance(scaled_sum, v, 7, 1.5, v) is enter
    assert len(scaled_sum.signatures) == n


@compiled_only
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_whatever_is_trained_on_single_samples_is_of_the_types_that_the_entrance_is_for(
    dtype, monkeypatch
):
    """Nothing checks them there."""
    seen = set()

    class Watched(dict):
        def get(self, key):
            return lambda *given: (seen.add(typeof(given)), online.train_online(*given))[1]

    monkeypatch.setattr(OnlineSteps, "_kernels", Watched())
    X = 0.1 * np.random.default_rng(0).standard_normal((50, 3))
    weight = np.ones(50)
    for given in (
        {}, {"shuffle": False}, {"sample_weight": weight}, {"order": np.arange(50, dtype=np.int32)},
        {"order": np.array([np.arange(40)] * 2)}, {"order": lambda epoch: list(range(20))},
        {"validation": 0.2}, {"lr": lambda epoch: 0.1 / epoch}, {"lr": 1}, {"frozen": ["b1"]},
    ):  # fmt: skip
        for x in (X, X.astype(np.float32), np.asfortranarray(X), X[::-1], X.tolist(), csr_array(X)):
            net = Network((3, 4, 1), dtype=dtype, seed=0)
            net.train(x, X[:, 0], epochs=2, **({"lr": 0.01} | given))
    assert len(seen) == 1
