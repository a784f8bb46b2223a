"""Bars on logarithmic axes: speed-ups, and times."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from .. import checks
from ..measuring.words import number
from .style import COLOURS, DARK, new_axes, plain_ticks, tidy

if TYPE_CHECKING:
    from .style import Axes


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
    ax = new_axes(_size_for(names)) if ax is None else ax
    for i, ratio in enumerate(ratios):
        _draw_bar(ax, i, 1, ratio, f"{number(ratio, 2)}×", hatched=ratio < 1)
    _name_bars(ax, names)
    low, high = min(1.0, *ratios), max(2 * min(1.0, *ratios), 1.0, *ratios)
    room = (high / low) ** 0.2  # for the figures beside the longest bars
    _scale(ax, low / room if low < 1 else 1.0, high * room, "×")
    ax.set_xlabel("Speed-up (times as fast, logarithmic)")
    ax.axvline(1, color=DARK, linewidth=0.8)
    return ax


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
        Interval of each time, drawn as a line across the bar's end.
    wrong : iterable of str
        Names whose results are wrong: their bars are hatched and labelled so.
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
    ax = new_axes(_size_for(names)) if ax is None else ax
    low, high = min(times) / 3, max(times)
    for i, (name, time) in enumerate(zip(names, times, strict=True)):
        is_wrong = name in wrong
        text = f"{number(time, 2)} ns" + ", wrong" * is_wrong
        span = None if intervals is None else intervals[i]
        _draw_bar(ax, i, low, time, text, hatched=is_wrong, span=span)
    _name_bars(ax, names)
    _scale(ax, low, high * (high / low) ** 0.25)
    ax.set(xlabel="Nanoseconds per sample (logarithmic; shorter is better)", title=title)
    return ax


def _draw_bar(
    ax: Axes,
    i: int,
    start: float,
    end: float,
    text: str,
    *,
    hatched: bool,
    span: tuple[float, float] | None = None,
) -> None:
    """Draw a bar, a text beside its end and, across the end, the interval."""
    ax.barh(
        i, end - start, left=start, height=0.66, color=COLOURS[hatched], edgecolor="white",
        hatch="////" if hatched else "",
    )  # fmt: skip
    side = -1 if end < start else 1
    ax.annotate(
        text, (end if span is None else max(end, span[1]), i), (4 * side, 0), color=DARK,
        textcoords="offset points", ha="right" if side < 0 else "left", va="center",
    )  # fmt: skip
    if span is not None:
        ax.plot(span, [i, i], color=DARK, linewidth=1.4, solid_capstyle="butt")


def _name_bars(ax: Axes, names: list[str]) -> None:
    """Put a name beside each bar, the first on top."""
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(len(names) - 0.5, -0.5)
    tidy(ax, "x")


def _scale(ax: Axes, low: float, high: float, unit: str = "") -> None:
    """Make the axis logarithmic, from low to high."""
    ax.set_xscale("log")
    ax.set_xlim(low, high)
    plain_ticks(ax.xaxis, unit)


def _check_bars(
    names: Iterable[object], values: Iterable[float], what: str = "ratios"
) -> tuple[list[str], list[float]]:
    """Return the names as text and the values, if they are positive and as many."""
    texts = [str(name) for name in names]
    numbers = [checks.check_positive(value, f"{what}[{i}]") for i, value in enumerate(values)]
    if len(texts) != len(numbers) or not texts:
        raise ValueError(
            f"{what}: found {len(numbers)} for {len(texts)} names, expected one for each, at "
            "least 1"
        )
    return texts, numbers


def _size_for(names: list[str]) -> tuple[float, float]:
    """Return the size of a figure with a bar for each name, in inches."""
    return 6.4 + 0.08 * max(0, max(map(len, names)) - 20), 1.0 + 0.38 * len(names)
