"""Which rows are learned from, and which are held out: by class, and with groups kept together."""

from __future__ import annotations

import numpy as np

HELD_OUT = 0.2
FOLDS = 5

Split = tuple[np.ndarray, np.ndarray]


def split(
    n_rows: int,
    n_folds: int,
    rng: np.random.Generator,
    classes: np.ndarray | None = None,
    groups: np.ndarray | None = None,
) -> np.ndarray:
    """Deal rows out to folds of about the same size.

    Parameters
    ----------
    n_rows, n_folds : int
    rng : numpy.random.Generator
    classes : ndarray of int of shape (n_rows,), optional
        Rows of a class are dealt out evenly.
    groups : ndarray of int of shape (n_rows,), optional
        Rows of a group are in one fold. Classes do not count then.

    Returns
    -------
    ndarray of int of shape (n_rows,)
        The fold of each row.
    """
    if groups is not None:
        return _deal_groups(groups, n_folds, rng)
    order = rng.permutation(n_rows)
    if classes is not None:  # the rows of each class in turn, in random order
        order = order[np.argsort(classes[order], kind="stable")]
    fold = np.empty(n_rows, np.int64)
    fold[order] = np.arange(n_rows) % n_folds
    return fold


def _deal_groups(groups: np.ndarray, n_folds: int, rng: np.random.Generator) -> np.ndarray:
    """Give each group, the largest first, to the fold that has the fewest rows."""
    sizes = np.bincount(groups)
    order = rng.permutation(len(sizes))
    order = order[np.argsort(-sizes[order], kind="stable")]
    filled, of = np.zeros(n_folds, np.int64), np.zeros(len(sizes), np.int64)
    for group in order.tolist():
        of[group] = np.argmin(filled)
        filled[of[group]] += sizes[group]
    return of[groups]


def held_out(
    n_rows: int,
    rng: np.random.Generator,
    classes: np.ndarray | None = None,
    groups: np.ndarray | None = None,
) -> Split:
    """Return the rows to learn from and those to hold out, a fifth, both ascending.

    Of a class with one row, that is learned from.
    """
    fold = split(n_rows, round(1 / HELD_OUT), rng, classes, groups)
    is_held = fold == (fold.max() if groups is None else _smallest(fold))
    if classes is not None and groups is None:
        is_held &= np.bincount(classes)[classes] > 1
    return np.flatnonzero(~is_held), np.flatnonzero(is_held)


def _smallest(fold: np.ndarray) -> int:
    """Return the fold with the fewest rows, but some."""
    sizes = np.bincount(fold)
    return int(np.argmin(np.where(sizes, sizes, len(fold) + 1)))


def folds(fold: np.ndarray) -> list[Split]:
    """Return the rows to learn from and to test on, for each fold."""
    return [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in np.unique(fold)]
