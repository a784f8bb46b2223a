"""`FTRLClassifier` and `FTRLRegressor`: a learning rate for each coefficient, and exact zeros."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from sklearn.utils._param_validation import StrOptions

from ...kernels.linear_parts.arguments import CONSTANT, FTRL
from .. import parameters
from . import options
from .classifier import LinearClassifier
from .regressor import LinearRegressor

PROXIMAL: dict[str, Any] = {
    "alpha": [options.positive],
    "beta": [options.positive],
    "l1": [options.not_negative],
    "l2": [options.not_negative],
    "epsilon": [options.not_negative],
}


def _fields_of(model: FTRLClassifier | FTRLRegressor) -> dict[str, float]:
    return {
        **options.loss_fields(model.loss, model.epsilon),
        "schedule": CONSTANT, "rule": FTRL,
        "eta0": model.alpha, "beta": model.beta, "l1": model.l1, "l2": model.l2,
    }  # fmt: skip


class FTRLClassifier(LinearClassifier):
    """A linear classifier that learns by FTRL-proximal."""

    _parameter_constraints: ClassVar[dict] = {
        **options.SHARED, **options.CLASSIFIER, **PROXIMAL,
        "loss": [StrOptions(set(options.CLASSIFICATION))],
        "multi_class": [StrOptions({"ovr", "multinomial"})],
    }  # fmt: skip

    def __init__(
        self,
        loss: str = "log_loss",
        *,
        alpha: float = 0.05,
        beta: float = 1.0,
        l1: float = 0.0,
        l2: float = 1.0,
        fit_intercept: bool = True,
        max_iter: int = 1000,
        tol: float | None = 1e-3,
        shuffle: bool = True,
        verbose: int = 0,
        epsilon: float = 0.1,
        n_jobs: int | None = None,
        random_state: int | np.random.RandomState | None = None,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 5,
        class_weight: dict | str | None = None,
        warm_start: bool = False,
        multi_class: str = "ovr",
        order: str = "per_class",
        n_features: int | None = None,
    ):
        parameters.store(self, locals())

    def _fields(self) -> dict[str, float]:
        fields = _fields_of(self)
        if self.multi_class == "multinomial":
            fields["loss"] = options.softmax_for(self.loss)
        return fields



class FTRLRegressor(LinearRegressor):
    """A linear regression that learns by FTRL-proximal."""

    _parameter_constraints: ClassVar[dict] = {
        **options.SHARED, **PROXIMAL, "loss": [StrOptions(set(options.REGRESSION))],
    }  # fmt: skip

    def __init__(
        self,
        loss: str = "squared_error",
        *,
        alpha: float = 0.05,
        beta: float = 1.0,
        l1: float = 0.0,
        l2: float = 1.0,
        fit_intercept: bool = True,
        max_iter: int = 1000,
        tol: float | None = 1e-3,
        shuffle: bool = True,
        verbose: int = 0,
        epsilon: float = 0.1,
        random_state: int | np.random.RandomState | None = None,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 5,
        warm_start: bool = False,
        n_features: int | None = None,
    ):
        parameters.store(self, locals())

    def _fields(self) -> dict[str, float]:
        return _fields_of(self)
