"""SIMD lanes: every name compiled, against the same name in plain NumPy, for both dtypes."""

import inspect
import math
import platform

import numpy as np
import pytest
from numba import njit
from numba.core import config
from numba.core.extending import _Intrinsic

from fastperc.kernels import simd, simd_ends, simd_numpy
from fastperc.kernels.jit import FLAGS

pytestmark = pytest.mark.skipif(
    bool(config.DISABLE_JIT), reason="NUMBA_DISABLE_JIT is set: the two are the same functions"
)
each_dtype = pytest.mark.parametrize(
    "dtype", [np.float32, np.float64], ids=lambda dtype: dtype.__name__
)

INTRINSICS = {name for name, value in vars(simd).items() if isinstance(value, _Intrinsic)}


# Each of these makes a function of the module that it is given: to be compiled with `simd`, and to
# be run as it is with `simd_numpy`. The function reads a and b and writes all it finds to out.


def operators(on):
    def run(a, b, out):
        m = on.width(a)
        v, w, s = on.load(a, 0), on.load(b, 0), on.at(b, 3)
        on.store(out, 0 * m, v + w)
        on.store(out, 1 * m, v - w)
        on.store(out, 2 * m, v * w)
        on.store(out, 3 * m, v / w)
        on.store(out, 4 * m, v + s)
        on.store(out, 5 * m, v - s)
        on.store(out, 6 * m, v * s)
        on.store(out, 7 * m, v / s)
        on.store(out, 8 * m, s + w)
        on.store(out, 9 * m, s - w)
        on.store(out, 10 * m, s * w)
        on.store(out, 11 * m, s / w)
        on.store(out, 12 * m, (1.5 - v) * 2)
        v += w
        v -= 0.25
        v *= w
        v /= s
        on.store(out, 13 * m, v)

    return run


def blocks(on):
    def run(a, b, out):
        m = on.width(a)
        on.prefetch(a, 5)
        on.store(out, 0, on.load(a, 5))
        on.store(out, m, on.full(a, on.at(a, 2)))
        on.store(out, 2 * m, on.full(on.load(a, 0), 0.5))
        i = 3 * m
        for n in range(m + 3):
            on.no_unroll()
            on.store(out, i, on.load_n(a, 3, n))
            on.store_n(out, i + m, n, on.load(b, 1))
            i += 2 * m
        out[i] = on.width(a)
        out[i + 1] = on.width(on.load(a, 0))
        out[i + 2] = on.is_double(on.load(a, 0))

    return run


def scattered(on):
    def run(a, b, out):
        m = on.width(a)
        on.put(out, 2, on.at(a, 4))
        short, long = np.arange(40, 0, -2).astype(np.int32), np.arange(60, 0, -3)
        i = m
        for n in range(m + 2):
            on.no_unroll()
            on.store(out, i, on.gather_n(a, 3, short, 1, n))
            on.store(out, i + m, on.gather_n(a, 5, long, 1, n))
            on.scatter_n(out, i + 2 * m, short, 2, n, on.load(b, 1))
            on.scatter_n(out, i + 3 * m + 60, long, 2, n, on.load(b, 2))
            i += 200

    return run


def views(on):
    view = on.view  # Numba takes any attribute of this name for the method of arrays

    def run(a, b, out):
        m = on.width(a)
        part = view(out, 3, m)
        on.store(part, 0, on.load(view(a, 7, m), 0))
        square = on.matrix(a, 2, 3, m)
        row = on.flat(square)
        out[40] = square[0, 2]
        out[41] = square[2, 1]
        out[42] = square.shape[0] * 100 + square.shape[1]
        out[43] = row.shape[0]
        out[44] = part.shape[0]
        out[45] = square.strides[0] * 100 + square.strides[1]
        on.store(out, 48, on.load(row, m - 1))

    return run


PAIR = np.dtype([("x", np.float64), ("y", np.int64)], align=True)


def tables(on):
    records = on.records

    def run(a, b, out):
        pairs = records(np.array([[1, 2], [3, 4], [5, 6]]), PAIR)
        out[0] = pairs.shape[0]
        out[1] = on.at(pairs, 1).y
        out[2] = on.at(pairs, 2).y
        pairs = records(np.array([0.5, 0.0, 1.5, 0.0]), PAIR)
        out[3] = pairs.shape[0]
        out[4] = on.at(pairs, 1).x

    return run


def transposes(on):
    def run(a, b, out):
        m = on.width(a)
        on.transpose_block(a, 1, m + 2, out, 0, m + 1)
        room = on.stack(a, 2)
        on.store(room, m, on.load(b, 0))
        on.store(out, m * (m + 1), on.load(room, m))

    return run


def choices(on):
    def run(a, b, out):
        m = on.width(a)
        v, w = on.load(a, 0), on.load(b, 0)
        on.store(out, 0, on.where_greater(v, 0.5, w, v * 2.0))
        on.store(out, m, on.where_greater(w, 1.0, v, w))
        on.store(out, 2 * m, on.maximum(v, 0.5))
        on.store(out, 3 * m, on.minimum(v, 0.5))
        i = 4 * m
        for n in range(-1, m + 2):
            on.no_unroll()
            on.store(out, i, on.first_n(v, n))
            on.store(out, i + m, on.first_n_or(v, n, -7.0))
            on.store(out, i + 2 * m, on.insert_lane(v, n, 9.0))
            i += 3 * m

    return run


def numbers(on):
    def run(a, b, out):
        m = on.width(a)
        v, w = on.load(a, 0), on.load(b, 0)
        on.store(out, 0, on.absolute(v))
        on.store(out, m, on.copysign(w, v))
        on.store(out, 2 * m, on.exponent(w))
        on.store(out, 3 * m, on.mantissa(w))
        on.store(out, 4 * m, on.power_of_two(on.exponent(w)))
        on.store(out, 5 * m, on.square_root(w))

    return run


def summaries(on):
    def run(a, b, out):
        out[0] = on.sum_lanes(on.load(b, 0))
        out[1] = on.max_lanes(on.load(a, 0))
        out[2] = on.max_lanes(on.load(b, 0))

    return run


def ordinary(dtype):
    """Multiples of 1/4 and positive multiples of 1/8: sums and products of them are exact."""
    rng = np.random.default_rng(3)
    a, b = rng.integers(-20, 20, 400), rng.integers(1, 20, 400)
    return a.astype(dtype) / 4, b.astype(dtype) / 8


def special(dtype):
    """The same with NaN, infinities, zeros and halves, and with the range's ends."""
    a, b = ordinary(dtype)
    a[:9] = [math.nan, math.inf, -math.inf, 0.0, -0.0, 0.5, -0.5, 2.5, -2.5]
    info = np.finfo(dtype)
    b[:5] = [info.tiny, info.max, 1.0, info.eps, 2.0 - info.eps]
    return a, b


@each_dtype
@pytest.mark.parametrize(
    ("make", "arguments"),
    [
        (operators, ordinary),
        (blocks, special),
        (scattered, special),
        (views, ordinary),
        (tables, ordinary),
        (transposes, ordinary),
        (choices, ordinary),
        (choices, special),
        (numbers, special),
        (summaries, ordinary),
    ],
)
def test_compiled_as_in_numpy(make, arguments, dtype):
    a, b = arguments(dtype)
    got, expected = np.full((2, 5000), -1, dtype)
    njit(**FLAGS)(make(simd))(a, b, got)
    make(simd_numpy)(a, b, expected)
    assert np.count_nonzero(expected != -1) > 2
    # "arcp" may cost the last bit of a division.
    tolerance = np.finfo(dtype).eps if make is operators else 0
    np.testing.assert_allclose(got, expected, rtol=tolerance, atol=0)
    np.testing.assert_array_equal(np.signbit(got), np.signbit(expected))


@each_dtype
@pytest.mark.parametrize("masks", [simd_ends.MASKS, False])
def test_parts_of_blocks_where_masks_are_not_free(dtype, masks, monkeypatch):
    """With the processor's masks, as of AVX2; and register by register, as without AVX."""
    monkeypatch.setattr(simd_ends, "FREE_MASKS", False)
    monkeypatch.setattr(simd_ends, "MASKS", masks)
    test_compiled_as_in_numpy(blocks, ordinary, dtype)


@each_dtype
def test_a_whole_block_is_loaded_as_one_where_the_processor_has_no_masks(dtype, monkeypatch):
    monkeypatch.setattr(simd_ends, "FREE_MASKS", False)
    monkeypatch.setattr(simd_ends, "MASKS", False)

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
    vector = f"<{simd_numpy.width(a)} x {'float' if dtype == np.float32 else 'double'}>"
    assert f"load {vector}" in code
    assert f"masked.load.v{simd_numpy.width(a)}f" not in code


@each_dtype
def test_the_largest_lane_is_a_number_if_any_is(dtype):
    a, b = special(dtype)
    a[1] = 3.0
    got, expected = np.zeros((2, 3), dtype)
    njit(**FLAGS)(summaries(simd))(a, b[2:], got)
    summaries(simd_numpy)(a, b[2:], expected)
    assert got[1] == expected[1] == np.nanmax(a[: simd_numpy.width(a)])


def test_what_every_name_is_tested_by():
    makers = (operators, blocks, scattered, views, tables, transposes, choices, numbers, summaries)
    codes = [make(simd).__code__ for make in makers]
    assert {name for code in codes for name in code.co_names + code.co_freevars} >= INTRINSICS


def test_numpy_has_every_name_with_the_same_parameters():
    assert set(simd_numpy.__all__) == INTRINSICS
    for name in INTRINSICS:
        _, *parameters = inspect.signature(getattr(simd, name)._defn).parameters
        assert [*inspect.signature(getattr(simd_numpy, name)).parameters] == parameters, name


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
