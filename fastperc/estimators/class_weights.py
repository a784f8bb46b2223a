"""``class_weight``: factors of the sample weights."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils.class_weight import compute_sample_weight


class ClassWeights:
    """What each class counts for, from call to call of `partial_fit`.

    Parameters
    ----------
    classes : ndarray
        All there are, sorted.
    """

    def __init__(self, classes: np.ndarray):
        self.classes = classes
        self.counts = np.zeros(len(classes))  # of the (weighted) labels seen so far

    def of(self, wish: Any, y: Any, weight: np.ndarray | None, incremental: bool) -> np.ndarray:
        """The samples' weights times those of their classes; ``wish`` is ``class_weight``."""
        y = y.toarray() if hasattr(y, "toarray") else np.asarray(y)
        factors = compute_sample_weight(self._of_classes(wish, y, weight, incremental), y)
        return factors if weight is None else factors * weight

    def _of_classes(
        self, wish: Any, y: np.ndarray, weight: np.ndarray | None, incremental: bool
    ) -> Any:
        """The wish, with 'balanced' made numbers: ``n / (n_classes * n_of_this_class)``."""
        is_single = y.ndim == 1 or y.shape[1] == 1
        if wish != "balanced" or not (is_single or incremental):
            return wish
        if not is_single:
            raise ValueError(
                "class_weight: found 'balanced' with several labels per sample, which partial_fit "
                "cannot count. Give a list of dicts, one for each output"
            )
        places = np.searchsorted(self.classes, y.ravel())
        self.counts += np.bincount(places, weight, minlength=len(self.classes))
        seen = self.counts > 0
        balanced = self.counts.sum() / (seen.sum() * np.where(seen, self.counts, 1.0))
        return dict(zip(self.classes.tolist(), balanced.tolist(), strict=True))
