"""The report's pictures, drawn from stored results."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from .. import plots
from ..files.atomic import replace_file
from .png_metadata import digest, stamp, stamp_of
from .results import Result, Results
from .tables import amount, mean_ratio

if TYPE_CHECKING:
    from ..plots import Axes

AXES = {
    "samples": ("Samples", "constant"),
    "width": ("Hidden units", None),
    "depth": ("Hidden layers", None),
    "batch size": ("Samples per batch", None),
    "threads": ("Threads", "inverse"),
}
SPEEDUPS = (
    "online",
    "batches",
    "full",
    "updates",
    "predicting",
    "estimators",
    "elementary",
    "tutorials",
)
LIBRARIES = ("libraries online", "libraries batches")
ROOFLINE = ("online", "batches", "full", "predicting")

Picture = tuple[str, str, Callable[[], "Axes"]]


def pictures(results: Results) -> Iterator[Picture]:
    """Yield the name, the caption and the drawing function of each picture with results."""
    for group in SPEEDUPS:
        bars = [r for r in results.group(group) if "fastperc" in r.ways and len(r.ways) > 1]
        if bars:
            caption = f"How many times as fast as {bars[0].baseline}"
            yield group, caption, partial(_speedups, bars)
    for group in LIBRARIES:
        if len(raced := results.group(group)) and len(raced[0].ways) > 1:
            caption = "How many times as fast fastperc is, geometric mean"
            yield file_name(group), caption, partial(_libraries, raced)
    for group, (label, ideal) in AXES.items():
        if len({result.x for result in results.group(group)}) > 1:
            caption = f"Time against {label.lower()}" + ", and the ideal" * (ideal is not None)
            yield file_name(group), caption, partial(_scaling, results, group, label, ideal)
    if any(result.work for group in ROOFLINE for result in results.group(group)):
        yield "roofline", "What the machine can do, and the kernels", partial(_roofline, results)
    if starts := results.group("starting"):
        caption = "Whole processes, from start to end"
        yield "starting", caption, partial(_starting, starts)
    if compiled := results.group("compiling"):
        yield "compiling", "Making machine code", partial(_compiling, compiled)
    measured = results.group("memory")
    if len({result.x for result in measured}) > 1:
        yield "memory", "Memory that samples and training take", partial(_memory, measured)


def file_name(group: str) -> str:
    """Return the name of a group's picture, without ``.png``."""
    return group.replace(" ", "_")


def save_pictures(results: Results, folder: Path) -> dict[str, bytes]:
    """Write each picture as a PNG that says from which results it is; return them by name."""
    folder.mkdir(parents=True, exist_ok=True)
    text, made = digest(results), {}
    for name, _, draw in pictures(results):
        made[name] = stamp(plots.as_png(draw()), text)
        replace_file(str(folder / f"{name}.png"), made[name])
    return made


def outdated(results: Results, folder: Path) -> list[Path]:
    """Return the pictures in a folder that are missing, or were drawn from other results."""
    text = digest(results)
    wanted = {folder / f"{name}.png" for name, _, _ in pictures(results)}
    there = {path: stamp_of(path.read_bytes()) for path in folder.glob("*.png")}
    others = {path for path, stamped in there.items() if stamped and path not in wanted}
    return sorted(others | {path for path in wanted if there.get(path) != text})


def _speedups(bars: list[Result]) -> Axes:
    labels = [f"{result.name} ({amount(result)})" for result in bars]
    return plots.plot_speedups(labels, [result.ratio(result.baseline) for result in bars])


def _libraries(raced: list[Result]) -> Axes:
    others = dict.fromkeys(way for r in raced for way in r.ways if way != "fastperc")
    means = {way: mean_ratio(raced, way) for way in others}
    ranked = sorted(means, key=means.__getitem__)
    return plots.plot_speedups([f"than {way}" for way in ranked], [means[way] for way in ranked])


def _scaling(results: Results, group: str, label: str, ideal: str | None) -> Axes:
    return plots.plot_scaling(_series(results, group), xlabel=label, ideal=ideal)


def _series(results: Results, group: str) -> dict[str, tuple[list[float], list[float]]]:
    """Return each way's sizes and best times; the ways of a case on threads are one line."""
    series: dict[str, tuple[list[float], list[float]]] = {}
    for result in results.group(group):
        for way in result.ways:
            if group == "threads" and way == "numpy":  # its one thread is the same in both cases
                continue
            label = "fastperc" if way == "2 threads" else way
            sizes, times = series.setdefault(label, ([], []))
            sizes.append(float(result.x or 0))
            times.append(result.best(way))
    return series


def _roofline(results: Results) -> Axes:
    points = {}
    for result in results.results:
        if result.work and result.group in ROOFLINE and not result.name.endswith("float64"):
            flops, traffic = result.work
            points[result.key] = flops / traffic, flops / result.best("fastperc")
    m = results.machine
    return plots.plot_roofline(points, m["gflops"], m["gbytes"], m["cached"])


def _starting(starts: list[Result]) -> Axes:
    return _milliseconds([r.name for r in starts], [r.best("fastperc") for r in starts])


def _compiling(compiled: list[Result]) -> Axes:
    pairs = [(r, way) for r in compiled for way in r.ways if not r.name.endswith("float64")]
    return _milliseconds([f"{r.name}, {w}" for r, w in pairs], [r.best(w) for r, w in pairs])


def _milliseconds(names: list[str], nanoseconds: list[float]) -> Axes:
    ax = plots.plot_comparison(names, [ns / 1e6 for ns in nanoseconds])
    for text in ax.texts:
        text.set_text(text.get_text().replace(" ns", " ms"))
    ax.set_xlabel("Milliseconds (logarithmic; shorter is better)")
    return ax


def _memory(measured: list[Result]) -> Axes:
    """Draw the memory of the samples, alone and together with what each training adds."""
    series: dict[str, tuple[list[float], list[float]]] = {}
    for result in measured:
        n, own = float(result.x or 0), result.best("samples")
        for label, megabytes in [
            ("samples alone", own),
            (f"training {result.name.partition(', ')[2]}", own + result.best("fastperc adds")),
        ]:
            sizes, heights = series.setdefault(label, ([], []))
            if n not in sizes:
                sizes.append(n)
                heights.append(megabytes)
    return plots.plot_scaling(series, xlabel="Samples", ylabel="MB")
