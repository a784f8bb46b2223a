"""The report's pictures, drawn from stored results."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from .. import plots
from ..files.atomic import replace_file
from ..measuring.machine import peak_in_words
from .png_metadata import digest, stamp, stamp_of
from .results import OURS, Result, Results
from .tables import amount, in_words, mean_ratio

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
    "fleets",
    "linear",
    "elementary",
    "tutorials",
)
LIBRARIES = ("libraries online", "libraries batches")
ROOFLINE = ("online", "batches", "full", "predicting")

Picture = tuple[str, str, Callable[[], "Axes"]]


def pictures(results: Results) -> Iterator[Picture]:
    """Yield the name, the caption and the drawing function of each picture with results."""
    for group in SPEEDUPS:
        bars = [r for r in results.group(group) if OURS[0] in r.ways and len(r.ways) > 1]
        if bars:
            caption = f"How many times as fast as {bars[0].baseline} fastperc is, and its time"
            yield group, caption, partial(_speedups, bars)
    for group in LIBRARIES:
        if len(raced := results.group(group)) and len(raced[0].ways) > 1:
            yield file_name(group), _libraries_caption(raced), partial(_libraries, raced)
    for group, (label, ideal) in AXES.items():
        sized = results.group(group)
        if len({result.x for result in sized}) > 2:
            caption = f"Time against {label.lower()}" + ", and the ideal" * (ideal is not None)
            yield file_name(group), caption, partial(_scaling, results, group, label, ideal)
        elif len(sized) > 1:  # two points make no line
            caption = "Times of each case"
            yield file_name(group), caption, partial(_few, sized)
    if any(result.work for group in ROOFLINE for result in results.group(group)):
        yield "roofline", _roofline_caption(results), partial(_roofline, results)
    if starts := results.group("starting"):
        caption = "Whole processes, from start to end, and one of Python that does nothing"
        yield "starting", caption, partial(_starting, starts)
    if compiled := results.group("compiling"):
        caption = "Making machine code, and loading what was made before"
        yield "compiling", caption, partial(_compiling, compiled)
    if measured := results.group("memory"):
        caption = "Memory of the samples, and what training adds"
        yield "memory", caption, partial(_memory, measured)


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
    labels = [f"{in_words(result.name)} ({in_words(amount(result))})" for result in bars]
    ratios = [result.ratio(result.baseline) for result in bars]
    return plots.plot_speedups(labels, ratios, than=bars[0].baseline)


def _libraries_caption(raced: list[Result]) -> str:
    over = f"geometric mean of {len(raced)} networks" if len(raced) > 1 else raced[0].name
    return f"How many times as fast as each library fastperc is: {over}"


def _libraries(raced: list[Result]) -> Axes:
    others = dict.fromkeys(way for r in raced for way in r.ways if way != r.ours)
    means = {way: mean_ratio(raced, way) for way in others}
    ranked = sorted(means, key=means.__getitem__)
    return plots.plot_speedups(ranked, [means[way] for way in ranked], than="each")


def _scaling(results: Results, group: str, label: str, ideal: str | None) -> Axes:
    return plots.plot_scaling(_series(results, group), xlabel=label, ideal=ideal)


def _series(results: Results, group: str) -> dict[str, tuple[list[float], list[float]]]:
    """Return each way's sizes and best times."""
    series: dict[str, tuple[list[float], list[float]]] = {}
    for result in results.group(group):
        for way in result.ways:
            sizes, times = series.setdefault(way, ([], []))
            sizes.append(float(result.x or 0))
            times.append(result.best(way))
    return series


def _few(sized: list[Result]) -> Axes:
    """Draw the ways of a few cases, one below the other."""
    times, ours = {}, []
    for result in sized:
        threads = f" thread{'s' * ((result.x or 0) > 1)}" * (result.group == "threads")
        for way in result.ways:
            name = f"{in_words(result.name)}{threads}, {OURS[0] if way == result.ours else way}"
            times[name] = result.best(way)
            ours += [name] * (way == result.ours)
    return plots.plot_comparison([*times], [*times.values()], ours=ours)


def _roofline_caption(results: Results) -> str:
    above = ", whose first cache was not measured" * math.isnan(results.limits.nearest)
    return f"What one core can do at most{above}, and the kernels, float32"


def _roofline(results: Results) -> Axes:
    points = {}
    for result in results.results:
        if result.work and result.group in ROOFLINE and not result.name.endswith("float64"):
            flops, traffic = result.work
            name = f"{result.name.removesuffix(' float32')}, {result.group}"
            points[name] = flops / traffic, result.gflops
    limits = results.limits
    return plots.plot_roofline(
        points, limits.gflops, limits.gbytes, limits.cached,
        nearest=None if math.isnan(limits.nearest) else limits.nearest,
        peak_of=peak_in_words(limits).partition("GFLOP/s ")[2],
    )  # fmt: skip


def _starting(starts: list[Result]) -> Axes:
    bare = [r.best("bare Python") for r in starts if r.passes("bare Python")]
    names = ["Python that does nothing"] * bool(bare) + [r.name for r in starts]
    return _milliseconds(
        names, [*bare[:1], *(r.best(OURS[0]) for r in starts)], names[bool(bare) :]
    )


def _compiling(compiled: list[Result]) -> Axes:
    pairs = [(r, way) for r in compiled for way in r.ways if not r.name.endswith("float64")]
    names = [f"{r.name}, {way}" for r, way in pairs]
    return _milliseconds(names, [r.best(way) for r, way in pairs], names)


def _milliseconds(names: list[str], nanoseconds: list[float], ours: list[str]) -> Axes:
    return plots.plot_comparison(
        names, [ns / 1e6 for ns in nanoseconds], ours=ours, unit="ms", xlabel="Milliseconds"
    )


def _memory(measured: list[Result]) -> Axes:
    """Draw, for each sample, its bytes and those that training adds."""
    bytes_of = [1e6 / float(result.x or 1) for result in measured]
    parts = {
        label: [each * r.best(way) for each, r in zip(bytes_of, measured, strict=True)]
        for label, way in (("samples", "samples"), ("training adds", "fastperc adds"))
    }
    names = [result.name for result in measured]
    return plots.plot_parts(names, parts, unit="bytes", xlabel="Bytes per sample")
