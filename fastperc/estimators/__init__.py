"""The scikit-learn door: estimators with scikit-learn's names, numbers and random streams."""

from .classifier import MLPClassifier
from .ensembles import MLPEnsembleClassifier, MLPEnsembleRegressor
from .groups import GroupedMLPClassifier, GroupedMLPRegressor, fit_groups
from .regressor import MLPRegressor

__all__ = [
    "GroupedMLPClassifier",
    "GroupedMLPRegressor",
    "MLPClassifier",
    "MLPEnsembleClassifier",
    "MLPEnsembleRegressor",
    "MLPRegressor",
    "fit_groups",
]
