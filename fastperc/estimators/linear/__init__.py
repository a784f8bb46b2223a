"""Linear models with scikit-learn's names and numbers: one update per row, at memory's speed."""

from .ftrl import FTRLClassifier, FTRLRegressor
from .passive_aggressive import PassiveAggressiveClassifier, PassiveAggressiveRegressor
from .perceptron import Perceptron
from .sgd import SGDClassifier, SGDRegressor

__all__ = [
    "FTRLClassifier",
    "FTRLRegressor",
    "PassiveAggressiveClassifier",
    "PassiveAggressiveRegressor",
    "Perceptron",
    "SGDClassifier",
    "SGDRegressor",
]
