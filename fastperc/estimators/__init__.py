"""The scikit-learn door: estimators with scikit-learn's names, numbers and random streams."""

from .classifier import MLPClassifier
from .regressor import MLPRegressor

__all__ = ["MLPClassifier", "MLPRegressor"]
