"""Ensembles: the mean of many networks that are trained together."""

from .classifier import MLPEnsembleClassifier
from .regressor import MLPEnsembleRegressor

__all__ = ["MLPEnsembleClassifier", "MLPEnsembleRegressor"]
