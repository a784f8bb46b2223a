"""The scikit-learn door: estimators with scikit-learn's names, numbers and random streams."""

from .classifier import MLPClassifier
from .ensembles import MLPEnsembleClassifier, MLPEnsembleRegressor
from .regressor import MLPRegressor

__all__ = ["MLPClassifier", "MLPEnsembleClassifier", "MLPEnsembleRegressor", "MLPRegressor"]
