"""Functions of SIMD values that `test_simd.py` runs compiled and as plain NumPy, and arguments.

Each function here makes a function of the module that it is given, `simd`. That reads a and b and
writes all it finds to out.
"""

import math

import numpy as np


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
        on.store(out, 2 * m, on.full(on.load(a, 0), 2))
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
        i = 0
        for rows in (1, 2, m - 1, m):
            for columns in (1, 3, m - 1, m):
                on.transpose_block(a, 1, m + 2, rows, columns, out, i, m + 1)
                i += m * (m + 1)
        room = on.stack(a, 2)
        on.store(room, m, on.load(b, 0))
        on.store(out, i, on.load(room, m))

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
        on.store(out, 5 * m, on.sqrt(w))

    return run


def summaries(on):
    def run(a, b, out):
        out[0] = on.sum_lanes(on.load(b, 0))
        out[1] = on.max_lanes(on.load(a, 0))
        out[2] = on.max_lanes(on.load(b, 0))

    return run


def integers(on):
    """Operators of integers; b is positive."""

    def run(a, b, out):
        m = on.width(a)
        v, w = on.load(a, 0), on.load(b, 0)
        on.store(out, 0 * m, v + w - 3)
        on.store(out, 1 * m, v * w)
        on.store(out, 2 * m, (v & w) | (7 ^ v))
        on.store(out, 3 * m, ~v & 12)
        on.store(out, 4 * m, -v)
        on.store(out, 5 * m, v << (w & 3))
        on.store(out, 6 * m, v >> 2)
        on.store(out, 7 * m, on.shift_right_logical(v, 5))
        on.store(out, 8 * m, v << (w + 60))
        on.store(out, 9 * m, v >> (w + 60))
        on.store(out, 10 * m, on.shift_right_logical(v, w + 60))
        on.store(out, 11 * m, on.to_int(on.to_float(v)))
        on.store(out, 12 * m, on.to_int(on.to_float(v) * 0.375))
        on.store(out, 13 * m, on.bits_as_int(on.to_float(v)))
        v &= w
        v <<= 2
        v |= 1
        v ^= w
        v >>= 1
        on.store(out, 14 * m, v)

    return run


def comparisons(on):
    def run(a, b, out):
        m = on.width(a)
        v, w = on.load(a, 0), on.load(b, 0)
        zeros, ones = on.full(a, 0), on.full(a, 1)
        s = on.at(a, 5)
        i = 0
        for mask in (v < w, v <= s, v > w, s >= v, v == s, v != s, v != v, on.mask_n(a, 3)):
            on.store(out, i, on.select(mask, ones, zeros))
            i += m
        mask = ((v < w) & ~(v == s)) | ((w > 1) ^ (v > w))
        on.store(out, i, on.select(mask, v, 7))
        on.store(out, i + m, on.select(~mask, 7, v))
        i += 2 * m
        for mask in (v < w, v == v, v != v, v == s, on.mask_n(v, 100), on.mask_n(v, -1)):
            out[i] = on.any_lane(mask)
            out[i + 1] = on.all_lanes(mask)
            out[i + 2] = on.count_lanes(mask)
            i += 3

    return run


def pairs(on):
    """Two values lane by lane, which have scalars beside them elsewhere."""

    def run(a, b, out):
        m = on.width(a)
        v, w = on.load(a, 0), on.load(b, 0)
        on.store(out, 0, on.minimum(v, w))
        on.store(out, m, on.maximum(v, w))
        on.store(out, 2 * m, on.minimum(w, v))
        on.store(out, 3 * m, on.maximum(w, v))
        on.store(out, 4 * m, on.abs(v))
        on.store(out, 5 * m, on.absolute(-v))
        on.store(out, 6 * m, on.lane_numbers(a))
        for k in range(m):
            out[7 * m + k] = on.extract_lane(v, k)
        out[8 * m] = on.min_lanes(w)

    return run


def rounding(on):
    def run(a, b, out):
        m = on.width(a)
        v, w = on.load(a, 0), on.load(b, 0)
        on.store(out, 0, on.floor(v))
        on.store(out, m, on.ceil(v))
        on.store(out, 2 * m, on.rint(v))
        on.store(out, 3 * m, on.fma(v, w, on.load(b, 9)))
        on.store(out, 4 * m, on.fma(v, 0.1, w))
        on.store(out, 5 * m, on.fma(0.1, v, -0.1 * v))
        on.store(out, 6 * m, on.to_float(on.to_int(v * 3.0)))
        on.store(out, 7 * m, on.to_float(on.to_int(v * 1e20)))
        on.store(out, 8 * m, on.bits_as_float(on.bits_as_int(v) & on.bits_as_int(w)))

    return run


def gathered(on):
    def run(a, b, out):
        m = on.width(a)
        indices = on.to_int(on.absolute(on.load(a, 20))) * 3
        on.store(out, 0, on.gather(b, indices))
        on.scatter(out, on.to_int(on.lane_numbers(a)) * 3 + m, on.load(b, 2))

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


def whole(dtype):
    """Integers, negative ones and one that is not 32 bits long."""
    rng = np.random.default_rng(4)
    a, b = rng.integers(-20, 20, 400).astype(dtype), rng.integers(1, 20, 400).astype(dtype)
    a[1:3] = np.iinfo(dtype).max // 3, np.iinfo(dtype).min // 3
    return a, b
