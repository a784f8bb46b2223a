"""SIMD values in Numba: kernels of your own at the speed of C, on any processor.

A value holds 64 bytes of one dtype, 16 float32 or int32, 8 float64 or int64, and lives in a machine
register (one of AVX-512, two of AVX2, four of SSE or NEON). It has ``+ - * /`` with another such
value or with a scalar, so that a loop over blocks of a row reads like the loop over its elements::

    from fastperc.kernels import kernel, simd

    @kernel
    def add_scaled(x, row, z):
        j = 0
        while j < z.size:              # a multiple of simd.width(z)
            simd.store(z, j, simd.load(z, j) + x * simd.load(row, j))
            j += simd.width(z)

Why not leave it to LLVM's vectoriser: the rows of a small network are 4 to 64 elements long, and
there a vectorised loop spends its time in the scalar remainder and in deciding which loop to run.
With rows padded to whole blocks (see `packing`) an 8-32-1 network trains 1.6 times faster.

What there is, by name; ``help(simd.load)`` documents one:

===================  ============================================================================
arrays and values    `width`, `load`, `store`, `load_n`, `store_n`, `full`
at given places      `gather`, `scatter`, `gather_n`, `scatter_n`
single elements      `at`, `put`, `prefetch`
operators            ``+ - *`` and unary ``-``; of floats ``/``; of integers ``& | ^ ~ << >>``
comparisons          ``< <= > >= == !=``: a mask, which has ``& | ^ ~``
masks                `select`, `where_greater`, `any_lane`, `all_lanes`, `count_lanes`, `mask_n`
arithmetic           `minimum`, `maximum`, `abs` (`absolute`), `sqrt`, `fma`, `copysign`
rounding             `floor`, `ceil`, `rint`
functions            `exp`, `expm1`, `log`, `log1p`, `sigmoid`, `tanh`, `softplus`
all lanes            `sum_lanes`, `max_lanes`, `min_lanes`
some lanes           `first_n`, `first_n_or`, `insert_lane`, `extract_lane`, `lane_numbers`
other dtypes         `to_int`, `to_float`, `bits_as_int`, `bits_as_float`
bits                 `shift_right_logical`, `exponent`, `mantissa`, `power_of_two`, `is_double`
arrays that own      `view`, `flat`, `matrix`, `records`, `stack`
nothing
loops, matrices      `no_unroll`, `transpose_block`
===================  ============================================================================

Operands and arrays that do not fit are an error when a kernel is compiled, whose text says what was
found, what was expected and what to do. Indices are only looked at under ``NUMBA_BOUNDSCHECK=1``:
then what lies outside of its array raises IndexError.

The functions can be called from Python too, and do there what they do in compiled code, slowly, on
small NumPy arrays: to try them out, and for kernels under ``NUMBA_DISABLE_JIT=1``. All but the
polynomials of `elementary` (`exp` and so on), which only kernels call. The examples in their
documentation have imported what they call, and NumPy as np.

The page ``docs/simd.md`` takes two loops from plain Python to SIMD.
"""

from . import simd_code  # noqa: F401  (tells the compiler)
from .elementary import exp, expm1, log, log1p, sigmoid, softplus, tanh
from .simd_numpy import *  # noqa: F403
from .simd_numpy import __all__ as _names

__all__ = [*_names, "exp", "expm1", "log", "log1p", "sigmoid", "softplus", "tanh"]
