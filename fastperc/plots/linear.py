"""Linear models on their way: the boundary's path, mistakes of each epoch, progressive scores."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import ArrayLike

from .. import checks
from ..optional import require
from .style import COLOURS, DARK, MARKERS, OURS, SMALL, names_at_ends, new_axes, nth, tidy

if TYPE_CHECKING:
    from .style import Axes

FAINTEST = 0.3  # how strong the first line of a path is; the last is 1
MARGIN = 0.08  # of the picture's width, around the samples


class Perceptron(Protocol):
    """A model with the record of Rosenblatt's rule."""

    mistakes_: np.ndarray
    separated_: bool
    mistake_bound_: float


class Progressive(Protocol):
    """A score of predictions made before each row was learned, as a `ProgressiveScore` is one."""

    @property
    def metric(self) -> str: ...

    @property
    def score(self) -> float: ...

    @property
    def curve(self) -> np.ndarray: ...


def plot_boundary_path(
    X: ArrayLike, y: ArrayLike, coefs: ArrayLike, intercepts: ArrayLike, ax: Axes | None = None
) -> Axes:
    """Draw where the boundary of a linear classifier lay after each of several steps.

    Parameters
    ----------
    X : array_like of shape (n_samples, 2)
    y : array_like of shape (n_samples,)
        Labels of two classes.
    coefs : array_like of shape (n_steps, 2)
        Coefficients after each step, such as each epoch.
    intercepts : array_like of shape (n_steps,)
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Notes
    -----
    Steps without a boundary, where both coefficients are 0, are left out.

    Examples
    --------
    >>> X, y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 0, 0, 1]
    >>> ax = plot_boundary_path(X, y, [[1, 0], [2, 2]], [-0.5, -3])
    >>> len(ax.lines)
    2
    """
    plane = checks.check_array(X, "X", columns=2)
    labels = np.asarray(y)
    if labels.shape != (len(plane),):
        raise ValueError(f"y: found shape {labels.shape}, expected {(len(plane),)}, one per row")
    w = checks.check_array(coefs, "coefs", columns=2)
    b = checks.check_array(intercepts, "intercepts", ndim=1)
    if len(b) != len(w):
        raise ValueError(f"intercepts: found {len(b)}, expected {len(w)}, one for each step")
    ax = new_axes((6.4, 4.4)) if ax is None else ax
    low, high = plane.min(axis=0), plane.max(axis=0)
    room = MARGIN * np.where(high > low, high - low, 1.0)
    low, high = low - room, high + room
    for k, label in enumerate(np.unique(labels)):
        x0, x1 = plane[labels == label].T
        ax.scatter(
            x0, x1, c=nth(COLOURS, k), marker=nth(MARKERS, k), s=_size(len(plane)),
            edgecolors=DARK, linewidths=0.5, label=str(label),
        )  # fmt: skip
    steps = np.flatnonzero(w.any(axis=1))
    for place, k in enumerate(steps.tolist()):
        is_last = place == len(steps) - 1
        strength = 1.0 if is_last else FAINTEST + (0.7 - FAINTEST) * place / max(1, len(steps) - 1)
        ax.plot(
            *_line(w[k], b[k], low, high), color=DARK, alpha=strength, zorder=3 if is_last else 1,
            linewidth=2.0 if is_last else 1.0,
            label=f"boundary after {k + 1} step{'s' * (k > 0)}" if is_last else None,
        )  # fmt: skip
    ax.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), xlabel="x1", ylabel="x2")
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
    return ax


def _size(n: int) -> float:
    return min(36.0, max(8.0, 500 / math.sqrt(n)))


def _line(w: np.ndarray, b: float, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Return two ends of the line ``x @ w + b = 0``, far enough apart to cross the picture."""
    centre = (low + high) / 2
    nearest = centre - (w @ centre + b) / (w @ w) * w
    along = np.array([-w[1], w[0]]) / math.hypot(*w)
    reach = float(np.linalg.norm(high - low) + np.linalg.norm(nearest - centre))
    return np.array([nearest - reach * along, nearest + reach * along]).T


def plot_mistakes(model: Perceptron, ax: Axes | None = None) -> Axes:
    """Draw how many mistakes a perceptron made in each epoch.

    Parameters
    ----------
    model : Perceptron
        Fitted.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Examples
    --------
    >>> from fastperc import Perceptron
    >>> model = Perceptron(tol=None, max_iter=20).fit([[0.0], [1.0], [2.0], [3.0]], [0, 0, 1, 1])
    >>> len(plot_mistakes(model).lines[0].get_xdata()) == model.n_iter_
    True
    """
    mistakes = getattr(model, "mistakes_", None)
    if mistakes is None:
        raise ValueError(
            f"model: found a {type(model).__name__} without mistakes_, expected a fitted Perceptron"
        )
    ticker = require("matplotlib.ticker", extra="plot")
    ax = new_axes((6.4, 4.0)) if ax is None else ax
    epochs = np.arange(1, len(mistakes) + 1)
    marker = "o" if len(mistakes) <= 50 else None
    ax.plot(epochs, mistakes, color=OURS, marker=marker, markersize=4)
    if model.separated_:
        first = int(np.flatnonzero(mistakes)[-1]) + 2 if np.any(mistakes) else 1
        ax.axvspan(first - 0.5, len(mistakes) + 0.5, color=OURS, alpha=0.1, linewidth=0)
        text = f"separated from epoch {first} on, after {int(mistakes.sum()):,} mistakes"
        if math.isfinite(model.mistake_bound_):
            text += f"; at most {model.mistake_bound_:,.0f} were possible"
    else:
        text = f"not separated: {int(mistakes[-1]):,} mistakes in the last epoch"
    ax.set_title(text, fontsize=SMALL + 1, loc="left")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(ticker.MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    ax.set(xlabel="Epoch", ylabel="Mistakes", ylim=(0, None))
    tidy(ax, "y")
    return ax


def plot_progressive(
    curves: Progressive | Mapping[str, Progressive], ax: Axes | None = None
) -> Axes:
    """Draw how well rows were predicted before they were learned, over all rows so far.

    Parameters
    ----------
    curves : ProgressiveScore, or mapping of label to ProgressiveScore
        One, or several of one metric to compare: each has its name at its end.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Examples
    --------
    >>> from fastperc import SGDClassifier
    >>> curve = SGDClassifier().progressive_score([[0.0], [1.0], [0.0], [1.0]], [0, 1, 0, 1])
    >>> plot_progressive(curve).get_ylabel()
    'accuracy over all rows so far'
    """
    runs = dict(curves) if isinstance(curves, Mapping) else {"": curves}
    metrics = {run.metric for run in runs.values()}
    if len(metrics) != 1:
        raise ValueError(
            f"curves: found the metrics {', '.join(sorted(metrics)) or 'of no curve'}, expected "
            "curves of one metric"
        )
    ax = new_axes((6.4, 4.0)) if ax is None else ax
    for k, (name, run) in enumerate(runs.items()):
        label = f"{name} {run.score:.4g}" if name else None
        ax.plot(*np.asarray(run.curve).T, color=nth(COLOURS, k), label=label)
    metric = metrics.pop()
    ax.set(xlabel="Rows seen", ylabel=f"{metric.replace('_', ' ')} over all rows so far")
    ax.set_xlim(1, max(2, *(run.curve[-1, 0] for run in runs.values())))  # a row alone is no range
    tidy(ax, "y")
    if isinstance(curves, Mapping):
        names_at_ends(ax)
    return ax
