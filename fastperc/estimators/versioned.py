"""The base of all estimators: scikit-learn's, whose pickles tell the version that wrote them."""

from __future__ import annotations

from typing import Any

from sklearn.base import BaseEstimator

from ..versions import stamped, unstamped


class VersionedEstimator(BaseEstimator):
    """An estimator whose pickle carries fastperc's version, as scikit-learn's carry its own.

    Loaded by another version, it warns by `errors.ModelVersionWarning`.
    """

    def __getstate__(self) -> dict[str, Any]:
        return stamped(super().__getstate__())

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(unstamped(state, type(self).__name__))
