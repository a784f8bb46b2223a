"""How good predictions are: predicted beside true values, residuals, confusion, calibration."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from .. import checks
from ..optional import require
from .style import DARK, OTHERS, OURS, SMALL, name_rows, new_axes, size_for, tidy

if TYPE_CHECKING:
    from matplotlib.axis import Axis

    from .style import Axes

SIZE = 4.8, 3.6
MOST_POINTS = 1500  # in a scatter: more hide each other, and make vector pictures large
MOST_CLASSES = 30
MOST_NUMBERS = 12  # classes whose counts are written into their cells
MOST_BINS, IN_BIN = 10, 20  # how many rows at least
LONGEST_NAME = 24


def plot_predicted(true: ArrayLike, predicted: ArrayLike, ax: Axes | None = None) -> Axes:
    """Draw predicted values over true ones; on the diagonal they are the same.

    Of many, 1,500 that are spread evenly over the order are drawn.

    Parameters
    ----------
    true, predicted : array_like of shape (n,)
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Examples
    --------
    >>> ax = plot_predicted([1, 2, 3], [1.1, 1.9, 3.2])
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('True value', 'Predicted value')
    """
    true, predicted = _pairs(true, predicted)
    some = evenly(len(true), MOST_POINTS)
    ax = new_axes(SIZE) if ax is None else ax
    ax.plot(true[some], predicted[some], "o", color=OURS, markersize=3, alpha=0.5, mew=0)
    ends = [min(true.min(), predicted.min()), max(true.max(), predicted.max())]
    ax.plot(ends, ends, "--", color=DARK, linewidth=1)
    ax.set(xlabel="True value", ylabel="Predicted value")
    _few_ticks(ax.xaxis, 5)
    _few_ticks(ax.yaxis, 7)
    tidy(ax, "both")
    return ax


def plot_residuals(true: ArrayLike, predicted: ArrayLike, ax: Axes | None = None) -> Axes:
    """Draw how often predictions are off by how much, as a histogram of true minus predicted.

    What is farther off than all but a hundredth at either end is counted in the outer bars.

    Parameters
    ----------
    true, predicted : array_like of shape (n,)
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Examples
    --------
    >>> ax = plot_residuals([1, 2, 3], [1.1, 1.9, 3.2])
    >>> int(sum(bar.get_height() for bar in ax.patches))
    3
    """
    true, predicted = _pairs(true, predicted)
    residuals = true - predicted
    low, high = np.quantile(residuals, [0.01, 0.99])
    ax = new_axes(SIZE) if ax is None else ax
    n_bars = int(np.clip(np.sqrt(len(residuals)), 5, 40))
    ax.hist(np.clip(residuals, low, high), n_bars, color=OURS, edgecolor="white", linewidth=0.4)
    ax.axvline(0, color=DARK, linewidth=1)
    ax.set(xlabel="True minus predicted value", ylabel="Rows")
    _few_ticks(ax.xaxis, 5)
    tidy(ax, "y")
    return ax


def plot_confusion(
    true: ArrayLike, predicted: ArrayLike, classes: Sequence[object], ax: Axes | None = None
) -> Axes:
    """Draw which part of the rows of each class is taken for which, the darker the more.

    With up to 12 classes the rows are counted in each cell. Of more than 30, the 30 most frequent
    are drawn.

    Parameters
    ----------
    true, predicted : array_like of shape (n,)
        Labels.
    classes : sequence
        All labels, in the order of the picture.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Examples
    --------
    >>> ax = plot_confusion(["a", "b", "b"], ["a", "b", "a"], ["a", "b"])
    >>> [text.get_text() for text in ax.texts]
    ['1', '0', '1', '1']
    """
    counts, shown = confusion(true, predicted, classes)
    n = len(shown)
    side = float(np.clip(1.6 + 0.45 * n, SIZE[1], 7.5))
    ax = new_axes((side + 0.8, side)) if ax is None else ax
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    ax.imshow(shares, cmap="Blues", vmin=0, vmax=1, interpolation="nearest", aspect="auto")
    names = [short(name) for name in shown]
    turn = 90 if n > MOST_NUMBERS or max(map(len, names)) > 6 else 0
    small = SMALL if n > MOST_NUMBERS else SMALL + 1
    ax.set_xticks(range(n), names, parse_math=False, fontsize=small, rotation=turn)
    ax.set_yticks(range(n), names, parse_math=False, fontsize=small)
    ax.set(xlabel="Predicted", ylabel="True")
    if n <= MOST_NUMBERS:
        for (i, j), count in np.ndenumerate(counts):
            colour = "white" if shares[i, j] > 0.6 else DARK
            ax.text(j, i, f"{count:,}", ha="center", va="center", color=colour, fontsize=small)
    return ax


def confusion(
    true: ArrayLike, predicted: ArrayLike, classes: Sequence[object]
) -> tuple[np.ndarray, list[object]]:
    """Return how many rows of each class, down, are taken for which, across; and these classes."""
    true, predicted = np.asarray(true), np.asarray(predicted)
    place = {label: k for k, label in enumerate(classes)}
    n = len(place)
    pairs = [
        place[a] * n + place[b] for a, b in zip(true.tolist(), predicted.tolist(), strict=True)
    ]
    counts = np.bincount(np.array(pairs, np.int64), minlength=n * n).reshape(n, n)
    kept = np.sort(np.argsort(-counts.sum(axis=1), kind="stable")[:MOST_CLASSES])
    return counts[np.ix_(kept, kept)], [classes[k] for k in kept]


def plot_calibration(
    probability: ArrayLike, happened: ArrayLike, ax: Axes | None = None, **names: str
) -> Axes:
    """Draw how often something was so, over the probability that was given for it.

    On the diagonal, probabilities mean what they say. The rows are in order of probability, in at
    most ten bins of as many rows, 20 or more; the bar of each is of two standard errors.

    Parameters
    ----------
    probability : array_like of float of shape (n,)
    happened : array_like of bool of shape (n,)
    ax : matplotlib Axes, optional
    **names : str
        ``xlabel`` and ``ylabel``.

    Returns
    -------
    matplotlib Axes

    Examples
    --------
    >>> ax = plot_calibration([0.1, 0.9, 0.95], [False, True, True])
    >>> ax.containers[0].lines[0].get_ydata().tolist()
    [0.5, 1.0]
    """
    probability, happened = np.asarray(probability, float), np.asarray(happened, bool)
    n_bins = min(int(np.clip(len(happened) // IN_BIN, 2, MOST_BINS)), len(happened))
    bins = np.array_split(np.argsort(probability, kind="stable"), n_bins)
    mean = np.array([probability[rows].mean() for rows in bins])
    part = np.array([happened[rows].mean() for rows in bins])
    n = np.array([len(rows) for rows in bins])
    error = 2 * np.sqrt(part * (1 - part) / n)
    ax = new_axes(SIZE) if ax is None else ax
    ax.plot([0, 1], [0, 1], "--", color=DARK, linewidth=1)
    ax.errorbar(mean, part, error, fmt="o-", color=OURS, markersize=5, capsize=3, linewidth=1.2)
    ax.set(xlabel="Predicted probability", ylabel="Part that was so", xlim=(-0.03, 1.03),
           ylim=(-0.03, 1.03), **names)  # fmt: skip
    tidy(ax, "both")
    return ax


def plot_importances(
    names: Sequence[str],
    means: ArrayLike,
    spreads: ArrayLike,
    ax: Axes | None = None,
    **labels: str,
) -> Axes:
    """Draw how much a score falls when a column is shuffled, as bars with their spread.

    Parameters
    ----------
    names : sequence of str
        From top to bottom.
    means, spreads : array_like of shape (n,)
    ax : matplotlib Axes, optional
    **labels : str
        ``xlabel``.

    Returns
    -------
    matplotlib Axes

    Examples
    --------
    >>> ax = plot_importances(["size", "age"], [0.4, 0.1], [0.02, 0.01])
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['size', 'age']
    """
    short_names = [short(name) for name in names]
    ax = new_axes(size_for(short_names)) if ax is None else ax
    ax.barh(range(len(names)), np.asarray(means), xerr=np.asarray(spreads), color=OURS,
            ecolor=OTHERS, height=0.6)  # fmt: skip
    name_rows(ax, short_names)
    for label in ax.get_yticklabels():
        label.set_parse_math(False)
    ax.axvline(0, color=DARK, linewidth=0.8)
    ax.set(**{"xlabel": "Loss of score when shuffled", **labels})
    return ax


def _few_ticks(axis: Axis, most: int) -> None:
    """Label so many places at most, with commas between thousands."""
    ticker = require("matplotlib.ticker", extra="plot")
    axis.set_major_locator(ticker.MaxNLocator(most - 1))
    axis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:,.6g}"))


def short(name: object) -> str:
    """Return a name that has room in a picture, on one line."""
    text = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in str(name))
    return text if len(text) <= LONGEST_NAME else f"{text[: LONGEST_NAME - 1]}…"


def evenly(n: int, most: int) -> np.ndarray:
    """Return the places of at most so many of n things, spread evenly."""
    return np.linspace(0, n - 1, min(n, most)).round().astype(np.int64)


def _pairs(true: ArrayLike, predicted: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    pairs = [checks.check_array(v, name, ndim=1)
             for v, name in ((true, "true"), (predicted, "predicted"))]  # fmt: skip
    if len(pairs[0]) != len(pairs[1]) or not len(pairs[0]):
        raise ValueError(
            f"predicted: found {len(pairs[1])} values for {len(pairs[0])} true ones, expected as "
            "many, and at least 1"
        )
    return pairs[0], pairs[1]
