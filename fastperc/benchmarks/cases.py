"""The table of all that is timed, group by group.

Rows for a new kernel go here; the command, pytest and the report then have them too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..comparing.problem import Problem
from . import (
    estimator_cases,
    fleet_cases,
    linear_cases,
    parts_cases,
    predicting_cases,
    process_cases,
)
from .case import Case, Measurement, training


def all_cases() -> list[Case | Measurement]:
    """Return the whole table."""
    return [
        *_online(), *_batches(), *_full(), *_libraries(), *predicting_cases.cases(),
        *estimator_cases.cases(), *fleet_cases.cases(), *linear_cases.cases(),
        *parts_cases.updates(), *parts_cases.elementary(), *parts_cases.tutorials(), *_samples(),
        *_width(), *_depth(), *_batch_size(), *_threads(), *process_cases.starting(), *process_cases.compiling(),
        *process_cases.memory(),
    ]  # fmt: skip


def _online() -> Iterator[Case]:
    for sizes, n, quick in [
        ((2, 4, 1), 4000, True),
        ((13, 8, 1), 4000, False),
        ((8, 32, 1), 4000, True),
        ((8, 64, 64, 1), 1000, False),
        ((64, 64, 10), 1000, True),
        ((784, 128, 10), 300, True),
    ]:
        for dtype in ("float32", "float64"):
            problem = Problem(sizes=sizes, n_samples=n, dtype=dtype, lr=_rate(sizes))
            ways = ["numpy", "fastperc", "c", *["python"] * (sum(sizes) < 50)]
            name = f"{_name(sizes)} {dtype}"
            yield training("online", name, problem, ways, quick and dtype == "float32")


def _batches() -> Iterator[Case]:
    for sizes, n, size, quick in [
        ((8, 32, 1), 4096, 32, True),
        ((64, 64, 10), 4096, 32, False),
        ((784, 128, 10), 1024, 32, False),
        ((784, 128, 10), 1024, 128, True),
    ]:
        problem = Problem("batches", sizes, n_samples=n, batch_size=size, lr=_rate(sizes))
        name = f"{_name(sizes)} batch {size}"
        yield training("batches", name, problem, ("numpy", "fastperc"), quick)


def _full() -> Iterator[Case]:
    for sizes, n in [((8, 32, 1), 8192), ((64, 64, 10), 4096)]:
        problem = Problem("full", sizes, n_samples=n, batch_size=n, lr=_rate(sizes))
        ways = ("numpy", "fastperc", "2 threads")
        yield training("full", f"{_name(sizes)} all {n:,}", problem, ways)


def _libraries() -> Iterator[Case]:
    ways = ("numpy", "fastperc", "c", "jax", "sklearn", "torch")
    for sizes, n in [
        ((2, 4, 1), 2000),
        ((13, 8, 1), 2000),
        ((8, 32, 1), 2000),
        ((64, 64, 10), 1000),
        ((8, 64, 64, 1), 1000),
        ((784, 128, 10), 300),
    ]:
        problem = Problem(sizes=sizes, n_samples=n, lr=_rate(sizes))
        yield training("libraries online", _name(sizes), problem, ways, sizes == (8, 32, 1))
    for sizes, n, size in [
        ((13, 8, 1), 4096, 8),
        ((8, 32, 1), 4096, 32),
        ((64, 64, 10), 4096, 32),
        ((8, 64, 64, 1), 4096, 32),
        ((784, 128, 10), 1024, 128),
    ]:
        problem = Problem(
            "batches", sizes, hidden="relu", n_samples=n, batch_size=size, lr=_rate(sizes)
        )
        name, others = f"{_name(sizes)} batch {size}", (w for w in ways if w != "c")
        yield training("libraries batches", name, problem, others, sizes == (8, 32, 1))


def _samples() -> Iterator[Case]:
    for exponent in range(3, 8):
        n = 10**exponent
        name, quick = f"8-32-1 10^{exponent}", exponent in (3, 4)
        ways = ("numpy", "fastperc")
        yield training("samples", name, Problem(n_samples=n), ways, quick, n, full_epoch=True)


def _width() -> Iterator[Case]:
    for width in (4, 8, 16, 32, 64, 128, 256, 512, 1024):
        n, lr = max(100, 40_000 // width), min(0.01, 0.5 / width)
        problem = Problem(sizes=(32, width, 1), n_samples=n, lr=lr)
        quick = width in (8, 64, 512)
        yield training("width", f"32-{width}-1", problem, ("numpy", "fastperc", "c"), quick, width)


def _depth() -> Iterator[Case]:
    for depth in (1, 2, 3, 4, 6):
        problem = Problem(sizes=(32, *(32,) * depth, 1), n_samples=1000)
        quick = depth in (1, 4)
        yield training("depth", f"{depth} x 32", problem, ("numpy", "fastperc"), quick, depth)


def _batch_size() -> Iterator[Case]:
    for size in (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024):
        kind = "online" if size == 1 else "batches"
        problem = Problem(kind, (64, 64, 10), n_samples=2048, batch_size=size, lr=0.005)
        name, quick = f"64-64-10 batch {size}", size in (1, 8, 64, 512)
        yield training("batch size", name, problem, ("numpy", "fastperc"), quick, size)


def _threads() -> Iterator[Case]:
    for threads, way in ((1, "fastperc"), (2, "2 threads")):
        problem = Problem("full", (64, 64, 10), n_samples=16_384, batch_size=16_384)
        yield training("threads", f"64-64-10 on {threads}", problem, ("numpy", way), True, threads)


def _name(sizes: tuple[int, ...]) -> str:
    return "-".join(map(str, sizes))


def _rate(sizes: tuple[int, ...]) -> float:
    return min(0.01, 0.5 / sizes[0])


def some_cases(quick: bool = False, groups: Iterable[str] = ()) -> list[Case | Measurement]:
    """Return the cases of these groups, or of all; with ``quick`` a selection of them.

    Raises
    ------
    ValueError
        If a group does not exist.
    """
    cases, groups = all_cases(), list(groups)
    there = list(dict.fromkeys(case.group for case in cases))
    for group in groups:
        if group not in there:
            raise ValueError(f"group: found {group!r}, expected one of {', '.join(there)}")
    return [c for c in cases if (c.quick or not quick) and (not groups or c.group in groups)]
