"""NumPy's orders of rows, number by number: `numpy.random.Generator.permutation` on PCG64.

NumPy draws a number and swaps two rows, in turn, and where the number is too large it is drawn
anew: a branch that a processor foresees wrongly every third time, which costs more than all else.
Here nothing depends on it. Each number is written to the place of the present row, and a place is
left only if its number was small enough; once some hundred numbers are known, rows are swapped.
"""

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import config
from numba.extending import intrinsic

from .jit import inlined, kernel
from .simd import at, flat

BLOCK = 1024  # numbers that are drawn before rows are swapped
STATE = 6  # of PCG64: state and increment in two halves each, the upper one first; see below
MULTIPLIER = 0x2360ED051FC65DA44385DF649FCCF645
HALF_WORD = np.uint64(32)


@intrinsic
def advance(typing, high, low, inc_high, inc_low):
    """Return both halves of PCG64's next state, ``state * MULTIPLIER + increment`` in 128 bits."""
    word = types.uint64

    def code(context, builder, sig, args):
        wide = ir.IntType(128)
        upper = ir.Constant(wide, 64)
        h, l, inc_h, inc_l = (builder.zext(arg, wide) for arg in args)
        state = builder.or_(builder.shl(h, upper), l)
        increment = builder.or_(builder.shl(inc_h, upper), inc_l)
        state = builder.add(builder.mul(state, ir.Constant(wide, MULTIPLIER)), increment)
        halves = [
            builder.trunc(part, ir.IntType(64)) for part in (builder.lshr(state, upper), state)
        ]
        return context.make_tuple(builder, sig.return_type, halves)

    return types.UniTuple(word, 2)(word, word, word, word), code


if config.DISABLE_JIT:

    def advance(high, low, inc_high, inc_low):
        state, increment = int(high) << 64 | int(low), int(inc_high) << 64 | int(inc_low)
        state = (state * MULTIPLIER + increment) % (1 << 128)
        return np.uint64(state >> 64), np.uint64(state % (1 << 64))


@inlined
def place(word, mask, i, base, drawn):
    """Write some bits of a word to the place of row ``i``; return the row whose turn is next."""
    j = np.int64(word & mask)
    drawn[i - base - 1] = j
    return i - np.int64(j <= i)


@kernel
def draw_orders(state, orders, drawn):
    """Draw one order after the other, as ``Generator.permutation(n)`` does.

    Parameters
    ----------
    state : uint64 array of shape (STATE,)
        Of PCG64 (O'Neill 2014, XSL-RR): the halves of its state and of its increment, whether half
        of a drawn word is left, and that half. Read and written.
    orders : int64 array of shape (n_orders, n)
        Written; ``n`` is at most 2**32.
    drawn : int64 array of shape (BLOCK,)
        Scratch.
    """
    n_orders, n = orders.shape
    state, orders, drawn = flat(state), flat(orders), flat(drawn)
    high, low, inc_high, inc_low = at(state, 0), at(state, 1), at(state, 2), at(state, 3)
    has_half, half = at(state, 4), at(state, 5)
    for first in range(0, n_orders * n, max(n, 1)):
        for i in range(n):
            orders[first + i] = i
        i = n - 1
        while i > 0:
            top, base = i, max(0, i - BLOCK)
            while i > base:
                # Numbers from 0 to i are drawn by as many bits as i has.
                mask = np.uint64(i)
                for shift in (1, 2, 4, 8, 16):
                    mask |= mask >> np.uint64(shift)
                least = max(np.int64(mask >> np.uint64(1)), base)  # below are fewer bits, or rows
                if has_half:
                    has_half = np.uint64(0)
                    i = place(half, mask, i, base, drawn)
                while i > least:
                    high, low = advance(high, low, inc_high, inc_low)
                    turn = high >> np.uint64(58)
                    word = high ^ low
                    word = (word >> turn) | (word << ((np.uint64(64) - turn) & np.uint64(63)))
                    i = place(word, mask, i, base, drawn)
                    half = word >> HALF_WORD
                    if i <= least:
                        has_half = np.uint64(1)
                        break
                    i = place(half, mask, i, base, drawn)
            for k in range(top, base, -1):
                j = at(drawn, k - base - 1)
                here, there = at(orders, first + k), at(orders, first + j)
                orders[first + k], orders[first + j] = there, here
    state[0], state[1], state[4], state[5] = high, low, has_half, half
