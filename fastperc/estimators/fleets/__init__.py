"""Estimators trained together, as fleets of networks: the same results as `fit`, sooner."""

from .jobs import Job
from .outcomes import Outcome
from .together import fit_together

__all__ = ["Job", "Outcome", "fit_together"]
