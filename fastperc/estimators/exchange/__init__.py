"""Estimators as networks and as scikit-learn's own, and back."""
