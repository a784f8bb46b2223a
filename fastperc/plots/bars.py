"""Bars: speed-ups from 1 on a logarithmic axis, and amounts in parts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from .. import checks
from ..measuring.words import number
from .style import (
    DARK,
    OURS,
    legend_beside,
    name_rows,
    new_axes,
    nth,
    plain_ticks,
    size_for,
)

if TYPE_CHECKING:
    from .style import Axes


def plot_speedups(
    names: Sequence[str],
    ratios: Sequence[float],
    ax: Axes | None = None,
    *,
    than: str = "",
) -> Axes:
    """Draw how many times as fast things are as a baseline, as bars from 1 on a logarithmic axis.

    What is slower than the baseline points to the left and is hatched.

    Parameters
    ----------
    names : sequence of str
        From top to bottom.
    ratios : sequence of float
        Time of the baseline divided by the time of each.
    ax : matplotlib Axes, optional
    than : str
        The baseline, in words.

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
    ax = new_axes(size_for(names)) if ax is None else ax
    for i, ratio in enumerate(ratios):
        _draw_bar(ax, i, ratio)
        _label(ax, f"{number(ratio, 2)}×", ratio, i, left=ratio < 1)
    name_rows(ax, names)
    low, high = min(1.0, *ratios), max(2 * min(1.0, *ratios), 1.0, *ratios)
    room = (high / low) ** 0.2  # for the figures beside the longest bars
    _scale(ax, low / room if low < 1 else 1.0, high * room, "×")
    as_what = f" as {than}" if than else ""
    ax.set_xlabel(f"Speed-up (times as fast{as_what}, logarithmic)")
    ax.axvline(1, color=DARK, linewidth=0.8)
    return ax


def plot_parts(
    names: Sequence[str],
    parts: Mapping[str, Sequence[float]],
    *,
    unit: str,
    xlabel: str,
    ax: Axes | None = None,
) -> Axes:
    """Draw amounts that are sums of parts, as bars in pieces; the last is in fastperc's colour.

    Parameters
    ----------
    names : sequence of str
        From top to bottom.
    parts : mapping of str to sequence of float
        For each part, how much of it each bar has, none negative.
    unit, xlabel : str
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Examples
    --------
    >>> parts = {"samples": [36, 36], "training adds": [0, 16]}
    >>> ax = plot_parts(["in order", "shuffled"], parts, unit="bytes", xlabel="Bytes per sample")
    >>> [text.get_text() for text in ax.texts]
    ['36 + 0 bytes', '36 + 16 bytes']
    """
    names = [str(name) for name in names]
    ax = new_axes(size_for(names)) if ax is None else ax
    ends = [0.0] * len(names)
    colours = [*[nth(("0.75", "0.6"), i) for i in range(len(parts) - 1)], OURS]
    for colour, (part, values) in zip(colours, parts.items(), strict=True):
        ax.barh(
            range(len(names)), values, left=ends, height=0.66, color=colour, label=part,
            edgecolor="white",
        )  # fmt: skip
        ends = [end + value for end, value in zip(ends, values, strict=True)]
    for i, pieces in enumerate(zip(*parts.values(), strict=True)):
        text = " + ".join(number(round(piece, 1)) for piece in pieces)
        _label(ax, f"{text} {unit}", ends[i], i)
    name_rows(ax, names)
    ax.set_xlim(0, 1.35 * max(ends))
    ax.set_xlabel(xlabel)
    legend_beside(ax)
    return ax


def _draw_bar(ax: Axes, i: int, end: float) -> None:
    """Draw a bar from 1, hatched if it goes to the left."""
    slower = end < 1
    ax.barh(
        i, end - 1, left=1, height=0.66, color="white" if slower else OURS,
        edgecolor=OURS if slower else "white", hatch="////" if slower else "",
    )  # fmt: skip


def _label(ax: Axes, text: str, end: float, i: int, left: bool = False) -> None:
    """Write beside the end of a bar."""
    ax.annotate(
        text, (end, i), (-4 if left else 4, 0), color=DARK, textcoords="offset points",
        ha="right" if left else "left", va="center",
    )  # fmt: skip


def _scale(ax: Axes, low: float, high: float, unit: str) -> None:
    """Make the axis logarithmic, from low to high."""
    ax.set_xscale("log")
    ax.set_xlim(low, high)
    plain_ticks(ax.xaxis, unit)


def _check_bars(names: Iterable[object], values: Iterable[float]) -> tuple[list[str], list[float]]:
    """Return the names as text and the values, if they are positive and as many."""
    texts = [str(name) for name in names]
    numbers = [checks.check_positive(value, f"ratios[{i}]") for i, value in enumerate(values)]
    if len(texts) != len(numbers) or not texts:
        raise ValueError(
            f"ratios: found {len(numbers)} for {len(texts)} names, expected one for each, at "
            "least 1"
        )
    return texts, numbers
