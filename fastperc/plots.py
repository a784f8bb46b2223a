"""Pictures: learning curves, decision boundaries, weights, speed-ups, how times scale.

Every function draws on the Axes it is given and returns it; without one, it makes a figure with
`matplotlib.pyplot`, which notebooks show. Colours can be told apart by colour-blind readers, and
every line, region and bar also without colour. Matplotlib comes with ``pip install
'fastperc[plot]'`` and is imported when something is drawn.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from . import checks
from .extras import require
from .training import History

if TYPE_CHECKING:
    from matplotlib.axes import Axes as Axes

# Okabe and Ito (2008), "Color universal design", without black; then three of Tol (2021), "Colour
# schemes". There is one marker more, so that colour and marker together tell 110 things apart.
COLOURS = (
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#F0E442",
    "#332288", "#882255", "#999999",
)  # fmt: skip
MARKERS = "os^DvPX<>ph"
DARK = "#333333"
GRID_POINTS = 300  # along each side of a decision boundary's picture


def plot_history(
    histories: History | Mapping[str, History] | Iterable[tuple[str, History]],
    ax: Axes | None = None,
) -> Axes:
    """Draw the loss of each epoch: solid lines for training, dashed ones for validation.

    The loss axis is logarithmic where losses are positive and span more than a decade.

    Parameters
    ----------
    histories : History, or mapping or pairs of label and History
        One run, or several to compare.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Examples
    --------
    >>> from fastperc import History
    >>> ax = plot_history({"lr 0.1": History(loss=[4, 2, 1]), "lr 1": History(loss=[4, 3, 3])})
    >>> ax.get_legend_handles_labels()[1]
    ['lr 0.1', 'lr 1']
    """
    runs = _labelled(histories)
    ticker = require("matplotlib.ticker", extra="plot")
    ax = _new_axes((6.4, 4.0)) if ax is None else ax
    for i, (label, history) in enumerate(runs):
        _plot_run(ax, i, label, history, alone=len(runs) == 1)
    losses = [loss for _, run in runs for loss in (*run.loss, *run.validation_loss)]
    if min(losses) > 0 and max(losses) > 10 * min(losses):
        ax.set_yscale("log")
        ax.yaxis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:g}"))
    ax.xaxis.set_major_locator(ticker.MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    ax.set_xlabel("Epoch")
    ax.set_ylabel("Loss (mean over samples)")
    _tidy(ax, "both")
    if len(runs) > 1 or runs[0][1].validation_loss:
        ax.legend(frameon=False, handlelength=3.5)
    return ax


def _labelled(histories: Any) -> list[tuple[str, History]]:
    if isinstance(histories, History):
        runs = [("", histories)]
    elif isinstance(histories, Mapping):
        runs = list(histories.items())
    else:
        runs = list(histories) if isinstance(histories, Iterable) else [histories]
    if not all(_is_run(run) for run in runs):
        raise TypeError(
            f"histories: found {histories!r:.60}, expected a History, or a dict or pairs of label "
            "and History. Train first, and give net.history"
        )
    empty = [label for label, history in runs if not history.loss]
    if empty or not runs:
        which = f"in {empty[0]!r}" if empty and empty[0] else "at all"
        raise ValueError(
            f"histories: found no epoch {which}, expected at least 1. Train for an epoch first"
        )
    return runs


def _is_run(value: Any) -> bool:
    return isinstance(value, Sequence) and len(value) == 2 and isinstance(value[1], History)


def _plot_run(ax: Axes, i: int, label: str, history: History, alone: bool) -> None:
    """The one or two curves of a run, with a few markers that tell it from others."""
    names = ("training", "validation") if alone else (label, f"{label}, validation")
    for losses, dashes, name in zip(
        (history.loss, history.validation_loss), ("-", "--"), names, strict=True
    ):
        if losses:
            every = max(1, len(losses) // 8)
            # Runs have their markers at different epochs, so that equal losses do not hide one.
            first = i * every // 3 % len(losses)
            ax.plot(
                range(1, len(losses) + 1), losses, dashes, label=name, color=_nth(COLOURS, i),
                marker=_nth(MARKERS, i), markersize=5, markevery=(first, every),
            )  # fmt: skip


def plot_decision_boundary(predictor: Any, X: Any, y: Any, ax: Axes | None = None) -> Axes:
    """Draw which class is predicted where, for two inputs, and the samples of each class.

    Samples that are predicted wrongly are hollow.

    Parameters
    ----------
    predictor : object
        Anything with ``predict``, from (n_samples, 2) to one label each: a `Network` with log_loss
        or cross_entropy, an estimator.
    X : array_like of shape (n_samples, 2)
    y : array_like of shape (n_samples,)
        Labels: numbers or text.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Examples
    --------
    >>> from fastperc import Network
    >>> net = Network((2, 1), output="sigmoid", loss="log_loss", seed=0)
    >>> X, y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 1]
    >>> history = net.train(X, y, epochs=200, lr=0.5)
    >>> ax = plot_decision_boundary(net, X, y)
    >>> ax.get_legend_handles_labels()[1]
    ['0', '1']
    """
    X, y = _check_plane(X, y)
    x1, x2 = (_span(column) for column in X.T)
    grid = np.stack(np.meshgrid(x1, x2), axis=-1).reshape(-1, 2)
    regions, predicted = _predicted(predictor, grid, y), _predicted(predictor, X, y)
    classes = np.unique(np.concatenate([regions, predicted, y]))
    colours = require("matplotlib.colors", extra="plot").to_rgba_array(COLOURS)[:, :3]
    ax = _new_axes((6.4, 4.4)) if ax is None else ax
    _draw_regions(ax, x1, x2, np.searchsorted(classes, regions).reshape(len(x2), -1), colours)
    size = min(36.0, max(8.0, 500 / math.sqrt(len(X))))
    for k, label in enumerate(classes):
        of_class = y == label
        _draw_samples(ax, X[of_class], predicted[of_class] == label, k, label, size)
    if (predicted != y).any():
        ax.scatter([], [], c="white", edgecolors=DARK, linewidths=1.4, label="predicted wrongly")
    ax.set(xlabel="Input 1", ylabel="Input 2")
    ax.legend(
        title="Class", loc="upper left", bbox_to_anchor=(1, 1), frameon=False, alignment="left"
    )
    return ax


def _check_plane(X: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
    X = checks.check_array(X, "X")
    if X.shape[1] != 2:
        raise ValueError(
            f"X: found {X.shape[1]} columns, expected 2: the picture is a plane. Train on two "
            "columns, or on the first two principal components"
        )
    y = _labels(y, "y")
    if len(y) != len(X):
        raise ValueError(f"y: found {len(y)} labels, expected {len(X)}, one for each row of X")
    return X, y


def _predicted(predictor: Any, X: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The label of each row of X, of the same kind as ``y``."""
    if not callable(getattr(predictor, "predict", None)):
        raise TypeError(f"predictor: found {predictor!r:.60}, expected something with predict")
    labels = _labels(predictor.predict(X), "predict(X)")
    if (labels.dtype.kind in "US") != (y.dtype.kind in "US"):
        raise TypeError(
            f"y: found labels such as {y[0]!s:.60}, expected labels such as the predicted "
            f"{labels[0]!s:.60}. Give y as it was trained on"
        )
    return labels


def _labels(values: Any, name: str) -> np.ndarray:
    """Labels as a 1-D array of whole numbers, truth values or text."""
    labels = np.asarray(values)
    labels = np.asarray(labels.tolist()) if labels.dtype.kind == "O" else labels
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1 or len(labels) == 0:
        raise ValueError(f"{name}: found shape {labels.shape}, expected one label for each sample")
    if labels.dtype.kind == "f":
        odd = labels[labels != np.rint(labels)]
        if len(odd):
            raise ValueError(
                f"{name}: found {odd[0]:g}, expected class labels. Only classifiers, such as "
                "networks with log_loss or cross_entropy, have decision boundaries"
            )
        labels = labels.astype(np.int64)
    return labels


def _span(column: np.ndarray) -> np.ndarray:
    """Evenly spaced points a little beyond the data."""
    low, high = column.min(), column.max()
    margin = 0.06 * (high - low) or 0.5
    return np.linspace(low - margin, high + margin, GRID_POINTS)


def _draw_regions(
    ax: Axes, x1: np.ndarray, x2: np.ndarray, regions: np.ndarray, colours: np.ndarray
) -> None:
    """Tint each class's region, and draw where it ends."""
    tints = 1 - 0.3 * (1 - colours)[np.arange(regions.max() + 1) % len(colours)]
    extent = (x1[0], x1[-1], x2[0], x2[-1])
    ax.imshow(tints[regions], extent=extent, origin="lower", aspect="auto", interpolation="nearest")
    for k in np.unique(regions):
        inside = regions == k
        if not inside.all():
            ax.contour(x1, x2, inside, levels=[0.5], colors=DARK, linewidths=0.8)


def _draw_samples(
    ax: Axes, X: np.ndarray, right: np.ndarray, k: int, label: Any, size: float
) -> None:
    """The samples of a class: filled where the prediction is right, hollow where it is wrong."""
    marker, colour, wrong = _nth(MARKERS, k), _nth(COLOURS, k), ~right
    ax.scatter(
        X[right, 0], X[right, 1], size, colour, marker=marker, label=str(label),
        edgecolors=DARK, linewidths=0.5,
    )  # fmt: skip
    ax.scatter(
        X[wrong, 0], X[wrong, 1], size, "white", marker=marker,
        edgecolors=colour, linewidths=1.4, zorder=2,
    )  # fmt: skip


def plot_speedups(names: Sequence[str], ratios: Sequence[float], ax: Axes | None = None) -> Axes:
    """Draw how many times as fast things are as a baseline, as bars from 1 on a logarithmic axis.

    What is slower than the baseline points to the left and is hatched.

    Parameters
    ----------
    names : sequence of str
        From top to bottom.
    ratios : sequence of float
        Time of the baseline divided by the time of each.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Examples
    --------
    >>> ax = plot_speedups(["one sample", "batch of 32"], [164, 9.4])
    >>> [text.get_text() for text in ax.texts]
    ['164×', '9.4×']
    """
    names, ratios = _check_bars(names, ratios)
    ax = _new_axes(_size_for(names)) if ax is None else ax
    for i, ratio in enumerate(ratios):
        _draw_bar(ax, i, ratio)
    _scale_bars(ax, min(1.0, *ratios), max(1.0, *ratios))
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.set_xlabel("Speed-up (times as fast, logarithmic)")
    _tidy(ax, "x")
    ax.axvline(1, color=DARK, linewidth=0.8)
    return ax


def _scale_bars(ax: Axes, low: float, high: float) -> None:
    """A logarithmic axis with room for the figures beside the longest bars, ticks such as 10×."""
    ticker = require("matplotlib.ticker", extra="plot")
    ax.set_xscale("log")
    high = max(high, 2 * low)
    room = (high / low) ** 0.2
    ax.set_xlim(low / room if low < 1 else 1.0, high * room)
    subs = (1.0,) if high > 30 * low else (1.0, 2.0, 5.0)
    ax.xaxis.set_major_locator(ticker.LogLocator(subs=subs))
    ax.xaxis.set_major_formatter(ticker.FuncFormatter(lambda value, _: _times(value)))
    ax.xaxis.set_minor_locator(ticker.NullLocator())


def plot_comparison(
    names: Sequence[str],
    times: Sequence[float],
    intervals: Sequence[tuple[float, float]] | None = None,
    *,
    wrong: Iterable[str] = (),
    title: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw the time per sample of several ways of training, as bars on a logarithmic axis.

    Parameters
    ----------
    names : sequence of str
        From top to bottom.
    times : sequence of float
        Nanoseconds per sample.
    intervals : sequence of (low, high), optional
        Where each time lies; drawn as a line across the bar's end.
    wrong : iterable of str
        Those of the names whose results are wrong: hatched, and said so.
    title : str
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Examples
    --------
    >>> ax = plot_comparison(["NumPy", "fastperc"], [21_400, 79.6])
    >>> [text.get_text() for text in ax.texts]
    ['21,400 ns', '80 ns']
    """
    names, times = _check_bars(names, times, "times")
    wrong = {str(name) for name in wrong}
    ax = _new_axes(_size_for(names)) if ax is None else ax
    low = min(times) / 3
    for i, (name, time) in enumerate(zip(names, times, strict=True)):
        is_wrong = name in wrong
        ax.barh(
            i, time - low, left=low, height=0.66, color=COLOURS[is_wrong], edgecolor="white",
            hatch="////" if is_wrong else "",
        )  # fmt: skip
        end = time if intervals is None else max(time, intervals[i][1])
        ax.annotate(
            f"{_digits(time)} ns" + ", wrong" * is_wrong, (end, i), (4, 0),
            textcoords="offset points", ha="left", va="center", color=DARK,
        )  # fmt: skip
        if intervals is not None:
            ax.plot(intervals[i], [i, i], color=DARK, linewidth=1.4, solid_capstyle="butt")
    _scale_times(ax, low, max(times))
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.set(xlabel="Nanoseconds per sample (logarithmic; shorter is better)", title=title)
    _tidy(ax, "x")
    return ax


def _scale_times(ax: Axes, low: float, high: float) -> None:
    """A logarithmic axis with ticks such as 1,000, and room for figures beside the longest bar."""
    ax.set_xscale("log")
    ax.set_xlim(low, high * (high / low) ** 0.25)
    _plain_ticks(ax.xaxis)


def _plain_ticks(axis: Any) -> None:
    """Powers of ten as 0.1, 1, 1,000; on a short axis also 2 and 5 times these."""
    ticker = require("matplotlib.ticker", extra="plot")
    low, high = axis.get_view_interval()
    axis.set_major_locator(ticker.LogLocator(subs=(1.0,) if high > 30 * low else (1.0, 2.0, 5.0)))
    axis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:,.10g}"))
    axis.set_minor_locator(ticker.NullLocator())


def _digits(value: float) -> str:
    """A time to two or three digits: ``0.52``, ``9.4``, ``164``, ``21,400``."""
    return _times(value)[:-1]


def plot_scaling(
    series: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    *,
    xlabel: str,
    ylabel: str = "Nanoseconds per sample",
    ideal: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw how times depend on a size: one line for each way, both axes logarithmic.

    Parameters
    ----------
    series : mapping of label to (sizes, times)
    xlabel, ylabel : str
    ideal : {"constant", "inverse", "linear"}, optional
        Also draw, dashed, where each way's times would be if the first one's stayed the same, fell
        with the size, or grew with it.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Examples
    --------
    >>> ax = plot_scaling({"fastperc": ([1, 2], [80, 41])}, xlabel="Threads", ideal="inverse")
    >>> ax.get_legend_handles_labels()[1]
    ['fastperc', 'ideal']
    """
    if not series:
        raise ValueError("series: found none, expected at least one label with (sizes, times)")
    powers = {"constant": 0, "inverse": -1, "linear": 1}
    power = None if ideal is None else powers[checks.check_choice(ideal, "ideal", powers)]
    ax = _new_axes((6.4, 4.0)) if ax is None else ax
    for i, (label, (sizes, times)) in enumerate(series.items()):
        x, y = _check_line(label, sizes, times)
        colour = _nth(COLOURS, i)
        ax.plot(x, y, label=label, color=colour, marker=_nth(MARKERS, i), markersize=5)
        if power is not None:
            named = "ideal" if i == len(series) - 1 else None
            ax.plot(x, y[0] * (x / x[0]) ** power, "--", color=colour, linewidth=1, label=named)
    ax.set(xscale="log", yscale="log", xlabel=xlabel, ylabel=ylabel)
    _plain_ticks(ax.yaxis)
    ticks = sorted({float(value) for sizes, _ in series.values() for value in sizes})
    if len(ticks) <= 12:
        ticker = require("matplotlib.ticker", extra="plot")
        ax.set_xticks(ticks, [f"{tick:,g}" if tick < 1e5 else f"{tick:.0e}" for tick in ticks])
        ax.xaxis.set_minor_locator(ticker.NullLocator())
    _tidy(ax, "both")
    ax.legend(frameon=False, handlelength=3.5)
    return ax


def _check_line(label: str, sizes: Any, times: Any) -> tuple[np.ndarray, np.ndarray]:
    x, y = np.asarray(sizes, np.float64), np.asarray(times, np.float64)
    if x.ndim != 1 or x.shape != y.shape or len(x) == 0 or not ((x > 0).all() and (y > 0).all()):
        raise ValueError(
            f"series: found shapes {x.shape} and {y.shape} for {label!r}, expected as many sizes "
            "as times, all positive"
        )
    return x, y


def plot_roofline(
    points: Mapping[str, tuple[float, float]],
    gflops: float,
    gbytes: float,
    ax: Axes | None = None,
) -> Axes:
    """Draw kernels below what the machine can do at most: its arithmetic, and its memory.

    Parameters
    ----------
    points : mapping of name to (intensity, rate)
        Floating point operations per byte of samples and parameters, and 10^9 of them per second.
    gflops, gbytes : float
        The machine's peak of arithmetic and of memory traffic, 10^9 per second.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Notes
    -----
    After Williams, Waterman and Patterson (2009), "Roofline". Below a network that fits into the
    caches lies faster memory than was measured: such a point may be left of the ridge and above the
    slope.

    Examples
    --------
    >>> ax = plot_roofline({"8-32-1": (0.6, 18.0)}, gflops=60, gbytes=14)
    >>> ax.get_legend_handles_labels()[1]
    ['8-32-1']
    """
    gflops = checks.check_positive(gflops, "gflops")
    gbytes = checks.check_positive(gbytes, "gbytes")
    ax = _new_axes((8.0, 4.4)) if ax is None else ax
    ridge = gflops / gbytes
    x = [ridge / 30, *(intensity for intensity, _ in points.values()), ridge * 30]
    edges = np.array([min(x) / 1.5, ridge, max(x) * 1.5])
    ax.plot(edges, np.minimum(gflops, gbytes * edges), color=DARK, linewidth=1.6)
    ax.annotate(f"{_digits(gflops)} GFLOP/s", (edges[2], gflops), (0, 4), ha="right",
                textcoords="offset points", color=DARK)  # fmt: skip
    ax.annotate(f"{_digits(gbytes)} GB/s", (edges[0], gbytes * edges[0]), (14, 2),
                textcoords="offset points", color=DARK)  # fmt: skip
    for i, (name, (intensity, rate)) in enumerate(points.items()):
        ax.plot(
            [intensity], [rate], linestyle="", marker=_nth(MARKERS, i), color=_nth(COLOURS, i),
            markersize=7, markeredgecolor=DARK, markeredgewidth=0.5, label=name,
        )  # fmt: skip
    ax.set(xscale="log", yscale="log", xlabel="Operations per byte",
           ylabel="GFLOP/s")  # fmt: skip
    _plain_ticks(ax.xaxis)
    _plain_ticks(ax.yaxis)
    _tidy(ax, "both")
    ax.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
    return ax


def plot_weights(
    weights: Any, shape: tuple[int, int] | None = None, ax: Axes | None = None
) -> Axes:
    """Draw each unit's weights as a picture: grey is 0, white positive, black negative.

    Parameters
    ----------
    weights : array_like of shape (n_inputs, n_units)
        Of a first layer: ``net.weights[0]``.
    shape : (rows, columns), optional
        Of the pictures that the network sees; by default square.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Examples
    --------
    >>> import numpy as np
    >>> ax = plot_weights(np.eye(4))
    >>> ax.images[0].get_array().shape
    (5, 5)
    """
    W = checks.check_array(weights, "weights")
    n_inputs, n_units = W.shape
    side = math.isqrt(n_inputs)
    rows, columns = (side, side) if shape is None else shape
    if rows * columns != n_inputs:
        raise ValueError(
            f"shape: found {rows} x {columns} for {n_inputs} inputs, expected rows and columns "
            "whose product that is"
        )
    across = math.ceil(math.sqrt(n_units))
    down = math.ceil(n_units / across)
    page = np.full((down * (rows + 1) - 1, across * (columns + 1) - 1), np.nan)
    for k in range(n_units):
        top, left = k // across * (rows + 1), k % across * (columns + 1)
        page[top : top + rows, left : left + columns] = W[:, k].reshape(rows, columns)
    ax = _new_axes((6.4, 6.4 * down / across)) if ax is None else ax
    most = float(np.abs(W).max()) or 1.0
    ax.imshow(page, cmap="gray", vmin=-most, vmax=most, interpolation="nearest")
    ax.set_axis_off()
    return ax


def _check_bars(names: Any, values: Any, what: str = "ratios") -> tuple[list[str], list[float]]:
    names = [str(name) for name in names]
    values = [checks.check_positive(value, f"{what}[{i}]") for i, value in enumerate(values)]
    if len(names) != len(values) or not names:
        raise ValueError(
            f"{what}: found {len(values)} for {len(names)} names, expected one for each, at least 1"
        )
    return names, values


def _draw_bar(ax: Axes, i: int, ratio: float) -> None:
    """A bar from 1 to the ratio, and the ratio in figures beside its end."""
    slower = ratio < 1
    ax.barh(
        i, ratio - 1, left=1, height=0.66, color=COLOURS[slower], edgecolor="white",
        hatch="////" if slower else "",
    )  # fmt: skip
    ax.annotate(
        _times(ratio), (ratio, i), (-4 if slower else 4, 0), textcoords="offset points",
        ha="right" if slower else "left", va="center", color=DARK,
    )  # fmt: skip


def _times(ratio: float) -> str:
    """A ratio to two or three digits: ``0.52×``, ``9.4×``, ``164×``, ``1,280×``."""
    digits = max(0, 1 - math.floor(math.log10(ratio)))
    text = f"{ratio:,.{digits}f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text) + "×"


def as_png(ax: Axes, dpi: int = 130) -> bytes:
    """The whole figure as a PNG file's content; a figure that pyplot made is closed."""
    file = io.BytesIO()
    ax.figure.savefig(file, format="png", dpi=dpi)  # type: ignore[union-attr]
    require("matplotlib.pyplot", extra="plot").close(ax.figure)
    return file.getvalue()


def _size_for(names: list[str]) -> tuple[float, float]:
    """Of a figure with a bar for each name, and room for the longest name."""
    return 6.4 + 0.08 * max(0, max(map(len, names)) - 20), 1.0 + 0.38 * len(names)


def _new_axes(size: tuple[float, float]) -> Axes:
    pyplot = require("matplotlib.pyplot", extra="plot")
    return pyplot.subplots(figsize=size, layout="constrained")[1]


def _tidy(ax: Axes, grid: Literal["x", "both"]) -> None:
    """A faint grid behind the data, and no frame at the top and right."""
    ax.grid(axis=grid, color="0.88", linewidth=0.8)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)


def _nth(items: Sequence[str], i: int) -> str:
    """The item of that number, from the start again after the last."""
    return items[i % len(items)]
