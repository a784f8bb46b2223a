"""`Perceptron`: Rosenblatt's rule, and the record that it is famous for."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from .. import parameters
from . import options
from .classifier import LinearClassifier


class Perceptron(LinearClassifier):
    """Rosenblatt's perceptron."""

    _parameter_constraints: ClassVar[dict] = {
        **options.SHARED, **options.CLASSIFIER,
        **{name: options.SGD[name] for name in ("penalty", "alpha", "l1_ratio", "eta0")},
    }  # fmt: skip

    def __init__(
        self,
        *,
        penalty: str | None = None,
        alpha: float = 0.0001,
        l1_ratio: float | None = 0.15,
        fit_intercept: bool = True,
        max_iter: int = 1000,
        tol: float | None = 1e-3,
        shuffle: bool = True,
        verbose: int = 0,
        eta0: float = 1.0,
        n_jobs: int | None = None,
        random_state: int | np.random.RandomState | None = 0,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 5,
        class_weight: dict | str | None = None,
        warm_start: bool = False,
        order: str = "per_class",
        n_features: int | None = None,
    ):
        parameters.store(self, locals())

    def _fields(self) -> dict[str, float]:
        return {
            **options.loss_fields("perceptron", 0.0),
            **options.penalty_fields(self.penalty, self.alpha, self.l1_ratio),
            **options.schedule_fields("constant", self.alpha, self.eta0, 0.5),
        }
