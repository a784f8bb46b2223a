"""The functions of `simd`: what each means, in plain NumPy, and its documentation.

Outside of compiled code, and everywhere with ``NUMBA_DISABLE_JIT=1``, these are what is called:
slow, and that is all right, since it is for trying out, for stepping through and for counting
lines. `simd_code` tells the compiler what to make of them.
"""

from .arithmetic import absolute, ceil, copysign, floor, fma, maximum, minimum, rint, sqrt
from .blocks import no_unroll, transpose_block
from .conversions import (
    bits_as_float,
    bits_as_int,
    exponent,
    is_double,
    mantissa,
    power_of_two,
    shift_right_logical,
    to_float,
    to_int,
)
from .gathers import gather, gather_n, scatter, scatter_n
from .lanes import (
    extract_lane,
    first_n,
    first_n_or,
    insert_lane,
    lane_numbers,
    max_lanes,
    min_lanes,
    sum_lanes,
)
from .masks import all_lanes, any_lane, count_lanes, mask_n, select, where_greater
from .memory import at, full, load, load_n, prefetch, put, store, store_n, width
from .values import BYTES
from .views import flat, matrix, records, stack, view

abs = absolute

__all__ = [
    "BYTES",
    "abs",
    "absolute",
    "all_lanes",
    "any_lane",
    "at",
    "bits_as_float",
    "bits_as_int",
    "ceil",
    "copysign",
    "count_lanes",
    "exponent",
    "extract_lane",
    "first_n",
    "first_n_or",
    "flat",
    "floor",
    "fma",
    "full",
    "gather",
    "gather_n",
    "insert_lane",
    "is_double",
    "lane_numbers",
    "load",
    "load_n",
    "mantissa",
    "mask_n",
    "matrix",
    "max_lanes",
    "maximum",
    "min_lanes",
    "minimum",
    "no_unroll",
    "power_of_two",
    "prefetch",
    "put",
    "records",
    "rint",
    "scatter",
    "scatter_n",
    "select",
    "shift_right_logical",
    "sqrt",
    "stack",
    "store",
    "store_n",
    "sum_lanes",
    "to_float",
    "to_int",
    "transpose_block",
    "view",
    "where_greater",
    "width",
]
