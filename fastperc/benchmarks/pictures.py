"""The report's pictures, drawn from stored results."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from .. import plots
from .storing import Result, Results

if TYPE_CHECKING:
    from ..plots import Axes

AXES = {
    "samples": ("Samples", "constant"),
    "width": ("Hidden units", None),
    "depth": ("Hidden layers", None),
    "batch size": ("Samples per batch", None),
    "threads": ("Threads", "inverse"),
}
SPEEDUPS = ("online", "batches", "full", "updates", "predicting", "elementary", "tutorials")


def pictures(results: Results) -> Iterator[tuple[str, str, Callable[[], Axes]]]:
    """A file name, a caption, and what draws it; only those for which there are results."""
    for group in SPEEDUPS:
        bars = [r for r in results.group(group) if len(r.ways) > 1]
        if bars:
            caption = f"{group}: how many times as fast as the loop without a compiler"
            yield group, caption, partial(_speedups, bars)
    for group, (label, ideal) in AXES.items():
        if len({result.x for result in results.group(group)}) > 1:
            caption = f"Time against {label.lower()}"
            yield group.replace(" ", "_"), caption, partial(_scaling, results, group, label, ideal)
    if any(result.work for result in results.results):
        yield "roofline", "What the machine can do, and the kernels", partial(_roofline, results)
    starts = results.group("starting")
    if starts:
        yield "starting", "Whole processes, from start to end", partial(_starting, starts)


def _scaling(results: Results, group: str, label: str, ideal: str | None) -> Axes:
    return plots.plot_scaling(_series(results, group), xlabel=label, ideal=ideal)


def _series(results: Results, group: str) -> dict[str, tuple[list[float], list[float]]]:
    """Each way's sizes and best times; the ways of a case on threads are one line."""
    series: dict[str, tuple[list[float], list[float]]] = {}
    for result in results.group(group):
        for way in result.ways:
            if group == "threads" and way == "numpy":  # it stands beside the kernel, on one thread
                continue
            label = "fastperc" if way == "2 threads" else way
            sizes, times = series.setdefault(label, ([], []))
            sizes.append(float(result.x or 0))
            times.append(result.best(way))
    return series


def _speedups(bars: list[Result]) -> Axes:
    labels = [f"{result.name} ({duration(result)})" for result in bars]
    return plots.plot_speedups(labels, [result.ratio("fastperc") for result in bars])


def duration(result: Result, way: str = "fastperc") -> str:
    """The best time per unit, such as ``79.6 ns``."""
    ns = result.best(way)
    for size, unit in ((1e9, "s"), (1e6, "ms"), (1e3, "us")):
        if ns >= size:
            return f"{ns / size:.3g} {unit}"
    return f"{ns:.3g} ns"


def _roofline(results: Results) -> Axes:
    points = {}
    for result in results.results:
        if result.work and result.group in ("online", "batches", "full"):
            flops, traffic = result.work
            points[result.key] = flops / traffic, flops / result.best("fastperc")
    return plots.plot_roofline(points, results.machine["gflops"], results.machine["gbytes"])


def _starting(starts: list[Result]) -> Axes:
    names = [result.name for result in starts]
    ax = plots.plot_comparison(names, [result.best("fastperc") / 1e6 for result in starts])
    for text in ax.texts:
        text.set_text(text.get_text().replace(" ns", " ms"))
    ax.set_xlabel("Milliseconds (logarithmic; shorter is better)")
    return ax
