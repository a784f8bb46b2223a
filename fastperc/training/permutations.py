"""Orders that a generator draws, many at a time: the numbers of NumPy's `permutation`."""

from __future__ import annotations

import numpy as np
from numpy.random import PCG64, Generator

from ..kernels.orders import BLOCK, draw_orders
from .checkpoints import State, restore_stream, stream_state

FEW = 2000  # numbers, of which NumPy draws as many sooner than our kernel is called
CALL = 300  # numbers that NumPy draws in the time of a call
WORD = 1 << 64


class Permutations:
    """Orders of ``n`` samples that a generator draws; see `permutations`."""

    def __init__(self, rng: Generator, n: int):
        self.rng, self.n = rng, n

    def __call__(self, n_orders: int) -> np.ndarray:
        """Return the next orders, int64 of shape (n_orders, n)."""
        return permutations(self.rng, self.n, n_orders)

    def state(self) -> State:
        """Return where the generator is."""
        return stream_state(self.rng)

    def restore(self, state: State) -> None:
        """Put the generator where it was."""
        restore_stream(self.rng, state)


def permutations(rng: Generator, n: int, n_orders: int) -> np.ndarray:
    """Return what ``rng.permutation(n)`` returns in so many calls, and leave ``rng`` as they do.

    Parameters
    ----------
    rng : Generator
        NumPy itself draws from bit generators other than PCG64, the one of `default_rng`.
    n : int
        Numbers from 0 to ``n - 1``.
    n_orders : int

    Returns
    -------
    ndarray of int64, shape (n_orders, n)
    """
    if n_orders * (n + CALL) < FEW or n > 1 << 32 or not _is_known(rng):
        if n_orders == 1:  # no second copy of what may be as large as a part of X
            return rng.permutation(n)[None]
        return np.stack([rng.permutation(n) for _ in range(n_orders)])
    orders = np.empty((n_orders, n), np.int64)
    generator = rng.bit_generator
    with generator.lock:
        found = generator.state
        numbers = found["state"]
        halves = [half for name in ("state", "inc") for half in divmod(numbers[name], WORD)]
        state = np.array([*halves, found["has_uint32"], found["uinteger"]], np.uint64)
        draw_orders(state, orders, np.empty(BLOCK, np.int64))
        high, low, _, _, has_half, half = state.tolist()
        numbers["state"] = high * WORD + low
        generator.state = {**found, "has_uint32": has_half, "uinteger": half}
    return orders


def _is_known(rng: object) -> bool:
    """Return whether the kernel draws as this generator does."""
    return type(rng) is Generator and type(rng.bit_generator) is PCG64
