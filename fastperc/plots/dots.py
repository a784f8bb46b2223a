"""Times as dots with their intervals, on a logarithmic axis."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from .. import checks
from ..measuring.words import number
from .style import DARK, OTHERS, OURS, YOURS, name_rows, new_axes, note_below, plain_ticks, size_for

if TYPE_CHECKING:
    from .style import Axes

FASTPERC = ("fastperc", "2 threads")
NARROWEST = 4.0  # the last number of an axis divided by the first, at least

Span = tuple[float, float]


def plot_comparison(
    names: Sequence[str],
    times: Sequence[float],
    intervals: Sequence[Span] | None = None,
    *,
    wrong: Iterable[str] = (),
    title: str = "",
    ax: Axes | None = None,
    ours: Iterable[str] = FASTPERC,
    yours: Iterable[str] = (),
    baseline: str = "",
    unit: str = "ns",
    xlabel: str = "Nanoseconds per sample",
    note: str = "",
) -> Axes:
    """Draw times of several ways of doing the same as dots on a logarithmic axis, left is faster.

    Beside each stands its time. Dots and not bars, whose length would mean nothing here.

    Parameters
    ----------
    names : sequence of str
        From top to bottom.
    times : sequence of float
        Nanoseconds per sample; NaN for what failed or was not timed, which has a row all the same.
    intervals : sequence of (low, high), optional
        Interval of each time, drawn as a line through the dot.
    wrong : iterable of str
        Names whose results are wrong: they are crossed and labelled so.
    title : str
    ax : matplotlib Axes, optional
    ours, yours : iterable of str
        Names that are drawn as fastperc's, and as code of the reader's; all others are grey.
    baseline : str
        Name of the way that is 1×: with it, all others have their speed-up beside the time.
    unit, xlabel : str
        Of the times.
    note : str
        Small print below: where and with what it was measured.

    Returns
    -------
    matplotlib Axes

    Examples
    --------
    >>> ax = plot_comparison(["NumPy", "fastperc", "mine"], [21_400, 79.6, float("nan")])
    >>> [text.get_text() for text in ax.texts]
    ['21,400 ns', '80 ns', 'failed']
    """
    names = [str(name) for name in names]
    times = _check_times(names, times)
    wrong, ours, yours = ({*_as_names(given)} for given in (wrong, ours, yours))
    width, height = size_for(names)
    ax = new_axes((width + 1.4, height + 0.4)) if ax is None else ax
    spans = [(time, time) for time in times] if intervals is None else list(intervals)
    for i, (name, time) in enumerate(zip(names, times, strict=True)):
        look = (YOURS, "s") if name in yours else (OURS, "o") if name in ours else (OTHERS, "D")
        _draw_time(ax, i, time, spans[i], look, name in wrong)
    texts = _texts(names, times, wrong, unit, baseline)
    for i, text in enumerate(texts):
        ax.annotate(
            text, (1, i), (6, 0), xycoords=ax.get_yaxis_transform(), textcoords="offset points",
            va="center", color=DARK, annotation_clip=False,
        )  # fmt: skip
    name_rows(ax, [f"{name} (yours)" if name in yours else name for name in names])
    ax.grid(axis="y", color="0.88", linewidth=0.8, linestyle=":")
    timed = [(*span, t) for span, t in zip(spans, times, strict=True) if not math.isnan(t)]
    _scale(ax, [value for triple in timed for value in triple])
    ax.set(xlabel=f"{xlabel} (logarithmic; left is faster)", title=title)
    note_below(ax, "\n".join(filter(None, (_legend(intervals is not None, baseline), note))))
    return ax


def _as_names(given: Iterable[str]) -> list[str]:
    return [given] if isinstance(given, str) else [str(name) for name in given]


def _check_times(names: list[str], times: Iterable[float]) -> list[float]:
    """Return the times, if there is one for each name, positive or NaN."""
    found = list(times)
    if len(found) != len(names) or not names:
        raise ValueError(
            f"times: found {len(found)} for {len(names)} names, expected one for each, at least 1"
        )
    is_number = [not (isinstance(time, float) and math.isnan(time)) for time in found]
    return [
        checks.check_positive(time, f"times[{i}]") if is_number[i] else math.nan
        for i, time in enumerate(found)
    ]


def _draw_time(
    ax: Axes, i: int, time: float, span: Span, look: tuple[str, str], wrong: bool
) -> None:
    """Draw a dot, crossed if it is wrong, and its interval."""
    colour, marker = look
    if math.isnan(time):
        return
    ax.plot(span, [i, i], color=colour, linewidth=2.2, alpha=0.6, solid_capstyle="butt")
    ax.plot(
        [time], [i], marker="X" if wrong else marker, markersize=9 if wrong else 7, color=colour,
        markeredgecolor=DARK, markeredgewidth=0.6, linestyle="",
    )  # fmt: skip


def _texts(
    names: list[str], times: list[float], wrong: set[str], unit: str, baseline: str
) -> list[str]:
    """Return what stands beside each row."""
    base = dict(zip(names, times, strict=True)).get(baseline, math.nan)
    texts = []
    for name, time in zip(names, times, strict=True):
        if math.isnan(time):
            texts.append("wrong, not timed" if name in wrong else "failed")
            continue
        has_none = math.isnan(base) or name == baseline or name in wrong
        ratio = "" if has_none else f", {number(base / time, 2)}×"
        texts.append(f"{number(time, 2)} {unit}{ratio}" + ", wrong" * (name in wrong))
    return texts


def _legend(has_intervals: bool, baseline: str) -> str:
    """Return in words what dots, lines and factors are."""
    words = ["dots are medians, lines their 95 % intervals"] * has_intervals
    words += [f"× is how many times as fast as {baseline}"] * bool(baseline)
    return "; ".join(words).capitalize()


def _scale(ax: Axes, values: list[float]) -> None:
    """Make the axis logarithmic and long enough for all values and some ticks."""
    if not values:
        ax.set_xticks([])
        return
    low, high = min(values), max(values)
    margin = max(1.3, math.sqrt(NARROWEST * low / high))
    ax.set_xscale("log")
    ax.set_xlim(low / margin, high * margin)
    plain_ticks(ax.xaxis)
