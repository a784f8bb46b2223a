"""Elementary functions one element at a time, by the C library: the baseline of SIMD lanes."""

import math

import numpy as np

from ..kernels.elementary import EXP, LOG, SIGMOID, TANH
from ..kernels.jit import kernel


@kernel
def scalar_loop(code: int, x: np.ndarray, out: np.ndarray) -> None:
    """Compute ``out[i] = f(x[i])``, both 1-D; f by its code, softplus by default."""
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
