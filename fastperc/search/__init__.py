"""scikit-learn's searches for good parameters, whose networks are trained together.

``from fastperc import GridSearchCV`` in place of ``from sklearn.model_selection import
GridSearchCV`` is all that it takes.
"""

from .grid import GridSearchCV, RandomizedSearchCV
from .halving import HalvingRandomSearchCV

__all__ = ["GridSearchCV", "HalvingRandomSearchCV", "RandomizedSearchCV"]
