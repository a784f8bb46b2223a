"""SIMD values: every function compiled, against itself as plain NumPy, for all dtypes."""

import inspect
import platform

import numpy as np
import pytest
from numba import njit
from numba.core import config

from fastperc.kernels import simd, simd_code, simd_numpy
from fastperc.kernels.jit import FLAGS
from fastperc.kernels.simd_code import ends
from simd_makers import (
    blocks,
    choices,
    comparisons,
    gathered,
    integers,
    numbers,
    operators,
    ordinary,
    pairs,
    rounding,
    scattered,
    special,
    summaries,
    tables,
    transposes,
    views,
    whole,
)

pytestmark = pytest.mark.skipif(
    bool(config.DISABLE_JIT), reason="NUMBA_DISABLE_JIT is set: the two are the same functions"
)
each_dtype = pytest.mark.parametrize(
    "dtype", [np.float32, np.float64], ids=lambda dtype: dtype.__name__
)
FLOATS, INTEGERS = (np.float32, np.float64), (np.int32, np.int64)

# What each function is run with: which arguments, of which dtypes.
RUNS = [
    (operators, ordinary, FLOATS),
    (blocks, special, FLOATS),
    (blocks, whole, INTEGERS),
    (scattered, special, FLOATS),
    (scattered, whole, INTEGERS),
    (views, ordinary, FLOATS),
    (tables, ordinary, FLOATS),
    (transposes, ordinary, FLOATS),
    (transposes, whole, INTEGERS),
    (choices, ordinary, FLOATS),
    (choices, special, FLOATS),
    (numbers, special, FLOATS),
    (summaries, ordinary, FLOATS),
    (summaries, whole, INTEGERS),
    (integers, whole, INTEGERS),
    (comparisons, special, FLOATS),
    (comparisons, whole, INTEGERS),
    (pairs, special, FLOATS),
    (pairs, whole, INTEGERS),
    (rounding, special, FLOATS),
    (gathered, ordinary, FLOATS),
]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of what NumPy does with NaN and infinity
@pytest.mark.parametrize(
    ("make", "arguments", "dtype"),
    [
        pytest.param(
            make, arguments, dtype, id=f"{make.__name__}-{arguments.__name__}-{dtype.__name__}"
        )
        for make, arguments, dtypes in RUNS
        for dtype in dtypes
    ],
)
def test_compiled_as_in_numpy(make, arguments, dtype):
    a, b = arguments(dtype)
    got, expected = np.full((2, 5000), -1, dtype)
    njit(**FLAGS)(make(simd))(a, b, got)
    make(simd)(a, b, expected)
    assert np.count_nonzero(expected != -1) > 2
    # "arcp" may cost the last bit of a division.
    tolerance = np.finfo(dtype).eps if make is operators else 0
    np.testing.assert_allclose(got, expected, rtol=tolerance, atol=0)
    np.testing.assert_array_equal(np.signbit(got), np.signbit(expected))


@pytest.mark.parametrize("masks", [ends.MASKS, False])
@pytest.mark.parametrize(
    ("make", "arguments", "dtype"),
    [
        (blocks, special, np.float32),
        (blocks, special, np.float64),
        (blocks, whole, np.int32),
        (transposes, ordinary, np.float32),
    ],
)
def test_parts_of_blocks_where_masks_are_not_free(make, arguments, dtype, masks, monkeypatch):
    """With the processor's masks, as of AVX2; and register by register, as without AVX."""
    monkeypatch.setattr(ends, "FREE_MASKS", False)
    monkeypatch.setattr(ends, "MASKS", masks)
    test_compiled_as_in_numpy(make, arguments, dtype)


@each_dtype
def test_a_whole_block_is_loaded_as_one_where_the_processor_has_no_masks(dtype, monkeypatch):
    monkeypatch.setattr(ends, "FREE_MASKS", False)
    monkeypatch.setattr(ends, "MASKS", False)

    @njit(**FLAGS)
    def sums(a, n, out):
        total = simd.full(a, 0.0)
        for i in range(n):
            simd.no_unroll()
            total += simd.load_n(a, i, n)
        simd.store(out, 0, total)

    a, out = np.ones(200, dtype), np.zeros(16, dtype)
    sums(a, 100, out)
    (code,) = sums.inspect_llvm().values()
    vector = f"<{simd.width(a)} x {'float' if dtype == np.float32 else 'double'}>"
    assert f"load {vector}" in code
    assert f"masked.load.v{simd.width(a)}f" not in code


@each_dtype
def test_the_largest_lane_is_a_number_if_any_is(dtype):
    a, b = special(dtype)
    a[1] = 3.0
    got, expected = np.zeros((2, 3), dtype)
    njit(**FLAGS)(summaries(simd))(a, b[2:], got)
    summaries(simd)(a, b[2:], expected)
    assert got[1] == expected[1] == np.nanmax(a[: simd.width(a)])


def test_what_every_name_is_tested_by():
    codes = [make(simd).__code__ for make, _, _ in RUNS]
    tested = {name for code in codes for name in code.co_names + code.co_freevars}
    assert tested >= {*simd_numpy.__all__} - {"BYTES"}


def test_every_function_is_compiled_with_the_same_parameters():
    public = {getattr(simd, name) for name in simd_numpy.__all__ if name != "BYTES"}
    assert public == {*simd_code.COMPILED}
    for function, typed in simd_code.COMPILED.items():
        _, *parameters = inspect.signature(typed).parameters
        if len(parameters) > 1 or parameters != ["v"]:
            assert [*inspect.signature(function).parameters] == parameters, function


def test_read_only_arrays_can_be_read():
    a, b = ordinary(np.float64)
    expected, got = np.zeros((2, 1000))
    run = njit(**FLAGS)(blocks(simd))
    run(a, b, expected)
    a.flags.writeable = b.flags.writeable = False
    run(a, b, got)
    np.testing.assert_array_equal(got, expected)


def llvm_of(function):
    compiled = njit(**FLAGS)(function)
    compiled(np.zeros(64), np.zeros(64), np.zeros(1000))
    (code,) = compiled.inspect_llvm().values()
    return code


@pytest.mark.skipif(
    bool(config.BOUNDSCHECK), reason="NUMBA_BOUNDSCHECK is set: loops may end early"
)
def test_a_rolled_loop_is_not_unrolled():
    def left_to_llvm(a, b, out):
        for i in range(b.shape[0]):
            simd.store(out, i, simd.load(out, i) * simd.at(a, i))

    def rolled(a, b, out):
        for i in range(b.shape[0]):
            simd.no_unroll()
            simd.store(out, i, simd.load(out, i) * simd.at(a, i))

    count = llvm_of(left_to_llvm).count("fmul")
    if platform.machine().lower() in {"x86_64", "amd64"}:  # elsewhere, LLVM may leave it as it is
        assert count > 1
    assert llvm_of(rolled).count("fmul") == 1


@each_dtype
@pytest.mark.parametrize("n", [2**31 - 1, 2**31, 2**32, 2**32 + 3, 2**40])
def test_counts_of_more_than_32_bits_mean_whole_blocks(n, dtype):
    @njit(**FLAGS)
    def run(a, n, out):
        m = simd.width(a)
        simd.store(out, 0, simd.load_n(a, 0, n))
        simd.store_n(out, m, n, simd.load(a, 0))
        simd.store(out, 2 * m, simd.first_n(simd.load(a, 0), n))
        simd.store(out, 3 * m, simd.first_n_or(simd.load(a, 0), n, a[0]))
        simd.store(out, 4 * m, simd.insert_lane(simd.load(a, 0), n, a[0]))

    a = np.arange(1, 1 + 64 // dtype().itemsize, dtype=dtype)
    out = np.zeros(5 * len(a), dtype)
    run(a, n, out)
    assert np.array_equal(out, np.tile(a, 5))
