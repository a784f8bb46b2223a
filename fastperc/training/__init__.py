"""Training: one engine behind every interface. It knows no estimator and no `Network`."""

from .loop import History

__all__ = ["History"]
