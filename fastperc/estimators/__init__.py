"""The scikit-learn door: estimators with scikit-learn's names, numbers and random streams."""

from .classifier import MLPClassifier
from .ensembles import MLPEnsembleClassifier, MLPEnsembleRegressor
from .groups import GroupedMLPClassifier, GroupedMLPRegressor, fit_groups
from .linear import (
    FTRLClassifier,
    FTRLRegressor,
    PassiveAggressiveClassifier,
    PassiveAggressiveRegressor,
    Perceptron,
    SGDClassifier,
    SGDRegressor,
)
from .regressor import MLPRegressor

__all__ = [
    "FTRLClassifier",
    "FTRLRegressor",
    "GroupedMLPClassifier",
    "GroupedMLPRegressor",
    "MLPClassifier",
    "MLPEnsembleClassifier",
    "MLPEnsembleRegressor",
    "MLPRegressor",
    "PassiveAggressiveClassifier",
    "PassiveAggressiveRegressor",
    "Perceptron",
    "SGDClassifier",
    "SGDRegressor",
    "fit_groups",
]
