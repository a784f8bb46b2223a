"""What one core can do at most: the loops compute what they say, by multiply-adds alone."""

import numpy as np
import pytest
from numba.core import config

from fastperc.comparing.code import of_dispatcher
from fastperc.kernels import jit, peak, reference
from fastperc.measuring.machine import LIMITS, Machine, limits


def blocks(dtype, n):
    return np.random.default_rng(0).normal(0, 4, n * 64 // np.dtype(dtype).itemsize).astype(dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n", [0, 1, 7])
def test_each_number_is_multiplied_and_added_to_n_times(n, dtype):
    a = blocks(dtype, peak.BLOCKS)
    expected = a.astype("float64")
    reference.multiply_add(expected, n)
    peak.multiply_add(a, n)
    np.testing.assert_allclose(a, expected, rtol=1e-6)


@pytest.mark.parametrize("n_blocks", [4, 12])
def test_a_copy_is_complete(n_blocks):
    a = blocks("float64", n_blocks)
    b = np.zeros_like(a)
    peak.copy(a, b, 2)
    np.testing.assert_array_equal(a, b)


@pytest.mark.skipif(bool(config.DISABLE_JIT), reason="the compiler is off: NUMBA_DISABLE_JIT=1")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_loop_is_of_packed_multiply_adds_in_12_registers(dtype):
    if "+fma" not in jit.target()[1]:
        pytest.skip("a processor without AVX2's multiply-add")
    peak.multiply_add(blocks(dtype, peak.BLOCKS), 1)
    assert of_dispatcher(peak.multiply_add, dtype)[1] == 12


def test_the_limits_are_rates_of_what_is_done():
    timed = limits("float32")
    assert tuple(timed) == LIMITS
    for each in timed.values():
        each.call()
        assert each.units > 1000
    rounds = [0.02, 0.01], [0.1], [0.05], [0.005]
    machine = Machine.from_rounds(dict(zip(LIMITS, rounds, strict=True)))
    assert (machine.gflops, machine.loop, machine.gbytes) == (100, 100, 10)
    assert (machine.cached, machine.nearest) == (20, 200)


def test_a_kernel_that_is_faster_raises_the_peak_and_the_loop_keeps_its_rate():
    machine = Machine(gflops=100, gbytes=10, cached=20, nearest=200, loop=100)
    assert machine.raised_to(80) == machine
    assert (machine.raised_to(103).gflops, machine.raised_to(103).loop) == (103, 100)
