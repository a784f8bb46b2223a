"""Training: one engine behind every interface. It knows no estimator and no `Network`."""

from .history import History

__all__ = ["History"]
