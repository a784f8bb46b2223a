"""Compare a block of parameters with the right one: what is rounding, and what is said of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from .finding import WrongBlock
from .scales import Step, called, meanings, times

PROPORTIONAL = 1e-3  # moves that differ from a multiple of the right ones by less are that multiple
STILL = 1e-6  # a smaller share of the right move is none
SAME = 1e-6  # factors that differ by a smaller share are the same
STOOD = "it did not move"


def is_near(found: np.ndarray, expected: np.ndarray, allowed: float) -> bool:
    """Return whether a block is right; NaN is not."""
    return found.shape == expected.shape and bool((np.abs(found - expected) <= allowed).all())


def compare_block(
    name: str, found: np.ndarray, expected: np.ndarray, before: np.ndarray, allowed: float,
    moves: bool = True,
) -> WrongBlock | None:  # fmt: skip
    """Return what is wrong with a block, or None."""
    found = np.asarray(found, dtype=np.float64)
    if found.shape != expected.shape:
        note = f"shape {found.shape}, expected {expected.shape}"
        return WrongBlock(name, math.inf, note=note)
    difference = np.where(np.isfinite(found), np.abs(found - expected), np.inf)
    if difference.max() <= allowed:
        return None
    index = np.unravel_index(difference.argmax(), difference.shape)
    return WrongBlock(
        name, float(difference.max()), tuple(map(int, index)), float(found[index]),
        float(expected[index]), note_on(found - before, expected - before, moves),
        factor_of(found - before, expected - before),
    )  # fmt: skip


def note_on(move: np.ndarray, right_move: np.ndarray, moves: bool = True) -> str:
    """Describe a wrong move that is a multiple of the right one, or not finite, or none."""
    if not np.isfinite(move).all():
        return "not finite"
    if np.abs(move).max() <= STILL * np.abs(right_move).max():
        return STOOD if moves else "it is 0"
    factor = factor_of(move, right_move)
    if math.isnan(factor):
        return ""
    how = "it moved {} times as far as it should" if moves else "{} times what it should be"
    return how.format(times(factor))


def factor_of(move: np.ndarray, right_move: np.ndarray) -> float:
    """Return the multiple of the right move that a wrong one is, NaN if it is none."""
    size = float((right_move**2).sum())
    if not np.isfinite(move).all() or np.abs(move).max() <= STILL * np.abs(right_move).max():
        return math.nan
    factor = float((move * right_move).sum()) / size if size else 0.0
    is_multiple = np.abs(move - factor * right_move).max() <= PROPORTIONAL * np.abs(move).max()
    return factor if is_multiple and abs(factor - 1) > PROPORTIONAL else math.nan


def with_meaning(
    blocks: Sequence[WrongBlock], sizes: dict[str, int], step: Step | None
) -> list[WrongBlock]:
    """Return wrong blocks whose factors are translated: the number of rows, 2, 1/outputs, ...

    Any number is a multiple of another: the factor of a block of a single number (``sizes`` says
    which is) counts only if a larger block, or all wrong ones share it.
    """
    return [_with_meaning(block, blocks, sizes, step) for block in blocks]


def _with_meaning(
    block: WrongBlock, blocks: Sequence[WrongBlock], sizes: dict[str, int], step: Step | None
) -> WrongBlock:
    if math.isnan(block.factor):
        return block
    sharing = [
        other for other in blocks if abs(other.factor - block.factor) <= SAME * abs(block.factor)
    ]
    known = meanings(block.factor, step, SAME) if step else []
    is_all = len(sharing) == len(blocks) > 1
    if not known and not is_all and all(sizes[other.name] == 1 for other in sharing):
        return replace(block, note="", factor=math.nan)
    if not known or step is None:
        return block
    words = called(known[0].names, step)
    return block if words == "-1" else replace(block, note=f"{block.note}: {words}")


def is_single(found: np.ndarray, expected: np.ndarray, before: np.ndarray, lr: float) -> bool:
    """Return whether the numbers of a block have gone through float32.

    They are float32 numbers themselves; or their moves are, or the gradients that these follow,
    if float64 parameters were moved by them.
    """
    if found.dtype == np.float32:
        return True
    if found.shape != expected.shape or found.dtype != np.float64:
        return False
    if _are_single(found, 0.0):
        return not _are_single(expected, 0.0)
    noise = 4 * float(np.finfo("float64").eps) * max(1.0, float(np.abs(found).max()))
    moves = before - found
    return _are_single(moves, noise) or _are_single(moves / lr, noise / lr)


def _are_single(numbers: np.ndarray, noise: float) -> bool:
    """Return whether all are float32 numbers, up to noise that would not hide another number.

    Numbers as simple as 1 and 0.25, which float16 has as well, do not tell.
    """
    rounded = numbers.astype(np.float32)
    spacing = np.spacing(np.abs(rounded)).astype(np.float64)
    tells = (spacing > 20 * noise) & (np.abs(numbers - numbers.astype(np.float16)) > noise)
    is_as_rounded = np.abs(numbers - rounded) <= noise
    return bool(tells.any() and is_as_rounded[tells].all())
