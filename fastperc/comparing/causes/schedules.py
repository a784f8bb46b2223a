"""What goes wrong from step to step: the order of samples, momentum, a rate that falls."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, permutations, product

import numpy as np

from ..mistakes import Knobs, Mistake, Schedule
from ..scales import Step, in_words
from .observed import Check, Observed, multiples

Candidates = Iterator[tuple[float, Mistake]]  # how far-fetched, and what
SOON = 4  # what goes wrong from step to step shows within so many
MOST_SIZES = 40
USUAL_SIZES = (50, 64, 100, 128, 256)
MOST_ROWS_OUT = 70  # of a batch, to find a row that has been moved


def explain_schedule(seen: Observed) -> list[tuple[float, Mistake]]:
    """Return what explains all that was seen, the simplest first."""
    found = []
    for make in (of_last_batch, of_given_rows, of_batch, of_momentum, of_rates):
        found += [pair for pair in make(seen) if seen.explains_all(pair[1])]
    found += list(of_order(seen))
    return sorted(found, key=lambda pair: pair[0])


def of_last_batch(seen: Observed) -> Candidates:
    """A short last batch is left out."""
    p = seen.problem
    rest = p.n_samples % p.batch_size
    if p.kind == "batches" and rest and seen.wrong == p.n_steps:
        words = f"the last {rest} rows; a batch has {p.batch_size}"
        yield 1.0, Mistake("last_batch_dropped", words, schedule=Schedule("short left out"))


def of_given_rows(seen: Observed) -> Candidates:
    """A sum is divided by, or multiplied with, the number of all rows, not that of the step."""
    if seen.problem.kind == "full":
        return
    blocks = seen.wrong_blocks(seen.checks[0])
    step = Step.of(seen.problem, seen.problem.batch_size, seen.checks[0].rows)
    for names in (("n/given",), ("1/given",), ("given",)):
        for places in dict.fromkeys((tuple(range(2 * len(seen.problem.sizes) - 2)), tuple(blocks))):
            words = in_words(names, step)
            name = "sum_for_mean" if names == ("given",) else "mean_for_sum"
            yield 1.1, Mistake(name, words, knobs=Knobs(scale=dict.fromkeys(places, names)))


def of_batch(seen: Observed) -> Candidates:
    """An update takes another number of rows, or waits for the end of the epoch."""
    p, name = seen.problem, "batch_of_another_size"
    blocks = range(2 * len(p.sizes) - 2)
    summed = Knobs(scale=dict.fromkeys(blocks, ("n",)))
    if p.kind != "online":
        sizes = range(1, min(p.n_samples, max(2 * p.batch_size, MOST_SIZES)) + 1)
        for size in dict.fromkeys((*(s for s in sizes if s <= MOST_SIZES), *USUAL_SIZES)):
            if size != p.batch_size and size < p.n_samples:
                words = f"{size} at a time" if size > 1 else "one sample at a time"
                yield (
                    1.0 + 0.1 * (size > 1),
                    Mistake(name, words, schedule=Schedule(batch=str(size))),
                )
        divided = Knobs(scale=dict.fromkeys(blocks, ("1/given",)))
        words = "one sample at a time, by the mean's share"
        yield 1.3, Mistake(name, words, knobs=divided, schedule=Schedule(batch="1"))
    if p.kind != "full":
        yield 1.0, Mistake(name, "all samples at once", schedule=Schedule(batch="all"))
        if p.kind != "online":
            words = "all samples at once, as a sum"
            yield 1.0, Mistake(name, words, knobs=summed, schedule=Schedule(batch="all"))
        words = "all gradients of an epoch are those at its beginning"
        yield 1.1, Mistake("parameters_of_the_start", words, schedule=Schedule(stale=True))


def of_momentum(seen: Observed) -> Candidates:
    """Past gradients go on acting; the factor is fitted where it shows first."""
    check = seen.checks[0]
    found = seen.found(check.calls, check.rows)
    if found is None or any(f.shape != s.shape for f, s in zip(found, seen.run.start, strict=True)):
        return
    blocks = seen.wrong_blocks(check)
    every = range(0, len(found), 1 if seen.problem.bias else 2)
    asked = seen.problem.momentum
    if max(check.steps for check in seen.checks) * seen.problem.epochs < 2:
        return  # of a single step, any factor would do
    for rule in ("running", "sums", "velocity", "last", "nesterov", "average"):
        for places in dict.fromkeys((tuple(every), tuple(blocks))):
            is_fixed = rule in ("running", "sums")
            m = 1.0 if is_fixed else _fitted(seen, check, rule, places)
            if m is None:
                continue
            schedule = Schedule(momentum=dict.fromkeys(places, m), rule=rule)
            if is_fixed:
                sums = "their sum is divided by the present number of rows"
                words = sums if rule == "sums" else "the mean of all gradients so far"
                yield 1.3, Mistake("gradients_not_cleared", words, schedule=schedule)
            elif abs(m - 1) < 1e-6 and rule == "velocity":
                schedule = Schedule(momentum=dict.fromkeys(places, 1.0))
                words = "" if len(places) == len(every) else _names(places)
                yield 1.0, Mistake("gradients_not_cleared", words, schedule=schedule)
            elif asked and abs(m) < 1e-6:
                schedule = Schedule(momentum=dict.fromkeys(places, 0.0))
                words = f"{asked:g} was asked for"
                yield 1.0, Mistake("momentum_missing", words, schedule=schedule)
            elif 0 < m < 1:
                due = f" where {asked:g} is due" if asked else ""
                words = f"{HOW[rule]} {m:.6g}{due}"
                cost = {"velocity": 1.0, "last": 1.1}.get(rule, 1.1)
                yield cost, Mistake("momentum", words, schedule=schedule)


HOW = {
    "velocity": "factor",
    "last": "the last gradient once more, times",
    "nesterov": "Nesterov's, factor",
    "average": "an average of gradients, factor",
}


def _fitted(seen: Observed, check: Check, rule: str, places: tuple[int, ...]) -> float | None:
    """Return the factor that explains a check, as a line through two others and Newton's steps."""
    found = seen.found(check.calls, check.rows)
    assert found is not None

    def off(m: float) -> np.ndarray:
        schedule = Schedule(momentum=dict.fromkeys(places, m), rule=rule)
        blocks = seen.simulated(Mistake("momentum", schedule=schedule), check)
        return np.concatenate([(blocks[i] - found[i]).ravel() for i in places])

    one, other = 0.5, 0.6
    off_one, off_other = off(one), off(other)
    for _ in range(8):
        line = (off_other - off_one) / (other - one)
        size = float(line @ line)
        if size == 0 or not np.isfinite(size):
            return None
        new = other - float(off_other @ line) / size
        if not -0.5 < new < 2:
            return None
        one, off_one = other, off_other
        if abs(new - other) < 1e-14:
            break
        other, off_other = new, off(new)
    return round(other, 12)


def of_rates(seen: Observed) -> Candidates:
    """The learning rate falls from step to step: the multiples are fitted."""
    p = seen.problem
    most = max(check.steps for check in seen.checks)
    if p.kind == "full":
        lengths = [(t, 0) for t in range(most + 1)]
    else:
        steps = range(min(most, p.n_steps) + 1)
        lengths = [(0, min(t * p.batch_size, p.n_samples)) for t in steps]
    if len(lengths) < 4 or seen.wrong > 2 or p.momentum:
        return
    rates: list[float] = []
    before = seen.run.start
    for step, length in enumerate(lengths[1:]):
        after = seen.found(*length)
        if after is None or any(a.shape != b.shape for a, b in zip(after, before, strict=True)):
            return
        right = seen.run.steps(before, [seen.batch(step)], p.n_samples)
        rate = multiples(
            [b - a for a, b in zip(after, before, strict=True)],
            [b - r for r, b in zip(right, before, strict=True)],
        )
        if rate is None or rate <= 0:
            return
        rates.append(rate)
        before = after
    ratios = [one / other for one, other in zip(rates[1:], rates, strict=False)]
    if rates[0] < 1 + 1e-7 and all(ratio < 1 - 1e-7 for ratio in ratios):
        words = f"{', '.join(f'{rate:.5g}' for rate in rates)}, ... times what it should be"
        yield 1.1, Mistake("learning_rate_decay", words, schedule=Schedule(rates=tuple(rates)))


def of_order(seen: Observed) -> Candidates:
    """Samples come in another order, again, or not at all."""
    p = seen.problem
    if p.kind == "full" or seen.wrong > SOON or p.epochs > 1 or p.momentum:
        return
    yield from _sequences(seen)
    if p.kind == "batches":
        yield from _rows_out(seen)


def _sequences(seen: Observed) -> Candidates:
    """Try every sequence of the first two and three batches."""
    size, n = seen.problem.batch_size, seen.problem.n_samples
    fits: list[tuple[int, tuple[int, ...]]] = []
    for k in (2, 3):
        rows = min(k * size, n)
        if (k - 1) * size >= n or seen.found(0, rows) is None:
            continue
        fit = _sequence_of(seen, k, rows)
        if fit is None:
            return
        fits.append((k, fit))
    if not fits or all(fit == tuple(range(k)) for k, fit in fits):
        return
    k, fit = fits[-1]
    what = "samples" if size == 1 else "batches"
    schedule = Schedule(order=fit)
    if all(fit == tuple(range(k - 1)) for k, fit in fits):
        words = f"the last one of all {what}"
        yield 1.0, Mistake("last_batch_dropped", words, schedule=Schedule("last left out"))
    elif all(fit == tuple(range(1, k)) for k, fit in fits):
        yield (
            1.0,
            Mistake("sample_order", f"the first of the {what} is left out", (), Knobs(), schedule),
        )
    elif all(fit == tuple(range(k))[::-1] for k, fit in fits):
        yield (
            1.0,
            Mistake(
                "sample_order", "from the last to the first", schedule=Schedule("rows reversed")
            ),
        )
    else:
        order = ", ".join(str(i + 1) for i in fit)
        words = f"of the first {k} {what}: {order or 'none'}"
        yield 1.0, Mistake("sample_order", words, schedule=schedule)


def _sequence_of(seen: Observed, k: int, rows: int) -> tuple[int, ...] | None:
    """Return the sequence of k batches that gives the numbers found, the right one preferred."""
    check = Check(0, rows, 0, k, True)
    tried = [tuple(range(k)), *permutations(range(k))]
    for length in range(1, k + 1):
        tried += list(product(range(k), repeat=length))
    for order in tried:
        mistake = Mistake("sample_order", schedule=Schedule(order=order))
        if seen.explains(mistake, check):
            return order
    return None


def _rows_out(seen: Observed) -> Candidates:
    """Give one row more than a batch, or two: which of them come last?"""
    size, n = seen.problem.batch_size, seen.problem.n_samples
    for more in (1, 2):
        rows = size + more
        if rows > min(n, MOST_ROWS_OUT) or more >= size:
            return
        check = Check(0, rows, 0, 2, True)
        usual = tuple(range(size, rows))
        for out in combinations(range(rows), more):
            order = "out " + " ".join(map(str, out))
            mistake = Mistake("sample_order", "shuffled", schedule=Schedule(order=order))
            if out != usual and seen.explains(mistake, check):
                yield 1.0, mistake
                return


def _names(blocks: tuple[int, ...]) -> str:
    return ", ".join(f"{'Wb'[i % 2]}{i // 2 + 1}" for i in blocks)
