"""Fitted models as files that other programs run; see docs/exports.md."""
