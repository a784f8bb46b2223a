"""Estimators trained together, as fleets of networks: the same results as `fit`, sooner."""

from .jobs import Job
from .outcomes import Outcome
from .scores import default_scores
from .together import fit_together

__all__ = ["Job", "Outcome", "default_scores", "fit_together"]
