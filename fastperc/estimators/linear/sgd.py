"""`SGDClassifier` and `SGDRegressor`."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from sklearn.utils._param_validation import StrOptions

from .. import parameters
from . import options
from .classifier import LinearClassifier
from .regressor import LinearRegressor


class SGDClassifier(LinearClassifier):
    """A linear classifier that learns by stochastic gradient descent."""

    _parameter_constraints: ClassVar[dict] = {
        **options.SHARED, **options.SGD, **options.CLASSIFIER,
        "loss": [StrOptions(set(options.CLASSIFICATION))],
        "multi_class": [StrOptions({"ovr", "multinomial"})],
    }  # fmt: skip

    def __init__(
        self,
        loss: str = "hinge",
        *,
        penalty: str | None = "l2",
        alpha: float = 0.0001,
        l1_ratio: float | None = 0.15,
        fit_intercept: bool = True,
        max_iter: int = 1000,
        tol: float | None = 1e-3,
        shuffle: bool = True,
        verbose: int = 0,
        epsilon: float = 0.1,
        n_jobs: int | None = None,
        random_state: int | np.random.RandomState | None = None,
        learning_rate: str = "optimal",
        eta0: float = 0.01,
        power_t: float = 0.5,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 5,
        class_weight: dict | str | None = None,
        warm_start: bool = False,
        average: bool | int = False,
        multi_class: str = "ovr",
        order: str = "per_class",
        n_features: int | None = None,
    ):
        parameters.store(self, locals())

    def _fields(self) -> dict[str, float]:
        fields = {
            **options.loss_fields(self.loss, self.epsilon),
            **options.penalty_fields(self.penalty, self.alpha, self.l1_ratio),
            **options.schedule_fields(self.learning_rate, self.alpha, self.eta0, self.power_t),
            "average_from": int(self.average),
        }
        options.check_passive_aggressive(self.learning_rate, self.loss, "hinge")
        if self.multi_class == "multinomial":
            fields["loss"] = options.softmax_for(self.loss)
        return fields



class SGDRegressor(LinearRegressor):
    """A linear regression that learns by stochastic gradient descent."""

    _parameter_constraints: ClassVar[dict] = {
        **options.SHARED, **options.SGD, "loss": [StrOptions(set(options.REGRESSION))],
    }  # fmt: skip

    def __init__(
        self,
        loss: str = "squared_error",
        *,
        penalty: str | None = "l2",
        alpha: float = 0.0001,
        l1_ratio: float | None = 0.15,
        fit_intercept: bool = True,
        max_iter: int = 1000,
        tol: float | None = 1e-3,
        shuffle: bool = True,
        verbose: int = 0,
        epsilon: float = 0.1,
        random_state: int | np.random.RandomState | None = None,
        learning_rate: str = "invscaling",
        eta0: float = 0.01,
        power_t: float = 0.25,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 5,
        warm_start: bool = False,
        average: bool | int = False,
        n_features: int | None = None,
    ):
        parameters.store(self, locals())

    def _fields(self) -> dict[str, float]:
        options.check_passive_aggressive(self.learning_rate, self.loss, "epsilon_insensitive")
        return {
            **options.loss_fields(self.loss, self.epsilon),
            **options.penalty_fields(self.penalty, self.alpha, self.l1_ratio),
            **options.schedule_fields(self.learning_rate, self.alpha, self.eta0, self.power_t),
            "average_from": int(self.average),
        }
