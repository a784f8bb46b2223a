"""When numbers agree: a tolerance from what rounding does to the oracle's shaken copies."""

from itertools import pairwise

import numpy as np

# A computed sum of n products is the exact one of numbers that are off by at most n units in the
# last place, mostly by far fewer. The copies are shaken by SHAKE units; FACTOR times what becomes
# of that is allowed, and FLOOR of the largest number of a group, which covers the precision of the
# compiled exp, log and tanh (a few units) through layers that the shaking leaves unmoved. Each step
# of training rounds the weights once more, by half a unit at most, all the same way at worst.
SHAKE, FACTOR = 8, 25
FLOOR = {"float32": 4e-6, "float64": 1e-11}


class Disagreement(AssertionError):
    """A check that failed."""


def require(condition, what):
    if not condition:
        raise Disagreement(what)


def require_same(found, expected, what):
    """The same bits."""
    found, expected = np.asarray(found), np.asarray(expected)
    if not np.array_equal(found, expected, equal_nan=found.dtype.kind == "f"):
        raise Disagreement(f"{what}: not the same bits, {worst(found, expected)}")


def worst(found, expected):
    if found.shape != expected.shape:
        return f"shape {found.shape} instead of {expected.shape}"
    with np.errstate(all="ignore"):
        where = np.unravel_index(np.argmax(np.abs(found - expected)), found.shape)
    return f"{found[where]!r} instead of {expected[where]!r} at {tuple(map(int, where))}"


def require_close(found, copies, dtype, what, groups=None, steps=0):
    """``found`` is ``copies[0]``, as far as rounding lets anybody say.

    Numbers are judged by the largest of their group: ``groups`` are slices of a flat array, or the
    rows of a 2-D one. What is not finite in the oracle, or beyond the dtype, is not judged.
    """
    found = np.asarray(found, np.float64)
    require(found.shape == copies.shape[1:], f"{what}: shape {found.shape}")
    size = np.finfo(dtype)
    for group in groups or range(len(found)) if found.ndim else [...]:
        expected = copies[0][group]
        with np.errstate(all="ignore"):
            spread = np.abs(copies[1:, ...][(slice(None), *_tuple(group))] - expected).max()
            largest = np.abs(expected).max()
            floor = FLOOR[dtype] + steps * float(size.eps) / 2
            slack = floor * largest + FACTOR * spread + 1e3 * float(size.tiny)
            off = np.abs(found[group] - expected).max()
        if not np.isfinite(spread) or largest > float(size.max) / 1e6:
            continue
        if not off <= slack:
            raise Disagreement(f"{what}: off by {off:.3g}, allowed {slack:.3g} (group {group})")


def _tuple(group):
    return group if isinstance(group, tuple) else (group,)


def blocks(sizes):
    """Where each layer's W and b lie in theta."""
    found, start = [], 0
    for n_in, n_out in pairwise(sizes):
        for n in (n_in * n_out, n_out):
            found.append(slice(start, start + n))
            start += n
    return found
