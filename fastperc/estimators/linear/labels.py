"""Labels of a linear classifier: their places, what outputs learn in their place, new ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

FEW = 1 << 10  # values that are counted rather than sorted
Outputs = list[tuple[int, int] | None]  # see `Linear.rearranged`


def distinct(y: np.ndarray) -> np.ndarray:
    """Return the sorted distinct labels, of whole numbers close together without sorting all."""
    if y.dtype.kind in "iub" and len(y) > FEW:
        low, high = int(y.min()), int(y.max())
        if high - low < FEW:
            shifted = y.astype(np.int64) - low
            return (np.flatnonzero(np.bincount(shifted)) + low).astype(y.dtype)
    return np.unique(y)


def check_several(classes: np.ndarray) -> None:
    """Refuse fewer than two classes."""
    if len(classes) < 2:
        raise ValueError(
            f"The number of classes has to be greater than one; got {len(classes)} class"
        )


def check_label(label: object) -> None:
    """Refuse NaN, which is equal to no label, itself included."""
    if isinstance(label, float) and label != label:
        raise ValueError("y: found nan, expected a label. Leave out rows whose label is missing")


def places_of(y: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Return the places of labels among the sorted classes."""
    if len(classes) == 2:
        places = (y == classes[1]).astype(np.intp)
        strange = (places == 0) & (y != classes[0])
    else:
        places = np.minimum(np.searchsorted(classes, y), len(classes) - 1)
        strange = classes[places] != y
    if np.any(strange):
        raise unknown(np.unique(y[strange]), classes)
    return places


def unknown(found: object, classes: np.ndarray) -> ValueError:
    """Return what to raise on labels that are no known class."""
    return ValueError(
        f"`y` has classes not in `self.classes_`. `self.classes_` has {classes}. 'y' has {found}. "
        "The first call to partial_fit has to name all classes"
    )


def targets_of(classes: np.ndarray, n_outputs: int, low: float) -> dict[Any, float]:
    """Return what each label is to a kernel: ``low`` or 1 for one output, else its place."""
    labels = classes.tolist()
    if n_outputs > 1:
        return {label: float(k) for k, label in enumerate(labels)}
    return dict(zip(labels, (low, 1.0) if len(labels) == 2 else (1.0,), strict=True))


def with_label(labels: Sequence[Any], new: Any, n_outputs: int) -> tuple[list[Any], Outputs]:
    """Return the sorted labels with a new one, and what outputs for them are made of.

    One output tells two classes apart, positive for the second; one label alone is the positive one
    against whatever else will come. Of several outputs, the second of one label stands for that.
    The new class of three or more begins with zeros: what others have learned against it is theirs.
    """
    try:
        found = sorted([*labels, new])
    except TypeError:
        raise TypeError(
            f"y: found {new!r:.60}, expected a label that can be sorted among {labels}"
        ) from None
    if n_outputs > 1:
        of = {label: (k, 1) for k, label in enumerate(labels)}
        if len(labels) == 1:
            of[new] = (1, 1)
        return found, [of.get(label) for label in found]
    if len(labels) == 1:
        return found, [(0, 1 if found[1] == labels[0] else -1)]
    of = {labels[0]: (0, -1), labels[1]: (0, 1)}
    return found, [of.get(label) for label in found]
