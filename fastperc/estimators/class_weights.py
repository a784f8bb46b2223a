"""``class_weight``: factors of the sample weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np


class ClassWeights:
    """What each class counts for, from call to call of `partial_fit`.

    Parameters
    ----------
    classes : ndarray
        All there are, sorted.
    counts : ndarray, optional
        Of the (weighted) labels seen so far.
    """

    def __init__(self, classes: np.ndarray, counts: np.ndarray | None = None):
        self.classes = classes
        self.counts = np.zeros(len(classes)) if counts is None else counts

    def after(self, places: np.ndarray, weight: np.ndarray | None) -> ClassWeights:
        """Return these, with more labels counted."""
        more = np.bincount(places, weight, minlength=len(self.classes))
        return ClassWeights(self.classes, self.counts + more)

    def of(self, wish: object, places: np.ndarray) -> np.ndarray:
        """Return the factors of samples, by the places of their labels among the classes."""
        if isinstance(wish, str):
            return balanced(self.counts)[places]
        return chosen(wish, self.classes)[places]


def balanced(counts: np.ndarray) -> np.ndarray:
    """Return ``n / (n_classes * n_of_this_class)``, classes not seen left out."""
    seen = counts > 0
    return counts.sum() / (seen.sum() * np.where(seen, counts, 1.0))


def chosen(wish: object, classes: Sequence[object] | np.ndarray) -> np.ndarray:
    """Return the factors that a dict from class to number names, otherwise 1."""
    if not isinstance(wish, Mapping):
        raise ValueError(
            f"class_weight: found a {type(wish).__name__}, expected a dict or 'balanced' where "
            "samples have one label"
        )
    keys = [key if key in wish else plain(key) for key in classes]
    missing = [key for key in keys if key not in wish]
    if missing and len(keys) - len(missing) != len(wish):
        strange = [key for key in wish if key not in keys]
        raise ValueError(
            f"class_weight: The classes, {missing}, are not in class_weight, and {strange} are no "
            "classes. Give it the labels of y"
        )
    for key in keys:
        check_factor(wish.get(key, 1.0), key)
    return np.array([float(wish.get(key, 1.0)) for key in keys])


def plain(label: object) -> Any:
    """Return a label as a Python object."""
    return label.item() if isinstance(label, np.generic) else label


def check_factor(value: Any, label: object) -> None:
    """Check that a factor is a number as a sample weight is."""
    try:
        ok = bool(np.isfinite(float(value)) and value >= 0)
    except (TypeError, ValueError, OverflowError):
        ok = False
    if not ok:
        raise ValueError(
            f"class_weight: found {value!r:.60} for class {label!r}, expected a finite number, 0 "
            "or greater"
        )


def of_several(wish: Any, Y: np.ndarray) -> np.ndarray:
    """Return factors of samples with several labels: a product over columns of 0 and 1."""
    if isinstance(wish, Mapping) or (not isinstance(wish, str) and len(wish) != Y.shape[1]):
        raise ValueError(
            "class_weight: for samples with several labels, expected a list of dicts, one for "
            f"each of the {Y.shape[1]} outputs, or 'balanced'"
        )
    factors = np.ones(len(Y))
    for k, places in enumerate((Y > 0).astype(np.intp).T):
        if isinstance(wish, str):
            factors *= balanced(np.bincount(places, minlength=2))[places]
        else:
            factors *= chosen(wish[k], [0, 1])[places]
    return factors
