"""The one table of what is timed: group by group, each case in several ways.

A case's ways do the same work, and are compared before any clock starts; its baseline is the first.
A new kernel adds its rows here, and with them to the command, to pytest and to the report.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from ..comparing.agreement import check
from ..comparing.clock import Timed
from ..comparing.machine import bytes_per_sample, flops_per_sample
from ..comparing.problem import Problem
from ..comparing.variants import VARIANTS
from . import elsewhere, pieces

Ways = dict[str, Timed]


@dataclass(frozen=True)
class Case:
    """Work, and the ways in which it is done.

    Attributes
    ----------
    group, name : str
    unit : str
        What a time is divided by: ``sample``, ``element``, ``call``, ``process``.
    prepare : callable
        Makes the ways, warm and found to agree.
    quick : bool
        Whether it is part of the quick suite.
    x : float or None
        In a group that shows how times scale: its place on the axis.
    work : (float, float) or None
        Floating point operations and bytes per unit, where that is known.
    once : bool
        Whether one round has to do, because it takes long.
    refuses : callable
        The reason why it cannot run here, or nothing.
    """

    group: str
    name: str
    unit: str
    prepare: Callable[[], Ways]
    quick: bool = True
    x: float | None = None
    work: tuple[float, float] | None = None
    once: bool = False
    refuses: Callable[[], str] = field(default=lambda: "")

    @property
    def key(self) -> str:
        """Its name in the whole table."""
        return f"{self.group}: {self.name}"


def training(
    group: str, name: str, problem: Problem, ways: Iterable[str], quick: bool = True,
    x: float | None = None,
) -> Case:  # fmt: skip
    """Epochs of a problem, by variants of `fastperc.comparing` that can run."""

    def prepare() -> Ways:
        return {way: _train(problem, way) for way in ways if not VARIANTS[way].refuses(problem)}

    def refuses() -> str:
        reasons = [VARIANTS[way].refuses(problem) for way in ways]
        return reasons[-1] if all(reasons) else ""

    work = flops_per_sample(problem), bytes_per_sample(problem)
    return Case(group, name, "sample", prepare, quick, x, work, refuses=refuses)


# What one call of a way trains at most, so that a round stays short.
MOST_SAMPLES = {"python": 100, "numpy": 500, "sklearn": 500, "torch": 100}


def _train(problem: Problem, way: str) -> Timed:
    runner = VARIANTS[way].make(problem)
    finding = check(problem, runner, seconds=0.05)
    if not finding.agrees:
        raise ArithmeticError(f"{problem.title}: {way}: {finding}")
    n = problem.n_samples
    if way in MOST_SAMPLES and problem.kind != "full":
        n = min(n, -(-MOST_SAMPLES[way] // problem.batch_size) * problem.batch_size)
    return Timed(lambda: runner.train(n), runner.reset, n)


def all_cases() -> list[Case]:
    """The whole table."""
    made = [
        *_online(), *_batches(), *_scaling(), *_rivals(), *pieces.updates(), *pieces.predicting(),
        *pieces.elementary(), *pieces.tutorials(), *elsewhere.starting(),
    ]  # fmt: skip
    return made


def _online() -> Iterator[Case]:
    for sizes, n, quick in [
        ((2, 4, 1), 4000, True),
        ((13, 8, 1), 4000, True),
        ((8, 32, 1), 4000, True),
        ((8, 64, 64, 1), 1000, False),
        ((64, 64, 10), 1000, True),
        ((784, 128, 10), 300, True),
    ]:
        for dtype in ("float32", "float64"):
            problem = Problem(sizes=sizes, n_samples=n, dtype=dtype, lr=_rate(sizes))
            ways = ["numpy", "fastperc", "c", *["python"] * (sum(sizes) < 50)]
            name = f"{'-'.join(map(str, sizes))} {dtype}"
            yield training("online", name, problem, ways, quick and dtype == "float32")


def _batches() -> Iterator[Case]:
    for sizes, n, size, quick in [
        ((8, 32, 1), 4096, 32, True),
        ((64, 64, 10), 4096, 32, True),
        ((784, 128, 10), 1024, 32, False),
        ((784, 128, 10), 1024, 128, True),
    ]:
        problem = Problem("batches", sizes, n_samples=n, batch_size=size, lr=_rate(sizes))
        name = f"{'-'.join(map(str, sizes))} batch {size}"
        yield training("batches", name, problem, ("numpy", "fastperc"), quick)
    for sizes, n, quick in [((8, 32, 1), 20_000, True), ((64, 64, 10), 8192, True)]:
        problem = Problem("full", sizes, n_samples=n, batch_size=n, lr=_rate(sizes))
        name = f"{'-'.join(map(str, sizes))} all {n:,}"
        yield training("full", name, problem, ("numpy", "fastperc", "2 threads"), quick)


def _scaling() -> Iterator[Case]:
    for exponent in range(3, 8):
        n = 10**exponent
        problem = Problem(n_samples=n)
        yield training(
            "samples", f"8-32-1 10^{exponent}", problem, ("numpy", "fastperc"), n <= 10**5, n
        )
    for width in (4, 8, 16, 32, 64, 128, 256, 512, 1024):
        problem = Problem(sizes=(32, width, 1), n_samples=max(100, 40_000 // width))
        quick = width in (8, 32, 128, 512)
        yield training("width", f"32-{width}-1", problem, ("numpy", "fastperc", "c"), quick, width)
    for depth in (1, 2, 3, 4, 6):
        problem = Problem(sizes=(32, *(32,) * depth, 1), n_samples=1000)
        yield training(
            "depth", f"{depth} x 32", problem, ("numpy", "fastperc"), depth in (1, 3), depth
        )
    for size in (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024):
        kind = "online" if size == 1 else "batches"
        problem = Problem(kind, (64, 64, 10), n_samples=2048, batch_size=size, lr=0.005)
        quick = size in (1, 8, 64, 512)
        yield training(
            "batch size", f"64-64-10 batch {size}", problem, ("numpy", "fastperc"), quick, size
        )
    for threads, way in ((1, "fastperc"), (2, "2 threads")):
        problem = Problem("full", (64, 64, 10), n_samples=16_384, batch_size=16_384)
        yield training("threads", f"64-64-10 on {threads}", problem, ("numpy", way), True, threads)


def _rivals() -> Iterator[Case]:
    problems = [
        ("8-32-1 online", Problem(n_samples=2000), True),
        ("64-64-10 online", Problem(sizes=(64, 64, 10), n_samples=1000, lr=0.005), False),
        ("8-32-1 batch 32", Problem("batches", n_samples=4096, batch_size=32), True),
    ]
    for name, problem, quick in problems:
        for rival in ("sklearn", "torch"):
            if VARIANTS[rival].refuses(problem):
                ways: tuple[str, ...] = (rival,)
            else:
                ways = (rival, "fastperc")
            in_quick = quick and rival == "sklearn"
            yield training("rivals", f"{name} {rival}", problem, ways, in_quick)


def _rate(sizes: tuple[int, ...]) -> float:
    return min(0.01, 0.5 / sizes[0])


def some_cases(quick: bool = False, groups: Iterable[str] = ()) -> list[Case]:
    """The cases of these groups, or of all; only the quick ones if asked.

    Raises
    ------
    ValueError
        For a group that there is not.
    """
    cases, groups = all_cases(), list(groups)
    there = list(dict.fromkeys(case.group for case in cases))
    for group in groups:
        if group not in there:
            raise ValueError(f"group: found {group!r}, expected one of {', '.join(there)}")
    return [c for c in cases if (c.quick or not quick) and (not groups or c.group in groups)]
