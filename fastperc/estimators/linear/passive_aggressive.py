"""`PassiveAggressiveClassifier` and `PassiveAggressiveRegressor`."""

from __future__ import annotations

from numbers import Real
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from .. import parameters
from ..typed import fits
from . import options
from .classifier import LinearClassifier
from .regressor import LinearRegressor

AGGRESSIVENESS = [Interval(Real, 0, None, closed="right")]


class PassiveAggressiveClassifier(LinearClassifier):
    """A passive-aggressive classifier."""

    _parameter_constraints: ClassVar[dict] = {
        **options.SHARED, **options.CLASSIFIER, **options.AVERAGE,
        "loss": [StrOptions({"hinge", "squared_hinge"})],
        "C": AGGRESSIVENESS,
    }  # fmt: skip

    def __init__(
        self,
        *,
        C: float = 1.0,
        fit_intercept: bool = True,
        max_iter: int = 1000,
        tol: float | None = 1e-3,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 5,
        shuffle: bool = True,
        verbose: int = 0,
        loss: str = "hinge",
        n_jobs: int | None = None,
        random_state: int | np.random.RandomState | None = None,
        warm_start: bool = False,
        class_weight: dict | str | None = None,
        average: bool | int = False,
        order: str = "per_class",
        n_features: int | None = None,
    ):
        parameters.store(self, locals())

    def _fields(self) -> dict[str, float]:
        kind = "pa1" if self.loss == "hinge" else "pa2"
        return {
            **options.loss_fields("hinge", 0.0),
            **options.schedule_fields(kind, 0.0, self.C, 0.5),
            "average_from": int(self.average),
        }

    @fits
    def fit(self, X: Any, y: Any, coef_init: Any = None, intercept_init: Any = None) -> Self:
        """Fit the model to X and y."""
        return self._fit(X, y, coef_init, intercept_init, None)

    @fits
    def partial_fit(self, X: Any, y: Any, classes: Any = None) -> Self:
        """Go once through X and y."""
        return self._partial_fit(X, y, classes, None)


class PassiveAggressiveRegressor(LinearRegressor):
    """A passive-aggressive regression."""

    _parameter_constraints: ClassVar[dict] = {
        **options.SHARED, **options.AVERAGE,
        "loss": [StrOptions({"epsilon_insensitive", "squared_epsilon_insensitive"})],
        "C": AGGRESSIVENESS,
        "epsilon": [options.not_negative],
    }  # fmt: skip

    def __init__(
        self,
        *,
        C: float = 1.0,
        fit_intercept: bool = True,
        max_iter: int = 1000,
        tol: float | None = 1e-3,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 5,
        shuffle: bool = True,
        verbose: int = 0,
        loss: str = "epsilon_insensitive",
        epsilon: float = 0.1,
        random_state: int | np.random.RandomState | None = None,
        warm_start: bool = False,
        average: bool | int = False,
        n_features: int | None = None,
    ):
        parameters.store(self, locals())

    def _fields(self) -> dict[str, float]:
        kind = "pa1" if self.loss == "epsilon_insensitive" else "pa2"
        return {
            **options.loss_fields("epsilon_insensitive", self.epsilon),
            **options.schedule_fields(kind, 0.0, self.C, 0.5),
            "average_from": int(self.average),
        }

    @fits
    def fit(self, X: Any, y: Any, coef_init: Any = None, intercept_init: Any = None) -> Self:
        """Fit the model to X and y."""
        return self._fit(X, y, coef_init, intercept_init, None)

    @fits
    def partial_fit(self, X: Any, y: Any) -> Self:
        """Go once through X and y."""
        return self._partial_fit(X, y, None)
