"""scikit-learn's orders of rows, number by number: whoever shuffles alike learns alike."""

import numpy as np

from .jit import kernel
from .simd import at, flat


@kernel
def shuffle(seed, order):
    """Shuffle ``order`` in place as `sklearn.utils._seq_dataset` does from this seed.

    Parameters
    ----------
    seed : int
        At least 0 and below 2**31. Numbers are drawn by xorshift (Marsaglia 2003; 13, 17, 5).
    order : int32 array of shape (n,)
    """
    order = flat(order)
    n = order.shape[0]
    state = np.uint32(seed if seed > 0 else 1)
    for i in range(n - 1):
        state ^= np.uint32(state << np.uint32(13))
        state ^= np.uint32(state >> np.uint32(17))
        state ^= np.uint32(state << np.uint32(5))
        drawn = int(state & np.uint32(0x7FFFFFFF))
        left = n - i
        # The remainder by a division of floats, three times as fast; it may be off by one.
        j = drawn - int(float(drawn) / float(left)) * left
        j = i + (j + left if j < 0 else (j - left if j >= left else j))
        here, there = at(order, i), at(order, j)
        order[i], order[j] = there, here


@kernel
def reorder(order, places, out):
    """Write ``order[places]`` to ``out``."""
    order, places, out = flat(order), flat(places), flat(out)
    for i in range(places.shape[0]):
        out[i] = at(order, at(places, i))
