"""Pictures: learning curves, decision boundaries, weights, speed-ups, how times scale.

Every function draws on the Axes it is given and returns it; without one, it makes a figure with
`matplotlib.pyplot`, which notebooks show. Colours can be told apart by colour-blind readers, and
every line, region and bar also without colour. Matplotlib comes with ``pip install
'fastperc[plot]'`` and is imported when something is drawn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .bars import plot_parts, plot_speedups
from .decision_boundary import DecisionBoundaryDisplay, plot_decision_boundary
from .dots import plot_comparison
from .files import as_png
from .fleets import plot_results
from .histories import plot_histories, plot_history
from .linear import plot_boundary_path, plot_mistakes, plot_progressive
from .predictions import (
    plot_calibration,
    plot_confusion,
    plot_importances,
    plot_predicted,
    plot_residuals,
)
from .roofline import plot_roofline
from .scaling import plot_scaling
from .weights import plot_weights

if TYPE_CHECKING:
    from .style import Axes as Axes

__all__ = [
    "DecisionBoundaryDisplay",
    "as_png",
    "plot_boundary_path",
    "plot_calibration",
    "plot_comparison",
    "plot_confusion",
    "plot_decision_boundary",
    "plot_histories",
    "plot_history",
    "plot_importances",
    "plot_mistakes",
    "plot_parts",
    "plot_predicted",
    "plot_progressive",
    "plot_residuals",
    "plot_results",
    "plot_roofline",
    "plot_scaling",
    "plot_speedups",
    "plot_weights",
]
