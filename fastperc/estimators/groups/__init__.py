"""One network for each group of rows, all of them trained together."""

from .classifier import GroupedMLPClassifier
from .fitting import fit_groups
from .regressor import GroupedMLPRegressor

__all__ = ["GroupedMLPClassifier", "GroupedMLPRegressor", "fit_groups"]
