"""Labels to targets, one column per output, and outputs back to labels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils.multiclass import check_classification_targets, unique_labels

from ..model.samples import Samples


class Labels:
    """The classes of a classifier, and which numbers its outputs learn in their place.

    Attributes
    ----------
    binarizer : LabelBinarizer
        Fitted to the labels, or to the classes that `partial_fit` was told.
    classes : ndarray
        Sorted.
    are_several : bool
        Whether a sample may have more than one.
    exclude_each_other : bool
        Whether there is an output for each class, of which the largest counts.
    low, middle : float
        The target of what is not the class (1 is that of the class), and the output from which on a
        label is given: 0 and 0.5 for probabilities, -1 and 0 for the margins of the hinge loss.
    """

    def __init__(self, binarizer: LabelBinarizer, classes: np.ndarray, loss: str):
        self.binarizer, self.classes, self.loss = binarizer, classes, loss
        self.are_several = binarizer.y_type_.startswith("multilabel")
        self.exclude_each_other = binarizer.y_type_ == "multiclass"
        self.low, self.middle = (-1, 0.0) if loss == "hinge" else (0, 0.5)

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update({"loss": "log_loss"} | state)  # the only one until version 0.1.0

    def check(self, found: np.ndarray, warm_start: bool) -> None:
        """Check the labels of a later call: all classes with warm_start, otherwise known ones."""
        if warm_start and set(found) != set(self.classes):
            raise ValueError(
                "warm_start can only be used where `y` has the same classes as in the previous "
                f"call to fit. Previously got {self.classes}, `y` has {found}"
            )
        if len(np.setdiff1d(found, self.classes, assume_unique=True)):
            raise self.unknown(found)

    def unknown(self, found: object) -> ValueError:
        """Return what to raise on labels of which some are no known class."""
        return ValueError(
            f"`y` has classes not in `self.classes_`. `self.classes_` has {self.classes}. "
            f"'y' has {found}. The first call to partial_fit has to name all classes"
        )

    def targets(self, y: object) -> np.ndarray:
        """Return one column of ``low`` and 1 per output."""
        Y = self.binarizer.transform(y)
        Y = Y.reshape(Y.shape[0], -1)
        return Y if self.low == 0 else (1 - self.low) * Y + self.low

    def places(self, Y: np.ndarray) -> np.ndarray:
        """Return the places of labels among the classes, from their targets Y."""
        if self.exclude_each_other:
            return Y.argmax(axis=1)
        return (Y[:, 0] > self.middle).astype(np.intp)

    def write_target(self, label: Any, row: np.ndarray) -> None:
        """Write the targets of one sample's label, or labels, into ``row``."""
        if self.are_several:
            row[:] = self.targets(np.reshape(label, (1, -1)))[0]
            return
        k = self._place(label)
        row[:] = self.low
        if len(row) > 1 or k == 1:
            row[min(k, len(row) - 1)] = 1

    def _place(self, label: Any) -> int:
        """Return the place of a label among the classes."""
        try:
            k = int(np.searchsorted(self.classes, label))
            if k < len(self.classes) and self.classes[k] == label:
                return k
        except TypeError:  # a label of another kind than the classes, or several
            pass
        raise self.unknown([label])

    def of(self, out: np.ndarray) -> Any:
        """Return the labels that outputs of shape (n, n_outputs) stand for."""
        if self.exclude_each_other:
            return self.classes[out.argmax(axis=1)]
        if self.are_several:
            return self.binarizer.inverse_transform(out, threshold=self.middle)
        return self.classes[np.minimum(out[:, 0] > self.middle, len(self.classes) - 1)]

    def of_one(self, out: np.ndarray) -> Any:
        """Return the label, or labels, of one sample's outputs."""
        if len(out) == 1:
            return self.classes[-1 if out.item() > self.middle else 0]
        if self.exclude_each_other:
            return self.classes[out.argmax()]
        return (out > self.middle).astype(int)

    def accuracy(self, out: np.ndarray, samples: Samples) -> float:
        """Return the (weighted) share of samples all of whose labels are right."""
        return float(self.accuracies(out[None], samples)[0])

    def accuracies(self, outs: np.ndarray, samples: Samples) -> np.ndarray:
        """Return the same of many networks, whose outputs are (n_networks, n, n_outputs).

        They may have samples of their own: targets and weights (n_networks, n, ...).
        """
        Y = samples.Y
        if len(self.classes) == 1:
            right = np.ones(outs.shape[:2], bool)
        elif self.exclude_each_other:
            right = outs.argmax(axis=-1) == Y.argmax(axis=-1)
        else:
            right = ((outs > self.middle) == (self.middle < Y)).all(axis=-1)
        weight = samples.weight if len(samples.weight) else None
        return np.average(right, axis=1, weights=weight)


def binarizer_of(y: object) -> LabelBinarizer:
    """Return a binarizer that knows the classes of y."""
    return _clearly(LabelBinarizer().fit, y)


def classes_of(y: object) -> np.ndarray:
    """Return the classes of y, sorted."""
    return _clearly(unique_labels, y)


def _clearly(function: Callable[[Any], Any], y: object) -> Any:
    """Call ``function(y)``; where y is not made of labels, say what it is made of."""
    try:
        return function(y)
    except (ValueError, TypeError):
        if getattr(getattr(y, "dtype", None), "kind", "") == "O":
            raise ValueError(_of_objects(y)) from None
        check_classification_targets(y)
        raise


def _of_objects(y: Any) -> str:
    """Return what to say of labels in an array of objects that are not all texts."""
    kinds = sorted({type(label).__name__ for label in np.ravel(y)})
    return (
        f"Unknown label type: y is of dtype object and holds {', '.join(kinds)}; expected labels "
        "of one kind and none missing. Use y.astype(bool), y.astype(int) or y.astype(str)"
    )
