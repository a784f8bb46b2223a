"""What a training came to, for people and programs: a page, a picture, a dict."""

from __future__ import annotations

from .pictures import write_plot
from .report import write_report
from .summaries import as_json

__all__ = ["as_json", "write_plot", "write_report"]
